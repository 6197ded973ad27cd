"""A runbook of ours is found by the alert that it is of, and by what the rules name; nothing else is."""

import re
from pathlib import Path

import pytest
import yaml

from services.frontend.runbooks import every_runbook, find_runbook, runbook_at
from testkit.frontend.screen import texts

ROOT = Path(__file__).parents[3]


def alerts():
    rules = yaml.safe_load((ROOT / "prometheus/rules/alerts.yml").read_text())
    return [rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule]


def test_every_rule_that_comes_with_it_has_its_runbook():
    found = {rule["alert"]: runbook_at(rule["annotations"]["runbook_url"]) for rule in alerts()}
    assert len(found) > 20
    assert {name: runbook and runbook.alert for name, runbook in found.items()} == {name: name for name in found}


def test_every_runbook_says_what_it_means_and_what_to_do():
    assert [r.alert for r in every_runbook().values() if not r.meaning or "**Do**" not in r.text] == []


def test_links_lead_to_other_runbooks_or_become_their_text():
    text = "".join(runbook.text for runbook in every_runbook().values())
    links = set(re.findall(r"\]\(([^)]+)\)", text))
    assert "/runbooks?alert=MemoryNearLimit" in links
    assert [link for link in links if not link.startswith("https://") and runbook_at(link) is None] == []


@pytest.mark.parametrize(
    "address",
    [
        "https://page.example.com/runbooks?alert=DriftDetected",
        "http://127.0.0.1:8501/runbooks?alert=driftdetected",
        "{{ $externalLabels.public_url }}/runbooks?alert=DriftDetected",
    ],
)
def test_it_is_found_wherever_the_page_is_said_to_be(address):
    assert runbook_at(address) is find_runbook("DriftDetected")


@pytest.mark.parametrize(
    "address",
    [
        "https://page.example.com/runbooks?alert=None",
        "https://page.example.com/runbooks",
        "https://x.org/runbooks.md#servicedown",
        "/etc/passwd?alert=DriftDetected",
        "",
    ],
)
def test_what_is_no_runbook_of_ours_is_none(address):
    assert runbook_at(address) is None


def test_the_page_shows_the_runbook_that_the_address_names(visit):
    page = visit("runbooks", alert="DriftDetected")
    assert page.title[0].value == "DriftDetected"
    assert "**Means** the newest window differs" in texts(page)


def test_the_page_lists_all_of_them(visit):
    page = visit("runbooks")
    assert "Less than a tenth and less than 10 GB" in texts(page)
    assert not page.warning


def test_an_unknown_alert_is_named_as_it_stands_and_the_list_shown(visit):
    page = visit("runbooks", alert="*Coffee*")
    assert page.warning[0].value == r"There is no runbook of \*Coffee\*."
    assert "Less than a tenth and less than 10 GB" in texts(page)

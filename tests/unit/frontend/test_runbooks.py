"""A runbook of ours is found by what the rules name, and nothing else is."""

import re
from pathlib import Path

import pytest
import yaml

from services.frontend.views.alerts import runbooks

ROOT = Path(__file__).parents[3]


def alerts():
    rules = yaml.safe_load((ROOT / "prometheus/rules/alerts.yml").read_text())
    return [rule["annotations"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule]


def test_every_rule_that_comes_with_it_has_its_section():
    found = [runbooks.section(annotations["runbook_url"]) for annotations in alerts()]
    assert len(found) > 20
    assert all(section and "**Do**" in section for section in found)


def test_links_to_other_files_become_their_text():
    sections = [runbooks.section(annotations["runbook_url"]) for annotations in alerts()]
    assert not re.search(r"\]\((?!https?://)", "".join(sections))


@pytest.mark.parametrize(
    "address",
    [
        "docs/runbooks.md#none",
        "docs/runbooks.md",
        "https://x.org/runbooks.md#servicedown",
        "/etc/passwd#root",
        "",
    ],
)
def test_what_is_no_section_of_ours_is_none(address):
    assert runbooks.section(address) is None

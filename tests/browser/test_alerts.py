"""An alert is acknowledged, snoozed and heard again: in a browser, with the Alertmanager of the running stack."""

import httpx2
import pytest
from playwright.sync_api import expect

from testkit.stack import alertmanager as rig
from testkit.waiting import wait_for

pytestmark = pytest.mark.skipif(rig.MISSING, reason="there is no Alertmanager on this machine")
WAIT = 20_000


def states(addresses, model):
    alerts = httpx2.get(f"{addresses['alertmanager']}/api/v2/alerts").json()
    return [a["status"]["state"] for a in alerts if a["labels"].get("model") == model]


def card(page, model):
    return page.locator("[class*=st-key-alert-]").filter(has_text=f"{model} 1")


def decide(page, label, why, *chosen):
    card(page, "flats").get_by_role("button", name=label, exact=True).click()
    dialog = page.get_by_role("dialog")
    for each in chosen:
        dialog.get_by_text(each).click()
    dialog.get_by_label("Your name").fill("Ana")
    dialog.get_by_label("Why").fill(why)
    dialog.get_by_role("button", name=label, exact=True).click()
    expect(dialog).to_have_count(0, timeout=WAIT)


def test_an_alert_is_acknowledged_snoozed_and_heard_again(visit, addresses):
    rig.fire(addresses["alertmanager"], model="flats")
    page = visit("/alerts")
    decide(page, "Acknowledge", "new customers <b>&</b> prices")
    shown = card(page, "flats")
    expect(shown.get_by_text("Ana acknowledged it until")).to_be_visible(timeout=WAIT)
    expect(shown.get_by_text('"new customers <b>&</b> prices"')).to_be_visible()
    assert states(addresses, "flats") == ["suppressed"]
    decide(page, "Snooze", "quiet for now", "Until I say")
    expect(shown.get_by_text('Ana snoozed it until somebody ends it: "quiet for now"')).to_be_visible(timeout=WAIT)
    expect(shown.get_by_text("Ana acknowledged it")).to_have_count(0)
    shown.get_by_role("button", name="End snooze").click()
    expect(shown.get_by_role("button", name="End snooze")).to_have_count(0, timeout=WAIT)
    wait_for(lambda: states(addresses, "flats") == ["active"])


def test_a_dialog_stays_while_the_page_draws_itself_anew(visit, addresses):
    rig.fire(addresses["alertmanager"], model="barns")
    page = visit("/alerts")
    card(page, "barns").get_by_role("button", name="Snooze", exact=True).click()
    name = page.get_by_role("dialog").get_by_label("Your name")
    name.fill("Ana")
    rig.fire(addresses["alertmanager"], model="sheds")
    expect(card(page, "sheds")).to_be_visible(timeout=WAIT)
    expect(name).to_have_value("Ana")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0, timeout=WAIT)


def test_a_test_message_lands_in_the_inbox(visit, addresses):
    page = visit("/alerts")
    expect(page.get_by_text("To this page's inbox alone: nobody is told.")).to_be_visible(timeout=WAIT)
    page.get_by_role("button", name="Send a test message").click()
    expect(page.get_by_text("A test message is on its way")).to_be_visible(timeout=WAIT)
    inbox = page.get_by_test_id("stDataFrame").first  # the next one, of the rules, is folded away
    expect(inbox.locator("td").filter(has_text="TestMessage").first).to_be_attached(timeout=3 * WAIT)

"""An alert is acknowledged and snoozed on the page, in a real Alertmanager, with who and why."""

from datetime import UTC, datetime, timedelta

import httpx2
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from pilothouse.wire.alerts import AlertChannel, AlertChannels
from services.frontend.clients import cache
from testkit.frontend.screen import press, texts
from testkit.serving import serving
from testkit.stack import alertmanager as rig
from testkit.waiting import wait_for

pytestmark = pytest.mark.skipif(rig.MISSING, reason="there is no Alertmanager on this machine")
ACKNOWLEDGE, SNOOZE = "Acknowledge", "Snooze"


MAIL = "email_configs: [{to: nobody@a.example, from: a@a.example, smarthost: '127.0.0.1:1', require_tls: false}]"


@pytest.fixture
def received():
    """What a webhook was sent."""
    return []


@pytest.fixture
def hook(received):
    async def take(request):
        received.append(await request.json())
        return Response()

    with serving(Starlette(routes=[Route("/hook", take, methods=["POST"])])) as url:
        yield f"{url}/hook"


@pytest.fixture
def alertmanager(tmp_path, monkeypatch, stand_in, hook):
    """One that the page knows, below a path of its own, as in `make run`. Its mail server does not answer."""
    receivers = f"receivers: [{{name: all, webhook_configs: [{{url: '{hook}'}}], {MAIL}}}]"
    with rig.alertmanager(tmp_path, receivers, prefix="/secret") as started:
        monkeypatch.setenv("PILOTHOUSE_ALERTMANAGER_URL", started.url)
        yield started


def decide(page, label, name="Ana", why="new customers", until=None):
    """Press the button of the first card, and fill in what it asks for."""
    return fill(press(page, label), label, name, why, until)


def fill(page, label, name="Ana", why="new customers", until=None):
    """Fill in the dialog that is open, and press its button."""
    next(w for w in page.text_input if w.label == "Your name").set_value(name)
    next(w for w in page.text_area if w.label == "Why").set_value(why)
    if until:
        next(w for w in page.segmented_control if w.label == "For how long").set_value(until)
    [b for b in page.button if b.label == label][-1].click().run()
    assert not page.exception
    return page


def silences(alertmanager, state="active"):
    return [s for s in alertmanager.ask("silences") if s["status"]["state"] == state]


def lasts(silence):
    ends = datetime.fromisoformat(silence["endsAt"])
    return timedelta(seconds=round((ends - datetime.now(UTC)).total_seconds() / 60) * 60)


def test_an_acknowledged_alert_is_silent_for_a_day_and_says_who_and_why(visit, alertmanager):
    alertmanager.fire()
    decide(visit("alerts"), ACKNOWLEDGE)
    (silence,) = silences(alertmanager)
    assert (silence["createdBy"], silence["comment"]) == ("Ana", "Acknowledged: new customers")
    assert lasts(silence) == timedelta(days=1)
    page = visit("alerts")
    assert "Ana acknowledged it until" in texts(page)
    assert ': "new customers"' in texts(page).replace("\\", "")
    assert "Nothing fires." not in texts(page)


@pytest.mark.parametrize(("chosen", "length"), [("1h", timedelta(hours=1)), ("1d", timedelta(days=1))])
def test_a_snooze_lasts_as_long_as_was_chosen(visit, alertmanager, chosen, length):
    alertmanager.fire()
    decide(visit("alerts"), SNOOZE, until=chosen)
    assert [lasts(s) for s in silences(alertmanager)] == [length]


def test_a_snooze_until_i_say_stays_until_somebody_ends_it(visit, alertmanager):
    alertmanager.fire()
    decide(visit("alerts"), SNOOZE, until="open")
    page = visit("alerts")
    assert "snoozed it until somebody ends it" in texts(page)
    press(page, "End snooze")
    assert [a["status"]["state"] for a in alertmanager.ask("alerts")] == ["active"]
    assert silences(alertmanager) == []


@pytest.mark.parametrize(
    "other", [{"model": "flats"}, {"version": "2"}, {"column": "rooms"}, {"job": "drift"}, {"alertname": "DataMissing"}]
)
def test_no_other_alert_is_silenced_with_it(visit, alertmanager, other):
    alertmanager.fire()
    decide(visit("alerts"), ACKNOWLEDGE)
    alertmanager.fire(**other)
    assert sorted(a["status"]["state"] for a in alertmanager.ask("alerts")) == ["active", "suppressed"]


def test_the_name_is_remembered_and_both_are_asked_for(visit, alertmanager):
    alertmanager.fire()
    page = decide(visit("alerts"), SNOOZE, name=" ", why="x")
    assert "Say who you are, and why" in texts(page)
    assert silences(alertmanager) == []
    page = decide(page, SNOOZE, name="Ana")
    press(page, "End snooze")
    press(page, ACKNOWLEDGE)
    assert next(w for w in page.text_input if w.label == "Your name").value == "Ana"


def test_a_reason_that_is_too_long_is_said_and_can_be_mended(visit, alertmanager):
    alertmanager.fire()
    page = decide(visit("alerts"), SNOOZE, why="y" * 10_000)
    assert "Shorter, please" in texts(page)
    assert silences(alertmanager) == []
    fill(page, SNOOZE, why="y" * 500)
    assert silences(alertmanager)[0]["comment"] == "y" * 500


def test_a_second_decision_takes_the_place_of_the_first(visit, alertmanager):
    alertmanager.fire()
    decide(visit("alerts"), ACKNOWLEDGE)
    decide(visit("alerts"), SNOOZE, name="Ben")
    assert [s["createdBy"] for s in silences(alertmanager)] == ["Ben"]


def test_who_comes_second_is_told_of_the_first(visit, alertmanager):
    alertmanager.fire()
    second = press(visit("alerts"), ACKNOWLEDGE)
    decide(visit("alerts"), ACKNOWLEDGE, name="Ben")
    fill(second, ACKNOWLEDGE)
    assert "Meanwhile Ben acknowledged it" in texts(second)
    assert [s["createdBy"] for s in silences(alertmanager)] == ["Ben"]


def test_an_alert_that_ended_meanwhile_is_not_silenced(visit, alertmanager):
    alertmanager.fire()
    page = press(visit("alerts"), ACKNOWLEDGE)
    alertmanager.fire(ends_at=datetime.now(UTC))
    wait_for(lambda: not alertmanager.ask("alerts"))
    fill(page, ACKNOWLEDGE)
    assert "This alert has ended meanwhile. Nothing was changed." in texts(page)
    assert silences(alertmanager) == []


def test_a_snooze_outlives_its_alert_and_is_listed_until_it_is_ended(visit, alertmanager):
    alertmanager.fire()
    decide(visit("alerts"), SNOOZE, until="open")
    alertmanager.fire(ends_at=datetime.now(UTC))
    wait_for(lambda: not alertmanager.ask("alerts"))
    cache.forget()
    page = visit("alerts")
    assert "Nothing fires." in texts(page)
    assert page.expander[0].label == "1 snooze of what does not fire now"
    press(page, "End snooze")
    assert silences(alertmanager) == []


def test_an_ended_snooze_may_be_ended_again(visit, alertmanager):
    alertmanager.fire()
    decide(visit("alerts"), SNOOZE)
    page, same = visit("alerts"), visit("alerts")
    press(page, "End snooze")
    assert "cannot be shown" not in texts(press(same, "End snooze"))


def test_a_silence_of_several_alerts_stands_with_each_and_says_so(visit, alertmanager):
    """As `amtool` makes them; nobody says why."""
    for column in ("rooms", "area"):
        alertmanager.fire(column=column)
    now = datetime.now(UTC)
    wide = {"matchers": [{"name": "column", "value": "r.*|area", "isRegex": True}], "createdBy": "amtool",
            "comment": "", "startsAt": now.isoformat(), "endsAt": (now + timedelta(hours=1)).isoformat()}  # fmt: skip
    httpx2.post(f"{alertmanager.url}/api/v2/silences", json=wide).raise_for_status()
    page = visit("alerts")
    assert [b.label for b in page.button].count("End snooze") == 2
    assert texts(page).count(', without a reason (with all that matches `column=~"r.*|area"`)') == 2
    press(page, "End snooze")
    assert silences(alertmanager) == []


def test_of_many_alerts_the_rest_is_a_table_and_a_snooze_can_still_be_ended(visit, alertmanager):
    alertmanager.fire()
    decide(visit("alerts"), SNOOZE)
    for number in range(30):
        alertmanager.fire(column=f"c{number}")
    cache.forget()
    page = visit("alerts")
    assert "5 more:" in texts(page)
    assert len(page.dataframe[0].value) == 5
    assert [b.label for b in page.button].count("End snooze") == 1


def test_words_are_shown_as_they_were_written(visit, alertmanager):
    alertmanager.fire(model="<b>*x*</b>", version="[a](http://b)")
    decide(visit("alerts"), ACKNOWLEDGE, name="<script>x</script>", why="**bold** $x$ " + "y" * 400)
    said = texts(visit("alerts"))
    assert r"\<script\>x" in said
    assert r"\*\*bold\*\* \$x\$" in said
    assert "y" * 300 not in said


def test_alertmanager_that_is_away_is_said_and_the_rest_goes_on(visit, stand_in, alertmanager):
    alertmanager.fire()
    page = press(visit("alerts"), ACKNOWLEDGE)
    alertmanager.stop()
    stand_in.alerts = [{"name": "Down", "status": "firing", "summary": "it is down"}]
    fill(page, ACKNOWLEDGE)
    assert "That did not work. The Alertmanager service does not answer" in texts(page)
    cache.forget()
    said = texts(visit("alerts"))
    assert "**What Alertmanager holds** cannot be shown" in said
    assert "**Down**" in said
    alertmanager.start()
    cache.forget()
    assert "cannot be shown" not in texts(visit("alerts"))


def test_silences_survive_a_restart(visit, alertmanager):
    alertmanager.fire()
    decide(visit("alerts"), SNOOZE, until="1d")
    alertmanager.stop()
    alertmanager.start()
    alertmanager.fire()
    cache.forget()
    assert "Ana snoozed it" in texts(visit("alerts"))


def test_where_keys_are_a_snooze_needs_one_with_the_scope_ingest(visit, alertmanager, tmp_path, monkeypatch):
    (tmp_path / "keys").write_text(f"{'r' * 20} read\n{'i' * 20} ingest\n")
    monkeypatch.setenv("PILOTHOUSE_API_KEYS_FILE", str(tmp_path / "keys"))
    monkeypatch.setenv("PILOTHOUSE_API_KEY", "r" * 20)
    alertmanager.fire()
    page = decide(visit("alerts"), ACKNOWLEDGE)
    assert "wants an API key with the right scope" in texts(page)
    assert silences(alertmanager) == []
    next(w for w in page.text_input if w.label == "API key").set_value("i" * 20)
    press(page, "Keep for this visit")
    decide(page, ACKNOWLEDGE)
    assert len(silences(alertmanager)) == 1


def test_without_an_alertmanager_the_page_says_what_would_be_possible(visit, stand_in):
    stand_in.alerts = [{"name": "Down", "status": "firing", "summary": "it is down", "labels": {"job": "drift"}}]
    page = visit("alerts")
    assert ACKNOWLEDGE not in [b.label for b in page.button]
    assert "PILOTHOUSE_ALERTMANAGER_URL" in texts(page)


def test_a_test_message_arrives_and_says_that_it_is_one(visit, alertmanager, received, monkeypatch):
    monkeypatch.setenv("PILOTHOUSE_PUBLIC_URL", "https://ph.example/")
    page = press(visit("alerts"), "Send a test message")
    assert "cannot be shown" not in texts(page)
    wait_for(lambda: received, 20)
    (alert,) = received[0]["alerts"]
    assert (alert["labels"]["alertname"], alert["labels"]["severity"]) == ("TestMessage", "info")
    assert alert["annotations"]["summary"].startswith("This is a test message, sent by somebody")
    assert (alert["status"], alert["annotations"]["page_url"]) == ("firing", "https://ph.example/alerts")
    assert datetime.fromisoformat(alert["startsAt"]) <= datetime.now(UTC)
    (held,) = alertmanager.ask("alerts")
    assert datetime.fromisoformat(held["endsAt"]) - datetime.now(UTC) < timedelta(seconds=61)


def test_a_channel_that_fails_is_named_with_what_was_found_at_the_start(visit, alertmanager, tmp_path, monkeypatch):
    channels = AlertChannels("2026-11-27T12:00:00Z", [AlertChannel("email", "ops@a.example", "the password is wrong")])
    (tmp_path / "channels.json").write_bytes(msgspec.json.encode(channels))
    monkeypatch.setenv("PILOTHOUSE_ALERT_CHANNELS_FILE", str(tmp_path / "channels.json"))
    said = texts(visit("alerts"))
    assert "**E-mail** ops@\u2060a.example".replace("@", r"\@") in said
    assert "Nothing was sent yet\\: the password is wrong." in said


def test_a_channel_of_alertmanagers_own_configuration_says_that_its_messages_fail(visit, alertmanager):
    """Nobody listens at its mail server."""
    alertmanager.fire()
    failed = 'alertmanager_notification_requests_failed_total{integration="email"} 0'
    wait_for(lambda: failed not in httpx2.get(f"{alertmanager.url}/metrics").text, 20)
    cache.forget()
    said = texts(visit("alerts"))
    assert "**E-mail** nobody" in said
    assert "attempts failed, and none succeeded" in said

"""The message of the drift alert: found in a real inbox, new ones told from old ones, and said when none can come."""

import io
from types import SimpleNamespace

import httpx2
import pytest
from rich.console import Console
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.alert_message import AlertMessages
from demo.alert_rule import read_rule
from demo.running_stack import RunningStack
from pilothouse.errors import PilothouseError
from services.collector.app import create_app
from services.collector.settings import CollectorSettings
from testkit.ports import closed_address
from testkit.serving import serving
from testkit.waiting import wait_for

VERDICT = {"model": "houses", "version": "1", "verdict": "drift", "at": "2026-11-27T12:00:00.000Z"}


def sent(status="firing", model="houses", starts_at="2026-11-27T12:00:45Z", name="DriftDetected"):
    """What Alertmanager's webhook posts."""
    labels = {"alertname": name, "model": model, "version": "1", "severity": "warning"}
    notes = {
        "summary": f"recent data of {model} 1 have drifted",
        "details": "price: score 0.42, drifted from 0.10 on",
        "report_url": f"http://127.0.0.1:8501/drift-report?model={model}",
    }
    alert = {
        "status": status,
        "labels": labels,
        "annotations": notes,
        "startsAt": starts_at,
        "fingerprint": f"of {model}",
    }
    return {"alerts": [alert | {"endsAt": "2026-11-27T12:05:00Z" if status == "resolved" else "0001-01-01T00:00:00Z"}]}


@pytest.fixture
def world(tmp_path):
    """A collector, what Prometheus answers, and what the demo prints. Each look at Prometheus lets the next post in."""
    rule = {"name": "DriftDetected", "duration": 0.5, "alerts": [{"labels": {"model": "houses"}, "state": "pending"}]}
    world = SimpleNamespace(rules=[{"name": "Other"}, rule], managers=[{"url": "http://am"}], posts=[], answers=99)

    def alertmanagers(_):
        return JSONResponse({"data": {"activeAlertmanagers": world.managers}})

    def rules(_):
        world.answers -= 1
        if world.answers < 0:
            return Response("starting", 503)
        if world.posts:
            world.post(world.posts.pop(0))
        return JSONResponse({"data": {"groups": [{"rules": world.rules}]}})

    prometheus = Starlette(routes=[Route("/api/v1/alertmanagers", alertmanagers), Route("/api/v1/rules", rules)])
    settings = CollectorSettings(port=0, database_url=f"sqlite:///{tmp_path}/collector.sqlite", state=tmp_path)
    with serving(create_app(settings)) as collector, serving(prometheus) as judge, httpx2.Client() as http:
        wait_for(lambda: httpx2.get(f"{collector}/health/ready").status_code == 200)
        world.post = lambda body: httpx2.post(f"{collector}/v1/alerts", json=body).raise_for_status()
        world.stack = RunningStack(http, "", collector, "", judge, "http://page")
        world.out = io.StringIO()
        world.console = Console(file=world.out, width=40, soft_wrap=True)
        yield world


def told(world, verdict=VERDICT):
    messages = AlertMessages(world.stack, world.console, patience_seconds=1.5)
    messages.expect(verdict)
    messages.show()
    return world.out.getvalue()


def test_it_is_waited_for_and_shown_as_it_arrived(world):
    world.posts = [sent(model="another"), sent()]
    said = told(world)
    assert said.startswith("waiting for DriftDetected of houses: it fires after 0 s of drift\n")
    for words in (
        "recent data of houses 1 have drifted", "since: 2026-11-27 12:00:45 UTC",
        "\n  price: score 0.42, drifted from 0.10 on",
        "\n  report: http://127.0.0.1:8501/drift-report?model=houses", "DriftDetected of houses: the message arrived",
    ):  # fmt: skip
        assert words in said
    assert "another" not in said and "fired since before" not in said


def test_how_long_after_the_verdict_counts_from_the_first_one(world):
    messages = AlertMessages(world.stack, world.console, patience_seconds=1.5)
    messages.expect(VERDICT)
    messages.expect(VERDICT | {"at": "2030-01-01T00:00:00Z"})
    world.posts = [sent()]
    messages.show()
    assert "arrived -" not in world.out.getvalue()


def test_one_that_fires_since_an_earlier_demo_is_not_taken_for_the_new_one(world):
    world.post(sent())
    said = told(world)
    assert "DriftDetected of houses has fired since before this demo, so nobody is told again" in said
    assert "after the verdict" not in said


def test_after_the_end_of_an_earlier_one_the_new_one_is_waited_for(world):
    world.post(sent())
    messages = AlertMessages(world.stack, world.console, patience_seconds=1.5)
    messages.expect(VERDICT)
    world.post(sent("resolved"))
    world.posts = [sent(starts_at="2026-11-27T12:10:00Z")]
    messages.show()
    assert "after the verdict" in world.out.getvalue() and "12:10:00" in world.out.getvalue()


def test_what_does_not_arrive_is_said_with_the_place_to_look(world):
    world.posts = [sent(name="DataMissing")]
    said = told(world)
    assert "No message about houses came in time; http://page/alerts may say why." in said


def test_without_drift_nothing_is_waited_for(world):
    AlertMessages(world.stack, world.console, patience_seconds=1.5).show()
    assert world.out.getvalue() == ""


def test_one_of_another_version_is_not_the_one(world):
    world.post(sent())
    assert "No message about houses came in time" in told(world, VERDICT | {"version": "2"})


def test_what_is_waited_for_follows_the_alert(world):
    world.rules[1]["alerts"][0]["state"] = "firing"
    world.posts = [sent(model="another"), sent()]
    assert "DriftDetected of houses fires: waiting for the message" in told(world)


@pytest.mark.parametrize(
    ("managers", "rules", "why"),
    [
        ([], [{"name": "DriftDetected"}], "has no Alertmanager to send alerts to"),
        ([{}], [{"name": "Other"}], "has no rule DriftDetected: it is not the one of this stack"),
    ],
)
def test_a_prometheus_from_which_no_message_can_come_says_why_at_once(world, managers, rules, why):
    world.managers, world.rules = managers, rules
    said = told(world)
    assert said == f"No message about the drift is waited for: the Prometheus at {world.stack.prometheus} {why}.\n"


def test_no_prometheus_is_named_with_the_address_that_was_tried(world):
    address = closed_address()
    with pytest.raises(PilothouseError, match=f"no Prometheus answers at {address}"):
        read_rule(world.stack.http, address)


def test_something_else_on_the_port_of_prometheus_is_no_prometheus(world):
    with pytest.raises(PilothouseError, match="no Prometheus answers at"):
        read_rule(world.stack.http, world.stack.collector)


def test_a_prometheus_that_goes_away_meanwhile_does_not_end_the_demo(world):
    world.answers = 1
    world.posts = [sent(model="another")]
    assert "No message about houses came in time" in told(world)
    assert world.answers < 0

"""Drift runs, alerts and counts: kept once, listed newest first."""

import pytest

from pilothouse.ids import uuid7
from testkit.collector.driver import DAY, NOW, PRICES, row

HOUR = 3_600_000
RUN = {
    "model": "houses", "version": "1", "at": "2026-11-18T10:00:00Z", "verdict": "drift", "drift_share": 0.5,
    "window": {"from": "2026-11-18T09:00:00Z", "to": NOW, "rows": 900},
    "columns": [{"name": "area", "score": 0.3, "note": "odd \0 \N{SNOWMAN}"}],
}  # fmt: skip
ALERT = {
    "status": "firing", "labels": {"alertname": "Drift", "severity": "page", "model": "houses"}, "fingerprint": "f00d",
    "annotations": {"summary": "houses drifts"}, "startsAt": "2026-11-18T10:00:00.123456789Z",
    "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://grafana/alert",
}  # fmt: skip


async def post_run(collector, **changes):
    return await collector.http.post("/v1/drift-runs", json=RUN | changes)


async def runs(collector, **query):
    return (await collector.http.get("/v1/drift-runs", params=query)).json()["drift_runs"]


async def test_a_drift_run_comes_back_as_it_was(empty):
    assert (await post_run(empty)).status_code == 201
    (run,) = await runs(empty, model="houses")
    assert run.pop("id")
    assert run == RUN | {"at": "2026-11-18T10:00:00.000Z"}


async def test_a_drift_run_sent_again_is_stored_once(empty):
    await post_run(empty)
    assert (await post_run(empty)).json() == {"stored": False}
    assert len(await runs(empty)) == 1


async def test_drift_runs_are_found_by_model_version_and_time_newest_first(empty):
    for hour in (8, 9, 10):
        await post_run(empty, at=f"2026-11-18T{hour:02}:00:00Z")
    await post_run(empty, model="prices", at=NOW)
    found = await runs(empty, model="houses", version="1", **{"from": "2026-11-18T09:00:00Z"})
    assert [r["at"][11:13] for r in found] == ["10", "09"]
    assert await runs(empty, model="houses", to="2026-11-18T08:00:00Z") == []


async def test_lists_go_on_by_cursor(empty):
    for hour in range(5):
        await post_run(empty, at=f"2026-11-18T{hour:02}:00:00Z")
    first = (await empty.http.get("/v1/drift-runs", params={"limit": 3})).json()
    second = (await empty.http.get("/v1/drift-runs", params={"limit": 3, "cursor": first["next"]})).json()
    assert [r["at"][12] for r in first["drift_runs"] + second["drift_runs"]] == ["4", "3", "2", "1", "0"]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"model": None}, "model"),
        ({"verdict": "x" * 200}, "verdict"),
        ({"version": "a\0"}, "version"),
        ({"drift_share": 2}, "drift_share"),
        ({"window": []}, None),
        ({"window": [1]}, "window"),
        ({"window": {"rows": -1}}, "window.rows"),
        ({"window": {"from": "x"}}, "window.from"),
        ({"at": 1.5}, "at"),
    ],
)
async def test_a_drift_run_that_is_wrong_is_refused_with_the_field_named(empty, changes, path):
    answer = await post_run(empty, **changes)
    if path is None:
        assert answer.status_code == 201
    else:
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, path)


async def post_alert(collector, **changes):
    answer = await collector.http.post("/v1/alerts", json={"receiver": "pilothouse", "alerts": [ALERT | changes]})
    assert answer.status_code == 200, answer.text


async def alerts(collector, **query):
    return (await collector.http.get("/v1/alerts", params=query)).json()["alerts"]


async def test_an_alert_that_fires_on_is_one_episode(empty):
    await post_alert(empty)
    await post_alert(empty, annotations={"summary": "still"})
    (alert,) = await alerts(empty)
    assert (alert["status"], alert["summary"], alert["ends_at"]) == ("firing", "still", None)
    assert (alert["name"], alert["severity"], alert["model"]) == ("Drift", "page", "houses")


async def test_an_episode_ends_and_a_late_message_does_not_begin_it_again(empty):
    await post_alert(empty, status="resolved", endsAt="2026-11-18T10:30:00Z")
    await post_alert(empty)
    (alert,) = await alerts(empty, status="resolved")
    assert alert["ends_at"] == "2026-11-18T10:30:00.000Z"
    assert await alerts(empty, status="firing") == []


async def test_another_beginning_is_another_episode(empty):
    await post_alert(empty)
    await post_alert(empty, startsAt="2026-11-18T11:00:00Z")
    assert len(await alerts(empty, model="houses")) == 2


async def test_what_begins_anew_has_ended_before(empty):
    await post_alert(empty)
    await post_alert(empty, startsAt="2026-11-18T11:00:00Z")
    assert [a["starts_at"] for a in await alerts(empty, status="firing")] == ["2026-11-18T11:00:00.000Z"]
    assert [a["ends_at"] for a in await alerts(empty, status="resolved")] == ["2026-11-18T11:00:00.000Z"]


async def test_an_alert_that_nobody_repeats_expires_and_fires_again_when_somebody_does(empty):
    await post_alert(empty)
    assert empty.metric("alerts_firing", severity="other") == 1
    empty.clock.now += 9 * HOUR + 1000
    (alert,) = await alerts(empty)
    assert (alert["status"], alert["silent_seconds"], alert["ends_at"]) == ("expired", 9 * 3600 + 1, None)
    assert await alerts(empty, status="firing") == []
    assert len(await alerts(empty, status="expired")) == 1
    await post_alert(empty)
    assert [a["status"] for a in await alerts(empty)] == ["firing"]
    assert await alerts(empty, status="expired") == []


async def test_the_gauge_has_the_severities_that_are_known_and_one_for_the_rest(empty):
    for place, severity in enumerate(("critical", "critical", "info", "x" * 5000, None)):
        labels = {"alertname": "a"} | ({"severity": severity} if severity else {})
        await post_alert(empty, fingerprint=f"f{place}", labels=labels)
    await post_alert(empty, fingerprint="f0", status="resolved")
    firing = {s: empty.metric("alerts_firing", severity=s) for s in ("critical", "warning", "info", "other")}
    assert firing == {"critical": 1, "warning": 0, "info": 1, "other": 2}


GRAFANA = {  # from Grafana's documentation of its webhook contact point
    "receiver": "inbox", "status": "firing", "orgId": 1, "groupLabels": {}, "commonLabels": {"team": "blue"},
    "commonAnnotations": {}, "externalURL": "https://play.grafana.org/", "version": "1", "groupKey": "{}:{}",
    "truncatedAlerts": 0, "title": "[FIRING:2] (blue)", "state": "alerting", "message": "**Firing**",
    "alerts": [
        {
            "status": "firing", "labels": {"alertname": "High memory usage", "team": "blue", "severity": "critical"},
            "annotations": {
                "description": "The system has high memory usage", "summary": "This alert was triggered for zone us-1",
                "runbook_url": "https://myrunbook.com/runbook/1234",
            },
            "startsAt": "2021-10-12T09:51:03.157076+02:00", "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "https://play.grafana.org/alerting/1afz29v7z/edit", "fingerprint": "c6eadffa33fcdf37",
            "silenceURL": "https://play.grafana.org/alerting/silence/new", "dashboardURL": "", "panelURL": "",
            "values": {"B": 44.23943737541908, "C": 1},
        },
        {
            "status": "firing", "annotations": None, "values": None, "imageURL": "",
            "labels": {"alertname": "DatasourceNoData", "rulename": "Drift", "datasource_uid": "x", "ref_id": "A"},
            "startsAt": "2021-10-12T09:56:03.157076+02:00", "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "javascript:alert(1)", "fingerprint": "bc97ff14869b13e3",
        },
    ],
}  # fmt: skip


async def test_grafanas_own_payload_is_taken_with_its_runbook(empty):
    assert (await empty.http.post("/v1/alerts", json=GRAFANA)).json() == {"stored": 2}
    nodata, memory = await alerts(empty)
    assert (memory["name"], memory["severity"]) == ("High memory usage", "critical")
    assert memory["summary"] == "This alert was triggered for zone us-1"
    assert (memory["runbook_url"], memory["dashboard_url"]) == ("https://myrunbook.com/runbook/1234", None)
    assert (memory["starts_at"], memory["ends_at"]) == ("2021-10-12T07:51:03.157Z", None)
    assert (nodata["name"], nodata["url"], nodata["runbook_url"]) == ("Drift (DatasourceNoData)", None, None)


async def test_alertmanagers_alerts_without_fingerprint_are_told_apart_by_their_labels(empty):
    await post_alert(empty, fingerprint="")
    await post_alert(empty, fingerprint="", labels={"alertname": "Other\0"})
    assert len(await alerts(empty)) == 2


@pytest.mark.parametrize("payload", [{}, {"alerts": {}}, {"alerts": [1]}, {"alerts": [ALERT | {"status": "?"}]},
                                     {"alerts": [ALERT | {"startsAt": "now"}]}, {"alerts": [ALERT | {"labels": [1]}]},
                                     {"alerts": [ALERT | {"labels": {"a": 1}}]}, [1]])  # fmt: skip
async def test_what_is_no_webhook_is_refused(empty, payload):
    assert (await empty.http.post("/v1/alerts", json=payload)).status_code == 422


async def test_counts_and_spans_by_model_version(collector):
    await collector.announce(PRICES)
    await collector.store([row(at_ms=NOW - DAY), row(at_ms=NOW)])
    await collector.http.post("/v1/labels", json=[{"record_id": str(uuid7(NOW)), "label": "yes"}])
    stats = (await collector.http.get("/v1/stats")).json()["models"]
    assert stats == [
        {"model": "houses", "version": "1", "records": 2, "first": "2026-11-17T11:06:40.000Z",
         "last": "2026-11-18T11:06:40.000Z", "labels": 0, "labels_estimated": False},
        {"model": "prices", "version": "2.0-rc.1", "records": 0, "first": None, "last": None, "labels": 0,
         "labels_estimated": False},
    ]  # fmt: skip


PERFORMANCE = RUN | {"verdict": "below floor", "metric": "mae", "measured": {"metrics": {"mae": {"value": 97.2}}}}


async def test_a_performance_run_comes_back_as_it_was_and_once(empty):
    answers = [await empty.http.post("/v1/performance-runs", json=PERFORMANCE) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 200]
    found = (await empty.http.get("/v1/performance-runs", params={"model": "houses"})).json()
    (run,) = found["performance_runs"]
    assert run.pop("id")
    assert (run, found["next"]) == (PERFORMANCE | {"at": "2026-11-18T10:00:00.000Z"}, None)
    assert await runs(empty) == []


async def test_a_performance_run_without_its_metric_is_refused(empty):
    answer = await empty.http.post("/v1/performance-runs", json=PERFORMANCE | {"metric": None})
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "metric")

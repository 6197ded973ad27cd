"""Whatever is sent: what is damaged is refused or set aside in words. Nothing of it is an error of ours (500)."""

import json

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pilothouse.ids import uuid7
from testkit.collector.cloudevents import REQUEST, RESPONSE, headers
from testkit.collector.driver import MANIFEST, NOW, Clock, columns_of, row, running

ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=8),
    st.sampled_from(["\0", "\ud800", "", "x" * 20_000, "1e999", "2026-13-40T00:00:00Z", "0001-01-01T00:00:00Z"]),
)  # fmt: skip


def nested(inner):
    return st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)


JSON = st.recursive(ODD, nested, max_leaves=8)
TENSOR = st.tuples(st.sampled_from(["area", "x", ""]), JSON | st.lists(st.integers(-2, 3)), JSON | st.lists(JSON))
BYTES = st.one_of(st.binary(max_size=60), st.sampled_from([b"", b"null", b"[", b"{}", b"[" * 5000, b"\x81\xa1"]))
ROW = {"area": 81.5, "rooms": 3, "Kind": "flat", "pool": True, "sold": NOW}
MANIFEST_JSON = json.loads(MANIFEST.model_dump_json())
RECORD = {"id": str(uuid7(NOW)), **ROW, "prediction": "yes", "probability_no": 0.25, "probability_yes": 0.75}
BODIES = {
    "/v1/records": {"model": "houses", "version": "1", "records": [RECORD]},
    "/v1/labels": [{"record_id": str(uuid7(NOW)), "label": "yes", "at": NOW}],
    "/v1/drift-runs": {"model": "houses", "version": "1", "verdict": "drift", "at": NOW, "window": {"from": NOW}},
    "/v1/alerts": {"alerts": [{"status": "firing", "labels": {"alertname": "a"}, "startsAt": "2026-11-18T10:00:00Z"}]},
    "/v1/cloudevents": {"specversion": "1.0", "id": "a", "type": REQUEST, "data": {"instances": [ROW]}},
    "/v1/models/houses/1": MANIFEST_JSON,
}


def places(value, path=()):
    """Every path into a JSON value."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*path, key))


def changed(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


def dump(body):
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request, tmp_path_factory):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('damage')}/collector.sqlite"
    return request.getfixturevalue("postgres").create_database()


async def statuses(url, requests):
    """What a collector answers, and that it goes on with a good record afterwards."""
    async with running(url, Clock(NOW)) as collector:
        await collector.ready()
        await collector.announce()
        found = [(await collector.http.request(*r[:2], **r[2])).status_code for r in requests]
        await collector.components.events.round()
        assert (await collector.send([row()])).json()["accepted"] == 1
    return found


def ask(path, content, kind="application/json"):
    method = "PUT" if "/models/" in path else "POST"
    kind = "application/cloudevents+json" if "cloudevents" in path and kind == "application/json" else kind
    return method, path, {"content": content, "headers": {"content-type": kind}}


MANY = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


@MANY
@given(data=st.data())
async def test_a_body_with_one_damaged_place_is_never_an_error_of_ours(url, data):
    requests = []
    for path, body in BODIES.items():
        for _ in range(12):
            place = data.draw(st.sampled_from(list(places(body))))
            requests.append(ask(path, dump(changed(body, place, data.draw(JSON)))))
    assert max(await statuses(url, requests)) < 500


@MANY
@given(bodies=st.lists(BYTES, min_size=3, max_size=6))
async def test_bytes_that_are_nothing_are_never_an_error_of_ours(url, bodies):
    kinds = ("application/json", "application/msgpack", "text/csv", "", "application/cloudevents+json")
    requests = [ask(path, body, kind) for path in BODIES for body in bodies for kind in kinds]
    assert max(await statuses(url, requests)) < 500


@MANY
@given(values=st.lists(st.tuples(st.sampled_from(columns_of()), ODD), min_size=10, max_size=30))
async def test_a_record_with_a_damaged_value_costs_itself_at_most(url, values):
    def packed(name, value):
        damaged = row()
        damaged[columns_of().index(name)] = value
        return damaged

    rows = [packed(*v) for v in values if not _unpackable(v[1])]
    batch = {"model": "houses", "version": "1", "columns": columns_of(), "rows": [row(), *rows, row()]}
    body = msgspec.msgpack.encode({"batches": [batch]})
    assert await statuses(url, [ask("/v1/records", body, "application/msgpack")]) == [200]


def _unpackable(value):
    """What MessagePack cannot even say."""
    if isinstance(value, int):
        return not -(2**63) <= value < 2**64
    return isinstance(value, str) and "\ud800" in value


@MANY
@given(
    asked=JSON, answered=JSON, tensors=st.lists(TENSOR, max_size=3),
    attributes=st.dictionaries(
        st.sampled_from(["id", "type", "time", "namespace", "inferenceservicename", "metadata", "traceparent"]),
        st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40), max_size=4,
    ),
)  # fmt: skip
async def test_a_pair_of_events_with_anything_in_it_is_answered_with_200_or_refused(
    url, asked, answered, tensors, attributes
):
    v2 = [{"name": n, "shape": s, "data": d, "datatype": "FP64"} for n, s, d in tensors]
    pairs = [
        ({"instances": [asked]}, {"predictions": [answered]}), ({"instances": asked}, {"predictions": answered}),
        ({"inputs": v2}, {"outputs": v2}), (asked, answered), ({"instances": [ROW]}, {"predictions": [answered]}),
        ({"instances": [list(ROW.values())]}, {"outputs": v2}),
    ]  # fmt: skip
    requests = []
    example = uuid7()  # what was sent for another example is known there
    for number, pair in enumerate(pairs):
        for kind, body in zip((REQUEST, RESPONSE), pair, strict=True):
            sent = headers(kind, f"{example}-{number}") | {
                f"ce-{k}": v for k, v in attributes.items() if k not in ("id", "type")
            }
            sent |= {f"ce-{k}": v for k, v in attributes.items() if number % 2 and k in ("id", "type")}
            requests.append(("POST", "/v1/cloudevents", {"content": dump(body), "headers": sent}))
    assert set(await statuses(url, requests)) <= {200}


ODD_VALUES = ("%00", "%ff", "-1", "9" * 30, "x" * 3000, "1e999", "%ed%a0%80", "2026-13-40T25:00Z")
NAMES = ("model", "version", "from", "to", "id", "last", "sample", "limit", "cursor", "status", "code", "columns")


@pytest.mark.parametrize("path", ["/v1/records", "/v1/labels/x", "/v1/stats", "/v1/dead-letters", "/v1/drift-runs",
                                  "/v1/alerts", "/v1/models/%00/1", "/v1/models/a/%ff"])  # fmt: skip
async def test_odd_parameters_are_never_an_error_of_ours(url, path):
    requests = [("GET", f"{path}?{name}={value}", {}) for name in NAMES for value in ODD_VALUES]
    requests += [("GET", f"{path}?model=houses&version=1&{name}={v}", {}) for name in NAMES[2:] for v in ODD_VALUES]
    assert max(await statuses(url, requests)) < 500

"""The frame of a service, through a real app."""

import json
from contextlib import asynccontextmanager

import pytest
from fastapi import Depends, Request
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, FiniteFloat
from starlette.requests import ClientDisconnect
from starlette.testclient import TestClient

from pilothouse.errors import Fault, InputError, PilothouseError
from pilothouse.serving.auth import Keys, require
from pilothouse.serving.observe import note
from pilothouse.serving.problem import Entry
from pilothouse.serving.readiness import Readiness
from pilothouse.serving.service import create_service
from pilothouse.serving.settings import ServiceSettings
from pilothouse.serving.trace import current_trace, start_trace

ADDRESS = "http://localhost"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class TeapotError(PilothouseError):
    pass


class HotTeapotError(TeapotError):
    pass


class Pot(BaseModel):
    litres: FiniteFloat


@asynccontextmanager
async def nothing(_):
    yield


def service(**settings):
    readiness = Readiness("kettle")
    app = create_service(
        "tea",
        "Makes tea.",
        settings=ServiceSettings(port=0, **settings),
        registry=CollectorRegistry(),
        readiness=readiness,
        lifespan=nothing,
        errors={TeapotError: Entry(418, "teapot", "A teapot"), InputError: Entry(422, "bad", "Bad input")},
    )

    @app.get("/boil/{pot}")
    async def boil(pot: str):
        if pot == "hot":
            raise HotTeapotError("too hot")
        if pot == "faulty":
            raise InputError([Fault("pot.lid", "missing", "is required \ud800")])
        return 1 / 0

    @app.post("/pots")
    async def post(pot: Pot):
        return pot

    @app.get("/trace")
    async def trace():
        return {"trace_id": current_trace().trace_id}

    @app.get("/secret", dependencies=[Depends(require("read"))])
    async def secret():
        return "secret"

    return app, readiness


@pytest.fixture
def client():
    with TestClient(service()[0], ADDRESS, raise_server_exceptions=False) as client:
        yield client


def test_it_says_what_it_is(client):
    assert client.get("/").json()["name"] == "tea"


def test_it_is_live_before_it_is_ready(client):
    assert client.get("/health/live").status_code == 200
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["detail"]) == (503, "kettle: not started yet")


def test_it_is_ready_when_nothing_stands_in_the_way():
    app, readiness = service()
    readiness.ready("kettle")
    assert TestClient(app, ADDRESS).get("/health/ready").json() == {"status": "ready"}


def test_metrics_are_a_plain_route_and_count_by_template(client):
    client.get("/boil/hot")
    client.get("/nowhere/at/all")
    answer = client.get("/metrics", follow_redirects=False)
    assert answer.status_code == 200
    assert 'pilothouse_http_requests_total{method="GET",route="/boil/{pot}",status="418"} 1.0' in answer.text
    assert 'route="unmatched",status="404"' in answer.text
    assert "nowhere" not in answer.text


def test_a_mapped_exception_is_its_problem_and_so_are_its_subclasses(client):
    answer = client.get("/boil/hot")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() | {"trace_id": None} == {
        "type": "urn:pilothouse:problem:teapot",
        "title": "A teapot",
        "status": 418,
        "detail": "too hot",
        "trace_id": None,
    }


def test_faults_are_listed_with_their_paths_and_without_lone_surrogates(client):
    (error,) = client.get("/boil/faulty").json()["errors"]
    assert error == {"path": "pot.lid", "code": "missing", "message": "is required \\ud800"}


def test_what_nobody_foresaw_is_a_500_that_tells_nothing(client, capsys):
    answer = client.get("/boil/zero")
    assert (answer.status_code, answer.json()["title"]) == (500, "Internal server error")
    assert "division" not in answer.text


@pytest.mark.parametrize("body", ['{"litres": "x"}', '{"litres": NaN}', "{", '{"litres": "\\ud800"}'])
def test_a_body_that_does_not_fit_is_a_422_problem(client, body):
    answer = client.post("/pots", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_an_unknown_path_is_a_problem_too(client):
    assert client.get("/nowhere").json()["type"] == "urn:pilothouse:problem:not-found"


def test_the_callers_trace_goes_on(client):
    answer = client.get("/trace", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
    assert answer.json() == {"trace_id": TRACE}


@pytest.mark.parametrize("value", [b"", b"00-xyz-1-01", b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01"])
def test_a_malformed_trace_is_replaced(value):
    assert len(start_trace(value).trace_id) == 32


def test_a_request_is_one_json_line(capfd):
    app, _ = service()
    TestClient(app, ADDRESS).get("/trace", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
    (line,) = [json.loads(text) for text in capfd.readouterr().out.splitlines() if '"request"' in text]
    assert (line["path"], line["status"], line["trace_id"], line["service"]) == ("/trace", 200, TRACE, "tea")


@pytest.mark.parametrize(
    ("noted", "told"),
    [({"model": "\ud800"}, {"model": "\\ud800"}), ({"models": ["a/\ud800", "b/1"]}, {"models": ["a/\\ud800", "b/1"]})],
)
def test_a_lone_surrogate_in_what_a_route_noted_costs_no_line(capfd, noted, told):
    app, _ = service()

    @app.post("/noted")
    async def noting(request: Request):
        note(request.scope, **noted)

    assert TestClient(app, ADDRESS).post("/noted").status_code == 200
    (line,) = [json.loads(text) for text in capfd.readouterr().out.splitlines() if '"request"' in text]
    assert line | told == line


def test_a_caller_that_hangs_up_in_its_body_is_a_499_without_a_traceback(client, capfd):
    @client.app.post("/read")
    async def read(request: Request):
        raise ClientDisconnect

    client.post("/read")
    assert 'route="/read",status="499"} 1.0' in client.get("/metrics").text
    assert "Traceback" not in "".join(capfd.readouterr())


@pytest.fixture
def keys_file(tmp_path):
    path = tmp_path / "keys"
    path.write_text("# who may what\nread-key-0123456789 read\npredict-key-012345 predict\nadmin-key-01234567 admin\n")
    return path


@pytest.mark.parametrize(
    ("key", "status"),
    [(None, 401), ("wrong-key-0123456789", 401), ("predict-key-012345", 403), ("read-key-0123456789", 200),
     ("admin-key-01234567", 200)],
)  # fmt: skip
def test_a_route_asks_for_its_scope(keys_file, key, status):
    client = TestClient(service(api_keys_file=keys_file)[0], ADDRESS)
    headers = {"authorization": f"Bearer {key}"} if key else {}
    assert client.get("/secret", headers=headers).status_code == status


@pytest.mark.parametrize(
    ("password", "status"), [("read-key-0123456789", 200), ("predict-key-012345", 403), ("anonymous", 401), ("", 401)]
)
def test_a_key_may_be_the_password_in_an_address(keys_file, password, status):
    keys_file.write_text(f"{keys_file.read_text()}anonymous read\n")
    client = TestClient(service(api_keys_file=keys_file)[0], ADDRESS)
    assert client.get("/secret", auth=("anybody", password)).status_code == status


@pytest.mark.parametrize(
    ("granted", "authorization", "status"),
    [("read", None, 200), ("predict", None, 401), ("read", "Bearer anonymous", 401), ("read", "Bearer wrong-key", 401),
     ("read", "Basic", 401), ("read", "Basic !", 401), ("read", "Basic cmVhZA==", 401), ("read", "Digest x", 401)],
)  # fmt: skip
def test_callers_without_a_key_may_do_what_anonymous_may(keys_file, granted, authorization, status):
    keys_file.write_text(f"{keys_file.read_text()}anonymous {granted}\n")
    headers = {"authorization": authorization} if authorization else {}
    client = TestClient(service(api_keys_file=keys_file)[0], ADDRESS)
    assert client.get("/secret", headers=headers).status_code == status


@pytest.mark.parametrize(
    ("headers", "challenge"),
    [({}, "Bearer"), ({"accept": "application/json"}, "Bearer"), ({"sec-fetch-mode": "cors"}, "Bearer"),
     ({"accept": "text/html,*/*;q=0.8"}, 'Basic realm="Pilothouse"'),
     ({"sec-fetch-site": "same-origin", "accept": "application/json"}, 'Basic realm="Pilothouse"')],
)  # fmt: skip
def test_a_browser_is_asked_for_a_key_and_a_program_is_told(keys_file, headers, challenge):
    client = TestClient(service(api_keys_file=keys_file)[0], ADDRESS)
    answer = client.get("/secret", headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, challenge)
    assert "this needs an API key" in answer.json()["detail"] or "send a known API key" in answer.json()["detail"]


def test_a_browser_whose_key_lacks_the_scope_is_asked_for_another(keys_file):
    client = TestClient(service(api_keys_file=keys_file)[0], ADDRESS)
    answer = client.get("/secret", auth=("", "predict-key-012345"), headers={"accept": "text/html"})
    assert (answer.status_code, answer.json()["detail"]) == (401, "this key lacks the scope 'read'")


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/metrics", "/health/live", "/health/ready"])
def test_what_tells_no_records_needs_no_key(keys_file, path):
    app, readiness = service(api_keys_file=keys_file)
    readiness.ready("kettle")
    assert TestClient(app, ADDRESS).get(path).status_code == 200


def test_a_foreign_name_or_page_is_a_problem_and_counted(client):
    by_name = client.get("/secret", headers={"host": "evil.example"})
    by_page = client.post("/pots", content="{}", headers={"origin": "http://evil.example"})
    assert [(a.status_code, a.headers["content-type"]) for a in (by_name, by_page)] == [
        (421, "application/problem+json"),
        (403, "application/problem+json"),
    ]
    assert all("PILOTHOUSE_ALLOWED_HOSTS" in answer.json()["detail"] for answer in (by_name, by_page))
    counted = client.get("/metrics").text
    assert 'pilothouse_http_requests_total{method="GET",route="unmatched",status="421"} 1.0' in counted
    assert 'pilothouse_http_requests_total{method="POST",route="unmatched",status="403"} 1.0' in counted


def test_without_a_keys_file_everything_is_open(client):
    assert client.get("/secret").status_code == 200


@pytest.mark.parametrize("line", ["short read", "long-enough-key-1234", "long-enough-key-1234 fly"])
def test_a_malformed_keys_file_names_its_line(tmp_path, line):
    path = tmp_path / "keys"
    path.write_text(f"# keys\n{line}\n")
    with pytest.raises(PilothouseError, match=r"keys:2"):
        Keys.read(path)

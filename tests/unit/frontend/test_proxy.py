"""What the page's server passes on to the drift service, and what it does when that cannot be done.

The drift service is a stand-in on a socket, so that it can hang and break; tests/service/test_page_proxy.py has the
real one.
"""

import asyncio
import gzip
import socket
import threading
import time
from contextlib import asynccontextmanager, contextmanager

import httpx2
import pytest
import uvicorn
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from services.frontend import proxy
from services.frontend.metrics import PageMetrics
from services.frontend.middleware import CountRequests
from services.frontend.settings import FrontendSettings
from testkit.connection import Connection
from testkit.ports import closed_address
from testkit.serving import serving
from testkit.waiting import wait_for

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
REPORT = gzip.compress(b"<html>" + bytes(range(256)) * 20_000)
REPORT_HEADERS = {
    "Content-Encoding": "gzip",
    "Content-Security-Policy": "sandbox allow-scripts",
    "Cache-Control": "no-store",
    "Vary": "Accept-Encoding, Accept",
}
MAKING = {"Location": "/drift-report/7f?format=html", "Refresh": "2; url=/drift-report/7f?format=html"}


class DriftStandIn:
    """`asked` holds every request but those for its health; `open` counts the answers that are being given."""

    def __init__(self):
        self.asked, self.open, self.status = [], 0, 200
        answers = {"/drift": self.verdict, "/drift-report": self.report, "/drift-report/{report}": self.making,
                   "/drift/history": self.hang, "/drift/distributions": self.endless}  # fmt: skip
        routes = [Route(path, self.noted(answer)) for path, answer in answers.items()]
        self.app = Starlette(routes=[Route("/health/live", lambda _: Response("")), *routes])

    def noted(self, answer):
        async def noted(request):
            self.asked.append(request)
            return await answer(request)

        return noted

    async def verdict(self, request):
        return JSONResponse({"path": request.url.path, "query": request.url.query}, self.status)

    async def report(self, _):
        return Response(REPORT, 200, REPORT_HEADERS, "text/html; charset=utf-8")

    async def making(self, _):
        return HTMLResponse("being made", 202, MAKING)

    async def hang(self, request):
        """Until the caller leaves."""
        self.open += 1
        while (await request.receive())["type"] != "http.disconnect":
            pass
        self.open -= 1

    async def endless(self, _):
        async def pieces():
            self.open += 1
            try:
                while True:
                    yield b"x" * 1000
                    await asyncio.sleep(0.01)
            finally:
                self.open -= 1

        return StreamingResponse(pieces())


@contextmanager
def page_server(drift_url, **settings):
    """A client of a server that has the page's view everywhere, and the proxy before it; and the proxy's metrics."""
    metrics = PageMetrics(CollectorRegistry())
    drift = proxy.connect(FrontendSettings(port=0, drift_url=drift_url, **settings))

    @asynccontextmanager
    async def closing(_):
        async with drift:
            yield

    app = Starlette(
        routes=[Route("/{path:path}", lambda _: HTMLResponse("the view"))],
        middleware=[
            Middleware(CountRequests, metrics=metrics.http),
            Middleware(proxy.DriftProxy, drift=drift, metrics=metrics),
        ],
        lifespan=closing,
    )
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
        yield client, metrics
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def drift():
    return DriftStandIn()


@pytest.fixture
def served(drift):
    with serving(drift.app) as url, page_server(url, api_key="page-key") as (client, metrics):
        client.metrics = metrics
        yield client


def ask(client, target, method=b"GET", version=b"1.1"):
    """A request whose target nobody tidies; the whole answer."""
    with Connection(client.base_url.port) as connection:
        return connection.send(
            method + b" " + target + b" HTTP/" + version + b"\r\nhost: x\r\nconnection: close\r\n\r\n"
        ).to_the_end()


@pytest.mark.parametrize("path", ["/drift", "/performance"])
def test_a_browser_gets_the_view_and_caches_are_told_why(served, drift, path):
    answer = served.get(path, headers=BROWSER)
    assert (answer.text, answer.headers["vary"], drift.asked) == ("the view", "Accept", [])


def test_a_program_gets_the_json(served):
    answer = served.get("/drift?model=house-prices&window=24h")
    assert answer.json() == {"path": "/drift", "query": "model=house-prices&window=24h"}
    assert "Accept" in answer.headers["vary"]


def test_what_is_asked_with_is_passed_on_and_the_key_is_the_pages(served, drift):
    asked = {
        "accept": "application/json",
        "accept-encoding": "gzip;q=0.5",
        "traceparent": f"00-{'1' * 32}-{'2' * 16}-01",
    }
    served.get(
        "/drift", headers={**asked, "authorization": "Bearer mine", "cookie": "a=b", "x-forwarded-for": "1.1.1.1"}
    )
    (request,) = drift.asked
    assert {name: request.headers[name] for name in asked} == asked
    assert request.headers["authorization"] == "Bearer page-key"
    assert not {"cookie", "x-forwarded-for"} & set(request.headers)


def test_who_says_nothing_of_encodings_gets_none(served, drift):
    ask(served, b"/drift")
    assert drift.asked[0].headers["accept-encoding"] == "identity"


def test_a_report_of_megabytes_comes_as_it_is(served):
    with served.stream("GET", "/drift-report", headers=BROWSER) as answer:
        body = b"".join(answer.iter_raw())
    assert body == REPORT
    assert {name: answer.headers[name] for name in REPORT_HEADERS} == REPORT_HEADERS
    assert answer.headers.get_list("date") == [answer.headers["date"]]


def test_where_a_report_is_being_made_is_passed_on(served):
    answer = served.get("/drift-report/7f", headers=BROWSER)
    assert (answer.status_code, answer.text) == (202, "being made")
    assert {name: answer.headers[name] for name in MAKING} == MAKING


def test_a_problem_of_the_drift_service_is_passed_on(served, drift):
    drift.status = 422
    assert served.get("/drift?window=nonsense").status_code == 422


def test_head_is_answered_without_a_body(served):
    answer = served.head("/drift-report")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(REPORT))


def test_pieces_come_while_others_are_being_made(served):
    with served.stream("GET", "/drift/distributions") as answer:
        assert next(answer.iter_raw())


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_changed(served, drift, method):
    answer = served.request(method, "/drift", headers=BROWSER, content=b"x")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert drift.asked == []


@pytest.mark.parametrize(
    "target",
    [b"/drift-report/../v1/records", b"/drift-report/%2e%2e%2fdrift", b"/drift-report/..", b"/drift-report/7/8",
     b"/drift-report/", b"/drift-report/%00", b"/drift-report/" + b"7" * 65, b"/drift-report/7%3fwait=1"],
)  # fmt: skip
def test_an_address_that_can_be_no_report_is_not_passed_on(served, drift, target):
    answer = ask(served, target)
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"application/problem+json" in answer
    assert drift.asked == []


@pytest.mark.parametrize("target", [b"/drift/run", b"/drift/../v1/records", b"/health/live", b"/docs", b"/%64rift%2fx"])
def test_other_addresses_are_the_pages_own(served, drift, target):
    assert ask(served, target).endswith(b"the view")
    assert drift.asked == []


def test_a_query_is_passed_on_whatever_it_holds(served, drift):
    assert ask(served, b'/drift?model=caf%C3%A9&a=%0d%0aX:%201&b=1%23&c[]={"}|^%zz').startswith(b"HTTP/1.1 200")
    asked = drift.asked[0].query_params
    assert dict(asked) == {"model": "café", "a": "\r\nX: 1", "b": "1#", "c[]": '{"}|^%zz'}


def test_a_query_that_is_too_long_to_be_passed_on_is_refused(served, drift):
    """Each quotation mark becomes three characters."""
    assert ask(served, b"/drift?" + b'"' * 20_000).startswith(b"HTTP/1.1 200")
    assert ask(served, b"/drift?" + b'"' * 60_000).startswith(b"HTTP/1.1 414")
    assert len(drift.asked) == 1


def test_http_1_0_is_answered(served):
    assert ask(served, b"/drift", version=b"1.0").endswith(b'{"path":"/drift","query":""}')


def test_a_service_that_is_away_is_a_problem_for_a_program_and_a_page_for_a_browser():
    with page_server(closed_address()) as (client, metrics):
        answer, page = client.get("/drift"), client.get("/drift-report", headers=BROWSER)
        unasked = client.get("/drift", headers=BROWSER)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.json()["type"] == "urn:pilothouse:problem:drift-away"
    assert int(answer.headers["retry-after"]) > 0
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "<h1>The drift service does not answer</h1>" in page.text
    assert unasked.text == "the view"
    labels = {"service": "drift", "outcome": "away"}
    assert metrics.registry.get_sample_value("pilothouse_page_calls_total", labels) == 2


def test_a_service_that_hangs_costs_no_more_than_a_quick_call():
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        begun = time.monotonic()
        with page_server(f"http://127.0.0.1:{hanging.getsockname()[1]}", timeout_seconds=0.5) as (client, _):
            assert "no answer in time" in client.get("/drift").json()["detail"]
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("status", [401, 403, 421])
def test_a_page_that_is_refused_does_not_ask_its_caller_for_a_key(served, drift, status):
    drift.status = status
    answer, page = served.get("/drift"), served.get("/drift-report")
    assert (answer.status_code, answer.json()["type"]) == (502, "urn:pilothouse:problem:drift-refuses")
    assert "www-authenticate" not in answer.headers
    assert page.status_code == 200


@pytest.mark.parametrize("path", ["/drift/history", "/drift/distributions"])
def test_when_the_caller_leaves_the_question_ends_too(served, drift, path):
    """More often than there are connections, so that one that is kept would be missed."""
    head = f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode()
    for _ in range(3):
        callers = [Connection(served.base_url.port, head) for _ in range(40)]
        wait_for(lambda: drift.open == 40)
        for caller in callers:
            caller.socket.close()
        wait_for(lambda: drift.open == 0)
    assert served.get("/drift").status_code == 200


def test_an_answer_that_is_cut_off_is_seen_to_be():
    def broken(listener):
        for body in (b"", b"half"):  # its health, and half of what it promises
            connection, _ = listener.accept()
            connection.recv(65_536)
            length = len(body) * 2
            connection.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % length + body)
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=broken, args=(listener,), daemon=True).start()
        with (
            page_server(f"http://127.0.0.1:{listener.getsockname()[1]}") as (client, _),
            pytest.raises(httpx2.RemoteProtocolError),
        ):
            client.get("/drift")


def test_requests_are_counted_by_the_template_of_their_address(served):
    for path in ("/drift", "/drift-report/7f", "/drift-report/8f"):
        served.get(path)
    labels = {"method": "GET", "route": "/drift-report/{report_id}", "status": "202"}
    count = served.metrics.registry.get_sample_value
    assert count("pilothouse_http_requests_total", labels) == 2
    assert count("pilothouse_http_requests_total", {"method": "GET", "route": "/drift", "status": "200"}) == 1

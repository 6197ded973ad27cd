"""What the page's server passes on to the drift service, and what not."""

import pytest

from testkit.connection import Connection
from testkit.frontend.proxied import BROWSER, MAKING, REPORT, REPORT_HEADERS


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


def test_headers_that_are_given_twice_or_are_no_ascii_are_passed_on_too(served, drift):
    head = b"GET /drift HTTP/1.1\r\nhost: x\r\naccept: a/b\r\naccept: text/\xe9\r\nconnection: close\r\n\r\n"
    with Connection(served.base_url.port, head) as connection:
        assert connection.to_the_end().startswith(b"HTTP/1.1 200")
    assert drift.asked[0].headers.getlist("accept") == ["a/b", "text/é"]


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


def test_requests_are_counted_by_the_template_of_their_address(served):
    for path in ("/drift", "/drift-report/7f", "/drift-report/8f"):
        served.get(path)
    labels = {"method": "GET", "route": "/drift-report/{report_id}", "status": "202"}
    count = served.metrics.registry.get_sample_value
    assert count("pilothouse_http_requests_total", labels) == 2
    assert count("pilothouse_http_requests_total", {"method": "GET", "route": "/drift", "status": "200"}) == 1

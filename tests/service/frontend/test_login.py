"""Who gets past the page's login, with the page as a process and calls as a browser and a program make them."""

import time
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from testkit.frontend.process import page_process, rerun
from testkit.waiting import wait_for

READ, PREDICT, ADMIN = "read-key-0123456789", "predict-key-012345", "admin-key-01234567"
KEYS = f"{READ} read\n{PREDICT} predict\n{ADMIN} admin\n"
BROWSER = {"accept": "text/html,application/xhtml+xml", "sec-fetch-dest": "document"}
TLS = {"host": "page.example.com", "origin": "https://page.example.com"}


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    keys = tmp_path_factory.mktemp("keys") / "keys"
    keys.write_text(KEYS)
    with page_process(PILOTHOUSE_API_KEYS_FILE=str(keys), PILOTHOUSE_ALLOWED_HOSTS="page.example.com") as (_, port):
        yield port


@pytest.fixture
def http(port):
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
        yield client


def log_in(http, key=READ, path="/login", **headers):
    return http.post(path, data={"key": key}, headers=headers)


def session(http):
    """What a browser that has logged in sends."""
    (cookie,) = SimpleCookie(log_in(http).headers["set-cookie"]).values()
    return {"cookie": f"{cookie.key}={cookie.value}"}


def open_socket(port, **headers):
    return connect(f"ws://127.0.0.1:{port}/_stcore/stream", subprotocols=["streamlit"], additional_headers=headers)


@pytest.mark.parametrize("path", ["/", "/drift?model=house-prices&window=24h", "/gr%C3%B6%C3%9Fe"])
def test_a_browser_is_sent_to_the_login_and_back(http, path):
    sent = http.get(path, headers=BROWSER)
    assert sent.status_code == 303
    back = log_in(http, path=sent.headers["location"])
    assert (back.status_code, back.headers["location"]) == (303, path)


def test_the_form_asks_nobody_else_for_anything(http):
    form = http.get("/login")
    assert form.status_code == 200
    assert "default-src 'none'" in form.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in form.headers["content-security-policy"]
    assert "http" not in form.text.replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in form.text


@pytest.mark.parametrize(
    "path",
    ["/_stcore/host-config", "/_stcore/health", "/_stcore/agent/openapi.json", "/media/x", "/static/x.js", "/login/",
     "//login", "/login/../", "/health/live/x", "/_stcore/upload_file/a/b",
     "/drift", "/drift-report?model=house-prices", "/drift/history", "/metrics/", "/%2Fmetrics", "/login%2f"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_program_without_a_key_gets_nothing(http, method, path):
    answer = http.request(method, path)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["title"] == "Reload this page to log in"


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
def test_health_and_metrics_need_no_key(http, path):
    assert http.get(path).status_code == 200


@pytest.mark.parametrize("key", [READ, ADMIN])
def test_a_program_sends_its_key(http, key):
    bearer = {"authorization": f"Bearer {key}"}
    assert http.get("/", headers=bearer).status_code == http.get("/", auth=("", key)).status_code == 200


@pytest.mark.parametrize(
    ("key", "said"), [("wrong-key-0123456789", "not known"), (PREDICT, "scope read"), ("anonymous", "not known")]
)
def test_a_key_that_may_not_read_is_refused_late_and_the_form_says_why(http, key, said):
    begun = time.monotonic()
    answer = log_in(http, key)
    assert (answer.status_code, said in answer.text, "set-cookie" in answer.headers) == (403, True, False)
    assert time.monotonic() - begun > 0.9


def test_so_is_a_wrong_key_in_a_header(http):
    begun = time.monotonic()
    assert http.get("/", headers={"authorization": "Bearer wrong-key-0123456789"}).status_code == 401
    assert time.monotonic() - begun > 0.9


def test_a_login_is_a_cookie_that_scripts_and_other_sites_do_not_get(http):
    (cookie,) = SimpleCookie(log_in(http).headers["set-cookie"]).values()
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["max-age"]) == (True, "lax", "/", "86400")
    assert not cookie["secure"]
    (behind_tls,) = SimpleCookie(log_in(http, **TLS).headers["set-cookie"]).values()
    assert behind_tls["secure"]


def test_the_cookie_opens_the_page_its_files_and_its_websocket(http, port):
    cookie = session(http)
    assert "<title>" in http.get("/", headers=cookie).text
    assert http.get("/_stcore/health", headers=cookie).status_code == 200
    with open_socket(port, **cookie) as socket:
        socket.send(rerun())
        assert socket.recv(timeout=20)


@pytest.mark.parametrize("headers", [{}, {"cookie": "pilothouse-00000000=visitor"}, {"authorization": "Bearer x"}])
def test_without_it_there_is_no_websocket(port, headers):
    with pytest.raises(InvalidStatus) as refused:
        open_socket(port, **headers)
    assert refused.value.response.status_code == 401


@pytest.mark.parametrize("change", [lambda c: c + "x", lambda c: c[:-1], lambda c: c.replace("visitor", "visitors")])
def test_a_cookie_that_was_written_by_others_is_none(http, change):
    headers = {"cookie": change(session(http)["cookie"])}
    assert http.get("/_stcore/health", headers=headers).status_code == 401


def test_who_is_logged_in_is_not_asked_again_and_may_log_out(http):
    cookie = session(http)
    assert http.get("/login?next=/live", headers=cookie).headers["location"] == "/live"
    out = http.post("/logout", headers=cookie)
    (gone,) = SimpleCookie(out.headers["set-cookie"]).values()
    assert (out.headers["location"], gone.value, gone["max-age"]) == ("/login", "", "0")
    assert http.get("/logout", headers=BROWSER).headers["location"].startswith("/login")


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
     "javascript:x", "/\r\nset-cookie: a=b", "", "evil.example", " //evil.example"],
)  # fmt: skip
def test_a_login_never_leads_elsewhere(http, wanted):
    answer = http.post("/login", params={"next": wanted}, data={"key": READ})
    assert answer.headers["location"] == "/"


def test_a_page_of_another_site_cannot_log_in_or_out(http):
    for path in ("/login", "/logout"):
        assert http.post(path, data={"key": READ}, headers={"origin": "http://evil.example"}).status_code == 403


def test_a_large_body_is_no_key(http):
    assert http.post("/login", content=b"key=" + b"x" * 3_000_000).status_code == 403


def test_a_session_ends_with_its_time_also_for_the_open_page(tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(KEYS)
    with (
        page_process(PILOTHOUSE_API_KEYS_FILE=str(keys), PILOTHOUSE_LOGIN_HOURS="0.001") as (_, port),
        httpx2.Client(base_url=f"http://127.0.0.1:{port}") as http,
    ):
        cookie = session(http)
        with open_socket(port, **cookie) as socket, pytest.raises(ConnectionClosed) as ended:
            while True:
                socket.recv(timeout=20)
        assert (ended.value.rcvd.code, ended.value.rcvd.reason) == (1008, "the session is over")
        wait_for(lambda: http.get("/", headers=cookie).status_code == 401, 5)


@pytest.mark.parametrize(("line", "status"), [("anonymous read", 200), ("anonymous predict", 401)])
def test_callers_who_may_read_without_a_key_need_no_login(tmp_path, line, status):
    keys = tmp_path / "keys"
    keys.write_text(f"{KEYS}{line}\n")
    with page_process(PILOTHOUSE_API_KEYS_FILE=str(keys)) as (_, port):
        assert httpx2.get(f"http://127.0.0.1:{port}/_stcore/health").status_code == status


def test_logins_are_counted_and_logged_without_the_key(tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(KEYS)
    with page_process(PILOTHOUSE_API_KEYS_FILE=str(keys)) as (process, port):
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as http:
            log_in(http, "wrong-key-0123456789")
            log_in(http)
            counted = http.get("/metrics").text
        process.terminate()
        log = process.communicate(timeout=20)[0]
    assert 'pilothouse_http_requests_total{method="POST",route="/login",status="403"} 1.0' in counted
    assert 'pilothouse_http_requests_total{method="POST",route="/login",status="303"} 1.0' in counted
    assert "a login was refused" in log
    assert "key-0123456789" not in log


def test_the_login_keeps_the_whole_query_of_what_was_wanted(http):
    sent = http.get("/records?model=a%26b&span=1h", headers=BROWSER).headers["location"]
    assert parse_qs(urlsplit(sent).query)["next"] == ["/records?model=a%26b&span=1h"]

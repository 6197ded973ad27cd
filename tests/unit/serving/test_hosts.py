"""By which names a service may be asked, and which pages may call it."""

import asyncio

import pytest

from pilothouse.serving.hosts import AllowedHosts, ForeignHostError, ForeignOriginError, HostGuard, read_names

SET = AllowedHosts("app.example.com, *.corp.example, Bücher.example, 203.0.113.7")


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8000", "localhost.", "page.localhost:8501", "127.0.0.1", "127.0.0.1:8000", "10.1.2.3:80",
     "0.0.0.0:8501", "[::1]", "[::1]:8000", "[2001:DB8::7]:443", None],
)  # fmt: skip
def test_addresses_and_localhost_always_may(host):
    AllowedHosts().check(host, None)


@pytest.mark.parametrize(
    "host",
    ["app.example.com", "App.Example.Com.", "app.example.com:8443", "a.corp.example", "a.b.corp.example:1",
     "xn--bcher-kva.example"],
)  # fmt: skip
def test_names_that_are_set_may(host):
    SET.check(host, None)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "corp.example", "evilcorp.example", "app.example.com.evil.example", "xapp.example.com",
     "localhost.evil.example", "evil-localhost", "127.0.0.1.evil.example", "127.0.0.1.nip.io", "127.1", "2130706433",
     "0x7f.0.0.1", "user@localhost", "localhost@evil.example", "evil.example#@localhost", "localhost/", "localhost,x",
     "localhost:80a", "localhost:80:80", "::1", "[::1", "[localhost]x", "", " ", "*", "*.corp.example/", "null",
     "lo\u0441alhost", "localhost evil.example", "localhost..", "."],
)  # fmt: skip
def test_any_other_name_is_foreign(host):
    with pytest.raises(ForeignHostError, match="PILOTHOUSE_ALLOWED_HOSTS"):
        SET.check(host, None)


@pytest.mark.parametrize(
    ("origin", "host"),
    [("http://127.0.0.1:8501", "127.0.0.1:8501"), ("http://localhost:8501", "LOCALHOST:8501"),
     ("http://[::1]:8000", "[::1]:8000"), ("http://localhost", "localhost"), ("http://localhost", "localhost:80"),
     ("https://app.example.com", "app.example.com"), ("https://app.example.com:443", "app.example.com"),
     ("https://page.corp.example", "page.corp.example"), ("https://app.example.com:8443", "app.example.com:8443")],
)  # fmt: skip
def test_our_own_pages_may_call(origin, host):
    SET.check(host, origin)


@pytest.mark.parametrize("origin", ["https://app.example.com", "http://app.example.com:3000", "http://203.0.113.7"])
@pytest.mark.parametrize("host", ["127.0.0.1:8000", None])
def test_pages_of_names_that_are_set_may_call(origin, host):
    SET.check(host, origin)


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "https://evil.example", "null", "", "file://", "http://localhost:3999",
     "http://localhost", "https://localhost:8501x", "http://127.0.0.1:8501", "http://[::1]:8501", "localhost:8501",
     "ftp://localhost:8501", "chrome-extension://abcdefghijklmnop", "http://localhost:8501.evil.example",
     "http://evil.example#http://localhost:8501", "http://user@localhost:8501", "http://localhost:8501/",
     "http://localhost:8501, http://evil.example", "http://page.corp.example", "https://app.example.com.evil.example"],
)  # fmt: skip
def test_a_page_of_another_origin_may_not(origin):
    """Nor one of another port of this machine, nor one of a whole domain: those are other programs, maybe others'."""
    with pytest.raises(ForeignOriginError, match="PILOTHOUSE_ALLOWED_HOSTS"):
        SET.check("localhost:8501", origin)


def test_the_name_in_the_own_address_may_and_vouches_for_no_other_port():
    hosts = AllowedHosts("", "https://Page.example.com/below")
    hosts.check("page.example.com", "https://page.example.com")
    with pytest.raises(ForeignOriginError):
        hosts.check("page.example.com", "https://page.example.com:3999")


def test_any_name_is_not_any_page():
    hosts = AllowedHosts("*")
    hosts.check("whatever.example:80", "http://whatever.example")
    hosts.check("what?ever", None)
    with pytest.raises(ForeignOriginError):
        hosts.check("whatever.example", "http://evil.example")


@pytest.mark.parametrize(
    "text", ["http://example.com", "example.com:8000", "a b", "**", "a.*.example", "exa/mple", "a..b"]
)
def test_what_is_no_name_is_refused_when_settings_are_read(text):
    with pytest.raises(ValueError, match="without scheme and port"):
        list(read_names(text))


def test_blanks_and_empty_places_are_none():
    assert list(read_names(" ,a.example., ,B_1.example,")) == ["a.example", "b_1.example"]


def asked(kind="http", **headers):
    """The status that a guarded app answers with, or "passed on", and the Origin that it sees."""
    told, seen = [], []

    async def app(scope, receive, send):
        seen.append(dict(scope["headers"]).get(b"origin"))

    async def send(message):
        told.append(message)

    scope = {"type": kind, "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]}
    asyncio.run(HostGuard(app, AllowedHosts("app.example.com"))(scope, None, send))
    return told[0]["status"] if told else ("passed on", *seen)


@pytest.mark.parametrize(
    ("site", "dest", "status"),
    [("cross-site", "image", 403), ("cross-site", "script", 403), ("same-site", "empty", 403),
     ("cross-site", "iframe", 403), ("same-site", "frame", 403)],
)  # fmt: skip
def test_nothing_of_ours_is_loaded_into_a_page_of_another_site(site, dest, status):
    assert asked(host="localhost", sec_fetch_site=site, sec_fetch_dest=dest) == status


@pytest.mark.parametrize(
    ("site", "dest"), [("none", "document"), ("cross-site", "document"), ("same-origin", "image"), ("none", "image")]
)
def test_links_are_followed_and_our_pages_load_what_they_need(site, dest):
    assert asked(host="localhost", sec_fetch_site=site, sec_fetch_dest=dest) == ("passed on", None)


def test_a_page_of_a_name_that_is_set_may_load_what_it_says_who_it_is_for():
    headers = {"origin": "https://app.example.com", "sec_fetch_site": "cross-site", "sec_fetch_dest": "empty"}
    assert asked(host="localhost", **headers)[0] == "passed on"


def test_a_websocket_is_refused_with_the_same_words():
    assert asked("websocket", host="localhost", origin="http://evil.example") == 403
    assert asked("websocket", host="evil.example") == 421

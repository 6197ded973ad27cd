"""Streamlit's files are answered from memory, compressed for who can read it, and nothing else is."""

import gzip

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from services.frontend.static_files import ServeStaticFiles, StaticFiles

SCRIPT = b"let x = 1;" * 100


@pytest.fixture
def files(tmp_path):
    for name, body in (("app.AbC_-123.js", SCRIPT), ("font.12345678.woff2", b"font"), ("plain.js", b"")):
        (tmp_path / "static" / "js").mkdir(parents=True, exist_ok=True)
        (tmp_path / "static" / "js" / name).write_bytes(body)
    (tmp_path / "index.html").write_text('<script src="./static/js/app.AbC_-123.js"></script><link href="./odd.png">')
    return StaticFiles(tmp_path)


@pytest.fixture
def client(files):
    below = Starlette(routes=[Route("/{rest:path}", lambda _: PlainTextResponse("below"), methods=["GET", "POST"])],
                      middleware=[Middleware(ServeStaticFiles, files=files)])  # fmt: skip
    with TestClient(below) as client:
        yield client


def test_a_script_is_sent_compressed_and_may_be_kept_for_ever(client):
    answer = client.get("/static/js/app.AbC_-123.js", headers={"Accept-Encoding": "gzip"})
    assert answer.content == SCRIPT
    assert int(answer.headers["content-length"]) == len(gzip.compress(SCRIPT, 6)) < len(SCRIPT)
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")


def test_a_script_is_sent_as_it_is_to_who_reads_nothing_else(client):
    answer = client.get("/static/js/app.AbC_-123.js", headers={"Accept-Encoding": "identity"})
    assert (answer.content, answer.headers.get("content-encoding")) == (SCRIPT, None)


def test_a_font_is_compressed_already(client):
    answer = client.get("/static/js/font.12345678.woff2", headers={"Accept-Encoding": "gzip"})
    assert (answer.content, answer.headers["content-type"]) == (b"font", "font/woff2")
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/", "/static/js/plain.js", "/static/js/../../index.html", "/static/none.12345678.js"]
)
def test_what_is_no_such_file_is_passed_on(client, path):
    assert client.get(path).text == "below"


def test_only_reading_is_answered(client):
    assert client.post("/static/js/app.AbC_-123.js").text == "below"


def test_what_every_visit_begins_with_is_ready_before_it(files):
    files.warm()
    assert list(files.ready) == ["/static/js/app.AbC_-123.js"]

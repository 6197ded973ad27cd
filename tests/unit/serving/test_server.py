"""The server on a real socket: what it tells the app, and in which order it answers."""

import re
import time

import pytest

from testkit.connection import Connection, post


def test_an_answer_comes_with_its_headers_and_all_of_its_body(port):
    with Connection(port, post(b"/echo", b"one")) as connection:
        head = connection.until(b"\r\n\r\necho one")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert head.count(b"x-more: ") == 2


def test_what_the_app_is_told_of_a_request(port):
    with Connection(port, post(b"/scope?q=1&a=%20", b"", b"X-Upper: Value\r\n")) as connection:
        told = connection.until(b"'headers'").decode()
        me = connection.socket.getsockname()[1]
        told = connection.until(b"'client'").decode()
    for part in ("'method': 'POST'", "'scheme': 'http'", "'http_version': '1.1'", "'root_path': ''",
                 "'query_string': b'q=1&a=%20'", "(b'x-upper', b'Value')"):  # fmt: skip
        assert part in told, told
    assert re.search(rf"'client': \('127\.0\.0\.1', '?{me}", told), told


def test_a_body_in_pieces_arrives_whole(port):
    request = post(b"/echo", b"one two")
    with Connection(port, request[:-3]) as connection:
        time.sleep(0.2)
        assert b"echo one two" in connection.send(request[-3:]).until(b"echo one two")


def test_a_chunked_body_arrives_whole(port):
    head = b"POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    with Connection(port, head + b"3\r\nabc\r\n") as connection:
        time.sleep(0.1)
        connection.send(b"2\r\nde\r\n0\r\n\r\n").until(b"echo abcde")


def test_a_connection_is_used_again(port):
    with Connection(port) as connection:
        for digit in (b"1", b"2", b"3"):
            connection.send(post(b"/echo", digit)).until(b"echo " + digit)


def test_requests_sent_ahead_are_answered_in_their_order(port):
    requests = post(b"/late", b"1") + post(b"/echo", b"2") + post(b"/late", b"3") + post(b"/echo", b"4")
    with Connection(port, requests) as connection:
        received = connection.until(b"echo 4")
    places = [received.index(text) for text in (b"late 1", b"echo 2", b"late 3", b"echo 4")]
    assert places == sorted(places)


@pytest.mark.parametrize("how", ["close", "1.0"])
def test_the_last_answer_of_a_connection_ends_it(port, how):
    request = post(b"/echo", b"1", b"connection: close\r\n" if how == "close" else b"")
    with Connection(port, request.replace(b"HTTP/1.1", b"HTTP/1.0") if how == "1.0" else request) as connection:
        assert b"echo 1" in connection.to_the_end()


def test_a_client_that_waits_for_leave_to_go_on_gets_it(port):
    with Connection(port, post(b"/echo", b"", b"expect: 100-continue\r\n").replace(b": 0", b": 1")) as connection:
        connection.until(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.send(b"7").until(b"echo 7")


def test_an_upgrade_that_we_do_not_know_keeps_its_body(port):
    more = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
    with Connection(port, post(b"/echo", b"all of it", more)) as connection:
        assert connection.until(b"echo all of it").startswith(b"HTTP/1.1 200 ")


def test_the_answer_to_head_has_no_body(port):
    with Connection(port, b"HEAD /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n") as connection:
        assert connection.to_the_end().endswith(b"\r\n\r\n")


def test_an_app_that_raises_is_an_error_and_the_server_goes_on(port):
    with Connection(port, post(b"/raises", b"1")) as connection:
        connection.until(b"HTTP/1.1 500 ")
    with Connection(port, post(b"/echo", b"2")) as connection:
        connection.until(b"echo 2")

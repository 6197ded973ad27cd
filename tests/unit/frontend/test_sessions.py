"""Whose cookie is a session, and for how long."""

import pytest

from pilothouse.serving.auth import Keys
from services.frontend.login.sessions import Sessions

KEYS = {"read-key-0123456789": frozenset({"read"}), "admin-key-01234567": frozenset({"admin"})}


def at(seconds, keys=KEYS, hours=1.0):
    return Sessions(Keys(keys), hours, lambda: seconds)


def test_a_session_holds_its_hours_and_no_longer():
    cookie = at(1_000_000).begin()
    assert at(1_000_000).seconds_left(cookie) == 3600
    assert at(1_003_599).seconds_left(cookie) == 1
    assert at(1_003_600).seconds_left(cookie) == at(1_003_601).seconds_left(cookie) == 0


def test_a_cookie_of_the_future_is_none():
    assert at(1_000_000).seconds_left(at(1_000_010).begin()) == 0


def test_replicas_with_the_same_keys_know_it_in_whichever_order_they_stand():
    other = at(1_000_000, dict(reversed(KEYS.items())))
    assert other.cookie == at(1_000_000).cookie
    assert other.seconds_left(at(1_000_000).begin()) > 0


@pytest.mark.parametrize(
    "changed",
    [
        {"admin-key-01234567": frozenset({"admin"})},
        KEYS | {"read-key-0123456789": frozenset({"read", "predict"})},
        KEYS | {"another-key-0123456": frozenset({"read"})},
        {"read-key-9876543210": frozenset({"read"}), "admin-key-01234567": frozenset({"admin"})},
    ],
)
def test_any_change_of_the_keys_ends_it(changed):
    assert at(1_000_000, changed).seconds_left(at(1_000_000).begin()) == 0
    assert at(1_000_000, changed).cookie != at(1_000_000).cookie


@pytest.mark.parametrize("cookie", [None, "", "visitor", "visitor.x.y", "ü", ".", "visitor." * 100])
def test_what_is_no_cookie_of_ours_is_no_session(cookie):
    assert at(1_000_000).seconds_left(cookie) == 0

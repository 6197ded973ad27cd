from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from pilothouse.ids import floor_id, is_uuid7, time_ms, uuid7

milliseconds = st.integers(min_value=0, max_value=2**47)


@given(milliseconds)
def test_an_id_holds_its_time(at_ms):
    assert time_ms(uuid7(at_ms)) == at_ms


@given(milliseconds)
def test_an_id_is_a_version_7_uuid_of_the_rfc_variant(at_ms):
    made = uuid7(at_ms)
    assert (made.version, made.variant, is_uuid7(made)) == (7, "specified in RFC 4122", True)


@given(milliseconds)
def test_a_window_of_ids_is_a_window_of_time(at_ms):
    assert floor_id(at_ms) <= uuid7(at_ms) < floor_id(at_ms + 1)


def test_ids_of_one_millisecond_differ():
    assert len({uuid7(1_000) for _ in range(10_000)}) == 10_000


def test_the_example_of_the_rfc_is_read_as_it_says():
    assert time_ms(UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")) == 1645557742000  # RFC 9562, A.6

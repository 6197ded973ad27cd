import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inference.spool.segments import MAGIC, Damage, Frame, encode_frame, read_frames

SCHEMA = b"schema#1"
payloads = st.lists(st.binary(max_size=200) | st.just(MAGIC * 3), min_size=1, max_size=20)


def segment(parts):
    return b"".join(encode_frame(SCHEMA, p) for p in parts)


def found(data, complete=True):
    return [f.payload for f in read_frames(data, complete=complete) if isinstance(f, Frame)]


@given(payloads)
def test_what_was_written_is_read_in_order(parts):
    assert found(segment(parts)) == parts


@given(payloads, st.data())
def test_a_flipped_bit_is_detected_and_costs_at_most_one_record(parts, data):
    whole = bytearray(segment(parts))
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[bit // 8] ^= 1 << bit % 8
    read = list(read_frames(bytes(whole), complete=True))
    survivors = [f.payload for f in read if isinstance(f, Frame)]
    assert any(isinstance(f, Damage) for f in read)
    assert len(survivors) >= len(parts) - 1
    assert all(s in parts for s in survivors)


@given(payloads, st.data())
def test_a_torn_end_costs_only_the_last_record(parts, data):
    whole = segment(parts)
    last = len(encode_frame(SCHEMA, parts[-1]))
    cut = data.draw(st.integers(1, last - 1))
    assert found(whole[:-cut]) == parts[:-1]


def test_an_end_that_may_still_be_written_is_waited_for_and_not_damage():
    whole = segment([b"one", b"two"])
    assert [type(f) for f in read_frames(whole[:-1], complete=False)] == [Frame]


def test_damage_names_exactly_the_bytes_between_good_frames():
    noise = random.Random(3).randbytes(500)
    whole = encode_frame(SCHEMA, b"a") + noise + encode_frame(SCHEMA, b"b")
    damage = [f for f in read_frames(whole, complete=True) if isinstance(f, Damage)]
    assert [whole[d.start : d.end] for d in damage] == [noise]


@pytest.mark.parametrize("offset", [4, 8, 12, 20])
def test_every_header_field_is_covered_by_the_checksum(offset):
    whole = bytearray(segment([b"payload"]))
    whole[offset] ^= 0xFF
    assert found(bytes(whole)) == []

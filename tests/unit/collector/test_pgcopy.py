"""Bytes as PostgreSQL's documentation has them. That a real one takes them is shown by the tests of the service."""

import struct

from services.collector.store import pgcopy


def test_a_row_has_a_count_and_a_length_before_each_field():
    (row,) = pgcopy.rows(("id", "level", "integer", "boolean"), [[b"\x01" * 16], [3], [-2], [True]])
    assert row == (
        b"\x00\x04" b"\x00\x00\x00\x10" + b"\x01" * 16 + b"\x00\x00\x00\x02\x00\x03"
        b"\x00\x00\x00\x08\xff\xff\xff\xff\xff\xff\xff\xfe" b"\x00\x00\x00\x01\x01"
    )  # fmt: skip


def test_numbers_texts_and_moments():
    first, second = pgcopy.rows(
        ("number", "category", "text", "datetime"), [[0.1, None], ["é", None], ["", None], [946_684_800_001, None]]
    )
    assert first == (
        b"\x00\x04" + struct.pack(">id", 8, 0.1) + struct.pack(">i2s", 2, "é".encode())
        + struct.pack(">i", 0) + struct.pack(">iq", 8, 1000)
    )  # fmt: skip
    assert second == b"\x00\x04" + 4 * b"\xff\xff\xff\xff"


def test_a_vector_is_an_array_of_one_dimension():
    (row,) = pgcopy.rows(("vector",), [[struct.pack("<3f", 0.5, -1.25, 3e38)]])
    numbers = b"".join(struct.pack(">if", 4, value) for value in (0.5, -1.25, 3e38))
    assert row == b"\x00\x01" + struct.pack(">6i", 20 + len(numbers), 1, 0, 700, 3, 1) + numbers


def test_an_empty_vector_has_no_dimension():
    assert pgcopy.rows(("vector",), [[b""]]) == [b"\x00\x01" + struct.pack(">4i", 12, 0, 0, 700)]


def test_the_stream_begins_and_ends_as_it_must():
    assert pgcopy.stream([b"row"]) == b"PGCOPY\n\xff\r\n\x00" + bytes(8) + b"row" + b"\xff\xff"

"""Names of tables are short, plain and never the same for two model versions."""

import re

from hypothesis import given
from hypothesis import strategies as st

from services.collector.store.record_table import table_name

NAME = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True)
VERSION = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", fullmatch=True)


@given(NAME, VERSION)
def test_a_name_leaves_room_for_a_day_in_63_bytes(model, version):
    name = table_name(model, version)
    assert re.fullmatch(r"[a-z0-9_]+", name)
    assert len(f"stage_{name}") <= 63
    assert len(f"{name}_p20261121") <= 63


@given(NAME, VERSION, VERSION)
def test_versions_that_differ_have_tables_that_differ(model, one, other):
    assert (table_name(model, one) == table_name(model, other)) == (one == other)


def test_a_name_and_a_version_cannot_be_confused():
    assert table_name("a", "b-1") != table_name("a-b", "1")

"""Labels in CSV: a header that names the columns, then a line for each label, read one at a time.

The collector reads what is posted to it by this, and the command line files of any size.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TextIO

from pilothouse.errors import Fault, InputError

_DELIMITERS = (",", ";", "\t")
_LONGEST_HEADER = 100_000
_ID_NAMES = ("record_id", "id")


@dataclass(frozen=True, slots=True)
class LabelColumns:
    """The names of a file's columns. Without `record_id` it is `record_id` or `id`; without `at` a column `at` counts
    where the file has no other columns than these three."""

    record_id: str | None = None
    label: str | None = None
    at: str | None = None

    def places(self, names: Sequence[str]) -> tuple[int, int, int | None]:
        """Where the columns are: of the id, of the label, and of the time if there is one. Raises InputError."""
        ids = [self.record_id] if self.record_id else [name for name in _ID_NAMES if name in names][:1]
        wanted = [ids[0] if ids else "record_id", self.label or "label", *([self.at] if self.at else [])]
        twice = [name for name in wanted if names.count(name) > 1]
        absent = [name for name in wanted if name not in names]
        if absent or twice:
            raise InputError([Fault("", "header", _header_fault(absent, twice, names))])
        if self.at is None and len(names) == 3 and "at" in names and "at" not in wanted:
            wanted.append("at")
        places = [names.index(name) for name in wanted]
        return places[0], places[1], places[2] if len(places) > 2 else None


class LabelRow(NamedTuple):
    """A row of a file: `line` counts from 1, the header included. `label` is None where the cell is empty."""

    line: int
    record_id: str
    label: Any
    at: Any = None


class BadRow(NamedTuple):
    """A row that cannot be read, and why."""

    line: int
    code: str
    message: str


def open_rows(stream: TextIO, columns: LabelColumns, *, strict: bool = False) -> Iterator[LabelRow | BadRow]:
    """The rows of a CSV file; commas, semicolons or tabs between the fields, as its header has them.

    `strict`: other columns are an error. Raises InputError for a header that does not name the columns, and, while
    the rows are read, for what is no CSV.
    """
    header = stream.readline(_LONGEST_HEADER)
    delimiter = max(_DELIMITERS, key=header.count)
    names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
    places = columns.places(names)
    if strict and len(names) > len([place for place in places if place is not None]):
        more = next(name for place, name in enumerate(names) if place not in places)
        raise InputError([Fault("", "header", f"{more[:40]!a}: no such column; there are record_id, label and at")])
    return _rows(csv.reader(stream, delimiter=delimiter, strict=True), places, len(names))


def _rows(reader: Any, places: tuple[int, int, int | None], width: int) -> Iterator[LabelRow | BadRow]:
    id_place, label_place, at_place = places
    line = 2
    try:
        for row in reader:
            if len(row) == width:
                label = row[label_place]
                at = row[at_place] if at_place is not None else None
                yield LabelRow(line, row[id_place].strip(), label if label.strip() else None, at or None)
            elif row:
                found = "1 field" if len(row) == 1 else f"{len(row)} fields"
                yield BadRow(line, "fields", f"line {line} has {found}, the header {width}")
            line = reader.line_num + 2
    except csv.Error as error:
        raise InputError([Fault("", "malformed", f"line {line} is no CSV: {error}")]) from None


def _header_fault(absent: list[str], twice: list[str], names: Sequence[str]) -> str:
    if twice:
        return f"the header names {twice[0]!a} twice"
    found = ", ".join(ascii(name)[1:-1] for name in names[:20]) or "nothing"
    return f"no column {absent[0]!a}; the header has {found[:300]}"

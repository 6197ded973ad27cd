"""Which records are compared: the newest rows, a span of time up to now, or between two moments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from pilothouse.wire.drift import WindowSpan
from services.drift.errors import WindowError

SCORED_ROWS = 5_000  # at most: a larger window is sampled, so that its cost does not grow with traffic
LARGEST_ROWS = 1_000_000
LAST_MOMENT_MS = 253_402_300_799_999  # the end of the year 9999: a later one has no ISO 8601 that can be shown
_SPAN = re.compile(r"^([1-9][0-9]{0,4})([mhd])$")
_ROWS = re.compile(r"^rows=([1-9][0-9]{0,6})$")
_MILLISECONDS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
_HELP = "a window is 30m, 1h, 24h, 7d or rows=1000 (at most 1000000), or give `from` and `to`"


@dataclass(frozen=True, slots=True)
class Window:
    """Either the newest `rows` rows, or those from `start_ms` up to, not including, `end_ms` (None: no bound).

    Milliseconds since the epoch.
    """

    rows: int | None = None
    start_ms: int | None = None
    end_ms: int | None = None

    def __str__(self) -> str:
        if self.rows is not None:
            return f"the newest {self.rows} rows"
        return f"{show_moment(self.start_ms) or 'the first record'} to {show_moment(self.end_ms) or 'now'}"


def parse_window(text: str | None, start: str | None, end: str | None, *, default_rows: int, now_ms: int) -> Window:
    """The window that a caller asks for. A span begins at a full minute, so that asking twice asks for the same.

    Raises WindowError.
    """
    if start or end:
        return _between(text, start, end)
    if not text:
        return Window(rows=default_rows)
    if (match := _ROWS.match(text)) and int(match[1]) <= LARGEST_ROWS:
        return Window(rows=int(match[1]))
    if match := _SPAN.match(text):
        span = int(match[1]) * _MILLISECONDS[match[2]]
        return Window(start_ms=max(now_ms - span, 0) // 60_000 * 60_000)
    raise WindowError(f"{text[:40]!r} is no window: {_HELP}")


def _between(text: str | None, start: str | None, end: str | None) -> Window:
    if text:
        raise WindowError(f"give `window`, or `from` and `to`, not both: {_HELP}")
    window = Window(start_ms=parse_moment(start), end_ms=parse_moment(end))
    if window.start_ms is not None and window.end_ms is not None and window.start_ms >= window.end_ms:
        raise WindowError("`from` must be before `to`")
    return window


def parse_moment(text: str | None) -> int | None:
    """Milliseconds since the epoch of ISO 8601 (UTC when it names no zone) or of milliseconds. Raises WindowError."""
    if not text:
        return None
    try:
        if text.isascii() and text.isdigit():
            milliseconds = int(text)
        else:
            moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
            milliseconds = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        milliseconds = -1
    if not 0 <= milliseconds <= LAST_MOMENT_MS:
        raise WindowError(f"{text[:40]!r} is no moment: write 2026-11-21T08:00:00Z, or milliseconds since 1970")
    return milliseconds


def window_span(first_ms: int | None, last_ms: int | None, rows: int) -> WindowSpan:
    """What was read of a window, on the wire: the times of its first and last record, and how many it holds."""
    return WindowSpan(start=show_moment(first_ms), end=show_moment(last_ms), rows=rows)


def show_moment(milliseconds: int | None) -> str | None:
    """ISO 8601 in UTC, to the millisecond."""
    if milliseconds is None:
        return None
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

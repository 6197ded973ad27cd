"""Times as the collector holds them: whole milliseconds since the epoch, UTC, which is what an id carries."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

DAY_MS = 86_400_000
EARLIEST_MS = -62_135_596_800_000  # 0001-01-01, the earliest that datetime and PostgreSQL's text form share
LATEST_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_WHOLE = re.compile(r"-?[0-9]{1,15}")

Clock = Callable[[], int]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def to_datetime(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)


def to_ms(moment: datetime) -> int:
    """A moment without a time zone is taken as UTC."""
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MILLISECOND


def to_iso(milliseconds: int) -> str:
    return to_datetime(milliseconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_ms(text: str) -> int:
    """Milliseconds of an ISO 8601 text, or of a whole number in a text. Raises ValueError."""
    if _WHOLE.fullmatch(text):
        return check_ms(int(text))
    try:
        return check_ms(to_ms(datetime.fromisoformat(text.replace("Z", "+00:00") if text.endswith("Z") else text)))
    except OverflowError:
        raise ValueError(f"{text[:40]!r} is out of the years 1 to 9999") from None


def read_ms(value: object) -> int:
    """Milliseconds of a whole number or an ISO 8601 text. Raises ValueError, and TypeError for what is neither."""
    if type(value) is int:
        return check_ms(value)
    if not isinstance(value, str):
        raise TypeError("must be ISO 8601 or milliseconds")
    return parse_ms(value)


def check_ms(milliseconds: int) -> int:
    if not EARLIEST_MS <= milliseconds <= LATEST_MS:
        raise ValueError("out of the years 1 to 9999")
    return milliseconds

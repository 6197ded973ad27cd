"""Data as people read it: text that Streamlit's Markdown shows as it is, names, units, numbers and times."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, tzinfo

# escaped, because some look like others
DASH, TIMES, SQUARE, ELLIPSIS = "\u2013", "\u00d7", "\u25a0", "\u2026"
_AREAS = {"m2", "m3", "ft2"}
_ACTIVE = re.compile(r"([\\`*_\[\]<>$:~!#|@{}^&])|^(\d+(?=[.)])|[-+=])")
_ADDRESS = re.compile(r"https?:(?=//)|www(?=\.)|(?<=\S)@(?=\S)", re.IGNORECASE)
_JOINER = "\u2060"  # a word joiner: no width, and no break
_TURNING = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_DURATIONS = (("min", 60, 5400), ("h", 3600, 172_800), ("days", 86_400, math.inf))
_UNITS = {"m2": "m²", "m3": "m³", "ft2": "ft²", "celsius": "°C", "degc": "°C", "percent": "%"}


def plain(text: str) -> str:
    """`text` as Markdown that shows exactly `text`: no link, picture, colour or formula can come out of data.

    Only what is active is escaped, because the label of a widget is also read out as it stands. Addresses become links
    whatever is escaped in them; one with an invisible mark in it does not.
    """
    return _ACTIVE.sub(_escape, _ADDRESS.sub(rf"\g<0>{_JOINER}", " ".join(text.split())))


def tag(text: str) -> str:
    """The same for a badge, which escapes square brackets by itself."""
    return plain(text).replace("\\[", "[").replace("\\]", "]")


def _escape(found: re.Match[str]) -> str:
    """A backslash before what is active; what makes a list of a number is the mark behind it."""
    return found[0] + "\\" if found[0].isdigit() else "\\" + found[0]


def code(text: str) -> str:
    """`text` in Markdown's code style, whatever it holds."""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{fence} {text} {fence}" if "`" in text else f"`{text}`"


def clipped(text: str, most: int) -> str:
    """At most so many characters of `text`, without those that turn the direction of writing around."""
    straight = _TURNING.sub("", text)
    return straight if len(straight) <= most else straight[: most - 1] + ELLIPSIS


def title(name: str, unit: str | None = None) -> str:
    """A column's name as words: `year_built` is "Year built", `living_m2` in m² is "Living"."""
    words = name.split("_")
    if unit and len(words) > 1 and pretty_unit(words[-1]) == pretty_unit(unit):
        words = words[:-1]
    phrase = " ".join(_UNITS[word] if word in _AREAS else word for word in words)
    return phrase[:1].upper() + phrase[1:]


def pretty_unit(unit: str | None) -> str:
    """A unit as people write it: `USD/m2` is USD/m². Empty where there is none."""
    if not unit:
        return ""
    return re.sub(r"[A-Za-z]+\d?", lambda found: _UNITS.get(found[0].lower(), found[0]), unit)


def in_brackets(unit: str | None) -> str:
    """The unit behind a name: ` (m²)`, or nothing."""
    return f" ({pretty_unit(unit)})" if unit else ""


def with_unit(value: float, unit: str | None) -> str:
    """A number with its unit."""
    return f"{number(value)} {pretty_unit(unit)}".rstrip()


def number(value: float) -> str:
    """Four significant digits, thousands separated: 1,234 · 12.35 · 0.001235."""
    if not math.isfinite(value):
        return DASH
    magnitude = abs(value)
    if value == int(value) and magnitude < 1e15:
        return f"{int(value):,}"
    if magnitude >= 1000:
        return f"{value:,.0f}"
    if magnitude >= 1e-4:
        return f"{value:.4g}"
    return f"{value:.2e}"


def percent(share: float) -> str:
    """A share between 0 and 1; one decimal near the ends, where whole numbers would say 0% or 100%."""
    if 0 < share < 0.001:
        return "<0.1%"
    if 0.999 < share < 1:
        return ">99.9%"
    said = f"{share:.1%}" if share < 0.1 or share > 0.9 else f"{share:.0%}"
    return said.replace(".0%", "%")


def when(at: datetime, zone: tzinfo = UTC) -> str:
    """Date and time to the second in the reader's zone."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def ago(at: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that fits."""
    seconds = max((now - at).total_seconds(), 0)
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        count = int(seconds // length)
        if count:
            return f"{count} {unit[:-1] if unit == 'days' and count == 1 else unit} ago"
    return "just now"


def parse_time(text: str | None) -> datetime | None:
    """A time as services write it (ISO 8601, UTC where it says nothing); None when it is absent or malformed."""
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def duration(seconds: float | None) -> str:
    """A length of time in the unit that fits: 3.2 ms, 1.4 s, 12 min, 5 h, 3 days."""
    if seconds is None:
        return DASH
    if seconds < 1:
        return f"{number(seconds * 1000)} ms"
    if seconds < 120:
        return f"{number(seconds)} s"
    unit, length = next((u, n) for u, n, most in _DURATIONS if seconds < most)
    return f"{seconds / length:.0f} {unit}"


def size(count: float | None) -> str:
    """So many bytes, in the unit that fits."""
    if count is None:
        return DASH
    for unit, bytes_each in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= bytes_each:
            return f"{number(count / bytes_each)} {unit}"
    return f"{count:.0f} bytes"

"""What a label may be: ground truth as somebody writes it, read as what the task stores, or refused with the reason.

Every door asks the same function, so that what is stored is a class of the model or a finite number. A task type gives
its reader by `Task.label_reader`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pilothouse.errors import LabelError

LabelReader = Callable[[Any], str | float]

LARGEST = 1e100  # a number beyond it has a square that is none
_INT64 = 2**63
_SHOWN_CLASSES, _SHOWN_LETTERS = 10, 60
_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_TRUE, _FALSE = frozenset({"true", "1"}), frozenset({"false", "0"})


def label_text(value: Any) -> str:
    """A label as text: `true` and `false`, whole numbers without a point. Raises LabelError for what is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, int | float):
        raise LabelError("type", f"must be text, a number or a boolean, not {_kind(value)}")
    if not abs(value) < _INT64:
        raise LabelError("not_finite", "must be a finite number that fits 64 bits")
    return str(int(value)) if value == int(value) else repr(value)


def read_number(value: Any) -> float:
    """A finite number, of a number or of its text. Raises LabelError."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise LabelError("not_a_number", f"must be a number, not {_kind(value)}")
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        raise LabelError("not_a_number", f"{_shown(value)} is no number; write it like 12500.5, without unit or blanks")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not abs(number) <= LARGEST:
        raise LabelError("not_finite", f"must be a finite number of at most {LARGEST:g}")
    return number


def read_label_values(given: Mapping[Any, Any]) -> dict[str, str]:
    """Values and the class that each means, as text: YAML has numbers and booleans there. Raises LabelError."""
    pairs = [(label_text(value), label_text(meaning)) for value, meaning in given.items()]
    if len(dict(pairs)) < len(pairs):
        raise LabelError("twice", "a value is given twice")
    return dict(pairs)


def class_reader(classes: Sequence[str], label_values: Mapping[str, str] | None = None) -> LabelReader:
    """A reader for these classes. `label_values` are other values that mean a class (see `label_value_faults`)."""
    known = _spellings(classes)
    for value, meaning in (label_values or {}).items():
        found = known.get(_canonical(meaning), meaning)
        known |= {value: found, _canonical(value): found}

    def read(value: Any) -> str:
        text = label_text(value)
        found = known.get(text) or known.get(_canonical(text))
        if found is None:
            raise LabelError("not_a_class", f"{_shown(text)} is no class of the model; {_listed(classes, text)}")
        return found

    return read


def label_value_faults(classes: Sequence[str], label_values: Mapping[str, str]) -> list[str]:
    """What does not fit these classes, one sentence each: a value must mean one class, and no class another."""
    known = _spellings(classes)
    faults, meant = [], dict(known)
    for value, meaning in label_values.items():
        found = known.get(meaning) or known.get(_canonical(meaning))
        if found is None:
            faults.append(f"output.label_values: {_shown(meaning)} is no class; {_listed(classes, meaning)}")
        elif meant.setdefault(_canonical(value), found) != found:
            faults.append(f"output.label_values: {_shown(value)} means {_shown(meant[_canonical(value)])} already")
    return faults


def _spellings(classes: Sequence[str]) -> dict[str, str]:
    """Each class by its own name, and by the canonical spelling of it where that is of one class alone."""
    named = {_canonical(name): name for name in classes}
    if len(named) < len(classes):  # "1" beside "1.0"
        return {name: name for name in classes}
    truth = next((named[word] for word in _TRUE if word in named), None)
    if len(named) == 2 and truth is not None and _FALSE & named.keys():
        untruth = next(name for name in classes if name != truth)
        named |= dict.fromkeys(_TRUE, truth) | dict.fromkeys(_FALSE, untruth)
    return named | {name: name for name in classes}


def _canonical(text: str) -> str:
    """One spelling of what is written in several: 1.0 as 1, True as true, letters composed."""
    if _PLAIN.fullmatch(text):
        plain = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if plain == "-0" else plain
    if text.lower() in ("true", "false"):
        return text.lower()
    return unicodedata.normalize("NFC", text)


def _listed(classes: Sequence[str], text: str) -> str:
    """The classes, shortened when they are many, and the one that was perhaps meant."""
    folded = text.strip().casefold()
    near = next((name for name in classes if name.strip().casefold() == folded), None)
    meant = f"perhaps {_shown(near)} is meant; " if near is not None else ""
    shown = ", ".join(map(_shown, classes[:_SHOWN_CLASSES]))
    more = f" and {len(classes) - _SHOWN_CLASSES:,} more" if len(classes) > _SHOWN_CLASSES else ""
    return f"{meant}it has {shown}{more}"


def _shown(text: str) -> str:
    """In quotes; letters that only look like others, and blanks, can be told from them."""
    return ascii(text if len(text) <= _SHOWN_LETTERS else f"{text[:_SHOWN_LETTERS]}...")


def _kind(value: Any) -> str:
    return {"NoneType": "null", "bool": "a boolean", "list": "a list", "dict": "an object"}.get(
        type(value).__name__, type(value).__name__
    )

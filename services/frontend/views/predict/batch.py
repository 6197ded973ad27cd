"""A file of many rows: read, predicted a piece at a time, and given back with the answers beside it.

When the service refuses a row, it is taken out with the reason, and the rest of its piece is sent again.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from pilothouse.errors import Fault, InputError
from pilothouse.input_files import feature_objects
from pilothouse.manifest import Manifest, TabularInput
from pilothouse.wire.predictions import Prediction
from services.frontend.errors import ServiceRefused

MOST_ROWS = 100_000
PIECE_ROWS = 500
_SEPARATORS = {";": "semicolons", "\t": "tabs"}
Instance = Mapping[str, Any]
Outcome = Prediction | str
Predict = Callable[[Sequence[Instance]], list[Prediction]]
_ROW = re.compile(r"^instances\[(\d+)\]\.?(.*)$")
_ADDED = ("prediction", "risk", "id", "error")


def read(name: str, data: bytes, manifest: Manifest) -> pd.DataFrame:
    """A CSV or Parquet file's rows. Raises InputError when it is neither, is too long, or has not the features."""
    assert isinstance(manifest.input, TabularInput)
    texts = {f.name: "string" for f in manifest.input.features if f.type in ("category", "datetime")}
    try:
        if name.lower().endswith(".parquet"):
            frame = pd.read_parquet(io.BytesIO(data))
        else:
            frame = pd.read_csv(io.BytesIO(data), dtype=texts, nrows=MOST_ROWS + 1)
    except UnicodeDecodeError as error:
        raise InputError([Fault(name, "unreadable", "is not text in UTF-8, as a CSV file should be")]) from error
    except (ValueError, OSError) as error:
        raise InputError([Fault(name, "unreadable", f"cannot be read: {str(error).splitlines()[0][:200]}")]) from error
    header = str(frame.columns[0]) if len(frame.columns) == 1 else ""
    found = next((said for sign, said in _SEPARATORS.items() if sign in header), None)
    if found:
        raise InputError([Fault(name, "separator", f"has {found} between its columns; write it with commas")])
    if not 0 < len(frame) <= MOST_ROWS:
        said = "has no rows" if frame.empty else f"has too many rows; {MOST_ROWS:,} at most"
        raise InputError([Fault(name, "rows", said)])
    return frame


def instances(frame: pd.DataFrame, manifest: Manifest) -> list[Instance]:
    """One JSON object a row. Raises InputError naming every required feature that is no column."""
    return list(feature_objects(frame, manifest))


def predict_all(predict: Predict, rows: Sequence[Instance]) -> Iterator[list[Outcome]]:
    """Outcomes, a piece at a time: a prediction, or why there is none. Raises ServiceError when the service is away."""
    for start in range(0, len(rows), PIECE_ROWS):
        yield _piece(predict, rows[start : start + PIECE_ROWS])


def results(frame: pd.DataFrame, outcomes: Sequence[Outcome], manifest: Manifest) -> pd.DataFrame:
    """The rows that were tried with what came of them: prediction, probabilities, risk, id, error."""
    table = frame.head(len(outcomes)).reset_index(drop=True)
    table = table.drop(columns=[c for c in (*_ADDED, *manifest.probability_columns) if c in table])
    answered = [o if isinstance(o, Prediction) else None for o in outcomes]
    table["prediction"] = [o.prediction if o else None for o in answered]
    probabilities = [(o.probabilities or {}) if o else {} for o in answered]
    for column, label in zip(manifest.probability_columns, manifest.output.classes or (), strict=True):
        table[column] = [of.get(label) for of in probabilities]
    if manifest.output.risk_tiers:
        table["risk"] = [o.risk if o else None for o in answered]
    table["id"] = [o.id if o else None for o in answered]
    errors = [o if isinstance(o, str) else None for o in outcomes]
    if any(errors):
        table["error"] = errors
    return table


def _piece(predict: Predict, rows: Sequence[Instance]) -> list[Outcome]:
    outcomes: dict[int, Outcome] = {}
    left = list(range(len(rows)))
    while left:
        try:
            answers = predict([rows[i] for i in left])
        except ServiceRefused as refusal:
            wrong = _by_row(refusal.faults)
            if not wrong:
                raise
            outcomes |= {left[position]: message for position, message in wrong.items() if position < len(left)}
            left = [i for i in left if i not in outcomes]
            continue
        outcomes |= dict(zip(left, answers, strict=True))
        break
    return [outcomes[i] for i in range(len(rows))]


def _by_row(faults: Sequence[Fault]) -> dict[int, str]:
    """What is wrong with each row, by its place in the request."""
    found: dict[int, list[str]] = {}
    for fault in faults:
        matched = _ROW.match(fault.path)
        if matched:
            found.setdefault(int(matched[1]), []).append(f"{matched[2]}: {fault.message}".removeprefix(": "))
    return {row: "; ".join(messages) for row, messages in found.items()}

"""Files of a user: tables (CSV or Parquet), images and folders of images, and the requests that they make."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pilothouse.errors import Fault, InputError
from pilothouse.manifest import ImageInput, Manifest

if TYPE_CHECKING:
    import pandas as pd

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})


def read_requests(path: Path, manifest: Manifest) -> list[Any]:
    """Feature objects, or the bytes of images, in the file's order. Raises InputError when there are none to be had."""
    if isinstance(manifest.input, ImageInput):
        return [p.read_bytes() for p in _image_paths(path)]
    return list(feature_objects(read_frame(path), manifest))


def read_frame(path: Path) -> pd.DataFrame:
    """A CSV or Parquet file. Raises InputError for a file of another kind."""
    import pandas as pd

    if path.suffix in (".parquet", ".pq"):
        return pd.read_parquet(path)
    if path.suffix == ".csv":
        return pd.read_csv(path)
    raise InputError([Fault(str(path), "file_type", "must be a .csv or .parquet file")])


def feature_objects(frame: pd.DataFrame, manifest: Manifest) -> Iterator[dict[str, Any]]:
    """One JSON object a row: the model's features and no other column; a missing value is null."""
    assert not isinstance(manifest.input, ImageInput)
    names = [f.name for f in manifest.input.features]
    absent = [f.name for f in manifest.input.features if f.required and f.name not in frame.columns]
    if absent:
        raise InputError([Fault(name, "missing", "is required and no column of the file") for name in absent])
    present = [n for n in names if n in frame.columns]
    kinds = {f.name: f.type for f in manifest.input.features}
    for row in frame[present].itertuples(index=False, name=None):
        yield {name: _plain(value, kinds[name]) for name, value in zip(present, row, strict=True)}


def _plain(value: Any, kind: str) -> Any:
    """A value of a frame as JSON has it. Whole floats of an integer column are integers again."""
    import pandas as pd

    if value is None or pd.isna(value):
        return None
    if isinstance(value, datetime):
        return value.isoformat()
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, str) and kind in ("number", "integer", "boolean"):
        plain = _parsed(plain, kind)
    if isinstance(plain, float) and not math.isfinite(plain):
        return str(plain)  # JSON has no such number; the service says of this row what is wrong
    if kind == "integer" and isinstance(plain, float) and plain.is_integer():
        return int(plain)
    return bool(plain) if kind == "boolean" and plain in (0, 1) else plain


def _parsed(text: str, kind: str) -> Any:
    """A cell of text as the number or boolean that it stands for; as it is when it stands for none.

    One such cell makes pandas read its whole column as text, and only its own row should be refused.
    """
    word = text.strip()
    if kind == "boolean":
        return {"true": True, "false": False, "1": True, "0": False}.get(word.lower(), text)
    try:
        return text if "_" in word else float(word)
    except ValueError:
        return text


def _image_paths(path: Path) -> list[Path]:
    found = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        raise InputError([Fault(str(path), "no_images", "holds no image files")])
    return found

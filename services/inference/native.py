"""Our own form of a prediction: JSON of features, or images, in; JSON by types compiled from the manifest out.

An object of a compiled type is made and encoded in a third of the time of a dict, and once a prediction that counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import repeat, starmap
from typing import Any

import msgspec
from python_multipart.multipart import parse_options_header

from pilothouse.errors import Fault, InputError, TooLarge
from pilothouse.ids import id_text
from pilothouse.manifest import Manifest
from pilothouse.model import Inputs, Model, Outputs
from services.inference.errors import MediaTypeError
from services.inference.prediction import Answer

_FIELD = b"file"
_SHORT = 256  # characters of a header that is worth remembering
_encoder = msgspec.json.Encoder()


def read_inputs(model: Model, content_type: str, body: bytes, max_rows: int) -> tuple[Inputs, bool]:
    """The inputs in a body, and whether there may be many. Raises MediaTypeError, InputError, NotAnImage, TooLarge."""
    if model.tabular:
        require_json(content_type)
        rows, many = model.tabular.decode(body)
        return Inputs(rows), many
    files, many = image_files(content_type, body, max_rows)
    return model.parse_images(files), many


@lru_cache(maxsize=64)
def require_json(content_type: str) -> None:
    """Raises MediaTypeError unless the body is JSON (or does not say what it is, as curl -d does not)."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in ("", "application/json", "application/x-www-form-urlencoded") and not kind.endswith("+json"):
        raise MediaTypeError(f"this model takes features as application/json, not {kind!r}")


def image_files(content_type: str, body: bytes, max_files: int) -> tuple[list[bytes], bool]:
    """The image files of a body, and whether there may be many: multipart `file` parts, or the body itself.

    Raises MediaTypeError, InputError, TooLarge.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        files = _multipart(content_type, body)
        if len(files) > max_files:
            raise TooLarge([Fault("file", "too_many", f"{len(files)} files are over the limit of {max_files}")])
        return files, len(files) > 1
    if kind.startswith("image/") or kind in ("", "application/octet-stream", "application/x-www-form-urlencoded"):
        return [body], False
    raise MediaTypeError(f"this model takes images: multipart/form-data or image/*, not {kind!r}")


def _multipart(content_type: str, body: bytes) -> list[bytes]:
    """The contents of the parts named `file` (RFC 7578). Cut at the boundary, which no part may hold (RFC 2046): a
    parser that looks at each byte in Python took ten times as long."""
    boundary = _options(content_type).get(b"boundary")
    if not boundary:
        raise _not_multipart("the content type names no multipart boundary")
    before, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if before or not parts or not parts.pop().startswith(b"--"):
        raise _not_multipart("the body is not multipart/form-data: it does not begin and end with its boundary")
    files = [content for name, content in map(_part, parts) if name == _FIELD]
    if not files:
        raise InputError([Fault("file", "missing", "send at least one part named `file`")])
    return files


def _part(part: bytes) -> tuple[bytes | None, bytes]:
    """The name and the content of what stands between two boundaries."""
    head, end, content = part.partition(b"\r\n\r\n")
    line_end, *headers = head.split(b"\r\n")
    if line_end.strip(b" \t") or not end:
        raise _not_multipart("the body is not multipart/form-data: a part has no headers")
    for header in headers:
        name, _, value = header.partition(b":")
        if name.strip().lower() == b"content-disposition":
            return _options(value.strip()).get(b"name"), content
    return None, content


def _options(header: str | bytes) -> Mapping[bytes, bytes]:
    """What follows the semicolons of a header."""
    return _known_options(header) if len(header) < _SHORT else parse_options_header(header)[1]


@lru_cache(maxsize=256)
def _known_options(header: str | bytes) -> Mapping[bytes, bytes]:
    """Remembered, because the forms of one caller are much alike."""
    return parse_options_header(header)[1]


def _not_multipart(why: str) -> InputError:
    return InputError([Fault("", "not_multipart", why)])


class ResponseWriter:
    """Writes the predictions of one model version."""

    def __init__(self, manifest: Manifest) -> None:
        output = manifest.output
        self._named = (manifest.name, manifest.version)
        self._unit = (output.unit,) if output.unit else ()
        self._probabilities = _struct("Probabilities", output.classes) if output.classes else None
        names = ["id", "model", "version", "prediction"]
        names += ["probabilities"] * bool(output.classes) + ["risk"] * bool(output.risk_tiers)
        names += ["unit"] * bool(output.unit) + ["logged", "latency_ms"]
        self._answer = _struct("Answer", names)
        self._many = msgspec.defstruct("Answers", [("predictions", list[self._answer])])  # type: ignore[name-defined]  # a type made here

    def write(self, answer: Answer, *, many: bool) -> bytes:
        """One prediction, or `{"predictions": [...]}` in the order given."""
        ids, outputs, first = answer.ids, answer.outputs, answer.first
        more = (*self._unit, answer.logged, round(answer.latency_ms, 3))
        if not many:
            return _encoder.encode(self._one(ids[0], outputs, first, more))
        last = first + len(ids)
        columns: list[Any] = [map(id_text, ids), *map(repeat, self._named), outputs.prediction[first:last]]
        if self._probabilities and outputs.probabilities is not None:
            columns.append(starmap(self._probabilities, outputs.probabilities[first:last].tolist()))
        if outputs.risk is not None:
            columns.append(outputs.risk[first:last])
        columns += map(repeat, more)
        return _encoder.encode(self._many(list(map(self._answer, *columns))))

    def _one(self, record_id: bytes, outputs: Outputs, row: int, more: tuple[Any, ...]) -> Any:
        """What the columns of `write` have in a row; a few columns of one row cost twice as much as the row."""
        values = [id_text(record_id), *self._named, outputs.prediction[row]]
        if self._probabilities and outputs.probabilities is not None:
            values.append(self._probabilities(*outputs.probabilities[row].tolist()))
        if outputs.risk is not None:
            values.append(outputs.risk[row])
        return self._answer(*values, *more)


def _struct(name: str, fields: Any) -> Any:
    """A type with these fields, in this order, whatever their names are."""
    names = {f"f{i}": field for i, field in enumerate(fields)}
    return msgspec.defstruct(name, [(key, Any) for key in names], rename=names, gc=False)

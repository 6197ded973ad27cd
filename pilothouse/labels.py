"""Ground truth from Python: `LabelClient("http://127.0.0.1:8001").send([(record_id, "fraud"), ...])`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import httpx2
import msgspec

from pilothouse.errors import RemoteError
from pilothouse.service_client import ServiceClient
from pilothouse.wire.labels import LabelResult

BATCH = 5_000  # labels a request

GivenLabels = Sequence[tuple[Any, ...]]
"""Of each the id that the prediction was answered with, the true value, and perhaps when it became known (ISO 8601 or
milliseconds since the epoch)."""


class LabelClient(ServiceClient):
    """A connection to the collector. Close it, or use it as a context manager.

    Arguments:
        url: where the collector is, such as http://127.0.0.1:8001.
        api_key: a key with the scope `ingest`, sent as a bearer token; None where the collector asks for none.
        timeout_seconds: how long a request of `BATCH` labels may take.
        auth: for a platform that asks for a token of its own beside the key, as Cloud Run does.
    """

    def __init__(
        self, url: str, api_key: str | None = None, timeout_seconds: float = 60, auth: httpx2.Auth | None = None
    ) -> None:
        super().__init__(url, api_key, timeout_seconds, auth)

    def send(self, labels: Iterable[tuple[Any, ...]]) -> LabelResult:
        """Say what was true of predictions, many at a time; sending the same again changes nothing.

        A label that is no class of the prediction's model, or no number, is refused, with its `index` and the reason.
        Raises RemoteError when the collector does not answer: what was sent before is stored.
        """
        total, sent = LabelResult(0, 0), 0
        for batch in _batches(labels, BATCH):
            total = add(total, self.send_batch(batch), sent)
            sent += len(batch)
        return total

    def send_batch(self, labels: GivenLabels) -> LabelResult:
        """The same in one request, or in several where the collector takes fewer at once. Raises RemoteError."""
        fields = ("record_id", "label", "at")
        items = [dict(zip(fields, (str(given[0]), json_label(given[1]), *given[2:]), strict=False)) for given in labels]
        sent, kind = msgspec.json.encode(items), {"content-type": "application/json"}
        response = self._ask("POST", "/v1/labels", content=sent, headers=kind)
        if response.status_code == 413 and len(labels) > 1:
            half = len(labels) // 2
            return add(self.send_batch(labels[:half]), self.send_batch(labels[half:]), half)
        return self._result(response)

    def _result(self, response: httpx2.Response) -> LabelResult:
        try:
            return msgspec.json.decode(response.content, type=LabelResult)
        except msgspec.DecodeError:
            raise RemoteError(self._url, response.status_code, _detail(response)) from None


def add(one: LabelResult, other: LabelResult, offset: int) -> LabelResult:
    """Two results as one; `other` began at the label number `offset`."""
    moved = [msgspec.structs.replace(refused, index=refused.index + offset) for refused in other.rejected]
    return LabelResult(
        one.accepted + other.accepted,
        one.unchanged + other.unchanged,
        [*one.rejected, *moved],
        one.replaced + other.replaced,
        one.waiting + other.waiting,
        one.skipped + other.skipped,
    )


def is_missing(value: Any) -> bool:
    """Whether a cell of a file holds no label: None, NaN, or text of blanks alone."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value != value  # noqa: PLR0124 - NaN, NaT and their like


def json_label(value: Any) -> Any:
    """A label as JSON has it: numpy's scalars and Decimals too. A number that JSON has not is text, to be refused."""
    if type(value) is str:
        return value
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, float) and not math.isfinite(plain):
        return str(plain)
    if isinstance(plain, int) and not isinstance(plain, bool) and abs(plain) >= 2**63:
        return str(plain)
    return plain if isinstance(plain, str | int | float | bool | None | list | dict) else str(plain)


def _batches(labels: Iterable[tuple[Any, ...]], size: int) -> Iterator[list[tuple[Any, ...]]]:
    rest = iter(labels)
    while batch := list(islice(rest, size)):
        yield batch


def _detail(response: httpx2.Response) -> str:
    try:
        body = response.json()
        return str(body.get("detail") or body.get("title") or "")
    except (ValueError, AttributeError):
        return response.text[:200]

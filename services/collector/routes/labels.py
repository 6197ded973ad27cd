"""Ground truth in, and its history out."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import APIRouter, Request, Response
from msgspec.structs import asdict

from pilothouse.errors import Fault
from pilothouse.serving.problem import problem
from pilothouse.wire.labels import LabelResult
from services.collector.components import Components
from services.collector.errors import MalformedError
from services.collector.labels.items import read_csv
from services.collector.records.decoding import decode_lenient
from services.collector.routes.bodies import answer, body_schema, content_type, decode_json, read_body
from services.collector.routes.parameters import INGEST, READ

_EXAMPLE = [{"record_id": "019aa4b0-7c00-7000-8000-000000000000", "label": "sneaker", "at": "2026-11-21T08:00:00Z"}]


def labels_router(components: Components) -> APIRouter:
    router = APIRouter(prefix="/v1/labels", tags=["labels"])

    @router.post(
        "",
        dependencies=INGEST,
        summary="Ground truth, late and in any order: a JSON list, or a CSV file; 207 when some are refused",
        openapi_extra=body_schema("application/json", "text/csv", example=_EXAMPLE),
    )
    async def store(request: Request) -> Response:
        body = await read_body(request, components.limits.body_bytes, components.limits.decoded_bytes)
        items = read_csv(body) if content_type(request) == "text/csv" else _decode(body)
        if not isinstance(items, list):
            raise MalformedError(Fault("", "type", "must be a list of labels"))
        return _answer(await components.labels.store(items))

    @router.get("/{record_id}", dependencies=READ, summary="Every label that a record was given")
    async def history(record_id: uuid.UUID) -> Response:
        return answer(await components.labels.history(record_id))

    return router


def _decode(body: bytes) -> Any:
    """JSON in which one bad number or text costs one label. Raises MalformedError."""
    try:
        return decode_json(body)
    except MalformedError:
        return decode_lenient(body)


def _answer(result: LabelResult) -> Response:
    """200 when every label was taken, 207 when some were, and a problem, with the same fields, when none was."""
    if not result.rejected:
        return answer(result)
    if result.accepted or result.unchanged:
        return answer(result, 207)
    faults = [Fault(f"[{refused.index}]", refused.code, refused.message) for refused in result.rejected[:20]]
    return problem(422, "labels-rejected", "No label was taken", faults[0].message, faults=faults, **asdict(result))

"""CloudEvents in, as KServe's inference logger sends them.

KServe takes anything but exactly 200 for a failure, logs it and drops the event: so 200 is the answer to whatever will
be no better when it is sent again, and the body says what became of it. Not 200 are what the sender's side has to mend
or try again: 401 and 403 (the key), 413 and 415 (the body), 422 (no CloudEvent at all), 503 (the database is away).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from pilothouse.serving.observe import note
from services.collector.components import Components
from services.collector.errors import printable
from services.collector.events.envelope import STRUCTURED, read_event
from services.collector.routes.bodies import answer, body_schema, content_type, read_body
from services.collector.routes.parameters import INGEST

_Name = Annotated[str | None, Query(max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


def cloudevents_router(components: Components) -> APIRouter:
    router = APIRouter(prefix="/v1/cloudevents", tags=["records"])

    @router.post(
        "",
        dependencies=INGEST,
        summary="A request or a response of an external model, as a CloudEvent 1.0 (KServe's inference logger)",
        openapi_extra=body_schema("application/json", STRUCTURED),
    )
    async def take(request: Request, model: _Name = None, version: _Name = None) -> Response:
        body = await read_body(request, components.limits.body_bytes, components.limits.decoded_bytes)
        event = read_event(request.headers, content_type(request), body)
        taken = await components.events.take(event, model, version)
        note(request.scope, model=model or printable(event.service, 60), outcome=taken.outcome)
        return answer(taken)

    return router

"""The routes of the Open Inference Protocol; its errors are `{"error": "..."}`, not problems."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from pilothouse.errors import PilothouseError
from pilothouse.serving.auth import require
from pilothouse.serving.observe import note
from pilothouse.serving.problem import find_entry
from pilothouse.serving.trace import current_trace
from services.inference.bodies import read_body
from services.inference.errors import UnknownModelError
from services.inference.oip import model_metadata, read_request, write_response
from services.inference.predictor import Call
from services.inference.routes import catalog_of
from services.inference.settings import InferenceSettings

router = APIRouter(prefix="/v2", tags=["Open Inference Protocol v2"])
_predict = Depends(require("predict"))


@router.get("", summary="Server metadata")
async def server(request: Request) -> dict[str, Any]:
    return {"name": "pilothouse", "version": request.app.version, "extensions": []}


@router.get("/health/live", summary="Server live")
async def live() -> dict[str, bool]:
    return {"live": True}


@router.get("/health/ready", summary="Server ready")
async def ready(request: Request) -> Response:
    ready = not request.app.state.readiness.reasons()
    return JSONResponse({"ready": ready}, 200 if ready else 503)


@router.get("/models/{name}", dependencies=[_predict], summary="Model metadata")
@router.get("/models/{name}/versions/{version}", dependencies=[_predict], summary="Metadata of a version")
async def model(request: Request, name: str, version: str | None = None) -> Response:
    try:
        manifest = catalog_of(request).find(name, version).manifest
    except UnknownModelError as error:
        return JSONResponse({"error": str(error)}, 404)
    return JSONResponse(model_metadata(manifest, catalog_of(request).versions(name)))


@router.get("/models/{name}/ready", dependencies=[_predict], summary="Model ready")
@router.get("/models/{name}/versions/{version}/ready", dependencies=[_predict], summary="Version ready")
async def model_ready(request: Request, name: str, version: str | None = None) -> Response:
    try:
        catalog_of(request).find(name, version)
    except UnknownModelError as error:
        return JSONResponse({"error": str(error)}, 404)
    return JSONResponse({"name": name, "ready": True})


@router.post("/models/{name}/infer", dependencies=[_predict], summary="Inference")
@router.post("/models/{name}/versions/{version}/infer", dependencies=[_predict], summary="Inference by a version")
async def infer(request: Request, name: str, version: str | None = None) -> Response:
    settings: InferenceSettings = request.app.state.settings
    try:
        predictor = catalog_of(request).find(name, version)
        note(request.scope, model=predictor.manifest.name, version=predictor.manifest.version)
        headers = dict(request.scope["headers"])
        body = await read_body(headers, request.receive, settings.max_body_bytes, settings.body_timeout_seconds)
        begun = time.perf_counter()
        stages = predictor.metrics.stages
        inputs, request_id = read_request(body, predictor.model, settings.max_rows)
        decoded = time.perf_counter()
        stages["decode"].observe(decoded - begun)
        trace = current_trace()
        call = Call(inputs, begun, "oip", trace.trace_id if trace else None, trace, decoded)
        answer = await predictor.predict(call)
    except (PilothouseError, TimeoutError) as error:
        entry = find_entry(request.app.state.errors, error)
        if entry is None:
            raise
        return JSONResponse({"error": str(error) or entry.title}, entry.status)
    reply = write_response(predictor.manifest, answer, len(inputs), request_id)
    stages["total"].observe(time.perf_counter() - begun)
    return Response(reply, media_type="application/json")

"""The other services over real HTTP, with answers of the agreed shapes, for the failures that are hard to bring about
with the real ones. Inputs are judged by the library's own codec. The browser tests run on the real stack."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pilothouse.errors import InputError
from pilothouse.ids import uuid7
from pilothouse.manifest import ImageInput, Manifest
from pilothouse.tabular import TabularCodec


def png(size: int = 28, shade: int = 128) -> bytes:
    """A grey square."""
    data = io.BytesIO()
    Image.new("L", (size, size), shade).save(data, "PNG")
    return data.getvalue()


_PLAIN = (
    "/drift/history", "/drift/distributions", "/drift/embedding", "/performance", "/performance/history",
    "/api/v1/rules", "/api/v1/query_range",
)  # fmt: skip


class StandIn:
    """Inference, collector and drift on one port. What was predicted is in the log at once; `drift` is what the drift
    service answers; `calls` holds every path that was asked for."""

    def __init__(self, *manifests: Manifest, drift: Mapping[str, Any] | None = None) -> None:
        self.manifests = {m.name: m for m in manifests}
        self.versions = {m.key: m for m in manifests}
        self.states = {m.key: "active" for m in manifests}
        self.labels: dict[str, Any] = {}
        self.refusing_labels = False
        self.alerts: list[dict[str, Any]] = []
        self.answers: dict[str, Any] = {}  # what else is answered, by path; a 404 without
        self.admin_key: str | None = None
        self.card = "# A card"
        self.records: dict[str, list[dict[str, Any]]] = {m.name: [] for m in manifests}
        self.drift = drift
        self.ready = True
        self.calls: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.url = ""
        self.app = Starlette(routes=self._routes())

    def _routes(self) -> list[Route]:
        answers: dict[str, Callable[[Request], Response]] = {
            "/": self._about,
            "/health/ready": self._readiness,
            "/models": self._models,
            "/models/{name}/versions/{version}": self._manifest,
            "/models/{name}/versions/{version}/card": lambda _: Response(self.card, media_type="text/markdown"),
            "/models/{name}/versions/{version}/examples/{file}": lambda _: Response(png(), media_type="image/png"),
            "/v1/models": self._announced,
            "/v1/models/{name}/{version}": self._manifest,
            "/v1/records": self._records,
            "/v1/stats": lambda _: JSONResponse({"models": [self._stats(m) for m in self.manifests.values()]}),
            "/drift": lambda _: JSONResponse(self.drift) if self.drift else _problem(404, "Not Found", "no record"),
            "/v1/labels/{record_id}": self._history,
            "/v1/alerts": self._alerts,
            "/metrics": lambda _: Response("pilothouse_spool_bytes 1500\n", media_type="text/plain"),
        }
        answers |= dict.fromkeys(_PLAIN, self._plain)
        posts = {"/models/{name}/versions/{version}/predict": self._predict, "/v1/labels": self._label}
        version = "/models/{name}/versions/{version}"
        return [
            *(Route(path, answer, methods=["POST"]) for path, answer in posts.items()),
            Route(f"{version}/activate", self._noted(self._decide), methods=["POST"]),
            Route(f"{version}/shadow", self._noted(self._decide), methods=["POST", "DELETE"]),
            *(Route(path, self._noted(answer)) for path, answer in answers.items()),
        ]

    def add_version(self, manifest: Manifest) -> None:
        """Another version of a model, loaded beside the active one."""
        self.versions[manifest.key], self.states[manifest.key] = manifest, "loaded"

    def _plain(self, request: Request) -> Response:
        """What `answers` has for the path."""
        body = self.answers.get(request.url.path)
        return _problem(404, "Not Found", "Not Found") if body is None else JSONResponse(body)

    def _noted(self, answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def noted(request: Request) -> Response:
            self.calls.append(f"{request.url.path}?{request.url.query}".rstrip("?"))
            self.headers.append(request.headers)
            return answer(request)

        return noted

    def _about(self, _: Request) -> Response:
        return JSONResponse({"name": "stand-in", "version": "0.1.0"})

    def _readiness(self, _: Request) -> Response:
        return JSONResponse({}) if self.ready else _problem(503, "Not ready", "models: still loading")

    def _models(self, _: Request) -> Response:
        return JSONResponse({"models": [self._entry(m) for m in self.versions.values()]})

    def _announced(self, _: Request) -> Response:
        """As the collector lists them, the newest first."""
        known = [{"model": m.name, "version": m.version, "table": "t"} for m in self.manifests.values()]
        return JSONResponse({"models": known[::-1]})

    def _manifest(self, request: Request) -> Response:
        key = f"{request.path_params['name']}/{request.path_params['version']}"
        return JSONResponse(self.versions[key].model_dump(mode="json") | {"links": {}})

    def _entry(self, manifest: Manifest) -> dict[str, Any]:
        return {"name": manifest.name, "version": manifest.version, "task": manifest.task,
                "state": self.states[manifest.key],
                "default": manifest is next(iter(self.manifests.values()))}  # fmt: skip

    def _decide(self, request: Request) -> Response:
        """Activation and shadows, which need the admin's key where there is one."""
        if self.admin_key and request.headers.get("authorization") != f"Bearer {self.admin_key}":
            return _problem(403, "Forbidden", "this key lacks the scope 'admin'")
        name, version = request.path_params["name"], request.path_params["version"]
        if request.url.path.endswith("/shadow"):
            self.states[f"{name}/{version}"] = "shadow" if request.method == "POST" else "loaded"
        else:
            own = {key for key in self.states if key.startswith(f"{name}/")}
            self.states |= {key: "active" if key == f"{name}/{version}" else "loaded" for key in own}
        return self._models(request)

    async def _predict(self, request: Request) -> Response:
        self.headers.append(request.headers)
        manifest, body = self.manifests[request.path_params["name"]], await request.body()
        values: dict[str, Any] = {}
        if isinstance(manifest.input, ImageInput):
            if not body.startswith(b"\x89PNG"):
                return _problem(415, "Not an image", "file: not an image of a supported format")
            answer: dict[str, Any] = {
                "prediction": "pneumonia",
                "probabilities": {"normal": 0.1, "pneumonia": 0.9},
                "risk": "high",
            }
        else:
            try:
                rows, many = TabularCodec(manifest.input).decode(body)
            except InputError as error:
                faults = [{"path": f.path, "code": f.code, "message": f.message} for f in error.faults]
                return _problem(422, "Invalid input", str(error), errors=faults)
            if many:
                common = {"model": manifest.name, "version": manifest.version, "prediction": 1015.25}
                return JSONResponse({"predictions": [common | {"id": str(uuid7())} for _ in rows]})
            (row,) = rows
            values = dict(zip(manifest.input_columns, row, strict=True)) | {"sale_date": "1995-06-01T00:00:00Z"}
            answer = {"prediction": 1015.25}
        record_id = str(uuid7())
        self.records[manifest.name].insert(
            0, {"id": record_id, **values, "prediction": answer["prediction"], "latency_ms": 1.5}
        )
        common = {
            "id": record_id,
            "model": manifest.name,
            "version": manifest.version,
            "logged": True,
            "latency_ms": 1.5,
        }
        return JSONResponse(common | answer)

    def _records(self, request: Request) -> Response:
        params = request.query_params
        if "id" in params:
            found = [r for some in self.records.values() for r in some if r["id"] == params["id"]]
            return JSONResponse({"columns": list(found[0]) if found else [], "records": self._labelled(found)})
        if params["model"] not in self.manifests:
            return _problem(404, "Not Found", "never announced")
        if params.get("format") in ("csv", "parquet"):
            return Response(f"{len(self.records[params['model']])} records")
        if "last" in params:
            kept = self.records.get(f"{params['model']}/{params['version']}", [])
            return JSONResponse({"columns": list(kept[0]) if kept else [], "records": kept, "next": None})
        records, start, limit = self.records[params["model"]], int(params.get("cursor", "0")), int(params["limit"])
        page = records[start : start + limit]
        following = str(start + limit) if start + limit < len(records) else None
        page = self._labelled(page)
        return JSONResponse({"columns": list(page[0]) if page else [], "records": page, "next": following})

    def _labelled(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [r | {"label": self.labels.get(r["id"])} for r in records]

    async def _label(self, request: Request) -> Response:
        if self.refusing_labels:
            return _problem(503, "Unavailable", "no database")
        (given,) = await request.json()
        self.labels[given["record_id"]] = given["label"]
        return JSONResponse({"accepted": 1, "unchanged": 0, "rejected": []})

    def _history(self, request: Request) -> Response:
        record_id = request.path_params["record_id"]
        known = self.labels.get(record_id)
        given = [] if known is None else [{"label": str(known), "at": "2026-11-02T08:00:00Z"}]
        return JSONResponse({"record_id": record_id, "labels": given})

    def _alerts(self, request: Request) -> Response:
        wanted = request.query_params.get("status")
        return JSONResponse({"alerts": [a for a in self.alerts if wanted in (None, a["status"])], "next": None})

    def _stats(self, manifest: Manifest) -> dict[str, Any]:
        return {"model": manifest.name, "version": manifest.version, "records": len(self.records[manifest.name]),
                "first": "2026-11-01T08:00:00Z", "last": "2026-11-02T08:00:00Z",
                "labels": len(self.labels)}  # fmt: skip


def _problem(status: int, title: str, detail: str, **more: Any) -> Response:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail} | more
    return JSONResponse(body, status, media_type="application/problem+json")

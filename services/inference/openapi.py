"""`/docs` with every loaded model's own schema and an example that works, made from the manifests."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from pilothouse.manifest import Feature, ImageInput, Manifest
from services.inference.catalog import Catalog

_TYPES = {"number": "number", "integer": "integer", "category": "string", "boolean": "boolean", "datetime": "string"}


def install_openapi(app: FastAPI, catalog: Catalog) -> None:
    """Have `app.openapi` list the models that are loaded when it is asked."""

    def openapi() -> dict[str, Any]:
        schema: dict[str, Any] = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        names = dict.fromkeys(p.manifest.name for p in catalog)
        predict = {f"/models/{name}/predict": {"post": operation(catalog.find(name).manifest)} for name in names}
        schema["paths"] = predict | schema["paths"]  # what most people come for stands first
        return schema

    app.openapi = openapi  # type: ignore[method-assign]  # how FastAPI documents extending its schema


def operation(manifest: Manifest) -> dict[str, Any]:
    """The OpenAPI operation of one model's `predict`."""
    image = isinstance(manifest.input, ImageInput)
    problem = {"description": "What is wrong, each fault with its path", "content": {"application/problem+json": {}}}
    return {
        "tags": [manifest.name],
        "operationId": f"predict_{manifest.name}",
        "summary": f"Predict with {manifest.name} (version {manifest.version})",
        "description": manifest.description + (_image_help(manifest) if image else ""),
        "requestBody": {"required": True, "content": _image_body(manifest) if image else _tabular_body(manifest)},
        "responses": {
            "200": {"description": "The prediction", "content": {"application/json": {"schema": _answer(manifest)}}},
            "413": problem,
            "415": problem,
            "422": problem,
        },
    }


def feature_schema(feature: Feature) -> dict[str, Any]:
    """JSON Schema of one feature, with its unit and range."""
    schema: dict[str, Any] = {"type": _TYPES[feature.type]}
    text = " ".join(part for part in (feature.description, f"[{feature.unit}]" if feature.unit else "") if part)
    if text:
        schema["description"] = text
    if feature.type == "datetime":
        schema["format"] = "date"
    if feature.categories:
        schema["enum"] = list(feature.categories)
    if isinstance(feature.minimum, (int, float)):
        schema["minimum"] = feature.minimum
    if isinstance(feature.maximum, (int, float)):
        schema["maximum"] = feature.maximum
    if not feature.required:
        schema["default"] = feature.default
    return schema


def _tabular_body(manifest: Manifest) -> dict[str, Any]:
    assert not isinstance(manifest.input, ImageInput)
    one = {
        "type": "object",
        "title": "One instance",
        "properties": {f.name: feature_schema(f) for f in manifest.input.features},
        "required": [f.name for f in manifest.input.features if f.required],
        "additionalProperties": False,
    }
    many = {
        "type": "object",
        "title": "Many",
        "properties": {"instances": {"type": "array", "items": one, "minItems": 1}},
        "required": ["instances"],
        "additionalProperties": False,
    }
    examples = {f"example {i + 1}": {"value": e} for i, e in enumerate(manifest.examples)}
    if len(manifest.examples) > 1:
        examples["many"] = {"value": {"instances": list(manifest.examples[:2])}}
    return {"application/json": {"schema": {"oneOf": [one, many]}, "examples": examples}}


def _image_body(manifest: Manifest) -> dict[str, Any]:
    binary = {"type": "string", "format": "binary"}
    return {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {"file": {"type": "array", "items": binary, "description": "one image or several"}},
                "required": ["file"],
            }
        },
        "image/*": {"schema": binary},
    }


def _image_help(manifest: Manifest) -> str:
    spec = manifest.input
    assert isinstance(spec, ImageInput)
    size = f"{spec.width}x{spec.height} {'grey' if spec.mode == 'L' else 'RGB'}"
    text = f"\n\nTakes {size} images{'; other sizes are resized' if spec.resize else ''}."
    files = [e["file"] for e in manifest.examples if "file" in e]
    if files:
        links = ", ".join(f"[{f.rsplit('/', 1)[-1]}](/models/{manifest.name}/{f})" for f in files)
        text += f" Images to try: {links}."
    return text


def _answer(manifest: Manifest) -> dict[str, Any]:
    classes = manifest.output.classes
    properties: dict[str, Any] = {
        "id": {"type": "string", "format": "uuid", "description": "label the prediction by this"},
        "model": {"type": "string", "const": manifest.name},
        "version": {"type": "string"},
        "prediction": {"type": "string", "enum": list(classes)} if classes else {"type": "number"},
        "logged": {"type": "boolean", "description": "whether its record was written before the answer"},
        "latency_ms": {"type": "number"},
    }
    if classes:
        probability = {"type": "number", "minimum": 0, "maximum": 1}
        properties["probabilities"] = {"type": "object", "properties": dict.fromkeys(classes, probability)}
    if manifest.output.risk_tiers:
        properties["risk"] = {"type": "string", "enum": [t.name for t in manifest.output.risk_tiers]}
    if manifest.output.unit:
        properties["unit"] = {"type": "string", "const": manifest.output.unit}
    return {"type": "object", "properties": properties}

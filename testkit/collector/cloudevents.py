"""What KServe's inference logger posts (pkg/logger/handler.go and worker.go, binary mode), as it was read there."""

from __future__ import annotations

import json
from typing import Any

import httpx2

from testkit.collector.driver import Collector

REQUEST, RESPONSE = "org.kubeflow.serving.inference.request", "org.kubeflow.serving.inference.response"


def headers(
    kind: str,
    event_id: str | None,
    service: str = "houses",
    time: str = "2026-11-18T11:06:40.123456789Z",
    **attributes: Any,
) -> dict[str, str]:
    """The headers of one event. The content type is the caller's own: curl's, when it said nothing."""
    named = {
        "id": event_id, "specversion": "1.0", "type": kind, "source": "http://localhost:9081/", "time": time,
        "inferenceservicename": service, "namespace": "shop", "component": "predictor", "endpoint": "default",
        "metadata": "{}",
    } | attributes  # fmt: skip
    sent = {f"ce-{name}": value for name, value in named.items() if value is not None}
    return sent | {"content-type": "application/x-www-form-urlencoded", "user-agent": "Go-http-client/1.1"}


def encode(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


async def post(
    collector: Collector, kind: str, event_id: str | None, body: object, query: str = "", **attributes: Any
) -> httpx2.Response:
    return await collector.http.post(
        f"/v1/cloudevents{query}", content=encode(body), headers=headers(kind, event_id, **attributes)
    )


async def exchange(
    collector: Collector, event_id: str, asked: object, answered: object, query: str = "", **attributes: Any
) -> dict[str, Any]:
    """A request and its response; what was said of the second."""
    first = await post(collector, REQUEST, event_id, asked, query, **attributes)
    assert (first.status_code, first.json()["outcome"]) == (200, "waiting"), first.text
    second = await post(collector, RESPONSE, event_id, answered, query, **attributes)
    assert second.status_code == 200, second.text
    answer: dict[str, Any] = second.json()
    return answer

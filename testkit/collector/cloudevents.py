"""What KServe's inference logger posts (pkg/logger/handler.go and worker.go, binary mode), as it was read there."""

import json

REQUEST, RESPONSE = "org.kubeflow.serving.inference.request", "org.kubeflow.serving.inference.response"


def headers(kind, event_id, service="houses", time="2026-11-18T11:06:40.123456789Z", **attributes):
    """The headers of one event. The content type is the caller's own: curl's, when it said nothing."""
    named = {
        "id": event_id, "specversion": "1.0", "type": kind, "source": "http://localhost:9081/", "time": time,
        "inferenceservicename": service, "namespace": "shop", "component": "predictor", "endpoint": "default",
        "metadata": "{}",
    } | attributes  # fmt: skip
    sent = {f"ce-{name}": value for name, value in named.items() if value is not None}
    return sent | {"content-type": "application/x-www-form-urlencoded", "user-agent": "Go-http-client/1.1"}


def encode(body):
    return body if isinstance(body, bytes) else json.dumps(body).encode()


async def post(collector, kind, event_id, body, query="", **attributes):
    return await collector.http.post(
        f"/v1/cloudevents{query}", content=encode(body), headers=headers(kind, event_id, **attributes)
    )


async def exchange(collector, event_id, asked, answered, query="", **attributes):
    """A request and its response; what was said of the second."""
    first = await post(collector, REQUEST, event_id, asked, query, **attributes)
    assert (first.status_code, first.json()["outcome"]) == (200, "waiting"), first.text
    second = await post(collector, RESPONSE, event_id, answered, query, **attributes)
    assert second.status_code == 200, second.text
    return second.json()

"""Load of many users: some predict with features, some with images, some open the page.

`make load` runs it without a browser against a running stack (`make run` or `make up`) and writes load.html. The
stack is found by the environment and `.env`, as the `pilothouse` commands find it. For locust's own page run `locust`
and open http://localhost:8089.
"""

from __future__ import annotations

import json
import os
import random
import urllib.request
from typing import Any

from locust import FastHttpUser, LoadTestShape, between, events, task

from pilothouse.commands.connection import address, api_key, headers, page_address

INFERENCE, FRONTEND = address("inference"), page_address()
HEADERS = headers(api_key())


def _get(path: str) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(INFERENCE + path, headers=HEADERS), timeout=10) as answer:
        return bytes(answer.read())


class PredictUser(FastHttpUser):
    """Predicts with the examples of the models' packages."""

    host = INFERENCE
    wait_time = between(0.05, 0.5)
    weight = 9

    def on_start(self) -> None:
        models = [m for m in json.loads(_get("/models"))["models"] if m["state"] == "active"]
        manifests = [json.loads(_get(f"/models/{m['name']}")) for m in models]
        self.rows = [(m["name"], e) for m in manifests if m["input"]["kind"] == "tabular" for e in m["examples"]]
        images = [(m["name"], e["file"]) for m in manifests if m["input"]["kind"] == "image" for e in m["examples"]]
        self.images = [(name, _get(f"/models/{name}/{file}")) for name, file in images]

    @task(4)
    def features(self) -> None:
        if self.rows:
            name, row = random.choice(self.rows)
            self.client.post(f"/models/{name}/predict", json=row, headers=HEADERS, name="/models/{tabular}/predict")

    @task(2)
    def picture(self) -> None:
        if self.images:
            name, image = random.choice(self.images)
            of_image = HEADERS | {"content-type": "image/png"}
            self.client.post(f"/models/{name}/predict", data=image, headers=of_image, name="/models/{image}/predict")


class PageUser(FastHttpUser):
    """Opens the page: the requests of a browser before it opens its web socket."""

    host = FRONTEND
    wait_time = between(1, 5)
    weight = 1

    @task
    def page(self) -> None:
        self.client.get("/")
        self.client.get("/_stcore/health")


class Ramp(LoadTestShape):
    """How many users there are: `steps` are pairs of seconds since the start and the number until then."""

    steps = ((10, 10), (20, 25), (30, 50), (50, 100), (60, 20))

    def tick(self) -> tuple[int, float] | None:
        now = self.get_run_time() / float(os.environ.get("SLOWER", "1"))
        return next(((users, 20.0) for until, users in self.steps if now < until), None)


@events.quitting.add_listener
def _fail_on_errors(environment: Any, **_: Any) -> None:
    """More than one failure in a thousand, or a prediction's 99th percentile over a second, fails the run."""
    total = environment.stats.total
    slow = [
        e.name
        for e in environment.stats.entries.values()
        if e.name.endswith("predict") and e.get_response_time_percentile(0.99) > 1000
    ]
    if total.fail_ratio > 0.001 or total.num_requests == 0 or slow:
        print(f"failed: {total.fail_ratio:.2%} of {total.num_requests} requests; over a second: {slow or 'none'}")
        environment.process_exit_code = 1

"""`make smoke`: one prediction with every model of a running stack, followed until it is stored.

It takes the addresses and the key from the environment and from `.env`, so it works on `make run` and on `make up`.
"""

from __future__ import annotations

import io
import sys
import time
from typing import Any

import httpx2
from PIL import Image

from pilothouse.client import Client
from pilothouse.commands.connection import address, api_key, headers
from pilothouse.commands.predictions import send
from pilothouse.errors import PilothouseError
from pilothouse.manifest import ImageInput, Manifest

_WAIT_SECONDS = 30


def main() -> None:
    try:
        key = api_key()
        with Client(address("inference"), key) as client, httpx2.Client(timeout=10, headers=headers(key)) as http:
            models = [m for m in client.models() if m["state"] not in ("failed", "external")]
            if not models:
                raise PilothouseError(f"{address('inference')}/models: no model is loaded")
            for model in models:
                print(check(client, http, client.manifest(model["name"])))
        print(f"{len(models)} models predict, and what they predict is stored.")
    except (PilothouseError, httpx2.HTTPError) as error:
        sys.exit(f"{error}\nIs the stack running? `make run` or `make up` starts it.")


def check(client: Client, http: httpx2.Client, manifest: Manifest) -> str:
    """Predict once, wait for the record, ask the drift service; what happened, in a line. Raises PilothouseError."""
    begun = time.monotonic()
    (answer,) = next(send(client, manifest, [example(manifest)], batch=1))
    answered = time.monotonic()
    await_record(http, manifest, answer["id"])
    stored = time.monotonic()
    # the first answer after a start takes as long as the thresholds of the model take to calibrate
    drift = http.get(f"{address('drift')}/drift", params={"model": manifest.name}, timeout=120)
    drift.raise_for_status()
    return (
        f"{manifest.key}: {answer['prediction']} in {1000 * (answered - begun):.0f} ms, "
        f"stored {stored - answered:.1f} s later, drift: {drift.json()['verdict']}"
    )


def example(manifest: Manifest) -> Any:
    """The manifest's first example, or a grey gradient as a PNG where images are asked for."""
    if isinstance(manifest.input, ImageInput):
        file = io.BytesIO()
        ramp = Image.linear_gradient("L").resize((manifest.input.width, manifest.input.height))
        ramp.convert(manifest.input.mode).save(file, "PNG")
        return file.getvalue()
    if not manifest.examples:
        raise PilothouseError(f"{manifest.key}: its manifest has no example to predict")
    return manifest.examples[0]


def await_record(http: httpx2.Client, manifest: Manifest, identity: str) -> None:
    """Wait until the collector has the record. Raises PilothouseError when it does not come."""
    query: dict[str, str | int] = {"model": manifest.name, "version": manifest.version, "last": 20}
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        answer = http.get(f"{address('collector')}/v1/records", params=query)
        if answer.status_code == 200 and any(r["id"] == identity for r in answer.json()["records"]):
            return
        time.sleep(0.1)
    raise PilothouseError(f"record {identity} of {manifest.key} is not stored after {_WAIT_SECONDS} s")


if __name__ == "__main__":
    main()

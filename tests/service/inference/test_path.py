"""How many of our files one prediction goes through."""

import asyncio
import json
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry

from services.inference.app import create_app
from services.inference.settings import InferenceSettings
from testkit.fakes import FakeCollector

ROOT = Path(__file__).parents[3]
MOST = 15
OURS = {
    str(path): path.relative_to(ROOT) for part in ("pilothouse", "services") for path in (ROOT / part).rglob("*.py")
}
NOT_OF_A_PREDICTION = {"_follow_roles"}  # what else runs on the event loop


class Scope:
    method, path = "POST", "/models/house-prices/predict"

    def __init__(self, body):
        self.headers = {"host": "localhost", "content-type": "application/json", "content-length": str(len(body))}


class Caller:
    """A request as the server hands it over, and its answer."""

    def __init__(self, body):
        self.body, self.status = body, None

    async def __call__(self):
        return self.body

    def response_bytes(self, status, headers, body):
        self.status = status


def test_a_prediction_goes_through_few_files(tmp_path):
    settings = InferenceSettings(port=0, models=ROOT / "models", state=tmp_path)
    app = create_app(settings, CollectorRegistry(), FakeCollector())
    entered = {}

    def trace(frame, event, _):
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        if event == "call" and file in OURS and name not in NOT_OF_A_PREDICTION:
            entered.setdefault(OURS[file], name)

    async def predict():
        async with app.router.lifespan_context(app):
            body = json.dumps(app.state.catalog.find("house-prices").manifest.examples[0]).encode()
            caller, handler = Caller(body), app.state.handler
            await handler.__rsgi__(Scope(body), Caller(body))  # a caller's first: his Host is looked at once
            sys.settrace(trace)
            await handler.__rsgi__(Scope(body), caller)
            await asyncio.sleep(0)  # the log line is written at the end of the turn
            sys.settrace(None)
            assert caller.status == 200

    asyncio.run(predict())
    assert len(entered) <= MOST, "\n".join(f"{file}: {name}" for file, name in entered.items())

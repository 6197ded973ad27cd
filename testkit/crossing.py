"""Which of our files a prediction crosses, from the server to the answer, on the real service."""

from __future__ import annotations

import sys
import tempfile
import threading
from contextlib import redirect_stdout
from pathlib import Path
from types import FrameType

import httpx2
from prometheus_client import CollectorRegistry

from services.inference.app import create_app
from services.inference.settings import InferenceSettings
from testkit.fakes import FakeCollector
from testkit.serving import serving
from testkit.sources import ROOT

OURS = ("pilothouse", "services")
BESIDE = ("shipper",)  # threads that do other work meanwhile


class Recorder:
    """The files of every function that is called while `on`, in threads that begin after it was installed."""

    def __init__(self) -> None:
        self.on = False
        self.files: set[str] = set()

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        if self.on and event == "call" and not threading.current_thread().name.startswith(BESIDE):
            self.files.add(frame.f_code.co_filename)


def files_of_a_prediction() -> list[str]:
    """Paths relative to the top of the repository, of one logged prediction of a tabular model."""
    recorder = Recorder()
    threading.setprofile(recorder)
    try:
        with tempfile.TemporaryDirectory() as state, redirect_stdout(sys.stderr):
            settings = InferenceSettings(port=0, models=ROOT / "models", state=Path(state), log_level="error")
            with serving(create_app(settings, CollectorRegistry(), FakeCollector())) as url:
                _predict(url, recorder)
    finally:
        threading.setprofile(None)
    ours = [Path(file).relative_to(ROOT) for file in recorder.files if Path(file).is_relative_to(ROOT)]
    return sorted(str(path) for path in ours if path.parts[0] in OURS)


def _predict(url: str, recorder: Recorder) -> None:
    """The second of two predictions counts: the first fills what is made once."""
    with httpx2.Client(base_url=url) as client:
        example = client.get("/models/house-prices").json()["examples"][0]
        for recorder.on in (False, True):
            assert client.post("/models/house-prices/predict", json=example).status_code == 200
        recorder.on = False

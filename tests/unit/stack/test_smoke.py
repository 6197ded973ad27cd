"""`make smoke` against a made-up stack: what it says when all is well, and of each thing that can be wrong."""

import io
from types import SimpleNamespace

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from pilothouse.manifest import Feature, ImageInput, Manifest, Output, TabularInput
from stack import smoke
from testkit.ports import closed_address
from testkit.serving import serving

HOUSES = Manifest(
    name="houses",
    version="1",
    task="regression",
    input=TabularInput(features=(Feature(name="size", type="number"),)),
    output=Output(),
    examples=({"size": 80.0},),
)
SCANS = Manifest(
    name="scans", version="2", task="binary", input=ImageInput(width=8, height=6), output=Output(classes=("no", "yes"))
)
ID = "01a1fc65-7a06-70b8-abd2-22b9f3f1b3f5"


@pytest.fixture
def stack(monkeypatch):
    """Inference, collector and drift at one address. `states` are the models', `stored` whether records arrive."""
    world = SimpleNamespace(models=[HOUSES], states={}, stored=True, drift=200, keys=[], images=[])

    def models(request):
        world.keys.append(request.headers.get("authorization"))
        known = [{"name": m.name, "state": world.states.get(m.name, "active")} for m in world.models]
        return JSONResponse({"models": known})

    def manifest(request):
        (found,) = [m for m in world.models if m.name == request.path_params["name"]]
        return JSONResponse(found.model_dump(mode="json"))

    async def predict(request):
        if request.headers["content-type"].startswith("multipart"):
            async with request.form() as form:
                world.images.append(await form["file"].read())
        return JSONResponse({"predictions": [{"id": ID, "prediction": 1015.25}]})

    def records(request):
        return JSONResponse({"records": [{"id": ID}] if world.stored else []})

    def drift(request):
        return JSONResponse({"verdict": "no drift"}, world.drift)

    routes = [
        Route("/models", models),
        Route("/models/{name}", manifest),
        Route("/models/{name}/predict", predict, methods=["POST"]),
        Route("/v1/records", records),
        Route("/drift", drift),
    ]
    with serving(Starlette(routes=routes)) as url:
        for service in ("INFERENCE", "COLLECTOR", "DRIFT"):
            monkeypatch.setenv(f"PILOTHOUSE_{service}_URL", f"{url}/")
        monkeypatch.delenv("PILOTHOUSE_API_KEY", raising=False)
        yield world


def test_every_model_is_one_line_and_the_last_says_that_all_is_stored(stack, capsys):
    smoke.main()
    line, last = capsys.readouterr().out.splitlines()
    assert line.startswith("houses/1: 1015.25 in ")
    assert line.endswith("drift: no drift")
    assert last == "1 models predict, and what they predict is stored."


def test_an_image_model_is_asked_with_an_image_of_its_size(stack):
    stack.models = [SCANS]
    smoke.main()
    with Image.open(io.BytesIO(stack.images[0])) as image:
        assert (image.format, image.size) == ("PNG", (8, 6))


def test_models_that_are_not_served_here_are_not_asked(stack, capsys):
    stack.models = [HOUSES, SCANS]
    stack.states = {"scans": "external"}
    smoke.main()
    assert "scans" not in capsys.readouterr().out


def test_the_key_of_the_environment_is_sent(stack, monkeypatch):
    monkeypatch.setenv("PILOTHOUSE_API_KEY", "secret")
    smoke.main()
    assert stack.keys == ["Bearer secret"]


def test_a_record_that_does_not_arrive_is_a_failure(stack, monkeypatch):
    stack.stored = False
    monkeypatch.setattr(smoke, "_WAIT_SECONDS", 0.3)
    with pytest.raises(SystemExit, match=f"record {ID} of houses/1 is not stored"):
        smoke.main()


def test_a_stack_without_models_is_a_failure(stack):
    stack.models = []
    with pytest.raises(SystemExit, match="no model is loaded"):
        smoke.main()


def test_a_drift_service_that_cannot_answer_is_a_failure(stack):
    stack.drift = 503
    with pytest.raises(SystemExit, match="503"):
        smoke.main()


def test_a_manifest_without_an_example_is_a_failure(stack):
    stack.models = [HOUSES.model_copy(update={"examples": ()})]
    with pytest.raises(SystemExit, match="houses/1: its manifest has no example"):
        smoke.main()


def test_a_stack_that_does_not_run_is_told_how_to_start(stack, monkeypatch):
    monkeypatch.setenv("PILOTHOUSE_INFERENCE_URL", closed_address())
    with pytest.raises(SystemExit, match="`make run` or `make up` starts it"):
        smoke.main()


def test_an_address_comes_from_the_port_where_no_url_is_set(monkeypatch):
    monkeypatch.delenv("PILOTHOUSE_DRIFT_URL", raising=False)
    monkeypatch.setenv("DRIFT_PORT", "9002")
    assert smoke.address("drift") == "http://127.0.0.1:9002"

"""A new task type says of itself what the page asks: no page knows the names of tasks."""

import pytest

from pilothouse.manifest import Output
from pilothouse.tasks import TASKS, register
from pilothouse.tasks.multiclass import Multiclass
from pilothouse.tasks.regression import Regression
from testkit.frontend.manifests import houses, pneumonia
from testkit.frontend.screen import press
from testkit.frontend.stand_in import png


class Counts(Regression):
    """A number of things."""

    name = "counts"


class Ranks(Multiclass):
    """A place in an order."""

    name = "ranks"


@pytest.fixture
def serve(stand_in):
    """Serve a manifest of a task that was unknown until now."""
    known = dict(TASKS)

    def serve_one(task, manifest):
        register(task)
        manifest = manifest.model_copy(update={"task": task.name})
        stand_in.manifests[manifest.name] = stand_in.versions[manifest.key] = manifest

    yield serve_one
    TASKS.clear()
    TASKS.update(known)


def labels(widgets):
    return [widget.label for widget in widgets]


def test_numbers_are_found_by_range_and_labelled_by_a_number(visit, stand_in, serve):
    serve(Counts(), houses())
    press(visit("predict", model="houses"), "Predict")
    page = visit("records", model="houses", record=stand_in.records["houses"][0]["id"])
    assert not page.exception
    assert labels(page.number_input) == ["Price per m² from", "Price per m² to", "True price per m² (USD/m²)"]


def test_classes_are_found_by_name_and_labelled_by_a_choice(visit, stand_in, serve):
    manifest = pneumonia().model_copy(update={"output": Output(target="place", classes=("first", "last"))})
    serve(Ranks(), manifest)
    page = visit("predict", model="pneumonia")
    page.file_uploader[0].upload("chest.png", png(), "image/png")
    press(page, "Predict")
    record = stand_in.records["pneumonia"][0]
    record |= dict.fromkeys(manifest.input_columns, 0.5)
    page = visit("records", model="pneumonia", record=record["id"])
    assert not page.exception
    assert labels(page.selectbox) == ["Model", "Prediction", "True place"]
    assert labels(page.slider) == ["Confidence"]

"""How models elsewhere speak, read as the manifest's columns."""

import pytest

from pilothouse.external import ExternalFormat
from pilothouse.manifest import Feature, Manifest, Output, RiskTier, TabularInput
from services.collector.events.outcomes import RefusedEventError
from services.collector.events.requests import RequestReader
from services.collector.events.responses import ResponseReader

FEATURES = (
    Feature(name="area", type="number"),
    Feature(name="rooms", type="integer"),
    Feature(name="kind", type="category", categories=("flat", "house", "7")),
    Feature(name="pool", type="boolean"),
    Feature(name="sold", type="datetime"),
)
ROW = [81.5, 3, "house", True, "2026-01-01"]


def manifest(task="regression", classes=None, features=FEATURES, elsewhere=None, **output):
    spec, said = TabularInput(features=features), Output(classes=classes, **output)
    return Manifest(name="m", version="1", task=task, runtime="external", input=spec, output=said, elsewhere=elsewhere)


def asked(body, **changes):
    return RequestReader(manifest(**changes)).rows(body)


def answered(body, **changes):
    return ResponseReader(manifest(**changes)).rows(body)


def tensor(name, shape, data, datatype="FP64"):
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


def test_rows_are_read_by_name_and_by_order():
    names = [f.name for f in FEATURES]
    assert asked({"instances": [dict(zip(names, ROW, strict=True)), ROW]}) == [ROW, ROW]


def test_a_feature_that_was_not_sent_is_missing_and_one_that_is_unknown_is_left_out():
    assert asked({"instances": [{"area": 5, "colour": "red"}]}) == [[5, None, None, None, None]]


def test_features_may_be_called_otherwise_and_come_in_another_order():
    spoken = ExternalFormat(names={"area": "sqm"}, order=("sold", "pool", "kind", "rooms", "area"))
    assert asked({"instances": [{"sqm": 5}, ROW[::-1]]}, elsewhere=spoken) == [[5, None, None, None, None], ROW]


@pytest.mark.parametrize(
    ("numbers", "row"),
    [
        ([1.5, 3.0, 1.0, 0.0, 1.0e12], [1.5, 3, "house", False, 10**12]),
        ([float("nan"), float("nan"), -1, 1, None], [None, None, None, True, None]),
        ([1, 2.5, 7.0, 2, 0], [1, 2.5, "7", 2, 0]),  # the category called 7; what does not fit is left to the checks
        ([1, 2, 9, 1, 0], [1, 2, "9", True, 0]),  # a category that nobody knows is a new one
    ],
)
def test_a_matrix_of_numbers_is_read_as_the_features_types(numbers, row):
    assert asked({"inputs": [tensor("input-0", [1, 5], numbers)]}) == [row]
    assert asked({"inputs": [tensor("input-0", [1, 5], [numbers])]}) == [row]


def test_a_tensor_a_feature_is_read_by_its_name():
    tensors = [tensor("area", [2], [1.0, 2.0]), tensor("kind", [2, 1], ["flat", "house"], "BYTES")]
    assert asked({"inputs": tensors}) == [[1.0, None, "flat", None, None], [2.0, None, "house", None, None]]


def test_a_model_with_one_feature_takes_bare_values():
    one = FEATURES[:1]
    assert asked({"instances": [1.5, [2.5]]}, features=one) == [[1.5], [2.5]]
    assert asked({"inputs": [tensor("x", [2, 1], [1.5, 2.5])]}, features=one) == [[1.5], [2.5]]


@pytest.mark.parametrize("tensor", [
    tensor("x", [2**31 - 1, 0], []),  # rows of nothing: as many as one likes, in a few bytes
    {"name": "x", "shape": [1], "parameters": 5},
    {"name": "x", "shape": [1], "parameters": ["binary_data_size"]},
])  # fmt: skip
def test_a_tensor_without_values_is_refused_before_any_row_is_made(tensor):
    with pytest.raises(RefusedEventError):
        asked({"inputs": [tensor]})


def test_tensors_of_different_lengths_are_refused():
    with pytest.raises(RefusedEventError, match="different numbers of rows"):
        asked({"inputs": [tensor("area", [2], [1, 2]), tensor("rooms", [1], [1])]})


@pytest.mark.parametrize(
    "body",
    [
        {"predictions": [1.5, [2.5]]},
        {"predictions": [{"value": 1.5}, {"prediction": [2.5]}]},
        {"model_name": "m", "outputs": [tensor("output-0", [2, 1], [1.5, 2.5])]},
        {"outputs": [tensor("id", [2], ["a", "b"]), tensor("prediction", [2], [1.5, 2.5])]},
    ],
)
def test_values_of_a_regression(body):
    assert answered(body) == [[1.5], [2.5]]


BINARY = {"task": "binary", "classes": ("no", "yes")}
DIGITS = {"task": "multiclass", "classes": ("3", "0", "1")}


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ({"predictions": ["yes", "no"]}, [["yes", None, None], ["no", None, None]]),
        ({"predictions": [True, False]}, [["yes", None, None], ["no", None, None]]),
        ({"predictions": [1, 0.0]}, [["yes", None, None], ["no", None, None]]),
        ({"predictions": [0.75, 1.0]}, [["yes", 0.25, 0.75], ["yes", 0.0, 1.0]]),
        ({"predictions": [[0.75, 0.25]]}, [["no", 0.75, 0.25]]),
        ({"predictions": [{"label": 1, "probabilities": {"yes": 0.75, "no": 0.25}}]}, [["yes", 0.25, 0.75]]),
        ({"outputs": [tensor("output_label", [1], [1], "INT64"),
                      tensor("output_probability", [1, 2], [0.25, 0.75])]}, [["yes", 0.25, 0.75]]),
        ({"outputs": [tensor("a", [1, 2], [0.25, 0.75]), tensor("b", [1], ["yes"])]}, [["yes", 0.25, 0.75]]),
        ({"outputs": [tensor("predict_proba", [2, 2], [[0.25, 0.75], [1, 0]])]},
         [["yes", 0.25, 0.75], ["no", 1.0, 0.0]]),
        ({"outputs": [tensor("score", [2, 1], [0.75, 0.5])]}, [["yes", 0.25, 0.75], ["yes", 0.5, 0.5]]),
    ],
)  # fmt: skip
def test_answers_of_a_binary_model(body, rows):
    assert answered(body, **BINARY) == rows


def test_a_threshold_and_risk_tiers_are_those_of_the_manifest():
    tiers = (RiskTier(name="low", from_probability=0), RiskTier(name="high", from_probability=0.6))
    rows = answered({"predictions": [0.75, 0.5, 0.7]}, **BINARY, threshold=0.7, risk_tiers=tiers)
    assert [(r[0], r[3]) for r in rows] == [("yes", "high"), ("no", "low"), ("yes", "high")]
    assert answered({"predictions": ["yes"]}, **BINARY, risk_tiers=tiers) == [["yes", None, None, None]]


@pytest.mark.parametrize(("said", "name"), [("auto", "1"), ("label", "1"), ("index", "0")])
def test_a_number_is_the_class_called_so_or_the_one_in_that_position(said, name):
    (row,) = answered({"predictions": [1]}, **DIGITS, elsewhere=ExternalFormat(answers=said))
    assert row[0] == name


def test_a_probability_that_happens_to_be_whole_is_one_where_the_manifest_says_so():
    (row,) = answered({"predictions": [1]}, **BINARY, elsewhere=ExternalFormat(answers="probability"))
    assert row == ["yes", 0.0, 1.0]


def test_outputs_named_in_the_manifest_count():
    spoken = ExternalFormat(prediction="klass", probabilities="p")
    body = {"outputs": [tensor("x", [1], [9]), tensor("p", [1, 3], [0.5, 0.25, 0.25]), tensor("klass", [1], [2])]}
    assert answered(body, **DIGITS, elsewhere=spoken) == [["1", 0.5, 0.25, 0.25]]


@pytest.mark.parametrize("said", [5, -1, 0.5, {"p": 1}, [0.1, 0.2], [0.1, 0.2, "x"]])
def test_what_no_classifier_of_these_classes_says_is_refused(said):
    with pytest.raises(RefusedEventError):
        answered({"predictions": [said]}, **DIGITS)


@pytest.mark.parametrize(
    ("spoken", "fault"),
    [
        ({"names": {"nothing": "x"}}, "'nothing' is not a feature"),
        ({"names": {"area": "rooms"}}, "called the same"),
        ({"order": ("area",)}, "every feature once"),
        ({"answers": "probability"}, "only of a binary model"),
    ],
)
def test_a_manifest_that_cannot_be_meant_is_refused(spoken, fault):
    with pytest.raises(ValueError, match=fault):
        manifest(elsewhere=ExternalFormat(**spoken))

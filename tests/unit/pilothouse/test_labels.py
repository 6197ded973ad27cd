"""What a label may be, by every door: a class of the model or a finite number, else refused with the reason."""

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pilothouse.errors import LabelError
from pilothouse.manifest import Output
from pilothouse.tasks import task_named

FRAUD = Output(classes=("legit", "fraud"))


def read(value, *, task="binary", **output):
    spec = Output.model_validate(output)
    assert task_named(task).output_faults(spec) == []
    return task_named(task).label_reader(spec)(value)


def refused(value, **output):
    with pytest.raises(LabelError) as error:
        read(value, **output)
    return error.value


@pytest.mark.parametrize(
    "value", ["banana", 1, 1.0, "1", True, "FRAUD", " fraud", "fraud ", "", "fr\u0430ud", None, ["fraud"]]
)
def test_what_is_no_class_is_refused(value):
    assert refused(value, classes=("legit", "fraud")).code in ("not_a_class", "type")


def test_the_refusal_lists_the_classes_and_the_one_that_is_meant():
    said = str(refused(" FRAUD", classes=("legit", "fraud")))
    assert said == "' FRAUD' is no class of the model; perhaps 'fraud' is meant; it has 'legit', 'fraud'"


def test_many_classes_are_listed_shortened():
    classes = tuple(f"c{i}" for i in range(10_000))
    said = str(refused("x" * 10_000, task="multiclass", classes=classes))
    assert said.endswith("it has 'c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8', 'c9' and 9,990 more")
    assert len(said) < 300


def test_a_look_alike_can_be_told_from_what_it_looks_like():
    assert "fr\\u0430ud" in str(refused("fr\u0430ud", classes=("legit", "fraud")))


@pytest.mark.parametrize(
    "classes", [("False", "True"), ("false", "true"), ("FALSE", "TRUE"), ("0", "1"), ("True", "False")]
)
def test_a_boolean_class_is_true_however_it_is_written(classes):
    true, untrue = sorted(classes, key=lambda name: name.lower() in ("true", "1"), reverse=True)
    assert {read(v, classes=classes) for v in (True, "true", "True", "TRUE", 1, 1.0, "1", "1.0")} == {true}
    assert {read(v, classes=classes) for v in (False, "false", "False", 0, 0.0, "0", "0.0", -0.0)} == {untrue}
    assert refused("yes", classes=classes).code == "not_a_class"
    assert refused(2, classes=classes).code == "not_a_class"


def test_numbered_classes_are_matched_by_their_number():
    classes = ("0", "1", "2", "10", "0.5")
    for value, name in ((2, "2"), (2.0, "2"), ("2.0", "2"), ("10", "10"), ("0.50", "0.5"), (0.5, "0.5"), ("-0", "0")):
        assert read(value, task="multiclass", classes=classes) == name
    for value in (True, "02", "1e0", "+1", " 1", "\u0661", "1_0", 2**63, 2**70, math.nan, math.inf):
        assert refused(value, task="multiclass", classes=classes).code in ("not_a_class", "not_finite")


def test_classes_that_have_one_number_are_matched_by_their_exact_name():
    assert read("1.0", classes=("1", "1.0")) == "1.0"
    assert read(1, classes=("1", "1.0")) == "1"


def test_letters_that_were_composed_otherwise_are_the_same():
    assert read("gro\u0308\u00dfe", classes=("gr\u00f6\u00dfe", "b")) == "gr\u00f6\u00dfe"


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3.0),
        ("3", 3.0),
        (" 3.50 ", 3.5),
        ("1e3", 1000.0),
        ("-.5", -0.5),
        ("+7.", 7.0),
        (2**63, 2.0**63),
        (1e100, 1e100),
    ],
)
def test_a_regression_reads_numbers(value, number):
    assert read(value, task="regression") == number


@pytest.mark.parametrize(
    "value",
    ["12 500 zł", "12 500", "12,5", "1_000", "\u0661", "dear", "", "nan", "inf", "0x10", True, None, [1], {}, b"1"],
)  # fmt: skip
def test_a_regression_refuses_what_is_no_number(value):
    assert refused(value, task="regression").code == "not_a_number"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "1e400", 10**400, 1e101, "-1e101"])
def test_a_regression_refuses_numbers_that_nothing_can_be_computed_with(value):
    assert refused(value, task="regression").code == "not_finite"


@given(st.one_of(st.text(), st.floats(), st.integers(), st.booleans(), st.none(), st.lists(st.text())))
def test_any_value_is_read_or_refused(value):
    for task, output in (("regression", Output()), ("binary", FRAUD), ("binary", Output(classes=("False", "True")))):
        try:
            found = task_named(task).label_reader(output)(value)
        except LabelError as error:
            assert error.code and str(error).isascii()
        else:
            assert found in output.classes if output.classes else math.isfinite(found)


def test_the_manifest_maps_other_values():
    values = yaml.safe_load("{1: fraud, 0: legit, oszustwo: fraud}")
    for value in (1, 1.0, "1", "1.0", "oszustwo", "fraud"):
        assert read(value, classes=("legit", "fraud"), label_values=values) == "fraud"
    assert read("0", classes=("legit", "fraud"), label_values=values) == "legit"
    assert refused(True, classes=("legit", "fraud"), label_values=values).code == "not_a_class"


def test_mapped_booleans_are_those_of_yaml_and_json():
    values = yaml.safe_load("{true: fraud, false: legit}")
    assert read(True, classes=("legit", "fraud"), label_values=values) == "fraud"
    assert read("False", classes=("legit", "fraud"), label_values=values) == "legit"


@pytest.mark.parametrize(
    ("task", "classes", "values", "fault"),
    [
        ("binary", ("legit", "fraud"), {1: "Fraud"}, "'Fraud' is no class"),
        ("binary", ("legit", "fraud"), {"fraud": "legit"}, "'fraud' means 'fraud' already"),
        ("binary", ("legit", "fraud"), {"1": "legit", "1.0": "fraud"}, "'1.0' means 'legit' already"),
        ("binary", ("False", "True"), {1: "False"}, "'1' means 'True' already"),
        ("regression", None, {1: "2"}, "a regression has no classes"),
    ],
)
def test_values_that_mean_nothing_or_two_things_are_faults(task, classes, values, fault):
    faults = task_named(task).output_faults(Output(classes=classes, label_values=values))
    assert any(fault in found for found in faults)


@pytest.mark.parametrize("values", [{1: "a", "1": "b"}, {None: "a"}, {1: None}, {1: ["a"]}, [1], {math.nan: "a"}])
def test_values_that_are_no_values_are_refused(values):
    with pytest.raises(ValidationError):
        Output(classes=("a", "b"), label_values=values)


def test_a_manifest_without_them_can_be_read_by_a_service_that_does_not_know_them():
    assert "label_values" not in FRAUD.model_dump(mode="json")
    assert Output(classes=("a", "b"), label_values={1: "b"}).model_dump(mode="json")["label_values"] == {"1": "b"}

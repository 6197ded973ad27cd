"""A shadow's predictions are paired with those of the version that answered, and compared."""

import pytest

from pilothouse.ids import uuid7
from services.frontend.views.models.shadow_pairs import compare, disagreements, pair


def record(trace, prediction, source="api", label=None, **inputs):
    return {"id": str(uuid7()), "trace_id": trace, "prediction": prediction, "source": source, "label": label, **inputs}


def shadow(trace, prediction, **inputs):
    return record(trace, prediction, "shadow", **inputs)


def test_rows_of_one_request_are_told_apart_by_their_inputs_whatever_their_order():
    active = [record("a", "cat", x=1), record("b", "dog", x=1), record("b", "cow", x=2)]
    pairs = pair(active, [shadow("b", "COW", x=2), shadow("a", "CAT", x=1), shadow("b", "DOG", x=1)], ["x"])
    assert {(a, s) for a, s in zip(pairs["active"], pairs["shadow"], strict=True)} == {
        ("cat", "CAT"), ("dog", "DOG"), ("cow", "COW"),
    }  # fmt: skip


def test_a_row_that_the_shadow_did_not_see_is_left_out():
    active = [record("a", 1.0, x=1), record("a", 2.0, x=2), record("b", 3.0, x=1)]
    assert pair(active, [shadow("a", 1.5, x=1)], ["x"])["active"].tolist() == [1.0]


def test_without_common_inputs_only_requests_of_one_row_are_paired():
    active = [record("a", 1.0), record("a", 2.0), record("b", 3.0)]
    shadows = [shadow("a", 1.5), shadow("a", 2.5), shadow("b", 3.5)]
    assert pair(active, shadows)["active"].tolist() == [3.0]


def test_what_is_no_shadow_or_has_no_trace_is_not_paired():
    assert pair([record("a", 1.0), record(None, 2.0)], [record("a", 1.0), shadow(None, 2.0)]).empty


def test_classes_are_compared_by_agreement_and_by_who_is_right():
    active = [record("a", "x", label="x"), record("b", "x", label="y"), record("c", "x")]
    pairs = pair(active, [shadow("a", "x"), shadow("b", "y"), shadow("c", "y")])
    found = compare(pairs, has_classes=True)
    assert (found.labelled, found.active_good, found.shadow_good) == (2, 0.5, 1.0)
    assert found.agreement == pytest.approx(1 / 3)
    assert disagreements(pairs).to_dict("records") == [{"active": "x", "shadow": "y", "times": 2}]


def test_numbers_are_compared_by_distance_and_error():
    active = [record("a", 10.0, label=12.0), record("b", 20.0)]
    found = compare(pair(active, [shadow("a", 12.0), shadow("b", 19.0)]), has_classes=False)
    assert (found.difference, found.distance) == (0.5, 1.5)
    assert (found.active_good, found.shadow_good) == (2.0, 0.0)


def test_nothing_to_compare_has_no_figures():
    assert compare(pair([], []), has_classes=False).distance is None

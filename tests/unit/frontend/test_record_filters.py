"""The choices of the Records page stand in its address, and become the collector's parameters."""

from datetime import UTC, datetime

import pytest

from services.frontend.views.records.filters import RecordFilters, from_address, parameters, to_address
from testkit.frontend.manifests import houses, pneumonia

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


def test_no_choice_is_no_parameter_and_nothing_in_the_address():
    assert parameters(RecordFilters(), houses(), NOW) == {}
    assert set(to_address(RecordFilters()).values()) == {None}


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ({"span": "24h"}, {"from": "2026-11-20T08:00:00+00:00"}),
        ({"span": "between", "start": "2026-11-01T10:00:00+02:00"}, {"from": "2026-11-01T08:00:00+00:00"}),
        ({"prediction": "pneumonia", "label": "no"}, {"prediction": "pneumonia", "has_label": "false"}),
        ({"unsure": "20", "sure": "60"}, {"min_confidence": "0.2", "max_confidence": "0.6"}),
        ({"start": "2026-11-01T10:00:00Z"}, {}),
    ],
)
def test_an_address_becomes_what_the_collector_is_asked(address, asked):
    assert parameters(from_address(address, pneumonia()), pneumonia(), NOW) == asked


def test_the_predictions_of_a_regression_are_asked_for_by_range():
    chosen = from_address({"low": "100", "high": "2.5e2", "unsure": "20", "prediction": "normal"}, houses())
    assert parameters(chosen, houses(), NOW) == {"min_prediction": "100", "max_prediction": "2.5e2"}


@pytest.mark.parametrize(
    "address",
    [{"span": "ever"}, {"label": "maybe"}, {"low": "inf"}, {"high": "x"}, {"unsure": "101"}, {"sure": "nan"},
     {"prediction": "dog"}, {"start": "yesterday"}],
)  # fmt: skip
def test_what_cannot_be_is_no_choice(address):
    assert from_address(address, pneumonia()) == RecordFilters()


def test_an_address_comes_back_from_what_was_chosen():
    chosen = RecordFilters(span="7d", prediction="normal", sure="60", label="yes")
    again = {name: value for name, value in to_address(chosen).items() if value}
    assert from_address(again, pneumonia()) == chosen

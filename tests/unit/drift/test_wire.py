"""Answers that were recorded before the service made them of `pilothouse.wire`: both sides still say the same."""

import json
from pathlib import Path

import pytest

from pilothouse.wire.distributions import Distributions, Plane
from pilothouse.wire.drift import DriftAnswer, DriftRuns
from pilothouse.wire.performance import PerformanceAnswer, PerformanceRuns

RECORDED = Path(__file__).parent / "recorded"
ANSWERS = {
    "drift_unknown": DriftAnswer,
    "drift_of_a_table": DriftAnswer,
    "drift_of_images": DriftAnswer,
    "performance_unknown": PerformanceAnswer,
    "performance_of_a_regression": PerformanceAnswer,
    "performance_of_a_classification": PerformanceAnswer,
    "distributions": Distributions,
    "plane": Plane,
}
HISTORIES = {"drift_history": DriftRuns, "performance_history": PerformanceRuns}
# as the first version of the service stored one: nothing that moves together, no name of the newest record
OLD_RUN = {"model": "houses", "version": "1", "verdict": "no drift", "columns": [{"name": "size", "score": 0.1}]}


def recorded(name):
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "answer"), ANSWERS.items())
def test_a_recorded_answer_is_read_and_written_as_it_was(name, answer):
    assert json.loads(answer.model_validate(recorded(name)).model_dump_json()) == recorded(name)


@pytest.mark.parametrize(("name", "runs"), HISTORIES.items())
def test_a_recorded_history_is_read_and_written_as_it_was_but_for_the_collectors_number(name, runs):
    wanted = recorded(name)
    for run in wanted[name.replace("history", "runs")]:
        del run["id"]
    assert json.loads(runs.model_validate(recorded(name)).model_dump_json()) == wanted


def test_a_run_that_was_stored_long_ago_is_read():
    (run,) = DriftRuns.model_validate({"drift_runs": [OLD_RUN], "next": None}).drift_runs
    assert (run.verdict, run.joint, run.window.rows, run.columns[0].status) == ("no drift", (), 0, "compared")
    (said,) = PerformanceRuns.model_validate({"performance_runs": [{"model": "m", "version": "1"}]}).performance_runs
    assert (said.verdict, said.measured.status, said.over_time) == ("unknown", "unknown", ())


def test_not_a_number_is_null():
    answer = DriftAnswer(model="m", version="1", verdict="unknown", drift_share=float("nan"))
    assert json.loads(answer.model_dump_json())["drift_share"] is None

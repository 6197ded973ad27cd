"""Of 27 columns the share asks for two; one that is far beyond its threshold is drift of the model by itself."""

import json
import re

import pytest

from pilothouse.commands.verdicts import verdict_table
from services.drift.reference.calibration import calibrate
from services.drift.reference.reference import profile_reference
from services.drift.report.html import plain_page
from services.drift.report.job import build_job
from services.drift.run import run_of
from services.drift.verdict import judge
from services.drift.window import Window
from services.frontend.sentences import drift_headline
from testkit.drift.frames import replaced, wide, wide_manifest

SPEC = wide_manifest()
SIZES = (200, 1_000, 5_000)


@pytest.fixture(scope="module")
def baseline():
    reference = profile_reference(SPEC, wide(2_000, seed=10_000), "sha")
    return reference, calibrate(reference, SIZES)


@pytest.fixture(scope="module")
def said(baseline):
    return lambda window: judge(SPEC, *baseline, window)


@pytest.fixture(scope="module")
def found(said):
    """Of a window in which one column has moved, and no other by chance."""
    return said(wide(1_000, seed=1, shift=0.5))


@pytest.mark.parametrize(("rows", "windows"), [(200, 100), (1_000, 60), (5_000, 20)])
def test_clean_windows_are_seldom_called_drift(said, rows, windows):
    drift = [said(wide(rows, seed)).verdict == "drift" for seed in range(windows)]
    assert sum(drift) / windows <= 0.05


@pytest.mark.parametrize("shift", [0.5, 1.0])
def test_one_column_that_has_moved_far_is_drift_in_it(said, shift):
    results = [said(wide(1_000, seed, shift)) for seed in range(20)]
    assert [r.verdict for r in results].count("drift") >= 19
    by_itself = [r for r in results if r.drifted == ("number0",)]
    assert len(by_itself) >= 15, "elsewhere a second column has drifted by chance, which is enough for the share"
    assert all(r.alone == ("number0",) and r.message.startswith("drift in number0 (") for r in by_itself)


def test_one_column_just_over_its_threshold_is_not(said):
    result = said(wide(5_000, seed=1, shift=0.14))
    assert (result.drifted, result.alone, result.verdict) == (("number0",), (), "no drift")
    assert result.message == "1 of 27 columns drifted: number0"


def test_one_column_whose_values_go_missing_is_drift_in_it(said):
    result = said(replaced(wide(1_000, seed=1), "number1", [None] * 400 + [1.0] * 600))
    assert (result.verdict, result.alone) == ("drift", ("number1",))


def test_where_enough_have_drifted_the_share_says_so(said):
    window = wide(1_000, seed=1, shift=1)
    result = said(replaced(window, "plan", ["d"] * 1_000))
    assert (result.verdict, result.alone) == ("drift", ())
    assert result.message.startswith("2 of 27 columns drifted: number0, plan")


def test_page_report_and_command_line_say_it_too(found):
    run = run_of(SPEC, Window(rows=1_000), found, 0)
    assert run.answer.alone_columns == ("number0",)
    assert re.fullmatch(
        r"Drift in Number0 \(\d\.\d\u00d7 its threshold\): far enough by itself, though only 1 of 27 columns drifted\.",
        drift_headline(run.answer).sentence,
    )
    assert b"<p>drift in number0 (" in plain_page(run)
    assert verdict_table(run.answer.model_dump()).title == "houses 1: [bold red]drift in number0[/]"


@pytest.mark.filterwarnings("ignore::Warning")  # Evidently's own
def test_evidently_agrees(baseline, found):
    """It knows no other rule than the share, and would say "not detected" of one column in 27."""
    from services.drift.report.evidently_report import make

    page, numbers = make(build_job(SPEC, baseline[0], found, wide(1_000, seed=1, shift=0.5)))
    counted = next(m for m in json.loads(numbers)["metrics"] if m["metric_name"].startswith("DriftedColumnsCount"))
    assert counted["value"]["count"] == 1
    assert counted["value"]["share"] >= counted["config"]["drift_share"]
    assert b"Dataset Drift is detected" in page
    assert b"Dataset Drift is NOT detected" not in page

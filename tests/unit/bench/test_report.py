"""The table and the chart of the comparison, from made-up measurements."""

import math
from xml.etree import ElementTree

import pytest

from bench.serving import report
from bench.serving.contestants import BARE, OURS
from bench.serving.rounds import KINDS, QUIET


def measured(per_second, **changes):
    given = {"per_second": per_second, "p50_ms": 1.0, "p99_ms": 5.0, "errors": 0, "cpu_us": 40.0, "lost": 0.0,
             "tries": 1, "rows_per_second": per_second * 1000}  # fmt: skip
    return given | changes


def rounds(*rates, **changes):
    return [measured(rate, **changes) for rate in rates]


@pytest.fixture
def found():
    """Three rounds: ours half as fast as a bare server, and ten times MLServer."""
    names = (OURS, report.OFF, BARE.name, report.ALONE.name, report.TWO.name, report.PARTS.name, report.TWO_PARTS.name)
    loads = {kind: {name: rounds(1000, 1000, 1000) for name in names} for kind in KINDS}
    rates = {BARE.name: (20_000, 30_000, 10_000), OURS: (10_000, 15_000, 5_000), "MLServer": (1000, 1500, 500)}
    loads["tabular"] |= {name: rounds(*each) for name, each in rates.items()}
    bursts = {OURS: [{"answered": 1000, "late": 2, "slowest_ms": 300.0}] * 3}
    return {"machine": report.machine(), "rounds": 3, "seconds": 4, "at": "2026-11-27T09:00:00", "loads": loads,
            "bursts": bursts, "left_out": {"LitServe": "it could not be installed"}}  # fmt: skip


def target(found, what):
    return next(values for name, _, values in report.targets(found) if name == what)


def test_a_ratio_is_taken_round_by_round_so_that_a_slow_machine_slows_both(found):
    assert target(found, "requests/s of bare uvicorn's") == [0.5, 0.5, 0.5]
    assert target(found, "times MLServer") == [10, 10, 10]


def test_a_peer_that_was_not_there_has_no_target(found):
    assert not [name for name, _, _ in report.targets(found) if name == "times BentoML"]


def test_against_who_answered_nothing_the_ratio_is_infinite():
    loads = {"a": rounds(10), "b": rounds(0)}
    assert report.ratios(loads, "a", "b") == [math.inf]


def test_rows_stand_in_the_order_of_their_medians_with_the_spread(found):
    text = report.text(found)
    table = text[text.index("### tabular\n") : text.index("### tabular, equal heads")]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ") and "requests/s" not in line]
    assert rows[0][0] == f"| {BARE.name}"
    assert rows[1][:3] == [f"| {OURS}", "10,000 (5,000 to 15,000)", "0.50"]


def test_errors_are_summed_and_who_was_left_out_is_named_with_the_reason(found):
    found["loads"]["tabular"][OURS] = rounds(10_000, 15_000, 5_000, errors=3)
    text = report.text(found)
    assert "| 9 |" in text
    assert "- left out: **LitServe**: it could not be installed" in text


def test_disturbed_measurements_are_owned_up_to(found):
    found["loads"] = {"tabular": {"a": [measured(1, tries=3, lost=QUIET * 2), measured(1, tries=2), measured(1)]}}
    sentence = report._disturbed(found["loads"])
    assert sentence.startswith("3 measurements. 2 of them were repeated")
    assert "In 1 that count they still took more than that, at most 4.0%." in sentence


def test_the_longest_bar_is_the_fastest_and_ours_has_its_own_colour(found):
    found["loads"]["tabular"]["a <&> b"] = rounds(1)
    chart = ElementTree.fromstring(report.chart(found))
    svg = "{http://www.w3.org/2000/svg}"
    bars = [(r.get("fill"), float(r.get("width"))) for r in chart.iter(f"{svg}rect") if r.get("x")]
    assert max(bars, key=lambda bar: bar[1]) == bars[0]
    assert len([fill for fill, _ in bars if fill == "#0b6e99"]) == 1
    assert "a <&> b" in [t.text for t in chart.iter(f"{svg}text")]

"""Which of several measurements counts."""

from __future__ import annotations

from bench.serving.rounds import QUIET, TRIES, Measurement, least_disturbed


def _measured(*lost: float) -> Measurement:
    ahead = iter(lost)
    return least_disturbed(lambda: {"lost": next(ahead), "errors": 1})


def test_a_quiet_measurement_is_not_made_again() -> None:
    assert _measured(QUIET, 0.0) == {"lost": QUIET, "tries": 1, "errors": 1}


def test_a_disturbed_one_is_made_again_until_one_is_quiet() -> None:
    assert _measured(0.3, 0.1, 0.0, 0.0) == {"lost": 0.0, "tries": 3, "errors": 3}


def test_where_none_is_quiet_the_least_disturbed_counts() -> None:
    assert _measured(0.3, 0.1, *[0.2] * (TRIES - 2)) == {"lost": 0.1, "tries": TRIES, "errors": TRIES}

"""Thresholds from the null distribution of this reference: what the scores are when nothing has drifted.

Two-sample bootstrap (Efron and Tibshirani 1993, chapter 16): both the reference and the window are drawn anew, whole
rows with replacement, so that the reference's own finite size counts and the columns stay correlated. Each column's
threshold is its 99th percentile times one factor, common to all columns, that keeps the *model's* verdict ("at least
k columns drifted") false in at most `FALSE_ALARMS` of the draws.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from services.drift.comparison import FLOORS
from services.drift.number_profile import NumberProfile
from services.drift.reference import Profile, Reference
from services.drift.scores import jensenshannon
from services.drift.thresholds import Curve, Thresholds, missing_floor

SIZES = (10, 30, 100, 300, 1_000, 2_500, 5_000)
DRAWS = 1_000
CHUNK = 100  # draws at a time: their weights stay in the processor's cache
FALSE_ALARMS = 0.01  # of the model's verdict; the promise is 0.05, the rest is room for one reference's bad luck
COLUMN_QUANTILE = 0.99
LARGEST_FACTOR = 10.0
SEED = 20_260_102

Draws = NDArray[np.float64]
Weights = NDArray[np.float32]


def calibrate(reference: Reference, sizes: tuple[int, ...] = SIZES, draws: int = DRAWS) -> Thresholds:
    """Thresholds for windows of every size in between. The same reference gives the same thresholds."""
    rng = np.random.default_rng(SEED)
    levels = [_levels(reference, rows, draws, rng) for rows in sizes]
    curves = {
        name: Curve(score=tuple(at[name][0] for at in levels), missing=tuple(at[name][1] for at in levels))
        for name in reference.profiles
    }
    return Thresholds(reference.key, sizes, curves)


def columns_for_drift(columns: int, drift_share: float) -> int:
    """The least number of drifted columns that makes the share reach `drift_share`."""
    return next(k for k in range(1, columns + 1) if k / columns >= drift_share)


def _levels(reference: Reference, rows: int, draws: int, rng: np.random.Generator) -> dict[str, tuple[float, float]]:
    """For windows of `rows` rows: the threshold of each column's score, and of what is missing of it."""
    scores, missing = _null(reference, rows, draws, rng)
    base = {n: _quantile(s) for n, s in scores.items()}
    base_missing = {n: _quantile(m) for n, m in missing.items()}
    excess = [
        _excess(profile, rows, (scores[name], base[name]), (missing[name], base_missing[name]))
        for name, profile in reference.profiles.items()
    ]
    factor = _factor(np.stack(excess, axis=1), reference.drift_share) if excess else 1.0
    return {name: (base[name] * factor, base_missing[name] * factor) for name in reference.profiles}


def _null(reference: Reference, rows: int, draws: int, rng: np.random.Generator) -> tuple[dict[str, Draws], ...]:
    """Scores, and distances of missing shares, of `draws` windows that did not drift: (draws,) for each column."""
    scores: dict[str, list[Draws]] = {n: [] for n in reference.profiles}
    missing: dict[str, list[Draws]] = {n: [] for n in reference.profiles}
    for start in range(0, draws, CHUNK):
        count = min(CHUNK, draws - start)
        before = _resample(rng, count, reference.rows, reference.rows)
        after = _resample(rng, count, reference.rows, rows)
        for name, profile in reference.profiles.items():
            scores[name].append(profile.null_scores(before, after, rows))
            missing[name].append(_missing_distance(profile, before, after))
    return tuple({n: np.concatenate(d) for n, d in each.items()} for each in (scores, missing))


def _resample(rng: np.random.Generator, draws: int, reference_rows: int, rows: int) -> Weights:
    """Weights (draws, reference_rows) of resamples of `rows` rows, each summing to 1."""
    chosen = rng.integers(0, reference_rows, size=(draws, rows)) + np.arange(draws)[:, None] * reference_rows
    counts = np.bincount(chosen.ravel(), minlength=draws * reference_rows).reshape(draws, reference_rows)
    return counts.astype(np.float32) / np.float32(rows)


def _missing_distance(profile: Profile, before: Weights, after: Weights) -> Draws:
    """Categories have a label for what is missing, in their score; so have numbers with nothing missing none."""
    if not isinstance(profile, NumberProfile) or profile.missing == 0:
        return np.zeros(len(before))
    flags = profile.missing_flags()
    pairs = [np.stack((share, 1 - share), axis=1) for share in (before @ flags, after @ flags)]
    return jensenshannon(pairs[0], pairs[1])


def _quantile(scores: Draws) -> float:
    return float(np.quantile(scores, COLUMN_QUANTILE))


def _excess(profile: Profile, rows: int, score: tuple[Draws, float], missing: tuple[Draws, float]) -> Draws:
    """By how much each draw exceeds the column's quantile, (draws,): 0 below the floor, infinite over a fixed one."""
    comparison = profile.comparison
    if comparison.threshold is not None:
        of_score = np.where(score[0] >= comparison.threshold, np.inf, 0.0)
    else:
        of_score = _ratio(*score, floor=FLOORS[comparison.method])
    return np.maximum(of_score, _ratio(*missing, floor=missing_floor(profile.missing, rows)))


def _ratio(draws: Draws, base: float, floor: float) -> Draws:
    return np.where(draws >= floor, draws / max(base, 1e-12), 0.0)


def _factor(excess: Draws, drift_share: float) -> float:
    """The least factor, from 1 up, at which the verdict is false in at most `FALSE_ALARMS` of the draws.

    A draw says drift as long as the factor is below its k-th largest excess. Where columns with a threshold of the
    manifest's own decide alone, no factor helps: those draws do not count.
    """
    columns = excess.shape[1]
    needed = columns_for_drift(columns, drift_share)
    decisive = np.sort(excess, axis=1)[:, columns - needed]
    decisive = decisive[np.isfinite(decisive)]
    if not len(decisive):
        return 1.0
    factor = float(np.quantile(decisive, 1 - FALSE_ALARMS, method="higher"))
    return min(max(factor, 1.0), LARGEST_FACTOR)

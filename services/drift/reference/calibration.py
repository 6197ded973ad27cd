"""Thresholds from the null distribution of this reference: what the scores are when nothing has drifted.

Two-sample bootstrap (Efron and Tibshirani 1993, chapter 16): both the reference and the window are drawn anew, whole
rows with replacement, so that the reference's own finite size counts and the columns stay correlated. Each column's
threshold is its 99th percentile times one factor, common to all columns, that keeps the *model's* verdict ("at least
k columns drifted, or the joint score did") false in at most `FALSE_ALARMS` of the draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.drift.arrow import Floats
from services.drift.reference.profiles import NumberProfile, Profile, Weights, resample
from services.drift.reference.reference import JointProfile, Reference
from services.drift.reference.scores import jensenshannon
from services.drift.reference.thresholds import LEAST_LEVEL, Curve, Thresholds, missing_floor

SIZES = (10, 30, 100, 300, 1_000, 2_500, 5_000)
DRAWS = 1_000
CHUNK = 100  # draws at a time: their weights stay in the processor's cache
FALSE_ALARMS = 0.01  # of the model's verdict; the promise is 0.05, the rest is room for one reference's bad luck
COLUMN_QUANTILE = 0.99
JOINT_QUANTILE = 0.995  # alone it may not use up what the verdict is allowed
LARGEST_FACTOR = 10.0
SEED = 20_260_102

NullDraws = tuple[Floats, Floats]  # scores (draws,), and distances of the shares that are missing (draws,)
Level = tuple[float, float]  # their thresholds
Levels = Mapping[str, Level]


@dataclass(frozen=True, slots=True)
class _Null:
    columns: dict[str, NullDraws]
    joint: dict[str, NullDraws]


def calibrate(reference: Reference, sizes: tuple[int, ...] = SIZES, draws: int = DRAWS) -> Thresholds:
    """Thresholds for windows of every size in between. The same reference gives the same thresholds."""
    rng = np.random.default_rng(SEED)
    levels = [_levels(reference, rows, draws, rng) for rows in sizes]
    columns, joint = (_curves(levels_of) for levels_of in zip(*levels, strict=True))
    return Thresholds(reference.key, sizes, columns, joint)


def columns_for_drift(columns: int, drift_share: float) -> int:
    """The least number of drifted columns that makes the share reach `drift_share`."""
    return next(k for k in range(1, columns + 1) if k / columns >= drift_share)


def _curves(levels: Sequence[Levels]) -> dict[str, Curve]:
    """From the levels at each size, a curve for each name."""
    return {n: Curve(tuple(at[n][0] for at in levels), tuple(at[n][1] for at in levels)) for n in levels[0]}


def _levels(reference: Reference, rows: int, draws: int, rng: np.random.Generator) -> tuple[Levels, Levels]:
    """For windows of `rows` rows: the thresholds of each column, and of the joint scores."""
    null = _null(reference, rows, draws, rng)
    columns = {n: _level(scores, COLUMN_QUANTILE) for n, scores in null.columns.items()}
    joint = {n: _level(scores, JOINT_QUANTILE) for n, scores in null.joint.items()}
    of_columns = [_excess(p, rows, null.columns[n], columns[n]) for n, p in reference.profiles.items()]
    of_joint = [_joint_excess(p, rows, null.joint[n], joint[n]) for n, p in reference.joint.items()]
    factor = _factor(_decisive(of_columns, reference.drift_share), of_joint)
    return _raised(columns, factor), _raised(joint, factor)


def _null(reference: Reference, rows: int, draws: int, rng: np.random.Generator) -> _Null:
    """What `draws` windows that did not drift say."""
    columns: dict[str, list[NullDraws]] = {n: [] for n in reference.profiles}
    joint: dict[str, list[NullDraws]] = {n: [] for n in reference.joint}
    nulls = {n: p.null(rng) for n, p in reference.joint.items()}
    for start in range(0, draws, CHUNK):
        count = min(CHUNK, draws - start)
        before = resample(rng, count, reference.rows, reference.rows)
        after = resample(rng, count, reference.rows, rows)
        for name, profile in reference.profiles.items():
            columns[name].append((profile.null_scores(before, after, rows), _missing_distance(profile, before, after)))
        for name, together in reference.joint.items():
            scores = nulls[name](before, after, rows)
            joint[name].append((scores, together.null_missing(count, rows, rng)))
    return _Null(*({n: _joined(parts) for n, parts in each.items()} for each in (columns, joint)))


def _joined(parts: list[NullDraws]) -> NullDraws:
    scores, missing = zip(*parts, strict=True)
    return np.concatenate(scores), np.concatenate(missing)


def _missing_distance(profile: Profile, before: Weights, after: Weights) -> Floats:
    """Categories have a label for what is missing, in their score; so have numbers with nothing missing none."""
    if not isinstance(profile, NumberProfile) or profile.missing == 0:
        return np.zeros(len(before))
    flags = profile.missing_flags()
    pairs = [np.stack((share, 1 - share), axis=1) for share in (before @ flags, after @ flags)]
    return jensenshannon(pairs[0], pairs[1])


def _level(null: NullDraws, quantile: float) -> Level:
    score, missing = (float(np.quantile(draws, quantile)) for draws in null)
    return score, missing


def _raised(levels: Levels, factor: float) -> Levels:
    return {n: (score * factor, missing * factor) for n, (score, missing) in levels.items()}


def _excess(profile: Profile, rows: int, null: NullDraws, level: Level) -> Floats:
    """By how much each draw exceeds the column's quantile, (draws,): 0 below the floor, infinite over a fixed one."""
    test = profile.test
    if test.threshold is not None:
        of_score = np.where(null[0] >= test.threshold, np.inf, 0.0)
    else:
        of_score = _ratio(null[0], level[0], floor=profile.floor)
    return np.maximum(of_score, _ratio(null[1], level[1], floor=missing_floor(profile.missing, rows)))


def _joint_excess(profile: JointProfile, rows: int, null: NullDraws, level: Level) -> Floats:
    of_missing = _ratio(null[1], level[1], floor=missing_floor(profile.missing, profile.window_rows(rows)))
    return np.maximum(_ratio(null[0], level[0], floor=profile.floor), of_missing)


def _ratio(draws: Floats, base: float, floor: float) -> Floats:
    return np.where(draws >= floor, draws / max(base, LEAST_LEVEL), 0.0)


def _decisive(excess: list[Floats], drift_share: float) -> list[Floats]:
    """The k-th largest of the columns' excesses: the columns say drift as long as the factor is below it."""
    if not excess:
        return []
    needed = columns_for_drift(len(excess), drift_share)
    return [np.sort(np.stack(excess, axis=1), axis=1)[:, len(excess) - needed]]


def _factor(columns: list[Floats], joint: list[Floats]) -> float:
    """The least factor, from 1 up, at which the verdict is false in at most `FALSE_ALARMS` of the draws.

    Where columns with a threshold of the manifest's own decide alone, no factor helps: those draws do not count.
    """
    excess = np.max([*columns, *joint], axis=0) if columns or joint else np.empty(0)
    excess = excess[np.isfinite(excess)]
    if not len(excess):
        return 1.0
    factor = float(np.quantile(excess, 1 - FALSE_ALARMS, method="higher"))
    return min(max(factor, 1.0), LARGEST_FACTOR)

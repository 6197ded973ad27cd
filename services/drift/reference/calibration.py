"""Thresholds from the null distribution of this reference: what the scores are when nothing has drifted.

Two-sample bootstrap (Efron and Tibshirani 1993, chapter 16): both the reference and the window are drawn anew, whole
rows with replacement, so that the reference's own finite size counts and the columns stay correlated. Each column's
threshold is its 99th percentile times one factor, common to all columns. The factor keeps the *model's* verdict (k
columns drifted, or one is far beyond its threshold, or the joint score) false in at most `FALSE_ALARMS` of the draws.
"Far beyond" is read from the furthest column of each draw, in multiples of its threshold, and so holds for many columns
that are correlated (single-step maxT: Westfall and Young 1993, Resampling-Based Multiple Testing).
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
ALONE_QUANTILE = 0.995  # of the furthest column, likewise
LEAST_ALONE = 2.0  # thresholds: a column just over its own does not overrule the share that the manifest asks for
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
    columns, joint, alone = zip(*levels, strict=True)
    return Thresholds(reference.key, sizes, _curves(columns), _curves(joint), alone)


def columns_for_drift(columns: int, drift_share: float) -> int:
    """The least number of drifted columns that makes the share reach `drift_share`."""
    return next(k for k in range(1, columns + 1) if k / columns >= drift_share)


def _curves(levels: Sequence[Levels]) -> dict[str, Curve]:
    """From the levels at each size, a curve for each name."""
    return {n: Curve(tuple(at[n][0] for at in levels), tuple(at[n][1] for at in levels)) for n in levels[0]}


def _levels(reference: Reference, rows: int, draws: int, rng: np.random.Generator) -> tuple[Levels, Levels, float]:
    """For windows of `rows` rows: the thresholds of each column, of the joint scores, and `Thresholds.alone`."""
    null = _null(reference, rows, draws, rng)
    columns = {n: _level(scores, COLUMN_QUANTILE) for n, scores in null.columns.items()}
    joint = {n: _level(scores, JOINT_QUANTILE) for n, scores in null.joint.items()}
    compared = [(null.columns[n], columns[n], _floors(p, rows)) for n, p in reference.profiles.items()]
    alone = _alone(compared)
    counted = [_counted(p, *each) for p, each in zip(reference.profiles.values(), compared, strict=True)]
    beyond = [_excess(*each, times=alone) for each in compared]
    of_joint = [_excess(null.joint[n], joint[n], _floors(p, p.window_rows(rows))) for n, p in reference.joint.items()]
    factor = _factor([*_decisive(counted, reference.drift_share), *beyond], of_joint)
    return _raised(columns, factor), _raised(joint, factor), alone


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


def _floors(profile: Profile | JointProfile, rows: int) -> Level:
    fixed = profile.test.threshold if isinstance(profile, Profile) else None
    return fixed or profile.floor, missing_floor(profile.missing, rows)


def _excess(null: NullDraws, level: Level, floors: Level, times: float = 1.0) -> Floats:
    """By how much each draw exceeds so many `times` its quantiles, (draws,): 0 below as many floors."""
    each = zip(null, level, floors, strict=True)
    return np.maximum(*(_ratio(draws, times * base, times * floor) for draws, base, floor in each))


def _counted(profile: Profile, null: NullDraws, level: Level, floors: Level) -> Floats:
    """The excess by which a column counts as drifted: infinite over a fixed threshold, which no factor raises."""
    return np.where(null[0] >= (profile.test.threshold or np.inf), np.inf, _excess(null, level, floors))


def _alone(compared: Sequence[tuple[NullDraws, Level, Level]]) -> float:
    """The multiple of its threshold that the furthest column seldom reaches when nothing has drifted."""
    times = [d / max(base, floor, LEAST_LEVEL) for each in compared for d, base, floor in zip(*each, strict=True)]
    furthest = np.max(times, axis=0) if times else np.zeros(1)
    return max(float(np.quantile(furthest, ALONE_QUANTILE, method="higher")), LEAST_ALONE)


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

"""Whether a model is still good enough: the watched metric against the manifest's floor.

"Below floor" is said only when the better end of the 95% interval is beyond the floor, so that chance alone seldom
says it; "ok" is said otherwise. Labels are believed before estimates.
"""

from __future__ import annotations

from pilothouse.manifest import Manifest
from services.drift.performance.appraisal import Basis, Conclusion, Side
from services.drift.performance.metric import Value, higher_is_better, watched

_WORDS = {True: ("at least", "below"), False: ("at most", "above")}


def conclude(manifest: Manifest, measured: Side, estimated: Side) -> Conclusion:
    """The verdict; unknown, with the reason, when there is nothing to judge or nothing to judge by."""
    metric, floor = watched(manifest), manifest.monitoring.performance_floor
    basis, value = _basis(metric, measured, estimated)
    if basis is None or value is None or value.value is None:
        return _nothing(metric, measured, estimated)
    said = f"{metric} {_show(value)}, {basis}"
    if floor is None:
        return Conclusion("unknown", "no-floor", f"{said}; the manifest sets no performance_floor", basis)
    up = higher_is_better(metric)
    better_end = (value.high if up else value.low) if value.low is not None else value.value
    assert better_end is not None
    beyond = better_end < floor if up else better_end > floor
    wanted, missed = _WORDS[up]
    if beyond:
        return Conclusion(
            "below floor", basis, f"{said}: all of its interval is {missed} the floor of {floor:g}", basis
        )
    worse = value.value < floor if up else value.value > floor
    doubt = ", but its interval reaches it" if worse else ""
    return Conclusion("ok", basis, f"{said}; it should be {wanted} {floor:g}{doubt}", basis)


def _basis(metric: str, measured: Side, estimated: Side) -> tuple[Basis | None, Value | None]:
    if measured.status == "measured" and (value := measured.value(metric)):
        return "measured", value
    if estimated.status == "estimated" and (value := estimated.value(metric)):
        return "estimated", value
    return None, None


def _nothing(metric: str, measured: Side, estimated: Side) -> Conclusion:
    """Why there is no verdict. What is wrong with the records says more than what is wrong with the labels."""
    for side in (measured, estimated):
        if side.status in ("measured", "estimated"):
            why = side.values[metric].message if metric in side.values else None
            message = f"{metric} is not defined for these rows" + (f": {why}" if why else "")
            return Conclusion("unknown", "metric-undefined", message)
    if measured.reason in ("no-records", estimated.reason):
        return Conclusion("unknown", measured.reason, measured.message)
    return Conclusion("unknown", estimated.reason, f"{measured.message}; {estimated.message}")


def _show(value: Value) -> str:
    if value.low is None or value.high is None:
        return f"{value.value:.4g}"
    return f"{value.value:.4g} ({value.low:.4g} to {value.high:.4g})"

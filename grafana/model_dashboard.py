"""What is asked of each model, what it answers, where the time goes, whether it drifts, how good it is."""

from __future__ import annotations

from typing import Any

from grafana.dashboard import choice, dashboard
from grafana.panels import PAGE, Bars, Graph, Panel, SeriesStyle, Stat
from monitoring.definitions import Definitions

_CHOSEN = 'model=~"$model", version=~"$version"'
_NAME = "{{model}} {{version}}"
_STAGES = "decode|queue|preprocess|model|postprocess|log"
_MODEL = "?model=${__field.labels.model}"
_DRIFT = {"Evidently's report": f"{PAGE}/drift-report{_MODEL}", "Drift on the page": f"{PAGE}/drift{_MODEL}"}
_ON_THE_PAGE = {"Performance on the page": f"{PAGE}/performance{_MODEL}"}


def model(definitions: Definitions) -> dict[str, Any]:
    """How each model version does."""
    rows = {
        "Now": _now(),
        "What is asked and answered": _traffic(),
        "Anatomy of a prediction": _anatomy(definitions.objectives.latency.seconds),
        "Drift": _drift(),
        "Performance": _performance(),
        "Data quality": _quality(),
    }
    variables = [
        choice("model", "Model", "label_values(pilothouse_model_state, model)"),
        choice("version", "Version", 'label_values(pilothouse_model_state{model=~"$model"}, version)'),
    ]
    text = "Traffic, answers, latency, drift, performance and data quality of each model version."
    return dashboard("model", text, rows, variables)


def _now() -> list[Panel]:
    def below(basis: str) -> str:
        return f'pilothouse_performance_below_floor{{{_CHOSEN}, basis="{basis}"}}'

    return [
        Stat(
            "Drift",
            "Whether the newest window of each model has drifted from its reference.",
            {"{{model}}": f"max by (model) (pilothouse_drift_detected{{{_CHOSEN}}})"},
            mappings={"0": ("no drift", "green"), "1": ("drift", "red")},
            no_value="no verdict yet",
            links=_DRIFT,
            runbook="DriftDetected",
        ),
        Stat(
            "Performance",
            "Whether the model is below its floor: measured where labels have come, else estimated.",
            {"{{model}}": f"max by (model) ({below('measured')} or ignoring (basis) {below('estimated')})"},
            mappings={"0": ("above its floor", "green"), "1": ("below its floor", "red")},
            no_value="not known yet",
            links=_ON_THE_PAGE,
            runbook="PerformanceBelowFloorMeasured",
        ),
        Stat(
            "State",
            "What each version does: active answers, shadow is only logged, loaded answers when it is named.",
            {"{{model}} {{version}}: {{state}}": f"pilothouse_model_state{{{_CHOSEN}}}"},
            mappings={"1": ("loaded", "blue")},
            runbook="ModelNotLoaded",
        ),
    ]


def _traffic() -> list[Panel]:
    outcomes = f"sum by (model, outcome) (model:pilothouse_predictions:rate5m{{{_CHOSEN}}})"
    per_class = f"sum by (model, predicted) (rate(pilothouse_predicted_classes_total{{{_CHOSEN}}}[5m]))"
    values = f"sum by (model, le) (rate(pilothouse_predicted_values_bucket{{{_CHOSEN}}}[5m]))"
    confidence = f"sum by (model, le) (rate(pilothouse_prediction_confidence_bucket{{{_CHOSEN}}}[5m]))"
    return [
        Graph(
            "Predictions",
            "Predictions a second: answered, invalid (bad input), failed (model broke), skipped (shadow was busy).",
            {"{{model}} {{outcome}}": f"{outcomes} > 0"},
            unit="ops",
            runbook="TrafficGone",
        ),
        Graph(
            "Answers by class",
            "Share of each class among the answers.",
            {"{{predicted}}": f"{per_class} / on (model) group_left () (sum by (model) ({per_class}) > 0)"},
            unit="percentunit",
            maximum=1,
            stacked=True,
        ),
        Graph(
            "Predicted values",
            "Median, 5th and 95th percentile of what regressions predict, in the target's unit.",
            {f"{{{{model}}}} {q:.0%}": f"histogram_quantile({q}, {values})" for q in (0.05, 0.5, 0.95)},
            styles=[SeriesStyle("50%", width=3), SeriesStyle("5%$", dashed=True)],
        ),
        Graph(
            "Confidence",
            "Probability of the likeliest class: median, and what 9 of 10 answers exceed.",
            {
                "{{model}} median": f"histogram_quantile(0.5, {confidence})",
                "{{model}} 10%": f"histogram_quantile(0.1, {confidence})",
            },
            unit="percentunit",
            maximum=1,
        ),
    ]


def _anatomy(seconds: float) -> list[Panel]:
    total, stages = f'{{{_CHOSEN}, stage="total"}}', f'{{{_CHOSEN}, stage=~"{_STAGES}"}}'
    rows = "sum by (model) (rate(pilothouse_batch_rows_{}{{{}}}[5m]))"
    return [
        Graph(
            "Where the time goes",
            "Mean time of each stage: decode and validate, queue for the batch, preprocess, model, postprocess, log.",
            {"{{stage}}": f"avg by (stage) (model:pilothouse_prediction_seconds:mean5m{stages})"},
            unit="s",
            stacked=True,
            width=9,
            runbook="LatencyHigh",
        ),
        Graph(
            "Whole predictions",
            f"Median, 95th and 99th percentile. The line is what is promised for 95 in 100: {seconds * 1000:g} ms.",
            {f"{{{{model}}}} {q}": f"model:pilothouse_prediction_seconds:{q}_5m{total}" for q in ("p50", "p95", "p99")},
            unit="s",
            thresholds=[(seconds, "red")],
            width=9,
            runbook="LatencyHigh",
        ),
        Graph(
            "Batches",
            "Rows that shared a run of the model, on average.",
            {"{{model}}": f"{rows.format('sum', _CHOSEN)} / ({rows.format('count', _CHOSEN)} > 0)"},
            width=6,
        ),
    ]


def _drift() -> list[Panel]:
    joint = "pilothouse_drift_joint"
    return [
        Graph(
            "Score of each column over its threshold",
            "Above 1 the column has drifted. Thresholds are calibrated for the model's reference and window.",
            {"{{model}} {{column}}": f"column:pilothouse_drift_score:relative{{{_CHOSEN}}}"},
            thresholds=[(1, "red")],
            fill=0,
            minimum=0.1,
            logarithmic=True,
            width=16,
            height=10,
            links=_DRIFT,
            runbook="DriftDetected",
        ),
        Bars(
            "Furthest columns",
            "Score over threshold at this moment.",
            {"{{model}} {{column}}": f"topk(10, column:pilothouse_drift_score:relative{{{_CHOSEN}}})"},
            thresholds=[(1, "red")],
            decimals=2,
            height=10,
            links=_DRIFT,
            width=8,
        ),
        Graph(
            "Columns that drifted",
            "Share of the compared columns. The manifest says from which share on the model has drifted.",
            {_NAME: f"pilothouse_drift_share{{{_CHOSEN}}}"},
            unit="percentunit",
            maximum=1,
            width=8,
        ),
        Graph(
            "Joint drift over its threshold",
            "Drift of the embedding, or of all features together. Above 1 it has drifted.",
            {"{{model}} {{on}}": f"{joint}_score{{{_CHOSEN}}} / {joint}_threshold{{{_CHOSEN}}}"},
            thresholds=[(1, "red")],
            fill=0,
            minimum=0.1,
            logarithmic=True,
            runbook="DriftDetected",
            width=8,
        ),
        Graph(
            "Rows compared, age of the verdict",
            "Rows of the newest window, and seconds since the verdict was made or confirmed.",
            {
                f"{_NAME} rows": f"pilothouse_drift_rows{{{_CHOSEN}}}",
                f"{_NAME} seconds": f"pilothouse_drift_age_seconds{{{_CHOSEN}}}",
            },
            runbook="DriftStale",
            width=8,
        ),
    ]


def _performance() -> list[Panel]:
    floored = f"and on (model, version, metric) pilothouse_performance_floor{{{_CHOSEN}}}"

    def metric(name: str) -> str:
        return f"pilothouse_performance_{name}{{{_CHOSEN}}} {floored}"

    return [
        Graph(
            "Performance of $model, measured and estimated",
            "The metric that has a floor: measured with true labels (thick, with its 95% interval), estimated without "
            "labels (dashed), and the floor (red).",
            {
                "{{version}} {{metric}} measured": metric("measured"),
                "{{version}} {{metric}} high": metric("measured_high"),
                "{{version}} {{metric}} low": metric("measured_low"),
                "{{version}} {{metric}} estimated": metric("estimated"),
                "{{version}} {{metric}} floor": f"pilothouse_performance_floor{{{_CHOSEN}}}",
            },
            minimum=None,
            width=24,
            height=10,
            repeat="model",
            fill=0,
            styles=[
                SeriesStyle("measured$", width=3),
                SeriesStyle("(high|low)$", "#8e8e8e", width=1),
                SeriesStyle("estimated$", dashed=True),
                SeriesStyle("floor$", "red", dashed=True, width=1),
            ],
            no_value="no labels and no estimate yet",
            runbook="PerformanceBelowFloorMeasured",
        ),
        Graph(
            "Labels",
            "Share of the window's records whose true value is known.",
            {_NAME: f"pilothouse_performance_label_coverage{{{_CHOSEN}}}"},
            unit="percentunit",
            maximum=1,
            width=8,
        ),
        Graph(
            "Labelled rows",
            "Records that performance is measured on.",
            {_NAME: f"pilothouse_performance_labelled_rows{{{_CHOSEN}}}"},
            width=8,
        ),
        Graph(
            "How late labels come",
            "Median time from a prediction to its true value.",
            {_NAME: f"pilothouse_performance_label_lag_seconds{{{_CHOSEN}}}"},
            unit="s",
            width=8,
        ),
    ]


def _quality() -> list[Panel]:
    def share(name: str) -> str:
        return f"pilothouse_drift_{name}_share{{{_CHOSEN}}} > 0"

    missing = f"pilothouse_drift_missing_share{{{_CHOSEN}}}"
    return [
        Graph(
            "Missing, beyond what the reference misses",
            "Share of missing values minus that of the reference. The alert is at ten points.",
            {"{{model}} {{column}}": f"{missing} - pilothouse_drift_reference_missing_share{{{_CHOSEN}}}"},
            unit="percentunit",
            minimum=None,
            thresholds=[(0.1, "red")],
            runbook="DataMissing",
        ),
        Graph(
            "Out of range",
            "Share of values outside the reference's range, where there are any.",
            {"{{model}} {{column}}": share("out_of_range")},
            unit="percentunit",
            thresholds=[(0.1, "red")],
            no_value="none",
            runbook="DataOutOfRange",
        ),
        Graph(
            "New categories",
            "Share of values in categories that the reference does not have, where there are any.",
            {"{{model}} {{column}}": share("new_category")},
            unit="percentunit",
            thresholds=[(0.05, "red")],
            no_value="none",
            runbook="DataNewCategories",
        ),
        Graph(
            "Unusable",
            "Share of values with a wrong type or not finite, where there are any.",
            {"{{model}} {{column}}": share("unusable")},
            unit="percentunit",
            no_value="none",
            runbook="DataMissing",
        ),
    ]

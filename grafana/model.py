"""What is asked of each model, what it answers, where the time goes, whether it drifts, how good it is."""

from __future__ import annotations

from typing import Any

from grafana.dashboard import choice, dashboard
from grafana.panels import Look, Panel, Query
from monitoring.definitions import Definitions

_CHOSEN = 'model=~"$model", version=~"$version"'
_NAME = "{{model}} {{version}}"
_STAGES = "decode|queue|preprocess|model|postprocess|log"
_REPORT = [
    ("Evidently's report", "${drift_service}/drift-report?model=${model}"),
    ("Drift on the page", "${page}/drift"),
]


def model(definitions: Definitions) -> dict[str, Any]:
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
    return dashboard(
        "model",
        title="Pilothouse: model",
        description=text,
        variables=variables,
        rows=rows,
        runbooks=definitions.alerts.runbooks,
    )


def _now() -> tuple[Panel, ...]:
    return (
        Panel(
            "stat",
            "Drift",
            "What the drift service says of the newest window of each model.",
            [Query(f"max by (model) (pilothouse_drift_detected{{{_CHOSEN}}})", "{{model}}")],
            words={"0": ("no drift", "green"), "1": ("drift", "red")},
            nothing="no verdict yet",
            width=8,
            height=4,
            links=_REPORT,
            runbook="DriftDetected",
        ),
        Panel(
            "stat",
            "Performance",
            "Whether the model is below its floor, by labels where they have come, else by estimate.",
            [
                Query(
                    f'max by (model) (pilothouse_performance_below_floor{{{_CHOSEN}, basis="measured"}}'
                    f' or ignoring (basis) pilothouse_performance_below_floor{{{_CHOSEN}, basis="estimated"}})',
                    "{{model}}",
                )
            ],
            words={"0": ("above its floor", "green"), "1": ("below its floor", "red")},
            nothing="not known yet",
            width=8,
            height=4,
            runbook="PerformanceBelowFloorMeasured",
        ),
        Panel(
            "stat",
            "State",
            "What the inference service does with each version.",
            [Query(f"pilothouse_model_state{{{_CHOSEN}}}", "{{model}} {{version}}: {{state}}")],
            words={"1": ("loaded", "blue")},
            width=8,
            height=4,
            runbook="ModelNotLoaded",
        ),
    )


def _traffic() -> tuple[Panel, ...]:
    per_class = f"sum by (model, predicted) (rate(pilothouse_predicted_classes_total{{{_CHOSEN}}}[5m]))"
    values = f"sum by (model, le) (rate(pilothouse_predicted_values_bucket{{{_CHOSEN}}}[5m]))"
    confidence = f"sum by (model, le) (rate(pilothouse_prediction_confidence_bucket{{{_CHOSEN}}}[5m]))"
    return (
        Panel(
            "timeseries",
            "Predictions",
            "A second, by outcome: answered, invalid (the caller's input), failed (the model), skipped (a shadow).",
            [
                Query(
                    f"sum by (model, outcome) (model:pilothouse_predictions:rate5m{{{_CHOSEN}}}) > 0",
                    "{{model}} {{outcome}}",
                )
            ],
            unit="ops",
            width=6,
            runbook="TrafficGone",
        ),
        Panel(
            "timeseries",
            "Answers by class",
            "Share of each class among the answers.",
            [Query(f"{per_class} / on (model) group_left () (sum by (model) ({per_class}) > 0)", "{{predicted}}")],
            unit="percentunit",
            most=1,
            stacked=True,
            width=6,
        ),
        Panel(
            "timeseries",
            "Predicted values",
            "Median, 5th and 95th percentile of what regressions answer, in the target's unit.",
            [Query(f"histogram_quantile({q}, {values})", f"{{{{model}}}} {q:.0%}") for q in (0.05, 0.5, 0.95)],
            width=6,
            looks=[Look("50%", width=3), Look("5%$", dashed=True)],
        ),
        Panel(
            "timeseries",
            "Confidence",
            "Probability of the likeliest class: median, and what 9 of 10 answers exceed.",
            [
                Query(f"histogram_quantile(0.5, {confidence})", "{{model}} median"),
                Query(f"histogram_quantile(0.1, {confidence})", "{{model}} 10%"),
            ],
            unit="percentunit",
            most=1,
            width=6,
        ),
    )


def _anatomy(seconds: float) -> tuple[Panel, ...]:
    total = f'{{{_CHOSEN}, stage="total"}}'
    return (
        Panel(
            "timeseries",
            "Where the time goes",
            "Mean time of each stage: decode and validate, wait for the batch, make tensors, the model, read its "
            "answer, log.",
            [
                Query(
                    f'avg by (stage) (model:pilothouse_prediction_seconds:mean5m{{{_CHOSEN}, stage=~"{_STAGES}"}})',
                    "{{stage}}",
                )
            ],
            unit="s",
            stacked=True,
            width=9,
            runbook="LatencyHigh",
        ),
        Panel(
            "timeseries",
            "Whole predictions",
            f"Median, 95th and 99th percentile. The line is what is promised of 95 in 100: {seconds * 1000:g} ms.",
            [
                Query(f"model:pilothouse_prediction_seconds:{q}_5m{total}", f"{{{{model}}}} {q}")
                for q in ("p50", "p95", "p99")
            ],
            unit="s",
            limits=[(seconds, "red")],
            width=9,
            runbook="LatencyHigh",
        ),
        Panel(
            "timeseries",
            "Batches",
            "Rows that share a run of the model, on average.",
            [
                Query(
                    f"sum by (model) (rate(pilothouse_batch_rows_sum{{{_CHOSEN}}}[5m]))"
                    f" / (sum by (model) (rate(pilothouse_batch_rows_count{{{_CHOSEN}}}[5m])) > 0)",
                    "{{model}}",
                )
            ],
            width=6,
        ),
    )


def _drift() -> tuple[Panel, ...]:
    return (
        Panel(
            "timeseries",
            "Score of each column over its threshold",
            "Above 1 the column has drifted. Thresholds are calibrated for the model's reference and window.",
            [Query(f"column:pilothouse_drift_score:relative{{{_CHOSEN}}}", "{{model}} {{column}}")],
            limits=[(1, "red")],
            fill=0,
            least=0.1,
            logarithmic=True,
            width=16,
            height=10,
            links=_REPORT,
            runbook="DriftDetected",
        ),
        Panel(
            "bargauge",
            "Furthest columns",
            "Score over threshold at this moment.",
            [Query(f"topk(10, column:pilothouse_drift_score:relative{{{_CHOSEN}}})", "{{model}} {{column}}")],
            limits=[(1, "red")],
            decimals=2,
            height=10,
            links=_REPORT,
        ),
        Panel(
            "timeseries",
            "Columns that drifted",
            "Share of the compared columns. From which share on the model has drifted stands in its manifest.",
            [Query(f"pilothouse_drift_share{{{_CHOSEN}}}", _NAME)],
            unit="percentunit",
            most=1,
        ),
        Panel(
            "timeseries",
            "Joint drift over its threshold",
            "What moved together: embeddings, or all features at once. Above 1 it has drifted.",
            [
                Query(
                    f"pilothouse_drift_joint_score{{{_CHOSEN}}} / pilothouse_drift_joint_threshold{{{_CHOSEN}}}",
                    "{{model}} {{on}}",
                )
            ],
            limits=[(1, "red")],
            fill=0,
            least=0.1,
            logarithmic=True,
            runbook="DriftDetected",
        ),
        Panel(
            "timeseries",
            "Rows compared, age of the verdict",
            "Rows of the newest window, and seconds since the verdict was made or found to be still right.",
            [
                Query(f"pilothouse_drift_rows{{{_CHOSEN}}}", f"{_NAME} rows"),
                Query(f"pilothouse_drift_age_seconds{{{_CHOSEN}}}", f"{_NAME} seconds"),
            ],
            runbook="DriftStale",
        ),
    )


def _performance() -> tuple[Panel, ...]:
    floored = f"and on (model, version, metric) pilothouse_performance_floor{{{_CHOSEN}}}"

    def metric(name: str) -> str:
        return f"pilothouse_performance_{name}{{{_CHOSEN}}} {floored}"

    return (
        Panel(
            "timeseries",
            "Performance of $model, measured and estimated",
            "The metric that has a floor. Measured with true labels, between the bounds of its 95% interval; estimated "
            "without labels, dashed; the floor in red.",
            [
                Query(metric("measured"), "{{version}} {{metric}} measured"),
                Query(metric("measured_high"), "{{version}} {{metric}} high"),
                Query(metric("measured_low"), "{{version}} {{metric}} low"),
                Query(metric("estimated"), "{{version}} {{metric}} estimated"),
                Query(f"pilothouse_performance_floor{{{_CHOSEN}}}", "{{version}} {{metric}} floor"),
            ],
            least=None,
            width=24,
            height=10,
            repeated_by="model",
            fill=0,
            looks=[
                Look("measured$", width=3),
                Look("(high|low)$", "#8e8e8e", width=1),
                Look("estimated$", dashed=True),
                Look("floor$", "red", dashed=True, width=1),
            ],
            nothing="no labels and no estimate yet",
            runbook="PerformanceBelowFloorMeasured",
        ),
        Panel(
            "timeseries",
            "Labels",
            "Share of the window's records whose true value is known.",
            [Query(f"pilothouse_performance_label_coverage{{{_CHOSEN}}}", _NAME)],
            unit="percentunit",
            most=1,
        ),
        Panel(
            "timeseries",
            "Labelled rows",
            "Records of the window that performance is measured on.",
            [Query(f"pilothouse_performance_labelled_rows{{{_CHOSEN}}}", _NAME)],
        ),
        Panel(
            "timeseries",
            "How late labels come",
            "Time from a prediction to its true value.",
            [Query(f"pilothouse_performance_label_lag_seconds{{{_CHOSEN}}}", _NAME)],
            unit="s",
        ),
    )


def _quality() -> tuple[Panel, ...]:
    def share(name: str) -> str:
        return f"pilothouse_drift_{name}_share{{{_CHOSEN}}} > 0"

    missing = f"pilothouse_drift_missing_share{{{_CHOSEN}}}"
    return (
        Panel(
            "timeseries",
            "Missing, beyond what the reference misses",
            "Difference of the shares. The alert is at ten points.",
            [Query(f"{missing} - pilothouse_drift_reference_missing_share{{{_CHOSEN}}}", "{{model}} {{column}}")],
            unit="percentunit",
            least=None,
            limits=[(0.1, "red")],
            width=6,
            runbook="DataMissing",
        ),
        Panel(
            "timeseries",
            "Out of range",
            "Share of the values beyond the reference's extremes, where there are any.",
            [Query(share("out_of_range"), "{{model}} {{column}}")],
            unit="percentunit",
            limits=[(0.1, "red")],
            width=6,
            nothing="none",
            runbook="DataOutOfRange",
        ),
        Panel(
            "timeseries",
            "New categories",
            "Share of the values that the reference has no category for, where there are any.",
            [Query(share("new_category"), "{{model}} {{column}}")],
            unit="percentunit",
            limits=[(0.05, "red")],
            width=6,
            nothing="none",
            runbook="DataNewCategories",
        ),
        Panel(
            "timeseries",
            "Unusable",
            "Share of the values of a wrong type, or not finite, where there are any.",
            [Query(share("unusable"), "{{model}} {{column}}")],
            unit="percentunit",
            width=6,
            nothing="none",
            runbook="DataMissing",
        ),
    )

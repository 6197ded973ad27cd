"""Where the predictions go wrong: confusions or residuals, calibration, and the values of a chosen feature."""

from __future__ import annotations

import streamlit as st

from pilothouse.tasks import metric_title, task_of
from pilothouse.wire.performance import PerformanceAnswer
from services.frontend.charts import performance as charts
from services.frontend.clients.services import Services
from services.frontend.formatting import in_brackets, title
from services.frontend.views import address, visitor
from services.frontend.views.model_choice import ChosenModel
from services.frontend.views.sections import section

_NO_FEATURE = "none"


def show(found: PerformanceAnswer, chosen: ChosenModel) -> None:
    measured, dark = found.measured, visitor.dark()
    if not (measured.confusion or measured.residuals or measured.calibration):
        return
    left, right = st.columns(2, gap="large")
    error_chart = task_of(chosen.manifest).error_chart
    if error_chart == "confusion" and measured.confusion:
        with left:
            st.subheader("Confusions", anchor=False)
            st.altair_chart(charts.confusion(measured.confusion, dark), alt="Confusion matrix")
    if error_chart == "residuals" and measured.residuals:
        with left:
            st.subheader("Residuals", anchor=False)
            unit = in_brackets(chosen.manifest.output.unit)
            st.altair_chart(charts.residuals(measured.residuals, unit, dark), alt="Histogram of the residuals")
    if measured.calibration:
        with right:
            st.subheader("Calibration", anchor=False)
            st.caption("On the dashed line, what is said with 80% comes true in 80%.")
            st.altair_chart(charts.calibration(measured.calibration, dark), alt="Calibration")


def show_segments(services: Services, chosen: ChosenModel, window: str | None, found: PerformanceAnswer) -> None:
    """The main metric by the values of a feature that is chosen here."""
    st.subheader("By segment", anchor=False)
    feature = _choose_feature(chosen)
    if feature == _NO_FEATURE:
        st.caption("Choose a feature to see where the model is better and where it is worse.")
        return
    with section("The segments"):
        answer = services.drift.performance(chosen.name, chosen.version, window, feature)
        known = [s for s in answer.segments or () if s.measured or s.estimated]
        if not known:
            st.caption("There is no segment with enough rows.")
            return
        name = metric_title(found.metric)
        drawn = charts.segments(known, name, charts.levels(found), visitor.dark())
        st.altair_chart(drawn, alt=f"{name} by {feature}")


def _choose_feature(chosen: ChosenModel) -> str:
    options = [_NO_FEATURE, *chosen.manifest.input_columns]
    value = address.choose("segment", options, _NO_FEATURE)
    st.selectbox(
        "Segment",
        options,
        format_func=lambda option: "No feature" if option == _NO_FEATURE else title(option),
        key=address.widget_key("segment"),
        on_change=address.changed,
        args=("segment",),
        label_visibility="collapsed",
    )
    return value

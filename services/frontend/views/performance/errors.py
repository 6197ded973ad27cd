"""Where the predictions go wrong: confusions or residuals, and calibration."""

from __future__ import annotations

import streamlit as st

from services.frontend import reader
from services.frontend.charts import quality
from services.frontend.choice import Chosen
from services.frontend.performance import Performance
from services.frontend.text import pretty_unit


def show(found: Performance, chosen: Chosen) -> None:
    measured, dark = found.measured, reader.dark()
    if not (measured.confusion or measured.residuals or measured.calibration):
        return
    left, right = st.columns(2, gap="large")
    if measured.confusion:
        with left:
            st.subheader("Confusions", anchor=False)
            st.altair_chart(quality.confusion(measured.confusion, dark), alt="Confusion matrix")
    if measured.residuals:
        with left:
            st.subheader("Residuals", anchor=False)
            unit = chosen.manifest.output.unit
            said = f" ({pretty_unit(unit)})" if unit else ""
            st.altair_chart(quality.residuals(measured.residuals, said, dark), alt="Histogram of the residuals")
    if measured.calibration:
        with right:
            st.subheader("Calibration", anchor=False)
            st.caption("On the dashed line, what is said with 80% comes true in 80%.")
            st.altair_chart(quality.calibration(measured.calibration, dark), alt="Calibration")

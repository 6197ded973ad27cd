"""A file of many inputs: predicted with a progress bar, and given back with the answers beside every row."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from pilothouse.errors import InputError
from pilothouse.manifest import Manifest, TabularInput
from pilothouse.wire.predictions import Prediction
from services.frontend.clients.services import Services
from services.frontend.errors import ServiceError
from services.frontend.formatting import DASH, code, number, plain
from services.frontend.views import sections
from services.frontend.views.model_choice import ChosenModel
from services.frontend.views.predict import batch
from services.frontend.views.predict.batch import Instance, Outcome

_PREVIEW_ROWS = 200
_FAULTS = 8
_TYPES = ["csv", "parquet"]


@dataclass(frozen=True)
class FileOutcome:
    """What came of a file: `table` has the rows that were tried; `error` is why the rest was not."""

    name: str
    rows: int
    table: pd.DataFrame
    refused: int
    seconds: float
    error: ServiceError | None


def show(services: Services, chosen: ChosenModel, spec: TabularInput) -> None:
    manifest = chosen.manifest
    left, right = st.columns([2, 3], gap="large")
    with left:
        upload = _drop(manifest, spec)
    with right:
        if upload:
            try:
                st.session_state[_key(manifest)] = _predict(services, manifest, *upload)
            except InputError as error:
                st.session_state[_key(manifest)] = error
        _tell(st.session_state.get(_key(manifest)), manifest)


def _drop(manifest: Manifest, spec: TabularInput) -> tuple[str, bytes] | None:
    """The file that was just sent."""
    with st.form(f"file-{manifest.key}"):
        file = st.file_uploader("CSV or Parquet file", type=_TYPES)
        needed = [f.name for f in spec.features if f.required]
        st.caption(f"A column for each feature, in any order; others are kept in the result. At most "
                   f"{batch.MOST_ROWS:,} rows.")  # fmt: skip
        sent = st.form_submit_button("Predict all rows", type="primary", icon=":material/bolt:")
    with st.expander("Columns that it needs"):
        st.markdown(", ".join(code(name) for name in needed))
        if manifest.examples:
            example = pd.DataFrame(list(manifest.examples)).to_csv(index=False).encode()
            name = f"{manifest.name}-example.csv"
            st.download_button("An example file", example, name, "text/csv", icon=":material/download:")
    if sent and not file:
        st.caption(":red[Choose a file first.]")
    return (file.name, file.getvalue()) if sent and file else None


def _predict(services: Services, manifest: Manifest, name: str, data: bytes) -> FileOutcome:
    """All rows, a piece at a time. What was answered before a service went away is kept. Raises InputError."""
    frame = batch.read(name, data, manifest)
    rows = batch.instances(frame, manifest)
    outcomes: list[Outcome] = []
    error = None
    begun = time.monotonic()
    progress = st.progress(0.0, text=f"0 of {len(rows):,} rows")

    def ask(some: Sequence[Instance]) -> list[Prediction]:
        return services.inference.predict_many(manifest.name, manifest.version, some)

    try:
        for piece in batch.predict_all(ask, rows):
            outcomes += piece
            progress.progress(len(outcomes) / len(rows), text=f"{len(outcomes):,} of {len(rows):,} rows")
            if all(isinstance(o, str) for o in outcomes):
                break
    except ServiceError as failure:
        error = failure
    progress.empty()
    refused = sum(isinstance(o, str) for o in outcomes)
    table = batch.results(frame, outcomes, manifest)
    return FileOutcome(name, len(rows), table, refused, time.monotonic() - begun, error)


def _tell(done: FileOutcome | InputError | None, manifest: Manifest) -> None:
    if done is None:
        sections.empty("No file yet", "Choose a CSV or Parquet file and press **Predict all rows**.")
    elif isinstance(done, InputError):
        lines = [f"{code(f.path)} {plain(f.message)}" for f in done.faults[:_FAULTS]]
        lines += [f"and {len(done.faults) - _FAULTS} more"] if len(done.faults) > _FAULTS else []
        st.error("\n\n".join(lines), icon=":material/edit:")
    else:
        _tell_done(done, manifest)


def _tell_done(done: FileOutcome, manifest: Manifest) -> None:
    answered = len(done.table) - done.refused
    if done.error:
        sections.absent("The rest of the file", done.error)
    if done.refused:
        first = int(done.table["error"].notna().to_numpy().argmax())
        said = "1 row was" if done.refused == 1 else f"{done.refused:,} rows were"
        more = "" if len(done.table) == done.rows else " None fits, so the rest was not tried."
        why = plain(str(done.table["error"].iloc[first]))
        st.warning(f"{said} refused; the first, row {first + 1:,}: {why}.{more}", icon=":material/edit:")
    st.markdown(f"**{answered:,} of {done.rows:,} rows** of {code(done.name)} predicted in {number(done.seconds)} s.")
    if not done.table.empty:
        with st.container(horizontal=True):
            stem = done.name.rpartition(".")[0]
            csv = done.table.to_csv(index=False).encode()
            icon = ":material/download:"
            st.download_button("CSV", csv, f"{stem}-predicted.csv", "text/csv", icon=icon, on_click="ignore")
            st.download_button(
                "Parquet", _parquet(done.table), f"{stem}-predicted.parquet", icon=icon, on_click="ignore"
            )
        _preview(done.table, manifest)


def _preview(table: pd.DataFrame, manifest: Manifest) -> None:
    """What came out first, then what went in."""
    first = [c for c in ("error", "prediction", "risk", *manifest.probability_columns) if c in table]
    ordered = table[[*first, *(c for c in table if c not in first)]].head(_PREVIEW_ROWS)
    st.dataframe(ordered, hide_index=True, placeholder=DASH, alt="Predictions of the file")
    if len(table) > _PREVIEW_ROWS:
        st.caption(f"The first {_PREVIEW_ROWS} rows; the downloads have all {len(table):,}.")


def _parquet(table: pd.DataFrame) -> bytes:
    data = io.BytesIO()
    table.to_parquet(data, index=False)
    return data.getvalue()


def _key(manifest: Manifest) -> str:
    return f"file-outcome:{manifest.key}"

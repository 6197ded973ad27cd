"""Images in, classes out: dropped files, several at once, or one of the package's examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import streamlit as st

from pilothouse import images
from pilothouse.errors import InputError
from pilothouse.images import Pixels
from pilothouse.manifest import ImageInput, Manifest
from pilothouse.wire.predictions import Prediction
from services.frontend import sentences
from services.frontend.clients.services import Services
from services.frontend.errors import ServiceAway, ServiceError, ServiceRefused
from services.frontend.formatting import TIMES, plain
from services.frontend.views import outlier_card, prediction_card, sections
from services.frontend.views.model_choice import ChosenModel
from services.frontend.views.sections import section

_TYPES = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"]
_MOST_FILES = 100


@dataclass(frozen=True)
class PredictedImage:
    """An image and what the model said of it, or why it said nothing."""

    name: str
    pixels: Pixels | None  # as the model saw it; None for one that this page cannot read
    prediction: Prediction | None
    error: ServiceError | None = None


def show(services: Services, chosen: ChosenModel, spec: ImageInput) -> None:
    left, right = st.columns([2, 3], gap="large")
    with left:
        files = _drop(chosen, spec)
    example = _offer_examples(services, chosen)
    with right:
        if files or example:
            given = files or [example] if example else files
            st.session_state[_key(chosen)] = _ask_all(services, chosen, spec, given)
        seen = st.session_state.get(_key(chosen), [])
        _tell(seen, chosen.manifest)
        if len(seen) == 1 and seen[0].prediction:
            outlier_card.show(services, chosen, _statistics(seen[0].pixels, spec))


def _drop(chosen: ChosenModel, spec: ImageInput) -> list[tuple[str, bytes]]:
    """Files that were just sent."""
    with st.form(f"images-{chosen.manifest.key}", clear_on_submit=True):
        colour = "grey" if spec.mode == "L" else "colour"
        size = f"{spec.width} {TIMES} {spec.height}"
        hint = f"The model sees {size} {colour} pixels; " + (
            "other sizes are resized." if spec.resize else "other sizes are refused."
        )
        uploads = st.file_uploader("Images", type=_TYPES, accept_multiple_files=True, help=hint)
        st.caption(hint)
        sent = st.form_submit_button("Predict", type="primary", icon=":material/bolt:")
    return [(file.name, file.getvalue()) for file in uploads or ()] if sent else []


def _offer_examples(services: Services, chosen: ChosenModel) -> tuple[str, bytes] | None:
    """The package's examples as pictures to press; the one that was pressed."""
    pressed = None
    named = [(str(e["file"]), str(e.get("label", ""))) for e in chosen.manifest.examples if "file" in e]
    if not named:
        return None
    st.caption("Or try an example")
    with section("The examples"), st.grid(min_column_width=68, gap="small", key="examples"):
        for position, (name, said) in enumerate(named, 1):
            data = services.inference.example(chosen.name, chosen.version, name)
            label = said or PurePosixPath(name).stem
            with st.container(gap="xsmall"):
                st.image(data, width=64, alt=label)
                if st.button(plain(label), key=f"example-{position}", type="tertiary"):
                    pressed = (label, data)
    return pressed


def _ask_all(
    services: Services, chosen: ChosenModel, spec: ImageInput, files: Sequence[tuple[str, bytes]]
) -> list[PredictedImage]:
    """Every image in turn. When the service goes away the rest is not tried."""
    seen: list[PredictedImage] = []
    progress = st.progress(0.0, text="Predicting") if len(files) > 1 else None
    for position, (name, data) in enumerate(files[:_MOST_FILES], 1):
        seen.append(_ask(services, chosen, spec, name, data))
        if progress:
            progress.progress(position / min(len(files), _MOST_FILES), text=f"{position} of {len(files)}")
        if isinstance(seen[-1].error, ServiceAway):
            break
    if progress:
        progress.empty()
    if len(files) > _MOST_FILES:
        st.warning(f"Only the first {_MOST_FILES} of {len(files)} images were taken.")
    return seen


def _ask(services: Services, chosen: ChosenModel, spec: ImageInput, name: str, data: bytes) -> PredictedImage:
    try:
        said = services.inference.predict_image(chosen.name, chosen.version, data)
    except ServiceError as error:
        return PredictedImage(name, None, None, error)
    try:
        return PredictedImage(name, images.decode(data, spec), said)
    except InputError:
        return PredictedImage(name, None, said)


def _statistics(pixels: Pixels | None, spec: ImageInput) -> dict[str, float]:
    """What is logged in the image's place, by the same code."""
    if pixels is None:
        return {}
    return {name: float(values[0]) for name, values in images.statistics(pixels[None], spec.statistics).items()}


def _tell(seen: Sequence[PredictedImage], manifest: Manifest) -> None:
    if not seen:
        sections.empty("No prediction yet", "Drop one or more images and press **Predict**, or try an example.")
    for image in seen:
        if isinstance(image.error, ServiceAway):
            sections.absent("The prediction", image.error)
        elif image.error:
            st.error(f"**{plain(image.name)}**: {plain(_reason(image.error))}", icon=":material/broken_image:")
    answered = [image for image in seen if image.prediction]
    if len(answered) == 1:
        _tell_one(answered[0], manifest)
    elif answered:
        _tell_many(answered, manifest)


def _reason(error: ServiceError) -> str:
    """What is wrong with the file, without the name of the request's field."""
    faults = error.faults if isinstance(error, ServiceRefused) else []
    return "; ".join(fault.message for fault in faults) or error.detail


def _tell_one(image: PredictedImage, manifest: Manifest) -> None:
    assert image.prediction
    prediction_card.show(image.prediction, manifest, image.pixels)
    st.caption(plain(image.name))


def _tell_many(seen: Sequence[PredictedImage], manifest: Manifest) -> None:
    """A card for each image: what it was taken for, and how sure the model is."""
    with st.grid(min_column_width=170, gap="small"):
        for image in seen:
            assert image.prediction
            predicted, probabilities = image.prediction.prediction, image.prediction.probabilities
            with st.container(border=True, gap="xsmall"):
                prediction_card.picture(image.pixels, image.name)
                st.markdown(f"**{plain(sentences.answer(predicted, manifest.output.unit))}**")
                if probabilities:
                    st.progress(min(max(probabilities.get(str(predicted), 0.0), 0.0), 1.0))
                    st.caption(plain(sentences.confidence(probabilities, str(predicted))))
                prediction_card.risk_badge(image.prediction, manifest)
                st.caption(plain(image.name))


def _key(chosen: ChosenModel) -> str:
    return f"images-seen:{chosen.manifest.key}"

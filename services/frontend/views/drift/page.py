"""Drift: the verdict in a sentence, which columns moved and how far, since when, and Evidently's full report."""

from __future__ import annotations

from pilothouse.wire.drift import DriftAnswer
from services.frontend.clients.services import Services, in_background, open_services
from services.frontend.errors import ServiceRefused
from services.frontend.views import address, sections
from services.frontend.views.drift import columns, embedding, report, verdict
from services.frontend.views.model_choice import ChosenModel, choose_model
from services.frontend.views.sections import section


def show() -> None:
    services = open_services()
    chosen = choose_model(services, "Drift")
    if chosen is None:
        return
    name, version, window = chosen.name, chosen.version, address.choose_window()
    runs = in_background(services.drift.history, name, version, address.current_span())
    distributions = in_background(services.drift.distributions, name, version, (), window)
    with section("The drift verdict"):
        answer = _verdict(services, chosen, window)
        if answer:
            verdict.show(answer, chosen)
            verdict.show_history(runs)
            if answer.columns:
                columns.show(answer, distributions)
                embedding.show(services, chosen, window)
                report.show(services, chosen, window)


def _verdict(services: Services, chosen: ChosenModel, window: str | None) -> DriftAnswer | None:
    """The newest answer; None when nothing of this model was ever logged, which is then said."""
    try:
        return services.drift.verdict(chosen.name, chosen.version, window)
    except ServiceRefused as refusal:
        if refusal.status != 404:
            raise
    sections.empty(
        "Nothing to compare yet", "No prediction of this model is in the log. Replay real data:", "make demo"
    )
    return None

"""Drift: the verdict in a sentence, which columns moved and how far, since when, and Evidently's full report."""

from __future__ import annotations

from services.frontend import notices, sources
from services.frontend.answers import Drift
from services.frontend.api import Services
from services.frontend.choice import Chosen, choose_model
from services.frontend.errors import ServiceRefused
from services.frontend.views import span
from services.frontend.views import window as windows
from services.frontend.views.drift import columns, embedding, history, report, verdict


def show() -> None:
    services = sources.open_services()
    chosen = choose_model(services, "Drift")
    if chosen is None:
        return
    window = windows.choose()
    runs = sources.soon(sources.drift_history, services, chosen.name, chosen.version, span.current())
    shapes = sources.soon(sources.distributions, services, chosen.name, chosen.version, (), window)
    with notices.part("The drift verdict"):
        answer = _verdict(services, chosen, window)
        if answer:
            verdict.show(answer, chosen)
            history.show(runs)
            if answer.columns:
                columns.show(answer, shapes)
                embedding.show(services, chosen, window)
                report.show(services, chosen, window)


def _verdict(services: Services, chosen: Chosen, window: str | None) -> Drift | None:
    """The newest answer; None when nothing of this model was ever logged, which is then said."""
    try:
        return sources.verdict(services, chosen.name, chosen.version, window)
    except ServiceRefused as refusal:
        if refusal.status != 404:
            raise
    notices.empty("Nothing to compare yet", "No prediction of this model is in the log. Replay real data:", "make demo")
    return None

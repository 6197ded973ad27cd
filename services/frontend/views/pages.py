"""The pages, in the order of the menu. A new page is a module here with a `show()`, and a line below."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.frontend.views.alerts import page as alerts
from services.frontend.views.drift import page as drift
from services.frontend.views.live import page as live
from services.frontend.views.models import page as models
from services.frontend.views.performance import page as performance
from services.frontend.views.predict import page as predict
from services.frontend.views.records import page as records
from services.frontend.views.runbooks import page as runbooks


@dataclass(frozen=True, slots=True)
class PageEntry:
    """`path` is the page's place in the address."""

    path: str
    title: str
    icon: str
    show: Callable[[], None]


PAGES: dict[str, list[PageEntry]] = {
    "Use": [
        PageEntry("predict", "Predict", ":material/bolt:", predict.show),
    ],
    "Watch": [
        PageEntry("live", "Live", ":material/monitor_heart:", live.show),
        PageEntry("drift", "Drift", ":material/sailing:", drift.show),
        PageEntry("performance", "Performance", ":material/target:", performance.show),
        PageEntry("records", "Records", ":material/list_alt:", records.show),
        PageEntry("alerts", "Alerts", ":material/notifications:", alerts.show),
        PageEntry("runbooks", "Runbooks", ":material/menu_book:", runbooks.show),
    ],
    "Manage": [
        PageEntry("models", "Models", ":material/deployed_code:", models.show),
    ],
}

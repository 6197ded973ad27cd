"""`pilothouse drift`: what the drift service says of a model."""

from __future__ import annotations

from typing import Annotated, Any

import httpx2
import typer
from rich.console import Console
from rich.table import Table

from pilothouse.commands.traffic import Key, fail
from pilothouse.errors import PilothouseError

DRIFT = "http://127.0.0.1:8002"
_COLOURS = {"drift": "red", "no drift": "green", "unknown": "yellow"}


def register(app: typer.Typer) -> None:
    app.command()(drift)


def drift(
    model: Annotated[str, typer.Argument(help="name of the model")],
    window: Annotated[str | None, typer.Option(help="1h, 24h, 7d or rows=1000; the model's own by default")] = None,
    url: Annotated[str, typer.Option(help="the drift service", envvar="PILOTHOUSE_DRIFT_URL")] = DRIFT,
    api_key: Key = None,
) -> None:
    """Score the newest window against the reference and show every column. Ends with 2 when there is drift."""
    try:
        verdict = score(url, model, window, api_key)
    except PilothouseError as error:
        fail(error)
    Console().print(verdict_table(verdict))
    raise typer.Exit(2 if verdict["verdict"] == "drift" else 0)


def score(url: str, model: str, window: str | None = None, api_key: str | None = None) -> dict[str, Any]:
    """Have the drift service score now. Raises PilothouseError."""
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    query = {"model": model} | ({"window": window} if window else {})
    try:
        answer = httpx2.post(f"{url}/drift/run", params=query, headers=headers, timeout=120)
        body: dict[str, Any] = answer.json()
    except (httpx2.HTTPError, ValueError) as error:
        raise PilothouseError(f"{url}: {error}") from error
    if not answer.is_success:
        raise PilothouseError(f"{url}: {answer.status_code}: {body.get('detail') or body.get('title')}")
    return body


def verdict_table(verdict: dict[str, Any]) -> Table:
    """The verdict as a table: columns that moved most first."""
    colour = _COLOURS.get(verdict["verdict"], "white")
    title = f"{verdict['model']} {verdict['version']}: [bold {colour}]{verdict['verdict']}[/]"
    table = Table(title=title, caption=verdict.get("message"), title_justify="left", caption_justify="left")
    for name in ("column", "stattest", "score", "threshold", "drifted"):
        table.add_column(name, justify="right" if name in ("score", "threshold") else "left")
    for column in sorted(verdict.get("columns", ()), key=_excess, reverse=True):
        drifted = "[red]drift[/]" if column.get("drifted") else column.get("status", "")
        numbers = (_number(column.get(k)) for k in ("score", "threshold"))
        table.add_row(column["name"], column.get("stattest") or "", *numbers, drifted)
    return table


def _excess(column: dict[str, Any]) -> float:
    score, threshold = column.get("score"), column.get("threshold")
    return score / threshold if score is not None and threshold else 0.0


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"

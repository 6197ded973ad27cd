"""`pilothouse drift` and `pilothouse performance`: what the drift service says of a model.

Both end with 0 when all is well, 2 when it is not, 3 when that cannot be told, and 1 when the command failed.
"""

from __future__ import annotations

import time
from typing import Annotated, Any

import httpx2
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from typer.core import TyperCommand

from pilothouse.commands.connection import address, headers
from pilothouse.commands.predictions import Key, Version, fail
from pilothouse.errors import PilothouseError

Url = Annotated[
    str, typer.Option(help="the drift service", envvar="PILOTHOUSE_DRIFT_URL", default_factory=lambda: address("drift"))
]
Window = Annotated[str | None, typer.Option(help="1h, 24h, 7d or rows=1000; the model's own by default")]
_COLOURS = {"drift": "red", "no drift": "green", "unknown": "yellow", "below floor": "red", "ok": "green"}
BAD, CANNOT_TELL = 2, 3
_EXITS = {"no drift": 0, "ok": 0, "drift": BAD, "below floor": BAD}
FITTING_SECONDS = 60.0  # that the first fit of an estimator may take


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(cls=VerdictCommand)(drift)
    app.command(cls=VerdictCommand)(performance)


class VerdictCommand(TyperCommand):
    """Ends with 1 when it is called in a wrong way, not with the usual 2, which is a verdict here."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Raises what Typer raises, with the code 1."""
        try:
            return super().make_context(*args, **extra)
        except Exception as error:
            if getattr(error, "exit_code", None) == BAD:
                error.exit_code = 1  # type: ignore[attr-defined]
            raise


def drift(
    model: Annotated[str, typer.Argument(help="name of the model")],
    url: Url,
    api_key: Key,
    window: Window = None,
    version: Version = None,
) -> None:
    """Score the newest window against the reference and show every column.

    Ends with 0 when there is no drift, 2 when there is, 3 when that cannot be told, 1 when the command failed.
    """
    try:
        verdict = score(url, model, window, api_key, version)
    except PilothouseError as error:
        fail(error)
    Console().print(verdict_table(verdict))
    raise typer.Exit(_EXITS.get(verdict["verdict"], CANNOT_TELL))


def score(
    url: str, model: str, window: str | None = None, api_key: str | None = None, version: str | None = None
) -> dict[str, Any]:
    """Have the drift service score now. Raises PilothouseError."""
    return _ask("POST", f"{url}/drift/run", {"model": model, "version": version, "window": window}, api_key)


def _ask(method: str, url: str, query: dict[str, str | None], api_key: str | None) -> dict[str, Any]:
    """The service's answer. Raises PilothouseError."""
    given = {name: value for name, value in query.items() if value}
    try:
        answer = httpx2.request(method, url, params=given, headers=headers(api_key), timeout=120)
        body: dict[str, Any] = answer.json()
    except (httpx2.HTTPError, ValueError) as error:
        raise PilothouseError(f"{url}: {error}") from error
    if not answer.is_success:
        raise PilothouseError(f"{url}: {answer.status_code}: {body.get('detail') or body.get('title')}")
    return body


def performance(
    model: Annotated[str, typer.Argument(help="name of the model")],
    url: Url,
    api_key: Key,
    window: Window = None,
    segment: Annotated[str | None, typer.Option(help="a column: the metric by its categories or bands")] = None,
    version: Version = None,
) -> None:
    """Show how well a model does: measured by labels, and estimated without.

    Ends with 0 when it is good enough, 2 when it is below its floor, 3 when that cannot be told, 1 when the command
    failed.
    """
    try:
        said = appraise(url, model, window, segment, api_key, version)
    except PilothouseError as error:
        fail(error)
    console = Console()
    console.print(performance_table(said))
    if said.get("segments"):
        console.print(segment_table(said))
    raise typer.Exit(_EXITS.get(said["verdict"], CANNOT_TELL))


def appraise(
    url: str,
    model: str,
    window: str | None = None,
    segment: str | None = None,
    api_key: str | None = None,
    version: str | None = None,
) -> dict[str, Any]:
    """What the drift service says of a model's performance; waits for its estimator. Raises PilothouseError."""
    deadline = time.monotonic() + FITTING_SECONDS
    query = {"model": model, "version": version, "window": window, "segment": segment}
    while True:
        said = _ask("GET", f"{url}/performance", query, api_key)
        if said["estimated"]["reason"] != "fitting" or time.monotonic() > deadline:
            return said
        time.sleep(1)


def performance_table(said: dict[str, Any]) -> Table:
    """Each metric, measured and estimated, with its 95% interval, beside the reference's."""
    colour = _COLOURS.get(said["verdict"], "white")
    title = f"{said['model']} {said['version']}: [bold {colour}]{said['verdict']}[/]"
    notes = [
        said["message"],
        *version_notes(said),
        *(f"{side}: {said[side]['message']}" for side in ("measured", "estimated")),
    ]
    table = Table(title=title, caption="\n".join(notes), title_justify="left", caption_justify="left")
    for name in ("metric", "measured", "estimated", "reference", "floor"):
        table.add_column(name, justify="left" if name == "metric" else "right")
    sides = [said[side]["metrics"] for side in ("measured", "estimated")]
    known = said["reference"]["metrics"]
    for name in dict.fromkeys([*sides[0], *sides[1], *known]):
        shown = f"[bold]{name}[/]" if name == said["metric"] else name
        floor = _number(said["floor"]) if name == said["metric"] else ""
        table.add_row(shown, *(_interval(side.get(name)) for side in sides), _number(known.get(name)), floor)
    return table


def segment_table(said: dict[str, Any]) -> Table:
    """The watched metric of each segment."""
    table = Table(title=f"{said['metric']} by segment", title_justify="left")
    for name in ("segment", "rows", "labelled", "measured", "estimated"):
        table.add_column(name, justify="left" if name == "segment" else "right")
    for part in said["segments"]:
        values = (_interval(part[side]) for side in ("measured", "estimated"))
        table.add_row(escape(part["segment"]), str(part["rows"]), str(part["labelled"]), *values)
    return table


def performance_line(said: dict[str, Any]) -> str:
    """The watched metric in one line: "accuracy 0.914 measured on 500 labels, 0.923 estimated"."""
    metric, measured, estimated = said["metric"], said["measured"], said["estimated"]
    parts = []
    if value := measured["metrics"].get(metric):
        parts.append(f"{value['value']:.4g} measured on {said['labelled_rows']} labels")
    if value := estimated["metrics"].get(metric):
        parts.append(f"{value['value']:.4g} estimated without labels")
    elif estimated["status"] == "assumption broken":
        parts.append("no estimate: its assumption is broken")
    return f"{metric} {', '.join(parts)}" if parts else f"{metric}: {said['message']}"


def version_notes(said: dict[str, Any]) -> list[str]:
    """Why it is this version that is spoken of, and which others there are beside it."""
    notes = [f"version {said['version']}: {said['version_reason']}"] if said.get("version_reason") else []
    for other in said.get("beside", ()):
        verdict = f": {other['drift']}" if other["drift"] else ""
        notes.append(f"beside it, version {other['version']} ({other['state']}){verdict}")
    return notes


def _interval(value: dict[str, Any] | None) -> str:
    if not value:
        return ""
    if value.get("low") is None:
        return f"{value['value']:.4g}"
    return f"{value['value']:.4g} ({value['low']:.4g} to {value['high']:.4g})"


def verdict_table(verdict: dict[str, Any]) -> Table:
    """The verdict as a table: columns that moved most first."""
    colour = _COLOURS.get(verdict["verdict"], "white")
    alone = f" in {', '.join(verdict['alone_columns'])}" if verdict.get("alone_columns") else ""
    title = f"{verdict['model']} {verdict['version']}: [bold {colour}]{verdict['verdict']}{escape(alone)}[/]"
    notes = [verdict.get("message", ""), *version_notes(verdict)]
    table = Table(title=title, caption="\n".join(notes), title_justify="left", caption_justify="left")
    for name in ("column", "stattest", "score", "threshold", "drifted"):
        table.add_column(name, justify="right" if name in ("score", "threshold") else "left")
    for column in sorted(verdict.get("columns", ()), key=_excess, reverse=True):
        drifted = "[red]drift[/]" if column.get("drifted") else column.get("status", "")
        numbers = (_number(column.get(k)) for k in ("score", "threshold"))
        table.add_row(column["name"], column.get("stattest") or "", *numbers, drifted)
    for joint in verdict.get("joint", ()):
        table.add_row(*_joint_row(joint), style="dim" if joint.get("drifted") is None else "bold")
    return table


def _joint_row(joint: dict[str, Any]) -> tuple[str, ...]:
    """What moved together, in the same columns."""
    name = {"embedding": "(embedding)", "features": "(all together)"}.get(joint["name"], joint["name"])
    said = "[red]drift[/]" if joint.get("drifted") else joint.get("message") or joint.get("status", "")
    return name, joint.get("stattest") or "", *(_number(joint.get(k)) for k in ("score", "threshold")), said


def _excess(column: dict[str, Any]) -> float:
    score, threshold = column.get("score"), column.get("threshold")
    return score / threshold if score is not None and threshold else 0.0


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"

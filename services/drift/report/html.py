"""The HTML that is our own: the banner over Evidently's report, and the page for while it is made."""

from __future__ import annotations

import html

from pilothouse.wire.drift import ColumnDrift, DriftAnswer, JointDrift
from services.drift.run import Run

_COLOURS = {"drift": "#a4281b", "no drift": "#1d6f42", "unknown": "#8a5a00"}
_STYLE = (
    "body{margin:0;font:16px/1.5 system-ui,sans-serif;color:#1c2733;background:#fff}"
    ".pilothouse{padding:20px 28px;border-bottom:1px solid #d5dbe1;background:#fff;color:#1c2733;"
    "font:15px/1.5 system-ui,sans-serif}.pilothouse h1{font-size:20px;margin:0 0 4px}"
    ".pilothouse b.verdict{color:#fff;border-radius:4px;padding:2px 10px;margin-right:10px}"
    ".pilothouse p{margin:4px 0}.pilothouse ul{margin:6px 0 0;padding-left:22px}"
)


def with_banner(page: bytes, run: Run) -> bytes:
    """Evidently's page with what /drift says at its top, so that both can be seen to be the same."""
    head, body, rest = page.partition(b"<body>")
    if not body:
        raise ValueError("Evidently's page has no body")
    return head + b"<style>" + _STYLE.encode() + b"</style>" + body + _banner(run).encode() + rest


def plain_page(run: Run) -> bytes:
    """A page of our own, for when there was nothing that Evidently could compare."""
    return _document(f"Drift of {run.answer.model} {run.answer.version}", _banner(run))


def waiting_page(model: str, window: str, seconds: int) -> bytes:
    """Shown while the report is being made; the browser asks again by itself."""
    text = (
        f'<div class="pilothouse"><h1>The drift report of {_text(model)} is being made</h1>'
        f"<p>Evidently compares {_text(window)} with the reference. The first report after a start takes about ten "
        f"seconds, the next ones fewer. This page asks again every {seconds} seconds.</p></div>"
    )
    return _document("The report is being made", text)


def _document(title: str, body: str) -> bytes:
    head = f'<meta charset="utf-8"><title>{_text(title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>'.encode("utf-8", "replace")


def _banner(run: Run) -> str:
    answer = run.answer
    badge = f'<b class="verdict" style="background:{_COLOURS[answer.verdict]}">{answer.verdict}</b>'
    why = f"<p>Version {_text(answer.version)}: {_text(answer.version_reason)}.</p>" if answer.version_reason else ""
    heading = f"<h1>{badge}{_text(answer.model)} {_text(answer.version)}</h1>{why}<p>{_text(answer.message)}</p>"
    notes = [f"<li>{_text(_joint_note(j))}</li>" for j in answer.joint]
    notes += [f"<li><b>{_text(c.name)}</b>: {_text(_note(c))}</li>" for c in answer.columns if c.message is not None]
    listed = f"<ul>{''.join(notes)}</ul>" if notes else ""
    return f'<div class="pilothouse">{heading}<p>{_text(_scope(run, answer))}</p>{listed}</div>'


def _scope(run: Run, answer: DriftAnswer) -> str:
    """Which records were compared with what."""
    if not answer.rows:
        return f"Window: {run.window}. Asked at {answer.at}."
    of = f" of {answer.window.rows:,}" if answer.window.rows > answer.rows else ""
    span = f", {answer.window.start} to {answer.window.end}" if answer.window.start else ""
    sides = f"{answer.rows:,}{of} rows ({run.window}{span})"
    against = f" against {answer.reference_rows:,} of the reference" if answer.reference_rows else ""
    limit = answer.drift_share_limit
    rule = f" Drift is said when at least {limit:.0%} of the columns drifted, or one very far." if limit else ""
    clipped = " Numbers are clipped to the reference's extreme quantiles."
    return f"{sides}{against}, at {answer.at}.{rule}{clipped}"


def _joint_note(joint: JointDrift) -> str:
    """Drift of several things at once, which Evidently's tables do not have."""
    what = {"embedding": "Embedding", "features": "All columns together"}[joint.name]
    if joint.drifted is None:
        return f"{what}: not compared: {joint.message}"
    verdict = "drifted" if joint.drifted else "not drifted"
    numbers = f"{joint.stattest} {joint.score:.3f}, threshold {joint.threshold:.3f}, {joint.rows:,} rows"
    return f"{what}: {verdict} ({numbers})" + (f": {joint.message}" if joint.message else "")


def _note(column: ColumnDrift) -> str:
    if column.drifted is None:
        return f"set aside: {column.message}"
    if column.status == "missing":
        return f"compared by what is missing, not by its values: {column.message}"
    return column.message or ""


def _text(value: object) -> str:
    return html.escape(str(value))

"""The model card that is written when the packer brings none: what is known, and what is still to be said."""

from __future__ import annotations

from pilothouse.manifest import Feature, ImageInput, Manifest
from pilothouse.packing.parity import Parity
from pilothouse.tasks import task_of

TEMPLATE = """\
# {name} {version}

{description}

| | |
|---|---|
| task | {task} |
| answers | {answers} |
| takes | {takes} |
{facts}

{inputs}
## To be said by whoever packed it
{questions}
- What is it for, and what is it not for?
"""
QUALITY = "- How good is it, on which data that it was not fitted on?"


def default_card(manifest: Manifest, parity: Parity, rows: int) -> str:
    """The card of a model whose packer brought none; `rows` are in its reference."""
    difference = f"differ by at most {parity.difference:.2g} on {parity.rows} rows (allowed: {parity.limit:.2g})"
    facts = f"| reference | {rows} rows |\n| graph against torch | {difference} |"
    origin = "- Where does the training data come from, under which licence?"
    return _filled(manifest, facts, f"{QUALITY}\n{origin}")


def external_card(manifest: Manifest, rows: int) -> str:
    """The same of an external model."""
    served = "| served | elsewhere; here it is only watched |"
    facts = f"{served}\n| reference | {rows} rows with what it answered for them |"
    return _filled(manifest, facts, f"- Where is it served, and by whom?\n{QUALITY}")


def _filled(manifest: Manifest, facts: str, questions: str) -> str:
    return TEMPLATE.format(
        name=manifest.name,
        version=manifest.version,
        description=manifest.description or "No description was given.",
        task=manifest.task,
        answers=task_of(manifest).describe(manifest.output),
        takes=_takes(manifest),
        facts=facts,
        inputs=_inputs(manifest),
        questions=questions,
    )


def _takes(manifest: Manifest) -> str:
    if isinstance(manifest.input, ImageInput):
        return f"images, {manifest.input.width} x {manifest.input.height}, mode {manifest.input.mode}"
    return f"{len(manifest.input.features)} features"


def _inputs(manifest: Manifest) -> str:
    if isinstance(manifest.input, ImageInput):
        return ""
    lines = ["| feature | type | accepted |", "|---|---|---|"]
    lines += [f"| `{f.name}` | {f.type}{_unit(f)} | {_accepted(f)} |" for f in manifest.input.features]
    return "\n".join(lines) + "\n\n"


def _unit(feature: Feature) -> str:
    return f", {feature.unit}" if feature.unit else ""


def _accepted(feature: Feature) -> str:
    if feature.categories:
        return ", ".join(feature.categories)
    if feature.type == "boolean":
        return "true, false"
    return f"{_bound(feature.minimum)} to {_bound(feature.maximum)}"


def _bound(value: object) -> str:
    if value is None:
        return "any"
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)[:10]

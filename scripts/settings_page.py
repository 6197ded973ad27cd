"""Write docs/settings.md, the table of every setting, and the list of names by which a service knows misspelt ones.

python -m scripts.settings_page
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from scripts.env_example import CLASSES, FILE, shown, variable
from scripts.env_example import text as env_text

ROOT = FILE.parent
PAGE = ROOT / "docs" / "settings.md"
NAMES = ROOT / "pilothouse" / "serving" / "setting_names.py"
UNITS = {"SECONDS": "s", "TIMEOUT": "s", "MILLISECONDS": "ms", "BYTES": "bytes", "MEGABYTES": "MB", "DAYS": "days",
         "HOURS": "hours", "ROWS": "rows", "SHARE": "share"}  # fmt: skip
HEAD = """\
# Settings

Every setting of every service, as its settings class has it; `make generated` writes this page from them. All come
from the environment, and for `make run` and compose from `.env` too (`.env.example` is a copy to begin with). An empty
value is one that is not set.

A value that is wrong ends the service at its start with status 2 and a line that names the setting, the value and what
would be right. So does a file that cannot be read, or a folder that cannot be written. A variable that begins with
`PILOTHOUSE_` and is no setting is named in a warning, with the one that was probably meant.

"""
FOREIGN = """
## Read by what Pilothouse is built on

- `PORT`, by all: in place of a service's own port variable, as Cloud Run sets it.
- `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL`, by the collector
  and the drift service: the archive in S3, or in what speaks it ([archive.md](archive.md)).
- `GOOGLE_APPLICATION_CREDENTIALS`, by the same: the archive in Google Cloud Storage; on Google Cloud it is not needed.
"""


def text() -> str:
    """The page as it is committed."""
    rows = "".join(
        f"| `{name}` | {_default(field)} | {_range(name, field)} | {services} | {field.description} |\n"
        for name, field, services in settings()
    )
    compose = "".join(
        f"| `{name}` | {f'`{default}`' if default else ''} | {meaning} |\n" for name, default, meaning in outside()
    )
    table = "| setting | default | values | services | |\n|---|---|---|---|---|\n" + rows
    outsiders = f"\n## Read by compose.yaml and make alone\n\n| variable | default | |\n|---|---|---|\n{compose}"
    return f"{HEAD}{table}{outsiders}{FOREIGN}"


def settings() -> list[tuple[str, FieldInfo, str]]:
    """Each variable with the services that read it, again where one has another default; what all have comes first."""
    found: dict[tuple[str, str], tuple[FieldInfo, list[str]]] = {}
    for service, kind in CLASSES.items():
        for name, field in kind.model_fields.items():
            found.setdefault((variable(name, field), shown(field)), (field, []))[1].append(service.lower())
    everyone = len(CLASSES)
    rows = [(name, field, "all" if len(s) == everyone else ", ".join(s)) for (name, _), (field, s) in found.items()]
    return sorted(rows, key=lambda row: (row[2] != "all", row[0].startswith("PILOTHOUSE"), row[0]))


def outside() -> Iterator[tuple[str, str, str]]:
    """What .env.example has besides: the name, the default, the meaning."""
    known, meaning = {name for name, _, _ in settings()}, ""
    for line in env_text().splitlines():
        if match := re.fullmatch(r"#([A-Z_]+)=(.*)", line):
            if match[1] not in known:
                yield match[1], match[2], meaning
            meaning = ""
        elif line.startswith("# "):
            meaning = line[2:]


def names() -> str:
    """The module that knows every name."""
    every = sorted({n for n, _, _ in settings()} | {n for n, _, _ in outside()})
    listed = "".join(f'        "{n}",\n' for n in every if n.startswith("PILOTHOUSE_"))
    return (
        '"""Every setting that begins with PILOTHOUSE_. Written by `make generated`; do not edit."""\n\n'
        f"NAMES = frozenset(\n    {{\n{listed}    }}\n)\n"
    )


def _default(field: FieldInfo) -> str:
    default = shown(field)
    return f"`{default}`" if default else ""


def _range(name: str, field: FieldInfo) -> str:
    bounds = [_bound(m) for m in field.metadata if isinstance(m, Ge | Gt | Le | Lt)]
    unit = next((u for word, u in UNITS.items() if name.endswith(f"_{word}")), "")
    return " ".join(part for part in (_kind(field.annotation), ", ".join(bounds), f"({unit})" if unit else "") if part)


def _bound(bound: Ge | Gt | Le | Lt) -> str:
    sign = {Ge: "at least", Gt: "over", Le: "at most", Lt: "under"}[type(bound)]
    value = next(getattr(bound, side) for side in ("ge", "gt", "le", "lt") if hasattr(bound, side))
    return f"{sign} {value:,}"


def _kind(annotation: Any) -> str:
    if get_origin(annotation) in (Union, UnionType):
        return _kind(next(a for a in get_args(annotation) if a is not NoneType))
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if get_args(annotation):
        return _kind(get_args(annotation)[0])
    return {int: "whole number", float: "number", bool: "`true`, `false`", Path: "path", SecretStr: "secret"}.get(
        annotation, "text"
    )


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
    NAMES.write_text(names(), encoding="utf-8")

"""Write what is made from the settings classes: .env.example, docs/settings.md, and the names known to the services.

python -m scripts.settings
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from pilothouse.serving.settings import ServiceSettings
from services.collector.settings import CollectorSettings
from services.drift.settings import DriftSettings
from services.frontend.settings import FrontendSettings
from services.inference.settings import InferenceSettings
from stack.alert_settings import AlertSettings

ROOT = Path(__file__).resolve().parent.parent
ENV_FILE = ROOT / ".env.example"
PAGE = ROOT / "docs" / "settings.md"
NAMES_MODULE = ROOT / "pilothouse" / "serving" / "setting_names.py"
CLASSES: dict[str, type[ServiceSettings]] = {
    "inference": InferenceSettings,
    "collector": CollectorSettings,
    "drift": DriftSettings,
    "frontend": FrontendSettings,
}
NOT_OF_A_SERVICE: dict[str, type[BaseSettings]] = {"messages": AlertSettings}
# settings that no class holds
OTHERS = Path(__file__).with_name("other_settings.env")
UNITS = {"SECONDS": "s", "TIMEOUT": "s", "MILLISECONDS": "ms", "BYTES": "bytes", "MEGABYTES": "MB", "DAYS": "days",
         "HOURS": "hours", "ROWS": "rows", "SHARE": "share"}  # fmt: skip
ENV_HEAD = """\
# Every setting, with what it is when it is not set. Copy this file to .env, which `make run` and compose.yaml read,
# and take the # from those that you change. What is in the environment goes before .env.
# Under compose, the addresses and folders inside the containers are fixed; a *_PORT there is the one on this machine.
# Written by `make generated` from the settings classes; do not edit.
"""
PAGE_HEAD = """\
# Settings

Every setting of every service, as its settings class has it; `make generated` writes this page from them. All come
from the environment, and for `make run` and compose from `.env` too (`.env.example` is a copy to begin with). An empty
value is one that is not set.

A value that is wrong ends the service at its start with status 2 and a line that names the setting, the value and what
would be right. So does a file that cannot be read, or a folder that cannot be written. A variable that begins with
`PILOTHOUSE_` and is no setting is named in a warning, with the one that was probably meant.

| setting | default | values | services | |
|---|---|---|---|---|
"""
PAGE_OTHERS = "\n## Read by compose.yaml and make alone\n\n| variable | default | |\n|---|---|---|\n"
PAGE_END = """
## Read by what Pilothouse is built on

- `PORT`, by all: in place of a service's own port variable, as Cloud Run sets it.
- `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL`, by the collector
  and the drift service: the archive in S3, or in what speaks it ([archive.md](archive.md)).
- `GOOGLE_APPLICATION_CREDENTIALS`, by the same: the archive in Google Cloud Storage; on Google Cloud it is not needed.
"""


def variables(kind: type[BaseSettings]) -> dict[str, FieldInfo]:
    """A class's settings by environment variable; the first, where a setting has several."""
    found, prefix = {}, kind.model_config["env_prefix"]
    for name, field in kind.model_fields.items():
        alias = field.validation_alias
        first = alias.choices[0] if isinstance(alias, AliasChoices) else alias
        found[str(first or f"{prefix}{name.upper()}")] = field
    return found


def env_example() -> str:
    """The text of .env.example: one section for what every service has, and one for each class of its own."""
    written, lines = {"PILOTHOUSE_PORT"}, []  # each service has a variable of its own for the port
    sections: dict[str, type[BaseSettings]] = {"every service": ServiceSettings, **CLASSES, **NOT_OF_A_SERVICE}
    for title, kind in sections.items():
        lines.append(f"\n## {title.capitalize()}")
        for name, field in variables(kind).items():
            if name not in written:
                written.add(name)
                lines.append(f"# {field.description}\n#{name}={_default(field)}")
    return ENV_HEAD + "\n".join(lines) + "\n\n" + OTHERS.read_text("utf-8")


def page() -> str:
    """The text of docs/settings.md."""
    rows = [
        f"| `{name}` | {_code(_default(field))} | {_values(name, field)} | {services} | {field.description} |\n"
        for name, field, services in _by_variable()
    ]
    others = [f"| `{name}` | {_code(default)} | {meaning} |\n" for name, default, meaning in _others()]
    return PAGE_HEAD + "".join(rows) + PAGE_OTHERS + "".join(others) + PAGE_END


def names_module() -> str:
    """The source of the module by which a service knows misspelt names."""
    names = sorted({n for n, _, _ in _by_variable()} | {n for n, _, _ in _others()})
    lines = "".join(f'        "{n}",\n' for n in names if n.startswith("PILOTHOUSE_"))
    doc = '"""Every setting that begins with PILOTHOUSE_. Written by `make generated`; do not edit."""'
    return f"{doc}\n\nNAMES = frozenset(\n    {{\n{lines}    }}\n)\n"


def _by_variable() -> list[tuple[str, FieldInfo, str]]:
    """Each variable with the services that read it, again where one has another default; those of all come first."""
    found: dict[tuple[str, str], tuple[FieldInfo, list[str]]] = {}
    for service, kind in (CLASSES | NOT_OF_A_SERVICE).items():
        for name, field in variables(kind).items():
            found.setdefault((name, _default(field)), (field, []))[1].append(service)
    everyone = len(CLASSES)
    rows = [(name, field, "all" if len(s) == everyone else ", ".join(s)) for (name, _), (field, s) in found.items()]
    return sorted(rows, key=lambda row: (row[2] != "all", row[0].startswith("PILOTHOUSE"), row[0]))


def _others() -> Iterator[tuple[str, str, str]]:
    """The name, default and meaning of each setting of `OTHERS`."""
    for meaning, name, default in re.findall(
        r"^(?:# (.*)\n)?#([A-Z_]+)=(.*)$", OTHERS.read_text("utf-8"), re.MULTILINE
    ):
        yield name, default, meaning


def _default(field: FieldInfo) -> str:
    default = field.default
    if default is None or field.is_required():
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _values(name: str, field: FieldInfo) -> str:
    """What a value must be: its type, its bounds, its unit."""
    bounds = [_bound(m) for m in field.metadata if isinstance(m, Ge | Gt | Le | Lt)]
    unit = next((u for word, u in UNITS.items() if name.endswith(f"_{word}")), "")
    parts = (_type(field.annotation), ", ".join(bounds), f"({unit})" if unit else "")
    return " ".join(part for part in parts if part)


def _bound(bound: Ge | Gt | Le | Lt) -> str:
    sign = {Ge: "at least", Gt: "over", Le: "at most", Lt: "under"}[type(bound)]
    value = next(getattr(bound, side) for side in ("ge", "gt", "le", "lt") if hasattr(bound, side))
    return f"{sign} {value:,}"


def _type(annotation: Any) -> str:
    if get_origin(annotation) in (Union, UnionType):
        return _type(next(a for a in get_args(annotation) if a is not NoneType))
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if get_args(annotation):
        return _type(get_args(annotation)[0])
    words = {int: "whole number", float: "number", bool: "`true`, `false`", Path: "path", SecretStr: "secret"}
    return words.get(annotation, "text")


def main() -> None:
    for path, text in ((ENV_FILE, env_example()), (PAGE, page()), (NAMES_MODULE, names_module())):
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

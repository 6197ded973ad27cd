"""Which models are loaded, which version of each answers, and which ones shadow it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec
import structlog

from pilothouse.errors import PilothouseError
from pilothouse.package import order, package_folders
from services.inference.errors import UnknownModelError
from services.inference.predictor import Predictor

Load = Callable[[Path], Predictor]


@dataclass(slots=True)
class Failure:
    """A package that could not be loaded, and why."""

    name: str
    version: str
    reason: str


class Role(msgspec.Struct):
    """What was decided for one model: the version that answers (None: the newest), and those that shadow it."""

    active: str | None = None
    shadows: list[str] = []


class Roles(Protocol):
    """Where decisions outlive the process."""

    def read(self) -> dict[str, Role]: ...

    def write(self, roles: dict[str, Role]) -> None: ...


class RolesFile:
    """Decisions in a JSON file, replaced in one step."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Role]:
        """Raises PilothouseError when the file is there and is not what `write` wrote."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Role])
        except FileNotFoundError:
            return {}
        except msgspec.DecodeError as error:
            raise PilothouseError(f"{self._path}: {error}; remove it to have the newest versions answer") from error

    def write(self, roles: dict[str, Role]) -> None:
        part = self._path.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(roles))
        part.replace(self._path)


@dataclass(slots=True)
class Catalogue:
    """Loaded model versions by name. The newest version of a name answers, unless another was activated."""

    roles_file: Roles
    default: str | None = None
    failures: list[Failure] = field(default_factory=list)
    _loaded: dict[str, dict[str, Predictor]] = field(default_factory=dict)
    _roles: dict[str, Role] = field(default_factory=dict)

    def load_all(self, root: Path, load: Load) -> None:
        """Load every package below `root`; one that cannot be loaded is listed with its reason, the others go on."""
        log = structlog.get_logger("catalogue")
        self._roles = self.roles_file.read()
        for folder in package_folders(root):
            try:
                self.add(load(folder))
            except PilothouseError as error:
                self.failures.append(Failure(folder.parent.name, folder.name, str(error)))
                log.error("a model could not be loaded", folder=str(folder), why=str(error))

    def add(self, predictor: Predictor) -> None:
        manifest = predictor.manifest
        versions = self._loaded.setdefault(manifest.name, {})
        versions[manifest.version] = predictor
        self._loaded[manifest.name] = dict(sorted(versions.items(), key=lambda item: order(item[0])))

    def find(self, name: str | None = None, version: str | None = None) -> Predictor:
        """The version of a model that answers, or the one asked for. Raises UnknownModelError."""
        wanted = name or self.default_name
        versions = self._loaded.get(wanted or "")
        if not versions:
            raise UnknownModelError(wanted or "default", version, sorted(self._loaded))
        if version is None:
            active = self._role(wanted or "").active
            return versions[active] if active in versions else next(reversed(versions.values()))
        if version not in versions:
            raise UnknownModelError(wanted or "default", version, [f"{wanted} {v}" for v in versions])
        return versions[version]

    def activate(self, name: str, version: str) -> None:
        """Have this version answer from now on, after restarts too. Raises UnknownModelError."""
        self.find(name, version)
        role = self._role(name)
        shadows = [v for v in role.shadows if v != version]
        self._decide(name, Role(version, shadows))

    def shadow(self, name: str, version: str, *, on: bool) -> None:
        """Have this version predict, and be logged, beside the one that answers. Raises UnknownModelError."""
        predictor, role = self.find(name, version), self._role(name)
        others = [v for v in role.shadows if v != version]
        wanted = on and predictor is not self.find(name)
        self._decide(name, Role(role.active, [*others, version] if wanted else others))

    def shadows(self, name: str) -> list[Predictor]:
        """The loaded versions that shadow the one that answers."""
        if name not in self._roles:
            return []
        active, versions = self.find(name), self._loaded[name]
        return [versions[v] for v in self._roles[name].shadows if v in versions and versions[v] is not active]

    def _role(self, name: str) -> Role:
        return self._roles.get(name) or Role()

    def _decide(self, name: str, role: Role) -> None:
        roles = {**self._roles, name: role}
        self.roles_file.write(roles)
        self._roles = roles

    def state(self, predictor: Predictor) -> str:
        """`active`, `shadow` or `loaded`."""
        name = predictor.manifest.name
        if predictor is self.find(name):
            return "active"
        return "shadow" if predictor in self.shadows(name) else "loaded"

    def versions(self, name: str) -> list[str]:
        """Loaded versions of a model, oldest first."""
        return list(self._loaded.get(name, ()))

    @property
    def default_name(self) -> str | None:
        """The model that `POST /predict` means: the one that was set, or the first by name."""
        return self.default or min(self._loaded, default=None)

    def __iter__(self) -> Iterator[Predictor]:
        return (p for versions in self._loaded.values() for p in versions.values())

    def listing(self) -> list[dict[str, Any]]:
        """Every package that was found: name, version, task, state, and whether it is the default or answers."""
        rows: list[dict[str, Any]] = [
            {
                "name": p.manifest.name,
                "version": p.manifest.version,
                "task": p.manifest.task,
                "kind": p.manifest.input.kind,
                "description": p.manifest.description,
                "state": self.state(p),
                "default": p is self.find(),
            }
            for p in self
        ]
        failed = [{"name": f.name, "version": f.version, "state": "failed", "reason": f.reason} for f in self.failures]
        return rows + failed

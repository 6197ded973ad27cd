"""Which models are loaded, which version of each answers, and which ones shadow it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec
import structlog

from pilothouse.errors import PilothouseError
from pilothouse.manifest import Manifest
from pilothouse.package import Package, open_package, order, package_folders
from pilothouse.wire.models import VersionState
from services.inference.errors import ExternalModelError, RolesError, UnknownModelError
from services.inference.predictor import Predictor
from services.inference.spool.durable import replace_durably

Load = Callable[[Package], Predictor]


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
        """Raises RolesError when the file is there and is not what `write` wrote."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Role])
        except FileNotFoundError:
            return {}
        except msgspec.DecodeError as error:
            raise RolesError(f"{self._path}: {error}; remove it to have the newest versions answer") from error

    def write(self, roles: dict[str, Role]) -> None:
        replace_durably(self._path, msgspec.json.encode(roles))


@dataclass(slots=True)
class Catalog:
    """Loaded model versions by name. The newest version of a name answers, unless another was activated.

    Packages of external models are listed and described, and never loaded.
    """

    roles_file: Roles
    default: str | None = None
    failures: list[Failure] = field(default_factory=list)
    external: list[Package] = field(default_factory=list)
    _loaded: dict[str, dict[str, Predictor]] = field(default_factory=dict)
    _roles: dict[str, Role] = field(default_factory=dict)

    def load_all(self, root: Path, load: Load) -> None:
        """Load every package below `root`; one that cannot be loaded is listed with its reason, the others go on."""
        log = structlog.get_logger("catalog")
        self._roles = self.roles_file.read()
        for folder in package_folders(root):
            try:
                package = open_package(folder, verify=False)
                if package.manifest.runtime == "external":
                    self.external.append(package)
                    continue
                package.verify()
                self.add(load(package))
            except PilothouseError as error:
                self.failures.append(Failure(folder.parent.name, folder.name, str(error)))
                log.error("a model could not be loaded", folder=str(folder), why=str(error))

    def add(self, predictor: Predictor) -> None:
        manifest = predictor.manifest
        versions = self._loaded.setdefault(manifest.name, {})
        versions[manifest.version] = predictor
        self._loaded[manifest.name] = dict(sorted(versions.items(), key=lambda item: order(item[0])))

    def find(self, name: str | None = None, version: str | None = None) -> Predictor:
        """The version of a model that answers, or the one asked for.

        Raises UnknownModelError or ExternalModelError.
        """
        wanted = name or self.default_name
        versions = self._loaded.get(wanted or "")
        if versions and version is None:
            active = self._role(wanted or "").active
            return versions[active] if active in versions else next(reversed(versions.values()))
        if versions and version in versions:
            return versions[version]
        if self._external(wanted, version):
            raise ExternalModelError(wanted or "", version)
        known = [f"{wanted} {v}" for v in versions] if versions else sorted(self._loaded)
        raise UnknownModelError(wanted or "default", version, known)

    def package(self, name: str, version: str | None = None) -> Package:
        """The package of a version, wherever it is served; without a version the one that answers, or else the newest.

        Raises UnknownModelError.
        """
        found = self._external(name, version)
        return found[-1] if found and not self._is_loaded(name, version) else self.find(name, version).model.package

    def _is_loaded(self, name: str | None, version: str | None) -> bool:
        versions = self._loaded.get(name or "", {})
        return bool(versions) if version is None else version in versions

    def _external(self, name: str | None, version: str | None) -> list[Package]:
        manifests = ((p, p.manifest) for p in self.external)
        return [p for p, m in manifests if m.name == name and version in (None, m.version)]

    def activate(self, name: str, version: str) -> None:
        """Have this version answer from now on, after restarts too. Raises UnknownModelError."""
        self.find(name, version)
        self.follow()
        role = self._role(name)
        shadows = [v for v in role.shadows if v != version]
        self._decide(name, Role(version, shadows))

    def shadow(self, name: str, version: str, *, on: bool) -> None:
        """Have this version predict, and be logged, beside the one that answers. Raises UnknownModelError."""
        predictor = self.find(name, version)
        self.follow()
        role = self._role(name)
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

    def follow(self) -> None:
        """Take over what other processes with the same state folder decided. Raises RolesError."""
        self._roles = self.roles_file.read()

    def _decide(self, name: str, role: Role) -> None:
        roles = {**self._roles, name: role}
        self.roles_file.write(roles)
        self._roles = roles

    def state(self, predictor: Predictor) -> VersionState:
        name = predictor.manifest.name
        if predictor is self.find(name):
            return "active"
        return "shadow" if predictor in self.shadows(name) else "loaded"

    def loaded_states(self) -> dict[str, dict[str, VersionState]]:
        """The state of every loaded version, by model."""
        return {name: {v: self.state(p) for v, p in versions.items()} for name, versions in self._loaded.items()}

    def states(self) -> list[tuple[str, str, str]]:
        """Name, version and state of every package that was found."""
        loaded: list[tuple[str, str, str]] = [(p.manifest.name, p.manifest.version, self.state(p)) for p in self]
        return loaded + [(f.name, f.version, "failed") for f in self.failures]

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
        answering = self.find() if self.default_name in self._loaded else None
        rows = [_listed(p.manifest, self.state(p), default=p is answering) for p in self]
        rows += [_listed(p.manifest, "external", default=False) for p in self.external]
        failed = [{"name": f.name, "version": f.version, "state": "failed", "reason": f.reason} for f in self.failures]
        return rows + failed


def _listed(manifest: Manifest, state: str, *, default: bool) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "version": manifest.version,
        "task": manifest.task,
        "kind": manifest.input.kind,
        "description": manifest.description,
        "state": state,
        "default": default,
    }

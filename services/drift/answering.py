"""Which version of a model is spoken of: the one asked for, else the one that answers.

The inference service tells the collector which version answers, and the collector is asked here. Where nobody has said,
as of models served elsewhere, it is the version whose records are the newest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pilothouse.package import Package
from pilothouse.wire.drift import OtherVersion, VersionAnswer
from services.drift.errors import CollectorAwayError, UnknownModelError
from services.drift.packages import WatchedPackages
from services.drift.records import Records
from services.drift.run import Run

FRESH_SECONDS = 1.0
Key = tuple[str, str]
Said = TypeVar("Said", bound=VersionAnswer)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The package that is spoken of, why it is this one, and the versions beside it."""

    package: Package
    reason: str
    beside: tuple[OtherVersion, ...] = ()

    def say(self, answer: Said) -> Said:
        """The same answer, which says why it is of this version."""
        return answer.model_copy(update={"version_reason": self.reason, "beside": self.beside})


class Answering:
    """`runs` are the newest drift runs by model and version; `timer` gives seconds that only rise."""

    def __init__(
        self,
        packages: WatchedPackages,
        records: Records,
        runs: Mapping[Key, Run],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._packages, self._records, self._runs, self._timer = packages, records, runs, timer
        self._states: dict[Key, str] = {}
        self._fresh_until = 0.0
        self._away = False

    async def choose(self, model: str | None, version: str | None) -> Chosen:
        """Raises ModelNeededError or UnknownModelError."""
        versions = self._packages.versions(model)
        name = versions[0].manifest.name
        await self._refresh()
        if version is None:
            package, reason = await self._default(name, versions)
        else:
            found = [p for p in versions if p.manifest.version == version]
            if not found:
                raise UnknownModelError(name, version, [p.manifest.key for p in self._packages.packages()])
            package, reason = found[0], "asked for"
        return Chosen(package, reason, self._beside(name, package.manifest.version))

    async def _default(self, name: str, versions: list[Package]) -> tuple[Package, str]:
        active = next((v for (model, v), state in self._states.items() if model == name and state == "active"), None)
        for package in versions:
            if package.manifest.version == active:
                return package, "it answers" + (", as last heard: the collector is away" if self._away else "")
        if active is not None:
            return versions[-1], f"newest package here: version {active} answers, but its package is not here"
        if self._away:
            return versions[-1], "newest package: the collector, which knows what answers, is away"
        return await self._newest_logged(name, versions)

    async def _newest_logged(self, name: str, versions: list[Package]) -> tuple[Package, str]:
        """The ids of records rise with time."""
        try:
            last = [await self._records.newest(name, p.manifest.version) or "" for p in versions]
        except CollectorAwayError:
            return versions[-1], "newest package: the collector, which knows what answers, is away"
        if any(last):
            return versions[last.index(max(last))], "newest records: nobody has said which version answers"
        return versions[-1], "newest package: nobody has said which version answers"

    def _beside(self, name: str, version: str) -> tuple[OtherVersion, ...]:
        others = {v: state for (model, v), state in self._states.items() if model == name and v != version}
        return tuple(OtherVersion(version=v, state=others[v], drift=self._verdict(name, v)) for v in sorted(others))

    def _verdict(self, name: str, version: str) -> str | None:
        run = self._runs.get((name, version))
        return run.answer.verdict if run else None

    async def _refresh(self) -> None:
        """Ask the collector again; what it said last stands while it is away."""
        if self._timer() < self._fresh_until:
            return
        try:
            self._states, self._away = await self._records.states(), False
        except CollectorAwayError:
            self._away = True
        self._fresh_until = self._timer() + FRESH_SECONDS

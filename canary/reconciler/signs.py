"""The signs of life, observed: what changed since the last look.

Clocks of machines are not compared. A heart is alive because its object changed between two looks
of this process, and silent because it did not for so many seconds of this process's own clock. A
look that comes late (this process was paused, the machine was suspended) counts for no longer than
a few looks, so that waking up is not mistaken for everybody's death.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from canary.reconciler.seen import Heart, Process
from sdk.running.heart import FENCED, FOLDER, HeartName
from sdk.storage import Storage

CENSUS = "_census"
PROBE = "_census/.probe"
FENCE_KEPT = 86400.0
"""Seconds for which a process that was declared dead may yet wake up and find that it is."""


@dataclass
class _Object:
    modified: datetime | None
    quiet: float = 0.0


@dataclass
class Signs:
    """Hearts and censuses, as they change from look to look.

    Args:
        storage: the root.
        silent: seconds after which a heart or a census is silent.
        longest: seconds for which one look counts at most.
    """

    storage: Storage
    silent: float
    longest: float
    _hearts: dict[str, _Object] = field(default_factory=dict)
    _census: dict[str, _Object] = field(default_factory=dict)
    _fences: dict[str, _Object] = field(default_factory=dict)
    _runs_on: dict[str, frozenset[str]] = field(default_factory=dict)

    def look(self, passed: float) -> None:
        """Look at the storage.

        Args:
            passed: seconds since the last look.

        Raises:
            PlatformError: it cannot be read or written; nothing was observed.
        """
        passed = min(passed, self.longest)
        # A storage that takes no writes has no beats either: that is no death.
        self.storage.put(PROBE, b"")
        hearts = {e.path.rpartition("/")[2]: e.modified for e in self.storage.entries(FOLDER)}
        marks = {name: at for name, at in hearts.items() if name.endswith(FENCED)}
        self._fences = _observed(self._fences, marks, passed)
        dead = {name.removesuffix(FENCED) for name in marks}
        living = {
            name: modified
            for name, modified in hearts.items()
            if name not in dead and HeartName.parse(name) is not None
        }
        self._hearts = _observed(self._hearts, living, passed)
        censuses = {
            name: e.modified
            for e in self.storage.entries(CENSUS)
            if not (name := e.path.rpartition("/")[2]).startswith(".")
        }
        self._census = _observed(self._census, censuses, passed)
        self._runs_on = {host: self._runs(host) for host in self._census}

    def hearts_of(self, run: str) -> list[HeartName]:
        """Return the hearts of a run that are not fenced; several after a process was replaced."""
        found = [HeartName.parse(name) for name in self._hearts if name.startswith(f"{run}.")]
        return [name for name in found if name is not None]

    def heart(self, run: str) -> Heart:
        """Return a run's first sign."""
        quiet = [self._hearts[str(name)].quiet for name in self.hearts_of(run)]
        if not quiet:
            return "none"
        return "silent" if min(quiet) >= self.silent else "beats"

    def process(self, run: str, host: str | None) -> Process:
        """Return a run's second sign.

        Args:
            run: its id.
            host: its machine, as hearts name it, where it is known from elsewhere.
        """
        if any(run in runs for h, runs in self._runs_on.items() if self._speaks(h)):
            return "there"
        hosts = {name.host for name in self.hearts_of(run)} | ({host} if host else set())
        if hosts:
            # Of a machine without a census nothing is known.
            return "gone" if hosts <= set(self._census) else "unknown"
        # Nobody knows where it is: nobody has it, if everybody speaks.
        return "gone" if self._census and all(map(self._speaks, self._census)) else "unknown"

    def fence(self, run: str) -> None:
        """Have the processes of a run end themselves, should they wake up."""
        for name in self.hearts_of(run):
            self.storage.put(f"{FOLDER}/{name}{FENCED}", b"")

    def forget(self, open_runs: Iterable[str]) -> None:
        """Remove what runs have left that ended long ago."""
        kept = set(open_runs)
        for name, heart in self._hearts.items():
            if heart.quiet > 10 * self.silent and name.partition(".")[0] not in kept:
                self.storage.delete(f"{FOLDER}/{name}")
        for name, mark in self._fences.items():
            if mark.quiet > FENCE_KEPT:
                self.storage.delete(f"{FOLDER}/{name.removesuffix(FENCED)}")
                self.storage.delete(f"{FOLDER}/{name}")
        for host, census in self._census.items():
            if census.quiet > 100 * self.silent:
                self.storage.delete(f"{CENSUS}/{host}")

    def _speaks(self, host: str) -> bool:
        return self._census[host].quiet < self.silent

    def _runs(self, host: str) -> frozenset[str]:
        try:
            return frozenset(json.loads(self.storage.read(f"{CENSUS}/{host}")))
        except (FileNotFoundError, ValueError, TypeError):
            return frozenset()


def fenced(storage: Storage, host: str) -> list[HeartName]:
    """Return the processes of a machine that were declared dead, and may be there yet."""
    names = [name for name in storage.names(FOLDER) if name.endswith(FENCED)]
    parsed = [HeartName.parse(name.removesuffix(FENCED)) for name in names]
    return [name for name in parsed if name is not None and name.host == host]


def _observed(
    before: dict[str, _Object], now: dict[str, datetime | None], passed: float
) -> dict[str, _Object]:
    found = {}
    for name, modified in now.items():
        known = before.get(name)
        same = known is not None and known.modified == modified
        found[name] = _Object(modified, known.quiet + passed if same and known else 0.0)
    return found

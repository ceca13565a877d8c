"""Faults seeded on a real server: each is to be found in one cycle, and none invented."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.running.seeds import SEEDS, Site
from canary.watch.findings import Expected
from canary.watch.heartbeat import Pulse
from canary.watch.look import Look
from canary.watch.loop import Watch
from canary.watch.settings import Heartbeat
from canary.watch.tell import Teller
from sdk.testing.postgres import Postgres
from sdk.testing.server import PrefectServer

# Nothing here is about time: what is late is made late by its date.
EXPECTED = Expected(worker_silent=3600, reconciler_silent=3600, canary_queued=600,
                    canary_seconds=600)  # fmt: skip


@dataclass
class Faults:
    """What the watch found.

    Attributes:
        cycles: quiet ones.
        invented: what was found in them.
        found: seconds of the cycle that found each fault.
        problems: what should not be.
    """

    cycles: int
    invented: list[str] = field(default_factory=list)
    found: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def run(cycles: int = 50) -> Faults:
    """Look so often while nothing is wrong, then seed each fault once; return what was found."""
    made = Faults(cycles)
    with tempfile.TemporaryDirectory() as folder, watched(Path(folder)) as site:
        watch = Watch(Look(site.api, site.root), EXPECTED, Teller("bench", None),
                      Pulse(Heartbeat()))  # fmt: skip
        for _ in range(cycles):
            watch.cycle()
            made.invented += [str(found) for found in watch.found]
        for fault, seed in SEEDS.items():
            with seed(site):
                began = time.monotonic()
                watch.cycle()
                seen = [found.fault for found in watch.found]
                if seen == [fault]:
                    made.found[fault] = round(time.monotonic() - began, 3)
                else:
                    made.problems.append(f"{fault} was seeded, found was {seen}")
            watch.cycle()
            made.invented += [f"after {fault}: {found}" for found in watch.found]
    made.problems += [f"invented: {text}" for text in made.invented]
    return made


@contextmanager
def watched(folder: Path) -> Iterator[Site]:
    """Run a server on a database of its own, with nothing in it that changes what is seeded."""
    with Postgres() as database:
        server = PrefectServer(folder, database.url, {
            "PREFECT_API_SERVICES_SCHEDULER_ENABLED": "false",
            "PREFECT_API_SERVICES_LATE_RUNS_ENABLED": "false",
            "PREFECT_API_SERVICES_FOREMAN_ENABLED": "false",
        })  # fmt: skip
        try:
            server.start()
            made = Site(server, database, folder)
            with made.api:
                yield made
        finally:
            server.stop()

"""Runs and machines as the simulated world keeps them: the truth, of which a part is observed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from infra.autoscaler.observation import Run
from infra.autoscaler.simulator.trace import Job
from infra.testing.group import Instance


@dataclass(slots=True)
class Execution:
    """A run in the world; `run` is what is seen of it."""

    job: Job
    number: int
    start: float = -1.0
    ends: float = math.inf
    run: Run | None = None


class Machine:
    """A worker's machine, with its runs."""

    __slots__ = ("cordoned", "instance", "place", "runs")

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.runs: dict[int, Execution] = {}
        self.cordoned = False
        self.place = -1

    @property
    def takes(self) -> bool:
        """Whether it takes new runs."""
        return self.instance.state == "InService" and not self.cordoned

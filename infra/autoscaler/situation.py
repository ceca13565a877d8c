"""An observation sorted for a decision: who can work, what comes, and the figures that explain it.

A scratch value: made from one observation, used for one decision, and thrown away.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from infra.autoscaler.config import Config
from infra.autoscaler.demand import Grid, add, grid_of, load_of, running_by_worker, slots_of
from infra.autoscaler.forecast import Forecast
from infra.autoscaler.observation import Observation, Worker
from infra.autoscaler.projection import Load
from infra.autoscaler.runtime import DEFAULT_RUN_TIME, remaining

FAR_STEP: Final = 60.0
FAR: Final = 40
"""A drain is foreseen on a grid of its own: forty minutes, beyond which machines are alike."""


class Situation:
    """What a decision looks at.

    `counted` is what the group counts as its capacity. Of the `pending`, those are `booting` whose
    boot is not overdue: only they are sure enough to come to block scale-in. `slots` are what ready
    and pending machines offer, `slots_ready` what ready ones do.
    """

    def __init__(self, observation: Observation, forecast: Forecast, config: Config) -> None:
        self.now, self.config, self.observation = observation.now, config, observation
        self.grid: Grid = grid_of(config)
        fresh = [
            worker
            for worker in observation.workers
            if worker.state == "pending" and self.now - worker.since <= config.pending_limit
        ]
        self.pending = fresh
        self.booting = [w for w in fresh if self.now - w.since <= config.overdue]
        self.ready = [worker for worker in observation.workers if worker.state == "ready"]
        self.cordoned = [worker for worker in observation.workers if worker.state == "cordoned"]
        self.lost = tuple(
            sorted(w.id for w in observation.workers if w.state == "lost" and w.busy == 0)
        )
        self.counted = sum(worker.state != "terminating" for worker in observation.workers)
        self.running = running_by_worker(observation, self.grid)
        away = {w.id for w in observation.workers if w.state in ("cordoned", "terminating")}
        at_work = add((t for w, t in self.running.items() if w not in away), self.grid)
        self.load = load_of(observation, forecast, at_work, config, self.grid)
        self.slots = slots_of([*self.ready, *self.pending], self.now, config, self.grid)
        self.slots_ready = slots_of(self.ready, self.now, config, self.grid)
        self.metrics = {
            "waiting": float(len(observation.waiting)),
            "running": float(len(observation.running)),
            "announced": float(len(forecast.announced)),
            "unannounced_per_minute": round(60.0 * forecast.rate.per_second, 3),
            "ready": float(len(self.ready)),
            "pending": float(len(self.pending)),
            "cordoned": float(len(self.cordoned)),
            "lost": float(len(self.lost)),
            "metrics_age": round(self.now - observation.measured_at, 3),
        }
        for run in observation.waiting:
            if run.queue:
                key = f"waiting.{run.queue}"
                self.metrics[key] = self.metrics.get(key, 0.0) + 1.0

    def having(self, load: Load, worker: Worker, sign: int) -> Load:
        """Return the load with a machine's runs added to it (+1) or taken from it (-1)."""
        own = self.running.get(worker.id)
        if own is None:
            return load
        running = [a + sign * b for a, b in zip(load.running, own, strict=True)]
        return replace(load, running=running)

    def until_empty(self, worker: Worker) -> float:
        """Return in how many seconds a machine is expected to be empty if it gets no new run."""
        if worker.busy == 0:
            return 0.0
        seen = self.observation
        runs = [run for run in seen.running if run.worker == worker.id]
        if not runs:
            return FAR_STEP * FAR
        empty = [1.0] * FAR
        for run in runs:
            run_time = seen.run_times.get(run.flow, DEFAULT_RUN_TIME)
            table = remaining(run_time, self.now - run.since, FAR_STEP, FAR)
            empty = [chance * (1.0 - alive) for chance, alive in zip(empty, table, strict=True)]
        return FAR_STEP * sum(1.0 - chance for chance in empty)

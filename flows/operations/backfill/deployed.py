"""A backfill with a server: runs of the customer's deployment, so many at a time.

A run's idempotency key is (customer, day, attempt); the attempt is one more than the server knows
of. A backfill that was killed therefore finds the runs that it started, and two that race ask
for the same run.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from flows.operations.backfill.days import day_state
from flows.operations.backfill.embedded import judged
from flows.operations.backfill.plan import DayState, Decision, days_between, plan
from flows.operations.backfill.request import DayOutcome, Request, skipped
from sdk import DatasetKey, PlatformError, Store
from sdk.deployments import (
    DeployedRun,
    Deployment,
    open_runs,
    read_run,
    runs_of_keys,
    start_run,
)

POLL_SECONDS = 5.0
"""Between two looks at the runs under way: a day takes minutes, and its worker polls as often."""

TAG = "backfill"
_PREFIX = "Flow run encountered an exception. "
_ATTEMPTS_ASKED = 25
"""Keys in one question; few days are ever tried as often."""


class Deployed:
    """The days of a request, run by the workers of a server.

    Args:
        request: what is asked.
        store: where the workers put the datasets.
        deployment: of the customer's daily flow.
        flow: the name of that flow.
        timezone: in which a run that is told no day finds it.
        log: told when a run changes its state.
        pause: waits between two looks.
    """

    def __init__(
        self,
        request: Request,
        store: Store,
        deployment: Deployment,
        flow: str,
        *,
        timezone: str,
        log: logging.Logger | logging.LoggerAdapter[logging.Logger],
        pause: Callable[[], None] = lambda: time.sleep(POLL_SECONDS),
    ) -> None:
        self.request = request
        self.store = store
        self.deployment = deployment
        self.flow = flow
        self.timezone = ZoneInfo(timezone)
        self.log = log
        self.pause = pause
        self._adopted: dict[date, DeployedRun] = {}

    def decisions(self) -> list[Decision]:
        """Return what is to be done about each day, as store and server stand."""
        days = days_between(self.request.first, self.request.last)
        others: dict[date, DeployedRun] = {}
        self._adopted = {}
        for run in open_runs(self.deployment):
            ours = (run.key or "").startswith(f"{TAG}/{self.request.customer}/")
            day = self._day(run)
            if day is not None:
                (self._adopted if ours else others)[day] = run
        states = []
        for day in days:
            state = day_state(self.store, self._key(day), self.flow)
            other, mine = others.get(day), self._adopted.get(day)
            busy = f"run {other.id} is {other.state}" if other else None
            ours_id = mine.id if mine else None
            states.append(DayState(day, state.goal, state.failure, busy, ours_id))
        return self._plan(states)

    def run(self, decisions: Sequence[Decision]) -> Iterator[DayOutcome]:
        """Run the days, and yield what became of each, as they end."""
        yield from (skipped(decision) for decision in decisions if decision.action == "skip")
        active: dict[date, tuple[Decision, DeployedRun]] = {
            decision.day: (decision, self._adopted[decision.day])
            for decision in decisions
            if decision.action == "wait"
        }
        waiting = deque(decision for decision in decisions if decision.action == "run")
        while waiting or active:
            while waiting and len(active) < self.request.concurrency:
                decision = waiting.popleft()
                [now] = self._plan([day_state(self.store, self._key(decision.day), self.flow)])
                if now.action == "skip":
                    yield skipped(now)
                    continue
                try:
                    active[decision.day] = (decision, self._start(decision.day))
                except PlatformError as error:
                    yield DayOutcome(decision.day, decision.why, "failed", None, error.problem)
            yield from self._look(active)
            if active:
                self.pause()

    def _look(self, active: dict[date, tuple[Decision, DeployedRun]]) -> Iterator[DayOutcome]:
        for day, (decision, before) in list(active.items()):
            run = read_run(before.id)
            if run.state != before.state:
                self.log.info("%s: run %s is %s", day, run.id, run.state)
            active[day] = (decision, run)
            if run.ended:
                del active[day]
                failure = None if run.completed else _said(run)
                said = f"run {run.id}"
                yield judged(self.store, self._key(day), decision.why, failure, run.seconds, said)

    def _start(self, day: date) -> DeployedRun:
        parameters = {**self.request.parameters(day), "day": day.isoformat()}
        run = start_run(
            self.deployment,
            parameters,
            key=self._run_key(day, self._attempts(day) + 1),
            name=f"backfill-{self.request.customer}-{day}",
            queue=self.request.queue,
            tags=[TAG],
        )
        self.log.info("%s: started run %s on queue %s", day, run.id, self.request.queue)
        return run

    def _attempts(self, day: date) -> int:
        """Return the number of the last attempt that the server knows of."""
        last = 0
        while True:
            numbers = range(last + 1, last + 1 + _ATTEMPTS_ASKED)
            found = runs_of_keys(self.deployment, [self._run_key(day, n) for n in numbers])
            if not found:
                return last
            last = max(int((run.key or "0").rpartition("/")[2]) for run in found)

    def _run_key(self, day: date, attempt: int) -> str:
        return f"{TAG}/{self.request.customer}/{day}/{attempt}"

    def _day(self, run: DeployedRun) -> date | None:
        """Return the day that a run is of, as `sdk.body` will find it."""
        given = run.parameters.get("day")
        if given is not None:
            try:
                return date.fromisoformat(str(given)[:10])
            except ValueError:
                return None
        return run.due.astimezone(self.timezone).date() if run.due else None

    def _plan(self, states: Iterable[DayState]) -> list[Decision]:
        return plan(list(states), self.request.which, goal=self.request.dataset)

    def _key(self, day: date) -> DatasetKey:
        return DatasetKey(customer=self.request.customer, name=self.request.dataset, day=day)


def _said(run: DeployedRun) -> str:
    """Return why a run failed: the first line of its error, without Prefect's words around it."""
    first = (run.message.strip().splitlines() or [""])[0].removeprefix(_PREFIX)
    return f"{first[:300]} (run {run.id} {run.state})" if first else f"run {run.id} {run.state}"

"""A backfill without a server: the days run one after the other in this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from flows.operations.backfill.claims import claimed, holder
from flows.operations.backfill.days import day_state, goal_of
from flows.operations.backfill.plan import DayState, Decision, days_between, plan
from flows.operations.backfill.request import DayOutcome, Request, skipped
from sdk import DatasetKey, PlatformError, Store
from sdk.flows import CustomerFlow
from sdk.redaction import redacted
from sdk.run import entered


class Embedded:
    """The days of a request, run here.

    Args:
        request: what is asked.
        store: where the datasets are.
        daily: the customer's flow.
    """

    def __init__(self, request: Request, store: Store, daily: CustomerFlow[..., object]) -> None:
        self.request = request
        self.store = store
        self.daily = daily

    def decisions(self) -> list[Decision]:
        """Return what is to be done about each day, as the store stands."""
        days = days_between(self.request.first, self.request.last)
        return self._plan([self._state(self._key(day)) for day in days])

    def run(self, decisions: Sequence[Decision]) -> Iterator[DayOutcome]:
        """Run the days, and yield what became of each."""
        for decision in decisions:
            if decision.action == "skip":
                yield skipped(decision)
            else:
                yield self._run(decision)

    def _run(self, decision: Decision) -> DayOutcome:
        key = self._key(decision.day)
        with claimed(self.store.storage, key.customer, key.day) as ours:
            if not ours:
                return DayOutcome(key.day, decision.why, "skipped", detail="taken meanwhile")
            # Somebody may have run it between the plan and the claim.
            [now] = self._plan([day_state(self.store, key, self.daily.name)])
            if now.action == "skip":
                return skipped(now)
            return settled(self.store, key, decision, self._call)

    def _call(self, key: DatasetKey) -> None:
        # A day is a run of its own: its ledger, summary and notices are not the backfill's.
        with entered(None):
            self.daily(**self.request.parameters(key.day))

    def _plan(self, states: Sequence[DayState]) -> list[Decision]:
        return plan(states, self.request.which, goal=self.request.dataset)

    def _state(self, key: DatasetKey) -> DayState:
        state = day_state(self.store, key, self.daily.name)
        busy = holder(self.store.storage, key.customer, key.day)
        return DayState(state.day, state.goal, state.failure, busy=busy)

    def _key(self, day: object) -> DatasetKey:
        return DatasetKey.model_validate(
            {"customer": self.request.customer, "name": self.request.dataset, "day": day}
        )


def settled(
    store: Store, key: DatasetKey, decision: Decision, call: Callable[[DatasetKey], None]
) -> DayOutcome:
    """Run a day and return what became of it; an error of the day does not leave here."""
    began = time.monotonic()
    failure: str | None = None
    try:
        call(key)
    except Exception as error:
        said = error.problem if isinstance(error, PlatformError) else _unexpected(error)
        failure = redacted(said).splitlines()[0]
    seconds = time.monotonic() - began
    return judged(store, key, decision.why, failure, seconds)


def judged(
    store: Store, key: DatasetKey, before: str, failure: str | None, seconds: float, run: str = ""
) -> DayOutcome:
    """Return what became of a day that ran, by what there is of its dataset now."""
    if failure is not None:
        return DayOutcome(key.day, before, "failed", seconds, failure)
    goal = goal_of(store, key)
    if goal == "fresh" or goal == "degraded":
        return DayOutcome(key.day, before, goal, seconds, run)
    said = f"it ended well, but {store.url} has no {key.name} of it"
    return DayOutcome(key.day, before, "failed", seconds, said)


def _unexpected(error: Exception) -> str:
    said = str(error).strip().splitlines() or ["no message"]
    return f"unexpected {type(error).__name__}: {said[0]}"

"""One execution of a step: reuse, attempts, fallback, record.

This is the SDK's promise, and it knows nothing of Prefect. The order of things:

1. The inputs are fingerprinted. If the newest version of the key is fresh and carries the same
   fingerprint, it is the result and nothing runs.
2. The function is called. An error is classified; the policy says whether and after what wait
   it is called again, within the time budget of the flows above. Attempts that crashed count.
3. What it returned is checked. Bad rows may be set aside; a blocking check ends the step.
4. The rows are published, with manifest, atomically.
5. When all attempts are spent, the fallbacks are asked in order. Served data is published under
   the key with its source and age, and everything built on it is degraded, too.
6. A record is added to the run's ledger, whatever happened.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sdk.crashes import Crashed, watched
from sdk.dataset import Dataset
from sdk.errors import PlatformError, classify, retry_after
from sdk.fallback import Alternative, Fallback, LastGood, applies
from sdk.manifest import Degradation, Source, StepStatistics
from sdk.masking import masked
from sdk.progress import StepEnded, StepStarted, tell
from sdk.publication import Publication, count_rows
from sdk.redaction import redacted
from sdk.run import Run
from sdk.statistics import Outcome, StepRecord, recording, write_record
from sdk.step import Action, Call, Result, Step, Wait, Walk

LONGEST_REASON = 500
"""Characters of an error that are kept; a whole page in an exception helps nobody."""


class Execution:
    """One execution of a step.

    Args:
        step: how it behaves.
        function: the user's function.
        parameters: its arguments by name.
        run: the run that it is part of; None outside any.
        log: where attempts and fallbacks are told.
        clock: monotonic seconds.
        now: the time of day, against which the budget of the flows above is held.
        draw: the source of jitter.
        ledger: takes the record; by default it is written to the run's ledger at once.
    """

    def __init__(
        self,
        step: Step,
        function: Callable[..., Any],
        parameters: Mapping[str, Any],
        run: Run | None,
        *,
        log: logging.Logger | logging.LoggerAdapter[Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        draw: random.Random | None = None,
        ledger: Callable[[StepRecord], None] | None = None,
    ) -> None:
        self.step = step
        self.function = function
        self.parameters = dict(parameters)
        self.run = run
        self.log = log or logging.getLogger(__name__)
        self.clock = clock
        self.now = now
        self.draw = draw or random.Random()  # noqa: S311 - jitter, not cryptography
        self.out = Publication(step, function, self.parameters, run, self.log)
        self.ledger = ledger
        self.attempts = 0
        self.delays: list[float] = []
        self.started = now()
        self._began = clock()

    def walk(self) -> Walk:
        """Yield what to do next; return the result.

        Raises:
            Exception: the last error of the step, when nothing could be served instead.
        """
        tell(StepStarted(self.step.name, self._detail()))
        with recording() as recorded, self._watched() as crashes:
            self.attempts = crashes
            try:
                while True:
                    self.attempts += 1
                    try:
                        return (yield from self._attempt(recorded))
                    except Exception as error:
                        wait = self._wait_after(error)
                        if wait is None:
                            last = error
                            break
                        self.delays.append(wait)
                        yield Wait(wait)
                return (yield from self._fall_back(last, recorded))
            except Exception as error:
                self._finish("failed", None, recorded, error=error)
                shown = masked(error, self.parameters)
                if shown is error:
                    raise
                raise shown from None

    def _watched(self) -> AbstractContextManager[int]:
        # Without a fallback a crash changes nothing; the items of a fan-out have its own watch.
        if self.run is None or not self.step.fallbacks or self.ledger is not None:
            return nullcontext(0)
        return watched(self.run, self.step.name, self.parameters, self.log)

    def _attempt(self, recorded: dict[str, Any]) -> Walk:
        prepared = self.out.prepare()
        existing = self.out.existing(prepared)
        if existing is not None:
            self.attempts -= 1
            return self._finish("reused", existing, dict(existing.statistics))
        if self.attempts > self.step.retry.attempts:
            self.attempts -= 1
            spent = self.step.retry.attempts
            raise Crashed(
                f"{self.step.name} died without a word in {spent} of its {spent} attempts",
                "It was killed from outside, as for want of memory: give it more, or less to do.",
            )
        recorded.clear()
        value = yield Call(self.function, self.parameters, self.step.time_limit)
        checked = self.out.checked(value, prepared.key, recorded)
        inherited = self.out.inherited
        outcome: Outcome = "degraded" if inherited else "fresh"
        if prepared.key is None:
            return self._finish(outcome, checked, recorded, degraded=inherited)
        published = self.out.publish(
            prepared,
            checked,
            statistics=self._statistics(recorded, count_rows(checked)),
            degraded=inherited,
        )
        return self._finish(outcome, published, recorded, degraded=published.degraded)

    def _wait_after(self, error: Exception) -> float | None:
        kind = classify(error)
        if not self.step.retry.allows(kind):
            return None
        wait = self.step.retry.delay(
            self.attempts,
            elapsed=self.clock() - self._began,
            retry_after=retry_after(error),
            draw=self.draw,
        )
        until = self.run.retry_until if self.run else None
        if wait is not None and until is not None and self.now() + timedelta(seconds=wait) > until:
            self.log.warning("%s: the flow's time for retries is spent", self.step.name)
            return None
        if wait is not None:
            self.log.warning(
                "%s: attempt %d of %d failed (%s); next in %.1f s",
                self.step.name,
                self.attempts,
                self.step.retry.attempts,
                self._said(error),
                wait,
            )
        return wait

    def _fall_back(self, error: Exception, recorded: dict[str, Any]) -> Walk:
        for fallback in self.step.fallbacks:
            if not applies(fallback, error):
                continue
            try:
                served = yield from self._serve(fallback, error, recorded)
            except Exception as failure:
                self.log.warning("%s: fallback failed (%s)", self.step.name, self._said(failure))
                continue
            if served is not None:
                return served
        raise error

    def _serve(
        self, fallback: Fallback, error: Exception, recorded: dict[str, Any]
    ) -> Generator[Action, Any, Result | None]:
        if isinstance(fallback, LastGood):
            return self._serve_last_good(fallback, error)
        if isinstance(fallback, Alternative):
            function = getattr(fallback.step, "fn", fallback.step)
            value = yield Call(function, self.parameters, self.step.time_limit)
        else:
            value = fallback.value
        kind: Source = "alternative" if isinstance(fallback, Alternative) else "default"
        degradation = Degradation(
            dataset=self.step.dataset or self.step.name,
            source=kind,
            reason=self._said(error),
        )
        prepared = self.out.prepare(tolerant=True)
        checked = self.out.checked(value, prepared.key, recorded)
        degraded = (degradation, *self.out.inherited)
        if prepared.key is not None:
            checked = self.out.publish(
                prepared,
                checked,
                statistics=self._statistics(recorded, count_rows(checked)),
                degraded=degraded,
                source=kind,
            )
        return self._finish(
            "degraded", checked, recorded, degraded=degraded, error=error, fallback=kind
        )

    def _serve_last_good(self, fallback: LastGood, error: Exception) -> Result | None:
        key, store = self.out.key(), self.out.store
        if key is None or store is None:
            return None
        good = store.last_good(key, max_age=fallback.max_age)
        if good is None or not store.holds(good):
            return None
        degradation = Degradation(
            dataset=key.name,
            source="last_good",
            age_days=(key.day - good.day).days,
            reason=self._said(error),
        )
        served = store.serve(
            key,
            good,
            degradation=degradation,
            fingerprint=f"last_good:{good.content_hash}",
            run_id=self.run.run_id if self.run else None,
            statistics=self._statistics(dict(good.statistics), good.rows),
        )
        return self._finish(
            "degraded",
            served,
            dict(good.statistics),
            degraded=served.degraded,
            error=error,
            fallback=f"last good of {good.day}",
        )

    def _statistics(self, recorded: Mapping[str, Any], rows_out: int | None) -> StepStatistics:
        return StepStatistics(
            step=self.step.name,
            started=self.started,
            seconds=round(self.clock() - self._began, 3),
            attempts=self.attempts,
            delays=tuple(round(delay, 3) for delay in self.delays),
            rows_in=self.out.rows_in,
            rows_out=rows_out,
            recorded=dict(recorded),
        )

    def _finish(
        self,
        outcome: Outcome,
        value: Any,
        recorded: Mapping[str, Any],
        *,
        degraded: Sequence[Degradation] = (),
        error: Exception | None = None,
        fallback: str | None = None,
    ) -> Result:
        if isinstance(value, Dataset) and outcome == "reused":
            degraded = value.degraded
        entry = StepRecord(
            step=self.step.name,
            flow=self.run.flow if self.run else "",
            customer=self.run.customer if self.run else "",
            day=_day(value) or (self.run.day if self.run else self.started.date()),
            run_id=self.run.run_id if self.run else "",
            path=self.run.path if self.run else (),
            dataset=str(value) if isinstance(value, Dataset) and not self.step.is_flow else None,
            outcome=outcome,
            statistics=self._statistics(recorded, count_rows(value)),
            checks=self.out.checks,
            degraded=tuple(degraded),
            fallback=fallback,
            error=self._said(error) if error else None,
            error_class=type(error).__name__ if error else None,
            quarantined=self.out.quarantined,
            is_flow=self.step.is_flow,
        )
        if self.ledger is not None:
            self.ledger(entry)
        elif self.run is not None and not (self.step.is_flow and outcome == "fresh"):
            try:
                write_record(self.run, entry)
            except PlatformError as failure:
                # The step's own outcome counts more than its entry in the ledger.
                self.log.warning("%s: no record written (%s)", self.step.name, failure.problem)
        tell(StepEnded(entry))
        return Result(value, entry)

    def _said(self, error: BaseException) -> str:
        text = (
            error.problem
            if isinstance(error, PlatformError)
            else f"{type(error).__name__}: {error}"
        )
        return redacted(text.strip(), self.parameters)[:500]

    def _detail(self) -> str:
        try:
            return str(self.out.key() or "")
        except PlatformError:
            return ""


def _day(value: Any) -> date | None:
    return value.day if isinstance(value, Dataset) else None

"""One execution of a step: reuse, attempts, fallback, record.

This is the SDK's promise, and it knows nothing of Prefect. The order of things:

1. The inputs are fingerprinted. If the newest version of the key is fresh and carries the same
   fingerprint, it is the result and nothing runs.
2. What goes in is checked, once; bad rows of frames are set aside, a blocking check ends the step.
   Then the function is called. An error is classified; the policy says whether and after what
   wait it is called again, within the time budget of the flows above. Crashed attempts count.
3. What it returned is checked. Bad rows may be set aside; a blocking check ends the step.
4. The rows are published, with manifest, atomically.
5. When all attempts are spent, the fallbacks are asked in order. Served data is published under
   the key with its source and age, and everything built on it is degraded, too.
6. A record is added to the run's ledger, whatever happened, and told as an event.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

from sdk.account import Account
from sdk.checking import Checking
from sdk.crashes import Crashed, watched
from sdk.errors import PlatformError, classify, retry_after
from sdk.fallback import Alternative, Fallback, LastGood, applies
from sdk.manifest import CheckResult, Degradation, Source, StepStatistics
from sdk.masking import masked
from sdk.progress import StepStarted, tell
from sdk.publication import Prepared, Publication, count_rows
from sdk.run import Run
from sdk.statistics import Outcome, StepRecord, recording
from sdk.step import Action, Call, Result, Step, Wait, Walk

_DRAW = random.SystemRandom()
"""Draws jitter: it has no state that processes forked from this one would share, and costs nothing
to make, which a generator of its own would cost every item of a fan-out."""


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
        emit: tells the server of the outcome.
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
        emit: Callable[[Run, StepRecord], None] | None = None,
    ) -> None:
        self.step = step
        self.function = function
        self.parameters = dict(parameters)
        self.run = run
        self.log = log or logging.getLogger(__name__)
        self.now = now
        self.draw = draw or _DRAW
        self.out = Publication(step, function, self.parameters, run, self.log)
        self.checking = Checking(step, self.parameters, run.run_id if run else None)
        self.account = Account(
            step, self.parameters, run, self.log, clock=clock, now=now, ledger=ledger, emit=emit
        )

    def walk(self) -> Walk:
        """Yield what to do next; return the result.

        Raises:
            Exception: the last error of the step, when nothing could be served instead.
        """
        tell(StepStarted(self.step.name, self._detail()))
        with recording() as recorded, self._watched() as crashes:
            self.account.attempts = crashes
            try:
                while True:
                    self.account.attempts += 1
                    try:
                        return (yield from self._attempt(recorded))
                    except Exception as error:
                        wait = self._wait_after(error)
                        if wait is None:
                            last = error
                            break
                        self.account.delays.append(wait)
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
        if self.run is None or not self.step.fallbacks or self.account.ledger is not None:
            return nullcontext(0)
        return watched(self.run, self.step.name, self.parameters, self.log)

    def _attempt(self, recorded: dict[str, Any]) -> Walk:
        prepared = self.out.prepare()
        existing = self.out.existing(prepared)
        if existing is not None:
            self.account.attempts -= 1
            dataset = existing.dataset
            return self._finish("reused", dataset, dataset.statistics, checks=existing.checks)
        if self.account.attempts > self.step.retry.attempts:
            self.account.attempts -= 1
            spent = self.step.retry.attempts
            raise Crashed(
                f"{self.step.name} died without a word in {spent} of its {spent} attempts",
                "It was killed from outside, as for want of memory: give it more, or less to do.",
            )
        recorded.clear()
        arguments = self.checking.before(prepared.key, self.out.store)
        value = yield Call(self.function, arguments, self.step.time_limit)
        inherited = self.out.inherited
        made = self._publish(value, prepared, recorded, degraded=inherited)
        return self._finish(
            "degraded" if inherited else "fresh", made, recorded, degraded=inherited
        )

    def _publish(
        self,
        value: Any,
        prepared: Prepared,
        recorded: Mapping[str, Any],
        *,
        degraded: Sequence[Degradation],
        source: Source = "fresh",
    ) -> Any:
        """Return what goes on: the value as its checks left it, or the dataset made of it."""
        checked = self.checking.after(value, prepared.key, self.out.store, recorded)
        if prepared.key is None:
            return checked
        return self.out.publish(
            prepared,
            checked,
            statistics=self._statistics(recorded, count_rows(checked)),
            checks=self.checking.results,
            degraded=degraded,
            source=source,
        )

    def _wait_after(self, error: Exception) -> float | None:
        kind = classify(error)
        if not self.step.retry.allows(kind):
            return None
        wait = self.step.retry.delay(
            self.account.attempts,
            elapsed=self.account.elapsed,
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
                self.account.attempts,
                self.step.retry.attempts,
                self.account.said(error),
                wait,
            )
        return wait

    def _fall_back(self, error: Exception, recorded: dict[str, Any]) -> Walk:
        of_the_step = dict(recorded)
        for fallback in self.step.fallbacks:
            if not applies(fallback, error):
                continue
            # What the step recorded before it failed, such as its coverage, is not the fallback's.
            recorded.clear()
            try:
                served = yield from self._serve(fallback, error, recorded)
            except Exception as failure:
                self.log.warning(
                    "%s: fallback failed (%s)", self.step.name, self.account.said(failure)
                )
                continue
            if served is not None:
                return served
        recorded.clear()
        recorded.update(of_the_step)
        raise error

    def _serve(
        self, fallback: Fallback, error: Exception, recorded: dict[str, Any]
    ) -> Generator[Action, Any, Result | None]:
        if isinstance(fallback, LastGood):
            return self._serve_last_good(fallback, error)
        if isinstance(fallback, Alternative):
            function = getattr(fallback.step, "fn", fallback.step)
            arguments = self.checking.parameters_left
            value = yield Call(function, arguments, self.step.time_limit)
        else:
            value = fallback.value
        kind: Source = "alternative" if isinstance(fallback, Alternative) else "default"
        reason = Degradation(
            dataset=self.step.dataset or self.step.name,
            source=kind,
            reason=self.account.said(error),
        )
        degraded = (reason, *self.out.inherited)
        prepared = self.out.prepare(tolerant=True)
        made = self._publish(value, prepared, recorded, degraded=degraded, source=kind)
        return self._finish(
            "degraded", made, recorded, degraded=degraded, error=error, fallback=kind
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
            reason=self.account.said(error),
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
        return self.account.statistics(recorded, rows_in=self.out.rows_in, rows_out=rows_out)

    def _finish(
        self,
        outcome: Outcome,
        value: Any,
        recorded: Mapping[str, Any],
        *,
        checks: Sequence[CheckResult] | None = None,
        degraded: Sequence[Degradation] = (),
        error: Exception | None = None,
        fallback: str | None = None,
    ) -> Result:
        return self.account.close(
            outcome,
            value,
            recorded,
            rows_in=self.out.rows_in,
            checks=self.checking.results if checks is None else checks,
            quarantined=self.checking.quarantined,
            degraded=degraded,
            error=error,
            fallback=fallback,
        )

    def _detail(self) -> str:
        try:
            return str(self.out.key() or "")
        except PlatformError:
            return ""

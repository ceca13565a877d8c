"""Account: what one execution of a step says of itself, and to whom.

The numbers are kept while it runs; at its end they become the dataset's statistics and one
`StepRecord`, which goes to the run's ledger, to whoever listens in this process, and to the
server as an event. An item of a fan-out has no entry of its own anywhere: its record goes to
the fan-out, which writes one for all.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sdk.dataset import Dataset
from sdk.errors import PlatformError
from sdk.manifest import CheckResult, Degradation, StepStatistics
from sdk.progress import StepEnded, tell
from sdk.publication import count_rows
from sdk.redaction import redacted
from sdk.run import Run
from sdk.statistics import Outcome, StepRecord, write_record
from sdk.step import Result, Step

LONGEST_REASON = 500
"""Characters of an error that are kept; a whole page in an exception helps nobody."""


class Account:
    """The numbers and the record of one execution.

    Args:
        step: how it behaves.
        parameters: its arguments by name; secrets among them are kept out of what is said.
        run: that it is part of; None outside any.
        log: where a ledger that cannot be written is told.
        clock: monotonic seconds.
        now: the time of day.
        ledger: takes the record in place of the run's ledger; for the items of a fan-out.
        emit: tells the server of the step's outcome.

    Attributes:
        attempts: how often it was tried; attempts that crashed count.
        delays: seconds waited before each further attempt.
    """

    def __init__(
        self,
        step: Step,
        parameters: Mapping[str, Any],
        run: Run | None,
        log: logging.Logger | logging.LoggerAdapter[Any],
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        ledger: Callable[[StepRecord], None] | None = None,
        emit: Callable[[Run, StepRecord], None] | None = None,
    ) -> None:
        self.step = step
        self.parameters = parameters
        self.run = run
        self.log = log
        self.clock = clock
        self.ledger = ledger
        self.emit = emit
        self.attempts = 0
        self.delays: list[float] = []
        self.started = now()
        self._began = clock()

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return self.clock() - self._began

    def statistics(
        self, recorded: Mapping[str, Any], *, rows_in: int | None, rows_out: int | None
    ) -> StepStatistics:
        """Return the statistics so far.

        Args:
            recorded: what the step recorded of itself.
            rows_in: of the datasets that go in.
            rows_out: of what it made.
        """
        return StepStatistics(
            step=self.step.name,
            started=self.started,
            seconds=round(self.elapsed, 3),
            attempts=self.attempts,
            delays=tuple(round(delay, 3) for delay in self.delays),
            rows_in=rows_in,
            rows_out=rows_out,
            recorded=dict(recorded),
        )

    def close(
        self,
        outcome: Outcome,
        value: Any,
        recorded: Mapping[str, Any],
        *,
        rows_in: int | None,
        checks: Sequence[CheckResult] = (),
        quarantined: int = 0,
        degraded: Sequence[Degradation] = (),
        error: Exception | None = None,
        fallback: str | None = None,
    ) -> Result:
        """Make the record, tell it to everybody, and return the step's result."""
        run, made = self.run, value if isinstance(value, Dataset) else None
        entry = StepRecord(
            step=self.step.name,
            flow=run.flow if run else "",
            customer=run.customer if run else "",
            day=_day(made, run, self.started),
            run_id=run.run_id if run else "",
            path=run.path if run else (),
            dataset=str(made) if made is not None and not self.step.is_flow else None,
            outcome=outcome,
            statistics=self.statistics(recorded, rows_in=rows_in, rows_out=count_rows(value)),
            checks=tuple(checks),
            degraded=tuple(made.degraded if made and outcome == "reused" else degraded),
            fallback=fallback,
            error=self.said(error) if error else None,
            error_class=type(error).__name__ if error else None,
            quarantined=quarantined,
            is_flow=self.step.is_flow,
        )
        if self.ledger is not None:
            self.ledger(entry)
        elif run is not None and not (self.step.is_flow and outcome == "fresh"):
            self._enter(run, entry)
        tell(StepEnded(entry))
        return Result(value, entry)

    def _enter(self, run: Run, entry: StepRecord) -> None:
        try:
            write_record(run, entry)
        except PlatformError as failure:
            # The step's own outcome counts more than its entry in the ledger.
            self.log.warning("%s: no record written (%s)", self.step.name, failure.problem)
        # Of a flow's outcome the server sends an event by itself.
        if self.emit is not None and not self.step.is_flow:
            self.emit(run, entry)

    def said(self, error: BaseException) -> str:
        """Return an error in one line, without secrets."""
        text = (
            error.problem
            if isinstance(error, PlatformError)
            else f"{type(error).__name__}: {error}"
        )
        return redacted(text.strip(), self.parameters)[:LONGEST_REASON]


def _day(made: Dataset | None, run: Run | None, started: datetime) -> date:
    if made is not None:
        return made.day
    return run.day if run else started.date()

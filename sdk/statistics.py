"""Statistics: what each step says of itself, and the ledger of a run.

Every execution of a step leaves a `StepRecord` below ``<customer>/_runs/<day>/<root run>/``,
whether it published, returned a value, was reused, degraded or failed. The records of a run
make its summary; they are written by the process that ran the step, so a Dask worker's steps
are in it too, and a killed run's are not lost.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from sdk.manifest import CheckResult, Degradation, StepStatistics
from sdk.run import Run
from sdk.storage import storage

Outcome = Literal["fresh", "reused", "degraded", "failed", "yes", "no"]
"""``yes`` and ``no`` are the outcomes of a branch."""

_recording: ContextVar[dict[str, Any] | None] = ContextVar("dataweave_recording", default=None)


class StepRecord(BaseModel):
    """How one execution of a step went.

    Attributes:
        path: the runs above it, outermost first, its own last.
        outcome: ``reused`` means that the dataset was there and nothing was run.
        degraded: why it is not fresh, inherited reasons included.
        fallback: what was served in place of the step's own result, in words.
        error: problem and action of the error that failed the step or made a fallback serve.
        error_class: the name of its class; faults are told apart by it, never by their words.
        quarantined: rows set aside by checks.
        day: of the dataset where there is one, else of the run.
        is_flow: it is the body of a flow; only written where it was not simply fresh.
    """

    model_config = ConfigDict(frozen=True)

    step: str
    flow: str
    customer: str
    day: date
    run_id: str
    path: tuple[str, ...] = ()
    dataset: str | None = None
    outcome: Outcome
    statistics: StepStatistics
    checks: tuple[CheckResult, ...] = ()
    degraded: tuple[Degradation, ...] = ()
    fallback: str | None = None
    error: str | None = None
    error_class: str | None = None
    quarantined: int = 0
    is_flow: bool = False


def record(**values: Any) -> None:
    """Let the running step say something of itself, such as ``record(coverage=0.97)``.

    Values must be JSON; they appear in the step's statistics, the manifest and on the dataset.
    Outside a step nothing happens, so that a step's function can be called on its own.
    """
    recorded = _recording.get()
    if recorded is not None:
        recorded.update(values)


@contextmanager
def recording() -> Iterator[dict[str, Any]]:
    """Collect what is recorded in the block."""
    values: dict[str, Any] = {}
    token = _recording.set(values)
    try:
        yield values
    finally:
        _recording.reset(token)


def write_record(run: Run, entry: StepRecord) -> None:
    """Add a record to the run's ledger."""
    # Time first, so that names sort in the order of execution; uuid, since steps run in parallel.
    moment = entry.statistics.started.strftime("%Y%m%dT%H%M%S%f")
    path = f"{ledger(run)}/{moment}-{uuid.uuid4().hex[:8]}.json"
    storage(run.store).put(path, entry.model_dump_json().encode())


def write_lines(run: Run, lines: Sequence[bytes]) -> None:
    """Add many records, each as its JSON, to the run's ledger as one object."""
    if not lines:
        return
    first = StepRecord.model_validate_json(lines[0])
    moment = first.statistics.started.strftime("%Y%m%dT%H%M%S%f")
    path = f"{ledger(run)}/{moment}-{uuid.uuid4().hex[:8]}.jsonl"
    storage(run.store).put(path, b"\n".join(lines))


def read_records(run: Run) -> list[StepRecord]:
    """Return the records of a run and its subflows, in the order in which the steps began."""
    folder = ledger(run)
    root = storage(run.store)
    entries = []
    for name in root.names(folder):
        if not name.endswith((".json", ".jsonl")):
            continue  # the markers of `sdk.crashes`
        try:
            content = root.read(f"{folder}/{name}")
        except FileNotFoundError:
            continue
        for line in content.splitlines() if name.endswith(".jsonl") else [content]:
            try:
                entries.append(StepRecord.model_validate_json(line))
            except ValidationError:
                # A record of another format's age must not take the summary with it.
                continue
    return entries


def ledger(run: Run) -> str:
    """Return the folder of a run's ledger, shared by its subflows."""
    return f"{run.customer}/_runs/{run.day}/{run.root_id}"

"""The run: for which customer and which day the code at hand is running, and where it writes.

An SDK flow enters a `Run` around its body; its steps and subflows find it by `current_run`.
The value is frozen and small, so that it travels with a step to a thread, a Dask worker or a
child run as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

_current: ContextVar[Run | None] = ContextVar("dataweave_run", default=None)


class Run(BaseModel):
    """One run of a flow for a customer's day.

    Attributes:
        customer: whose data it is.
        day: the day of the data, not of the clock.
        store: URL of the storage root.
        run_id: the flow run's id.
        root_id: the id of the outermost run; the ledger of a run and its subflows is one.
        path: the ids from the outermost run to this one; a later attempt of a flow has an id of
            its own here.
        flow: the flow's name.
        environment: development, staging or production.
        code_version: set where a release names it; else each step's own is computed.
        refresh: make everything anew, even what is there.
        starts: how often Prefect started this flow run and those above it, in all.
        retry_until: the end of the time budget of the flows above; nothing below waits beyond it.
    """

    model_config = ConfigDict(frozen=True)

    customer: str
    day: date
    store: str
    run_id: str
    root_id: str
    path: tuple[str, ...] = ()
    flow: str = ""
    environment: str = "development"
    code_version: str | None = None
    refresh: bool = False
    starts: int = 1
    retry_until: datetime | None = None


def current_run() -> Run | None:
    """Return the run that this code is part of, or None outside any."""
    return _current.get()


@contextmanager
def entered(run: Run | None) -> Iterator[Run | None]:
    """Make a run the current one for the block."""
    token = _current.set(run)
    try:
        yield run
    finally:
        _current.reset(token)

"""When a step last worked, as the ledgers of earlier days tell."""

from __future__ import annotations

import time
from datetime import date, timedelta

from sdk.errors import PlatformError
from sdk.run import Run
from sdk.statistics import read_records
from sdk.storage import storage

DAYS = 7
"""How far to look back; what is older is not current for anybody. Each day costs a listing."""
SECONDS = 2.0
"""For how long to look: a run's end waits for it, and not knowing is no loss."""


def last_good(run: Run, flow: str, step: str) -> date | None:
    """Return the latest earlier day on which a step (or a whole flow) was fresh for the customer.

    Args:
        run: which failed.
        flow: in which the step is.
        step: its name; empty for the flow itself.
    """
    root, began = storage(run.store), time.monotonic()
    for back in range(1, DAYS + 1):
        if time.monotonic() - began > SECONDS:
            return None
        day = run.day - timedelta(days=back)
        try:
            for root_id in root.names(f"{run.customer}/_runs/{day}"):
                earlier = run.model_copy(update={"day": day, "root_id": root_id})
                records = [r for r in read_records(earlier) if r.flow == flow]
                if step:
                    records = [record for record in records if record.step == step]
                if records and all(r.outcome in ("fresh", "reused", "yes", "no") for r in records):
                    return day
        except PlatformError:
            return None
    return None

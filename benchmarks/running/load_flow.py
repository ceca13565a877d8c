"""A run under load: it works for a while, and tells events in bursts."""

from __future__ import annotations

import time

from prefect import flow
from prefect.events import emit_event

BURST = 50
"""Events at once: what a fan-out of steps tells at its end."""


@flow(name="load", log_prints=False)
def load(seconds: float = 120.0, every: float = 20.0) -> None:
    """Work for so many seconds; every so often tell a burst of events."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for number in range(BURST):
            resource = {"prefect.resource.id": f"benchmark.load.{number}"}
            emit_event(event="benchmark.load", resource=resource)
        time.sleep(min(every, left))

"""Colours, as Prefect's server has them: suffixes of queues.

**A colour is a queue.** Workers of a colour serve ``coordinate-blue``, ``work-blue`` and so on; a
run is made for the queue that its deployment names at that moment and stays there, so it is run by
the version of that colour and no other. Its children are started on queues of the same colour
(`sdk.deployments.start_run`).
"""

from __future__ import annotations

from infra.release.model import Colour


def coloured(queue: str, colour: Colour) -> str:
    """Return a queue's name for a colour."""
    return f"{queue}-{colour}"


def base(queue: str | None) -> str:
    """Return a queue's name without its colour."""
    name = queue or "default"
    return next((name.removesuffix(f"-{c}") for c in Colour if name.endswith(f"-{c}")), name)

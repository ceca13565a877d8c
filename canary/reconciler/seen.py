"""What the reconciler sees of a run, and what it may do; plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sdk.running.rules import Rules

Heart = Literal["beats", "silent", "none"]
"""``silent``: there was a beat, and none for `Limits.silent` seconds. ``none``: never one."""
Process = Literal["there", "gone", "unknown"]
"""By the census of its machine, or by ECS. ``gone`` too where the whole machine is silent."""
Kind = Literal[
    "SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING",
    "COMPLETED", "FAILED", "CRASHED", "CANCELLED",
]  # fmt: skip

Action = Literal["crash", "relaunch", "cancel", "cancelled"]
"""``crash``: stop what is left, mark Crashed. ``relaunch``: schedule again. ``cancel``: ask for it,
or do it where it never began. ``cancelled``: stop what is left, mark Cancelled."""

ENDED: frozenset[Kind] = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
ACTIVE: frozenset[Kind] = frozenset({"PENDING", "RUNNING", "CANCELLING"})


@dataclass(frozen=True, slots=True)
class SeenRun:
    """A run as the server and its signs show it.

    Attributes:
        id: the server's.
        name: the run's.
        state: id of its state: another state is another suspicion.
        kind: its state's type.
        seconds: since it is in that state.
        late: seconds since it was due.
        starts: how often it was begun.
        rules: of its deployment.
        deployed: a worker runs it, in a process of its own; else it shares its parent's.
        parent: the flow run that waits for it.
        heart: the first sign.
        process: the second sign.
        fate: why its process ended, where ECS says it.
    """

    id: str
    name: str
    state: str
    kind: Kind
    seconds: float
    late: float = 0.0
    starts: int = 0
    rules: Rules = field(default_factory=Rules)
    deployed: bool = True
    parent: str | None = None
    heart: Heart = "none"
    process: Process = "unknown"
    fate: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing to do about one run.

    Attributes:
        action: what.
        run: to which.
        why: for its state's message, and whoever reads it.
    """

    action: Action
    run: SeenRun
    why: str

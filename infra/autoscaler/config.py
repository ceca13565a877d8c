"""What an operator sets for one fleet, checked when it is made.

The service level is `target_wait` and `buffer`: the first says how long a run may wait, the second
how far above the expected load of unannounced runs the fleet stands ready. Everything else
describes the machines or guards against mistakes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Config:
    """Configuration of one fleet; durations are seconds.

    Attributes:
        name: of the fleet: ``coordinate`` or ``work``.
        slots: runs that one machine runs at once.
        minimum: machines that are never given up.
        maximum: machines that are never exceeded.
        target_wait: how long a run may wait before it counts as late.
        buffer: standard deviations of unannounced arrivals to stand ready for.
        spare: share of additional launches, for those that come late or never.
        boot: from launch to the first poll; about the 60th percentile of what is observed.
        tick: time between decisions.
        patience: how long a surplus must last before machines are cordoned.
        cool_down: time without a cordon after a launch, so that a fleet does not swing.
        drain_share: share of the fleet that one decision may cordon.
        launch_at_most: machines that one decision may launch.
        overdue: a launch older than this blocks no scale-in any more, since it may have failed;
            above what boots take when nothing is wrong.
        pending_limit: a launch older than this counts neither as capacity nor as pending.
        stale: metrics older than this decide nothing.
        step: width of the projection's grid.
        dry_run: decide and explain, and change nothing.
    """

    name: str = "work"
    slots: int = 4
    minimum: int = 0
    maximum: int = 20
    target_wait: float = 30.0
    buffer: float = 0.5
    spare: float = 0.2
    boot: float = 150.0
    tick: float = 30.0
    patience: float = 0.0
    cool_down: float = 0.0
    drain_share: float = 0.5
    launch_at_most: int = 200
    overdue: float = 200.0
    pending_limit: float = 420.0
    stale: float = 120.0
    step: float = 15.0
    dry_run: bool = False

    def __post_init__(self) -> None:
        if self.slots < 1:
            raise ValueError(f"fleet {self.name}: slots must be at least 1")
        if not 0 <= self.minimum <= self.maximum:
            raise ValueError(
                f"fleet {self.name}: minimum {self.minimum} and maximum {self.maximum} "
                "must satisfy 0 <= minimum <= maximum"
            )
        if min(self.boot, self.tick, self.step, self.stale, self.overdue) <= 0:
            raise ValueError(f"fleet {self.name}: durations must be positive")
        if min(self.target_wait, self.buffer, self.spare, self.patience, self.cool_down) < 0:
            raise ValueError(f"fleet {self.name}: waits, buffer and spare must not be negative")
        if self.pending_limit < self.overdue:
            raise ValueError(f"fleet {self.name}: pending_limit must not be below overdue")
        if not 0 < self.drain_share <= 1:
            raise ValueError(f"fleet {self.name}: drain_share must lie in (0, 1]")
        if self.launch_at_most < 1:
            raise ValueError(f"fleet {self.name}: launch_at_most must be at least 1")

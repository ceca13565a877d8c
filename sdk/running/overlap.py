"""Overlap: what becomes of a run that is to start while an earlier one of its deployment runs.

Pure. The order of runs is that of a *turn*: whoever holds the deployment's turn runs, whoever
comes later gives way, waits or takes it, as the deployment's rule says. A turn whose run has ended
on the server is free, whatever became of its process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sdk.running.rules import Overlap

Action = Literal["go", "skip", "wait", "cancel", "stop"]
"""``stop``: the run has ended on the server; its state is left as it is."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The run that has the turn.

    Attributes:
        run: its id.
        name: its name.
        open: whether it has not ended on the server.
        begun: whether it runs, or is about to: a run that was scheduled again has given it up.
    """

    run: str
    name: str
    open: bool
    begun: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What a run does, and why, for its state's message."""

    action: Action
    why: str = ""


def decide(overlap: Overlap, run: str, holder: Holder | None) -> Decision:
    """Return what a run does that finds the turn held, or free.

    Args:
        overlap: the deployment's rule.
        run: the id of the run that is to start.
        holder: of the turn; None if nobody has it.
    """
    if overlap == "allow" or holder is None or holder.run == run:
        return Decision("go")
    if not holder.open or not holder.begun:
        return Decision("go", f"run {holder.name} had the turn and gave it up")
    if overlap == "skip":
        return Decision("skip", f"run {holder.name} of the same deployment still runs")
    if overlap == "queue":
        return Decision("wait", f"waits for run {holder.name} of the same deployment")
    return Decision("cancel", f"takes the place of run {holder.name}")

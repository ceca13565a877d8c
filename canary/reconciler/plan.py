"""What is to be done about which runs. Pure, table-tested.

A run is dead when two signs that know nothing of each other say so: its heart is silent (it wrote
to the storage every few seconds, and does not any more), and its process is gone (the census of
its machine does not have it, ECS says that its task has stopped, or the machine itself is silent).
One sign alone is no death: a paused process has no beat, and a storage that is away has none of
anybody; a census may be a moment old. And both must have held for `Limits.confirm` seconds.

A run that lives and gets nowhere has its deployment's ``timeout:…`` for it: past that it is stopped
like a dead one, whatever its signs say.

In-process subflows have no process of their own: they end with their parent's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from canary.reconciler.seen import ACTIVE, ENDED, Decision, SeenRun


@dataclass(frozen=True, slots=True)
class Limits:
    """How long what may last, in seconds.

    Attributes:
        silent: a heart without a beat: several beats, so that one lost write is nothing.
        starting: from the worker's Pending to the first beat; a process is there in a second, an
            ECS task is waited for by its worker.
        pending: Pending in all, whatever the signs say: pulling an image may take ten minutes.
        cancelling: Cancelling; Prefect's worker gives a process 30 s to end.
        confirm: for which both signs must have held.
        relaunch: since the end of a crashed run, after which nobody waits for it any more.
    """

    silent: float = 45.0
    starting: float = 60.0
    pending: float = 900.0
    cancelling: float = 90.0
    confirm: float = 10.0
    relaunch: float = 3600.0


def suspicion(run: SeenRun, limits: Limits) -> str | None:
    """Return why a run looks dead; None if it does not."""
    if run.kind not in ACTIVE or not run.deployed:
        return None
    if run.heart == "beats" or run.process != "gone":
        return None
    if run.heart == "none" and run.seconds < limits.starting:
        return None
    heart = "its heart is silent" if run.heart == "silent" else "it has no heart"
    return f"{heart} and its process is gone{f' ({run.fate})' if run.fate else ''}"


def plan(runs: Iterable[SeenRun], suspected: Mapping[str, float], limits: Limits) -> list[Decision]:
    """Return what is to be done.

    Args:
        runs: every run that has not ended, those that crashed of late, and the parents of these.
        suspected: for how many seconds each state (by its id) has looked dead without a break.
        limits: how long what may last.
    """
    seen = {run.id: run for run in runs}
    decisions = []
    for run in seen.values():
        parent = seen.get(run.parent) if run.parent else None
        made = _decide(run, parent, suspected.get(run.state, -1.0), limits)
        if made is not None:
            decisions.append(made)
    return decisions


def _decide(
    run: SeenRun, parent: SeenRun | None, suspected: float, limits: Limits
) -> Decision | None:
    if run.kind == "CRASHED":
        return _relaunched(run, parent, limits)
    if run.kind in ENDED:
        return None
    if not run.deployed:
        return _shared(run, parent)
    if parent is not None and _given_up(parent) and run.kind != "CANCELLING":
        return Decision("cancel", run, f"its parent, run {parent.name}, is {parent.kind.lower()}")
    if run.kind == "SCHEDULED":
        return _stale(run)
    if run.kind == "CANCELLING" and run.seconds > limits.cancelling:
        return Decision("cancelled", run, f"cancelling for {run.seconds:.0f} s")
    why = suspicion(run, limits)
    if why is not None and suspected >= limits.confirm:
        action = "cancelled" if run.kind == "CANCELLING" else "crash"
        return Decision(action, run, why)  # type: ignore[arg-type]
    limit = run.rules.timeout
    if run.kind == "RUNNING" and limit is not None and run.seconds > limit.total_seconds():
        return Decision("crash", run, f"running for {run.seconds:.0f} s, of {limit} that it may")
    if run.kind == "PENDING" and run.seconds > limits.pending and run.heart != "beats":
        return Decision("crash", run, f"pending for {run.seconds:.0f} s")
    return None


def _relaunched(run: SeenRun, parent: SeenRun | None, limits: Limits) -> Decision | None:
    may = run.deployed and run.starts < run.rules.starts and run.seconds < limits.relaunch
    if not may or (parent is not None and parent.kind in ENDED and not _comes_again(parent)):
        return None
    return Decision("relaunch", run, f"start {run.starts + 1} of {run.rules.starts} after a crash")


def _shared(run: SeenRun, parent: SeenRun | None) -> Decision | None:
    """Decide on a subflow that runs in its parent's process."""
    if parent is None or run.kind not in ACTIVE:
        return None
    if parent.kind == "CANCELLED":
        return Decision("cancelled", run, f"its parent, run {parent.name}, was cancelled")
    if parent.kind in ENDED or parent.kind == "SCHEDULED":
        return Decision("crash", run, f"the process of its parent, run {parent.name}, has ended")
    if parent.starts > 1 and parent.kind == "RUNNING" and parent.seconds < run.seconds:
        return Decision("crash", run, f"of an earlier process of its parent, run {parent.name}")
    return None


def _given_up(parent: SeenRun) -> bool:
    """Say whether nobody waits any more for what a run has started."""
    if parent.kind == "CRASHED":
        return not _comes_again(parent)
    return parent.kind in {"CANCELLED", "CANCELLING", "FAILED", "COMPLETED"}


def _comes_again(run: SeenRun) -> bool:
    return run.kind == "CRASHED" and run.starts < run.rules.starts


def _stale(run: SeenRun) -> Decision | None:
    limit = run.rules.lateness
    if limit is None or run.late <= limit.total_seconds():
        return None
    return Decision("cancel", run, f"{run.late:.0f} s late, and of no use after {limit}")

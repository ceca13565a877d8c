"""What is wrong with what the watch sees. Pure, table-tested."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from canary.watch.snapshot import CanaryRun, Finding, Pool, Queue, Snapshot


class Expected(BaseModel):
    """What is normal, in seconds; a section of the watch's configuration.

    Attributes:
        canary_every: between runs of each canary.
        canary_queued: from due to begun: queue, worker and the start of a process.
        canary_seconds: of its work.
        worker_silent: since a worker's last heartbeat; Prefect's beat every 30.
        late: for a run in any queue.
        reconciler_silent: since the reconciler's last look.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    canary_every: float = 1800.0
    canary_queued: float = 120.0
    canary_seconds: float = 120.0
    worker_silent: float = 90.0
    late: float = 600.0
    reconciler_silent: float = 60.0


def findings(seen: Snapshot, expected: Expected) -> list[Finding]:
    """Return what is wrong; causes hide what follows from them.

    A server that does not answer says nothing about queues; a pool without a worker has late runs.
    """
    if not seen.server:
        return [Finding("server-unreachable", "", seen.error or "the API does not answer")]
    if not seen.database:
        return [Finding("database-down", "", seen.error or "the server is not ready")]
    found = []
    if not seen.storage:
        found.append(Finding("storage-down", "", seen.error or "it takes no writes"))
    elif seen.reconciler is None or seen.reconciler > expected.reconciler_silent:
        ago = "never" if seen.reconciler is None else f"{seen.reconciler:.0f} s ago"
        found.append(Finding("reconciler-silent", "", f"it looked {ago}"))
    if seen.unscheduled:
        names = ", ".join(seen.unscheduled[:5])
        detail = f"{len(seen.unscheduled)} schedules without a run ahead: {names}"
        found.append(Finding("scheduler-stopped", "", detail))
    down = set()
    for pool in seen.pools:
        for finding in _pool(pool, expected):
            found.append(finding)
            down.add(pool.name)
    for queue in seen.queues:
        if queue.pool not in down:
            found += _queue(queue, expected)
    for canary in seen.canaries:
        found += _canary(canary, expected, kept=seen.storage)
    return found


def _pool(pool: Pool, expected: Expected) -> Iterator[Finding]:
    if pool.paused:
        yield Finding("pool-paused", pool.name, "nothing of it is started")
    latest = min(pool.workers.values(), default=None)
    if latest is None and not pool.used:
        return  # declared for whoever wants it: nobody waits for a worker there
    if latest is None:
        yield Finding("worker-gone", pool.name, "no worker has ever polled it")
    elif latest > expected.worker_silent:
        yield Finding("worker-gone", pool.name, f"the last sign of a worker is {latest:.0f} s old")


def _queue(queue: Queue, expected: Expected) -> Iterator[Finding]:
    where = f"{queue.pool}/{queue.name}"
    if queue.paused:
        yield Finding("queue-paused", where, "nothing of it is started")
        return
    if queue.late <= expected.late:
        return
    # Runs that wait while others are begun are a burst; if none begins, nothing moves.
    if queue.begun is None or queue.begun > expected.late:
        limit = "no limit" if queue.limit is None else f"limit {queue.limit}"
        detail = f"a run is {queue.late:.0f} s late and none begins; {queue.active} active, {limit}"
        yield Finding("queue-stuck", where, detail)


def _canary(run: CanaryRun, expected: Expected, *, kept: bool) -> Iterator[Finding]:
    """Say what is wrong with a canary; `kept`: whether its records could be read."""
    if run.since_due is None or run.since_due > 1.5 * expected.canary_every:
        ago = "never" if run.since_due is None else f"last {run.since_due:.0f} s ago"
        yield Finding("canary-missing", run.name, f"it was {ago} due to run")
        return
    if run.queued > expected.canary_queued:
        yield Finding("canary-queued-long", run.name, f"not begun {run.queued:.0f} s after due")
    elif run.waited > expected.canary_queued:
        yield Finding("canary-queued-long", run.name, f"it began {run.waited:.0f} s after due")
    if max(run.running, run.seconds) > expected.canary_seconds:
        detail = f"it runs for {max(run.running, run.seconds):.0f} s"
        yield Finding("canary-slow", run.name, detail)
    if run.ended and run.ended != "COMPLETED":
        yield Finding("canary-failed", run.name, f"its latest run is {run.ended.lower()}")
    elif run.ended and kept and run.right is not True:
        said = "left no record" if run.right is None else "computed something else"
        yield Finding("canary-wrong", run.name, f"its latest run {said}")
    if run.notice is False:
        yield Finding("notices-broken", run.name, "a notice in test mode could not be kept")

"""The agent of a worker's machine: looks every few seconds and does what `plan` says.

It starts the worker processes and says that the machine is ready (the launch hook), drains them
when the machine is cordoned or going, renews and completes the lifecycle action, and hands runs
back when there is no more time. What fails is said and tried again at the next look; runs that
could not be handed back stay on its list until the server has accepted them, and only then is the
termination completed.

On SIGTERM (the unit is stopped) it drains its workers and exits when they have; killed, it leaves
them to its successor.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import boto3
import httpx

from infra.worker.lifecycle import Lifecycle
from infra.worker.notices import METADATA, Metadata
from infra.worker.plan import Act, Hand, Limits, Notice, plan
from infra.worker.processes import Workers
from infra.worker.rescue import PrefectRescue, Rescue

LOOK_EVERY: Final = 5.0
"""Seconds; Auto Scaling's own events take longer, and a spot notice comes 120 before the end."""

log = logging.getLogger("infra.worker")


class Agent:
    """One machine's agent.

    Args:
        read: what is wanted; None for no answer.
        workers: the machine's worker processes.
        lifecycle: the termination hook.
        rescue: where runs are handed back to.
        limits: slots and durations.
        clock: seconds since the epoch.
        arrival: the launch hook, completed once workers have been started; None for none.
    """

    def __init__(
        self,
        read: Callable[[], Notice | None],
        workers: Workers,
        lifecycle: Lifecycle,
        rescue: Rescue,
        limits: Limits,
        clock: Callable[[], float] = time.time,
        arrival: Lifecycle | None = None,
    ) -> None:
        self._arrival = arrival
        self._read, self._workers, self._lifecycle = read, workers, lifecycle
        self._rescue, self._limits, self._clock = rescue, limits, clock
        self._notice = Notice()
        self._leaving_since: float | None = None
        self._beat_at: float | None = None
        self._unreturned: list[str] = []
        self.completed = False

    def look(self, *, stopping: bool = False) -> list[Hand]:
        """Look once and do what is due; return the workers that were alive."""
        now = self._clock()
        self._notice = self._read() or self._notice
        notice = self._notice
        if stopping and notice.wish == "work":
            notice = replace(notice, wish="cordon")
        if notice.wish == "terminate" and self._leaving_since is None:
            self._leaving_since = now
            log.info("leaving: %s", notice)
        hands = self._workers.hands()
        self._return_runs()
        for act in plan(
            notice,
            hands,
            now,
            leaving_since=self._leaving_since,
            beat_at=self._beat_at,
            limits=self._limits,
        ):
            self._do(act, now)
        if self._arrival is not None and notice.wish == "work" and self._arrival.complete():
            self._arrival = None
        return hands

    def run(self, stop: threading.Event) -> None:
        """Look until the termination is completed, or until stopped and drained."""
        while not self.completed:
            alive = self.look(stopping=stop.is_set())
            if stop.is_set() and not alive and self._notice.wish != "terminate":
                return
            # Waiting on the event would return at once for ever after it is set.
            time.sleep(LOOK_EVERY)

    def _do(self, act: Act, now: float) -> None:
        if act.kind == "start":
            log.info("worker %d with %d slots", self._workers.start(act.slots), act.slots)
        elif act.kind == "drain":
            log.info("worker %d drains", act.pid)
            self._workers.drain(act.pid)
        elif act.kind == "heartbeat":
            if self._lifecycle.heartbeat():
                self._beat_at = now
        elif act.kind == "hand_back":
            cut = self._workers.stop(act.pid)
            log.warning("worker %d out of time; handing back %s", act.pid, cut)
            self._unreturned += cut
            self._return_runs()
        elif self._unreturned:
            self._lifecycle.heartbeat()
        else:
            self.completed = self._lifecycle.complete()

    def _return_runs(self) -> None:
        reason = "handed back: its machine was going and there was no more time"
        self._unreturned = [
            run for run in self._unreturned if not self._rescue.hand_back(run, reason)
        ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the agent; the unit's entry point."""
    parser = argparse.ArgumentParser(prog="python -m infra.worker.agent")
    parser.add_argument("--group", required=True, help="Auto Scaling group")
    parser.add_argument("--hook", required=True, help="its termination hook")
    parser.add_argument("--launch-hook", default="", help="its launch hook, if it has one")
    parser.add_argument("--pool", required=True, help="Prefect work pool")
    parser.add_argument("--queue", action="append", default=[], help="work queue; may be repeated")
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--limit", type=float, default=6 * 3600.0, help="seconds of a drain")
    parser.add_argument("--folder", type=Path, default=Path("/run/dataweave-worker"))
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    api = os.environ["PREFECT_API_URL"]
    key = os.environ.get("PREFECT_API_KEY", "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with (
        httpx.Client(base_url=METADATA, timeout=2.0) as metadata,
        httpx.Client(base_url=api, headers=headers, timeout=8.0) as prefect,
    ):
        notices = Metadata(metadata)
        instance = notices.instance_id()
        client = boto3.client("autoscaling")
        lifecycle = Lifecycle(client, options.group, options.hook, instance)
        # A machine of a warm pool starts more than once, and each time its hook waits again.
        arrival = (
            Lifecycle(client, options.group, options.launch_hook, instance)
            if options.launch_hook
            else None
        )

        def command(slots: int, number: int) -> list[str]:
            queues = [part for queue in options.queue for part in ("--work-queue", queue)]
            prefect_command = [sys.executable, "-m", "prefect", "worker", "start", "--type"]
            name = f"{instance}-{number}"
            pool = ["process", "--pool", options.pool, "--name", name, "--limit", str(slots)]
            return [*prefect_command, *pool, *queues]

        limits = Limits(slots=options.slots, limit=options.limit)
        workers = Workers(command, options.folder)
        rescue = PrefectRescue(prefect)
        Agent(notices.read, workers, lifecycle, rescue, limits, arrival=arrival).run(stop)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

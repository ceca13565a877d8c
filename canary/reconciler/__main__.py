"""The reconciler as a process of its own, beside the server and not under it.

    python -m canary.reconciler [--storage URL] [--seconds 5] [--ecs] [--ecs-events QUEUE_URL]

It reads PREFECT_API_URL and PREFECT_API_KEY. Two or more may run per environment: they take turns
(`canary.reconciler.turn`). A server or a storage that is away is waited for; meanwhile nothing is
judged.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import time
from datetime import UTC, datetime, timedelta

from canary.reconciler.ecs import Tasks
from canary.reconciler.events import Stopped
from canary.reconciler.loop import Reconciler
from canary.reconciler.plan import Limits
from canary.reconciler.seen import Decision
from canary.reconciler.server import Runs
from canary.reconciler.signs import Signs
from canary.reconciler.tell import Teller
from canary.reconciler.turn import Turn
from sdk.api import Api
from sdk.errors import PlatformError
from sdk.storage import Storage, storage

SECONDS = 5.0
DEFAULT = Limits()
SETTLED = "_reconciler"
"""Where what was done is kept, an object each, for whoever asks what happened."""

log = logging.getLogger("canary")


def main() -> None:
    """Reconcile for ever."""
    parser = argparse.ArgumentParser(description="Find and settle dead runs.")
    parser.add_argument("--storage", default=os.environ.get("DATAWEAVE_STORAGE", ""))
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--silent", type=float, default=_silent())
    parser.add_argument("--starting", type=float, default=DEFAULT.starting)
    parser.add_argument("--confirm", type=float, default=DEFAULT.confirm)
    parser.add_argument("--ecs", action="store_true", help="ask ECS for runs on its pools")
    events = "of SQS, where EventBridge sends ECS's events of stopped tasks"
    parser.add_argument("--ecs-events", default="", metavar="QUEUE_URL", help=events)
    given = parser.parse_args()
    if not given.storage:
        parser.error("name the storage root: --storage, or DATAWEAVE_STORAGE")
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO, stream=sys.stdout)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each request
    limits = Limits(silent=given.silent, starting=given.starting, confirm=given.confirm)
    root = storage(given.storage)
    with Api.of_environment(patience=0) as api:
        signs = Signs(root, limits.silent, longest=3 * given.seconds)
        runs = Runs(
            api,
            signs,
            _tasks(given.ecs, given.ecs_events, root),
            timedelta(seconds=limits.relaunch),
        )
        reconciler, turn = Reconciler(runs, limits), Turn(root, limits.silent)
        teller = Teller(api, root, os.environ.get("DATAWEAVE_ENVIRONMENT", "development"))
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
        try:
            while True:
                _look(reconciler, turn, teller, root)
                time.sleep(given.seconds)
        finally:
            turn.give_back()


def _silent() -> float:
    return float(os.environ.get("DATAWEAVE_SILENT", DEFAULT.silent))


def _look(reconciler: Reconciler, turn: Turn, teller: Teller, root: Storage) -> None:
    try:
        for decision in reconciler.look(settle=turn.mine()):
            root.put(*_kept(decision))
            teller.tell(decision)
    except PlatformError as error:
        log.warning("nothing was judged: %s", error.problem)


def _kept(decision: Decision) -> tuple[str, bytes]:
    now = datetime.now(UTC)
    said = {"at": now.isoformat(), "action": decision.action, "run": decision.run.id,
            "name": decision.run.name, "why": decision.why}  # fmt: skip
    path = f"{SETTLED}/{now:%Y-%m-%d}/{now:%H%M%S}-{decision.action}-{decision.run.id}.json"
    return path, json.dumps(said).encode()


def _tasks(wanted: bool, events: str, root: Storage) -> Tasks | None:
    if not wanted:
        return None
    import boto3

    stopped = Stopped(boto3.client("sqs"), events, root) if events else None
    return Tasks(boto3.client("ecs"), stopped)


if __name__ == "__main__":
    main()

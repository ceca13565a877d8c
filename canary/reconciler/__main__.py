"""The reconciler as a process of its own, beside the server and not under it.

    python -m canary.reconciler [--storage URL] [--seconds 5] [--ecs]

It reads PREFECT_API_URL and PREFECT_API_KEY, and runs once per environment: a second one would do
nothing worse than race for the same requests. A server or a storage that is away is waited for;
meanwhile nothing is judged.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from datetime import UTC, datetime, timedelta

from canary.reconciler.ecs import Tasks
from canary.reconciler.loop import Reconciler
from canary.reconciler.plan import Limits
from canary.reconciler.seen import Decision
from canary.reconciler.server import Runs
from canary.reconciler.signs import Signs
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
    given = parser.parse_args()
    if not given.storage:
        parser.error("name the storage root: --storage, or DATAWEAVE_STORAGE")
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO, stream=sys.stdout)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each request
    limits = Limits(silent=given.silent, starting=given.starting, confirm=given.confirm)
    root = storage(given.storage)
    with Api.of_environment(patience=0) as api:
        signs = Signs(root, limits.silent, longest=3 * given.seconds)
        runs = Runs(api, signs, _tasks(given.ecs), timedelta(seconds=limits.relaunch))
        reconciler = Reconciler(runs, limits)
        while True:
            _look(reconciler, root)
            time.sleep(given.seconds)


def _silent() -> float:
    return float(os.environ.get("DATAWEAVE_SILENT", DEFAULT.silent))


def _look(reconciler: Reconciler, root: Storage) -> None:
    try:
        for decision in reconciler.look():
            root.put(*_kept(decision))
    except PlatformError as error:
        log.warning("nothing was judged: %s", error.problem)


def _kept(decision: Decision) -> tuple[str, bytes]:
    now = datetime.now(UTC)
    said = {"at": now.isoformat(), "action": decision.action, "run": decision.run.id,
            "name": decision.run.name, "why": decision.why}  # fmt: skip
    path = f"{SETTLED}/{now:%Y-%m-%d}/{now:%H%M%S}-{decision.action}-{decision.run.id}.json"
    return path, json.dumps(said).encode()


def _tasks(wanted: bool) -> Tasks | None:
    if not wanted:
        return None
    import boto3

    return Tasks(boto3.client("ecs"))


if __name__ == "__main__":
    main()

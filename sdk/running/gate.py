"""The gate: a run of a deployment that may not overlap takes the turn, or does not start.

A turn is a claim under the storage root, numbered as it changes hands (``_turns/<deployment>/
<number>``): "create where nothing is" is what every storage has, and of two runs that want the
next number one gets it. The holder's life is the server's knowledge, not the claim's: a run that
was killed holds nothing once it is settled.

A run that waits gives its process and its slot back: it is scheduled again a little later.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sdk.api import Api, Refused
from sdk.running.overlap import Decision, Holder, decide
from sdk.running.rules import Rules
from sdk.storage import Storage

FOLDER = "_turns"
AGAIN = timedelta(seconds=15)
"""After which a waiting run tries again: a start of a process costs seconds of a core."""
LONGEST_END = 120.0
"""Seconds that a cancelled run has to end: Prefect's worker gives its process 30."""

_BEGUN = {"PENDING", "RUNNING", "CANCELLING", "PAUSED"}
_ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@dataclass(frozen=True, slots=True)
class Starting:
    """The run that is to start, as far as the gate needs it.

    Attributes:
        ended: the state in which it has ended already, in a word; empty for one that is to run.
    """

    run: str
    name: str
    deployment: str | None
    rules: Rules
    ended: str = ""

    @classmethod
    def read(cls, api: Api, run: str) -> Starting:
        """Return what the server says of a run."""
        found = api.get(f"/flow_runs/{run}")
        rules = Rules.of(found.get("tags") or ())
        kind = str(found.get("state_type"))
        ended = kind.lower() if kind in _ENDED else ""
        return cls(run, str(found["name"]), found.get("deployment_id"), rules, ended)


def pass_gate(
    api: Api,
    storage: Storage,
    starting: Starting,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Decision:
    """Take the turn of a run's deployment, or give way; set the run's state where it does not go.

    Returns:
        What was decided; only after ``go`` the flow may be run.
    """
    if starting.ended:
        # A task of ECS that found its place after its worker had given it up: nobody waits for it.
        return Decision("stop", f"run {starting.name} is {starting.ended} already")
    if starting.deployment is None or starting.rules.overlap == "allow":
        return Decision("go")
    folder = f"{FOLDER}/{starting.deployment}"
    deadline = time.monotonic() + LONGEST_END
    while True:
        numbers = storage.names(folder)
        holder = _holder(api, storage, folder, numbers)
        decision = decide(starting.rules.overlap, starting.run, holder)
        if decision.action == "go":
            if holder is not None and holder.run == starting.run:
                return decision
            if _take(storage, folder, numbers, starting.run):
                return decision
            continue  # another run was quicker
        if decision.action == "cancel" and holder is not None and time.monotonic() < deadline:
            _cancel(api, holder, decision.why)
            sleep(1)
            continue
        _give_way(api, starting, decision)
        return decision


def _holder(api: Api, storage: Storage, folder: str, numbers: list[str]) -> Holder | None:
    if not numbers:
        return None
    try:
        run = str(json.loads(storage.read(f"{folder}/{numbers[-1]}"))["run"])
        found = api.get(f"/flow_runs/{run}")
    except (FileNotFoundError, ValueError, KeyError):
        return None
    except Refused as error:
        if error.status == 404:  # deleted by retention
            return None
        raise
    kind = found.get("state_type") or "SCHEDULED"
    return Holder(run, str(found["name"]), open=kind not in _ENDED, begun=kind in _BEGUN)


def _take(storage: Storage, folder: str, numbers: list[str], run: str) -> bool:
    number = int(numbers[-1]) + 1 if numbers else 1
    content = json.dumps({"run": run, "at": datetime.now(UTC).isoformat()}).encode()
    if not storage.put_if_absent(f"{folder}/{number:012d}", content):
        return False
    for old in numbers[:-1]:
        storage.delete(f"{folder}/{old}")
    return True


def _cancel(api: Api, holder: Holder, why: str) -> None:
    kind = api.get(f"/flow_runs/{holder.run}").get("state_type")
    if kind not in _ENDED and kind != "CANCELLING":
        api.set_state(holder.run, {"type": "CANCELLING", "name": "Cancelling", "message": why})


def _give_way(api: Api, starting: Starting, decision: Decision) -> None:
    state: dict[str, Any]
    if decision.action == "skip":
        state = {"type": "CANCELLED", "name": "Skipped", "message": decision.why}
    else:
        due = (datetime.now(UTC) + AGAIN).isoformat()
        state = {
            "type": "SCHEDULED",
            "name": "AwaitingTurn",
            "message": decision.why,
            "state_details": {"scheduled_time": due},
        }
    api.set_state(starting.run, state)

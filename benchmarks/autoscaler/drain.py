"""Terminates machines under load and counts runs lost and doubled, and actions left hanging.

Real worker processes (the stand-in), real agents, the fake Auto Scaling group over HTTP, every
seventh request of which is throttled. Some runs outlast the drain's bound and are handed back.

    python benchmarks/autoscaler/drain.py [--terminations 200] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import boto3
from botocore.config import Config as BotoConfig

from infra.testing.drainage import FolderQueue, Yard
from infra.testing.group import AutoScalingGroup, Boot, Hooks
from infra.testing.server import GroupServer, Misbehaviour
from infra.worker.plan import Limits

MACHINES, AT_ONCE, SLOTS = 4, 3, 2
SHORT, LONG, EVERY = 0.3, 8.0, 25
"""Seconds of a run; every 25th outlasts the drain's bound of 4 s and has to be handed back."""

PATIENCE = 900.0


def main() -> int:
    """Run it, print the result, and fail if anything was lost, doubled or left."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--terminations", type=int, default=200)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = terminate(options.terminations, Path(folder))
    text = json.dumps(result, indent=2) + "\n"
    if options.json:
        options.json.write_text(text)
    print(text, end="")
    bad = ("runs_lost", "runs_doubled", "actions_left_hanging", "actions_timed_out")
    return 1 if any(result[key] for key in bad) else 0


def terminate(wanted: int, folder: Path) -> dict[str, Any]:
    """Terminate so many busy machines while runs keep coming."""
    queue = FolderQueue.make(folder / "queue")
    hooks = Hooks(launch_timeout=300.0, terminate_timeout=120.0)
    group = AutoScalingGroup("drain", minimum=0, maximum=9, boot=lambda _: Boot(0.0), hooks=hooks)
    began, runs, ended = time.time(), [], 0
    with GroupServer(group, time.time, Misbehaviour(throttle_every=7)) as server:

        def client() -> Any:
            return boto3.client(
                "autoscaling",
                endpoint_url=server.url,
                region_name="eu-central-1",
                aws_access_key_id="x",
                aws_secret_access_key="x",
                config=BotoConfig(retries={"total_max_attempts": 1}),
            )

        limits = Limits(slots=SLOTS, heartbeat=0.5, limit=4.0)
        yard = Yard(server, queue, folder / "machines", client, limits)
        group.set_desired(MACHINES, time.time())
        try:
            while time.time() - began < PATIENCE:
                if ended < wanted and sum(1 for _ in (queue.folder / "due").iterdir()) < 6:
                    for _ in range(6):
                        runs.append(f"run-{len(runs):05}")
                        queue.put(runs[-1], LONG if len(runs) % EVERY == 0 else SHORT)
                yard.look()
                with server.lock:
                    going = [i for i in group.instances.values() if i.state == "Terminating:Wait"]
                    for name, one in list(group.instances.items()):
                        workers = yard.workers.get(name)
                        busy = workers and any(hand.runs for hand in workers.hands())
                        if one.state == "InService" and busy and ended < wanted:
                            if len(going) < AT_ONCE:
                                group.terminate(name, time.time(), decrement=False)
                                ended += 1
                            break
                if ended == wanted and not going and len(queue.counts("end")) == len(runs):
                    break
        finally:
            yard.close()
    return report(queue, group, runs, ended, time.time() - began)


def report(
    queue: FolderQueue, group: AutoScalingGroup, runs: list[str], ended: int, seconds: float
) -> dict[str, Any]:
    """Count what became of the runs and of the lifecycle actions."""
    begun, finished, back = (queue.counts(kind) for kind in ("begin", "end", "back"))
    # A run that was handed back begins once more; more than that is a double.
    extra = Counter({run: begun[run] - 1 - back[run] for run in runs})
    left = [i for i in group.instances.values() if i.state == "Terminating:Wait"]
    return {
        "terminations": ended,
        "runs": len(runs),
        "runs_lost": sum(finished[run] == 0 for run in runs),
        "runs_doubled": sum(finished[run] > 1 or extra[run] > 0 for run in runs),
        "runs_handed_back": sum(back.values()),
        "actions_completed": sum(not one.timed_out for one in group.terminated),
        "actions_timed_out": sum(one.timed_out for one in group.terminated),
        "actions_left_hanging": len(left),
        "seconds": round(seconds, 1),
    }


if __name__ == "__main__":
    raise SystemExit(main())

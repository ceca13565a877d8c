"""An hour under load without a false alarm; then deaths, and how soon each is settled.

Runs are kept under way, each telling events in bursts, while processes are paused at random (a
run's, the census, the reconciler, the worker): all of it looks like death to somebody, and none of
it is. Whatever the reconciler settles then, or the watch says, is a false alarm. Afterwards worker
and run are killed together, again and again, so that nobody reports it, and it is measured how
long the run stays Running.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import statistics
import time
from dataclasses import dataclass, field

from benchmarks.running.stand import Stand, kill, stand

QUEUES = {"coordinate": 12, "work": 4, "realtime": 4}
"""Runs of each queue in twenty: what the pool's limits let be at once."""
LONGEST_PAUSE = 40.0
"""Seconds: under what the watch takes for gone (`canary.watch.findings.Expected`)."""
PAUSED = ("flow", "flow", "flow", "census", "reconciler", "worker-local")
SETTLED_WITHIN = 120.0


@dataclass
class Load:
    """What was found.

    Attributes:
        minutes: under load.
        concurrent: runs at a time, the most that was seen.
        runs: that ended in it.
        pauses: how often each kind of process was paused.
        false_alarms: what the reconciler settled or the watch said though nothing was wrong.
        deaths: seconds from each death to its run's being settled.
        problems: what should not be.
    """

    minutes: float
    concurrent: int = 0
    runs: int = 0
    pauses: dict[str, int] = field(default_factory=dict)
    false_alarms: list[str] = field(default_factory=list)
    deaths: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def slowest(self) -> float:
        """The longest that a dead run was not settled, seconds."""
        return max(self.deaths, default=0.0)

    @property
    def median(self) -> float:
        """The middle of what it took, seconds."""
        return statistics.median(self.deaths) if self.deaths else 0.0


def run(minutes: float, deaths: int, concurrent: int = 20, seed: int = 8) -> Load:
    """Hold the load for so many minutes, then kill so often; return what was found."""
    made, chance = Load(minutes), random.Random(seed)
    with stand(DATAWEAVE_SLOTS=str(concurrent + 4)) as platform:
        entrypoint = "benchmarks/running/load_flow.py:load"
        deployment = platform.deploy("load", entrypoint, "relaunch:3")
        _wait_quiet(platform)
        _hold(platform, deployment, made, concurrent, chance)
        for number in range(deaths):
            made.deaths.append(_die(platform, deployment, number, chance))
    if made.slowest > SETTLED_WITHIN:
        made.problems.append(f"a dead run was settled after {made.slowest:.0f} s")
    made.problems += [f"false alarm: {text}" for text in made.false_alarms]
    return made


def _wait_quiet(platform: Stand) -> None:
    end = time.monotonic() + 120
    while not platform.services()["reconciler"]["pid"] and time.monotonic() < end:
        time.sleep(0.5)
    time.sleep(10)


def _hold(
    platform: Stand, deployment: str, made: Load, concurrent: int, chance: random.Random
) -> None:
    said_before, settled_before = len(_said(platform)), len(platform.settled())
    began = time.monotonic()
    end, next_pause, started = began + 60 * made.minutes, began + 20, 0
    queues = [name for name, count in QUEUES.items() for _ in range(count)]
    while time.monotonic() < end:
        states = list(platform.states(deployment).values())
        open_ones = [one for one in states if one["state_type"] not in {
            "COMPLETED", "FAILED", "CRASHED", "CANCELLED"}]  # fmt: skip
        running = sum(one["state_type"] == "RUNNING" for one in open_ones)
        made.concurrent = max(made.concurrent, running)
        for _ in range(concurrent - len(open_ones)):
            seconds = min(chance.uniform(120, 300), max(5.0, end - time.monotonic()))
            platform.start(deployment, f"load-{started:04}", queue=queues[started % len(queues)],
                           seconds=seconds)  # fmt: skip
            started += 1
        if time.monotonic() > next_pause:
            _pause(platform, made, chance)
            next_pause = time.monotonic() + chance.uniform(5, 20)
        time.sleep(2)
    _drain(platform, deployment)
    states = list(platform.states(deployment).values())
    made.runs = sum(one["state_type"] == "COMPLETED" for one in states)
    wrong = [one for one in states if one["state_type"] != "COMPLETED"]
    made.false_alarms += [f"{one['name']} is {one['state_name']}" for one in wrong]
    made.false_alarms += [f"{one['action']} {one['name']}: {one['why']}"
                          for one in platform.settled()[settled_before:]]  # fmt: skip
    made.false_alarms += _said(platform)[said_before:]


def _drain(platform: Stand, deployment: str) -> None:
    end = time.monotonic() + 900
    while time.monotonic() < end:
        states = platform.states(deployment).values()
        if all(one["state_type"] in {"COMPLETED", "FAILED", "CRASHED"} for one in states):
            return
        time.sleep(2)


def _pause(platform: Stand, made: Load, chance: random.Random) -> None:
    """Stop somebody for a while, and let it go on."""
    whom = chance.choice(PAUSED)
    if whom == "flow":
        processes = sorted(pid for pids in platform.running().values() for pid in pids)
        pid = chance.choice(processes) if processes else None
    else:
        pid = platform.services()[whom]["pid"]
    if pid is None:
        return
    made.pauses[whom] = made.pauses.get(whom, 0) + 1
    # A whole machine that stands still (its census and its runs) is a lost machine: one at a time.
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
        try:
            # A run may be silent for longer than its heart is waited for: its process is there.
            time.sleep(chance.uniform(5, 75 if whom == "flow" else LONGEST_PAUSE))
        finally:
            os.kill(pid, signal.SIGCONT)


def _die(platform: Stand, deployment: str, number: int, chance: random.Random) -> float:
    """Kill a run's process together with its worker; return when it was settled, seconds."""
    run = platform.start(deployment, f"dies-{number}", queue="work", seconds=3600)
    while not platform.running().get(run) or platform.state(run) != "Running":
        time.sleep(0.5)
    time.sleep(chance.uniform(0, 15))
    kill(platform.services()["worker-local"]["pid"])
    for pid in platform.running().get(run, ()):
        kill(pid)
    began = time.monotonic()
    while platform.state(run) == "Running" and time.monotonic() - began < 600:
        time.sleep(0.2)
    took = round(time.monotonic() - began, 1)
    platform.api.set_state(run, {"type": "CANCELLED", "name": "Cancelled"})
    for pid in platform.running().get(run, ()):
        kill(pid)
    return took


def _said(platform: Stand) -> list[str]:
    """Return what the watch told; what is mended was told before."""
    path = platform.layout.folder / "logs" / "services" / "watch.log"
    lines = path.read_text(errors="replace").splitlines()
    return [line for line in lines if "[development]" in line and "mended" not in line]

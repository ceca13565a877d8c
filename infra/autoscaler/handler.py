"""The Lambda function: read, decide, remember, act, and say so in one line a fleet.

EventBridge invokes it every minute, at least once, and now and then twice or not at all. The
event's own time is the moment that is decided upon: a repeated event is recognised by it, two at
once by the memory's condition, and a missed one is made up for by the next, since every decision
starts from what there is. Within an invocation it decides `rounds` times, because the finest
schedule is a minute and half of one is better.

What cannot be read is not guessed: a fleet whose group or whose server does not answer is held,
the other fleets go on, and the invocation fails at its end so that the alarm on errors sees it.
Metrics are log lines in CloudWatch's embedded format, which needs no request.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import boto3
import httpx
from botocore.config import Config as BotoConfig

from infra.autoscaler.fleet import Fleet, FleetError, Group, Machine
from infra.autoscaler.memory import ConflictError, Memory, Remembered
from infra.autoscaler.observation import Observation, Worker, WorkerState
from infra.autoscaler.policy import Decision, decide, foresee
from infra.autoscaler.prefect_api import PoolView, PrefectApi, PrefectError
from infra.autoscaler.settings import FleetSettings, Settings

AHEAD: Final = 900.0
"""Seconds of announced runs that are read; more than any boot and target wait together."""

POLLED_WITHIN: Final = 120.0
"""Seconds; a Prefect worker sends a heartbeat every 30."""

SETTLES: Final = 300.0
"""Seconds after a launch, or a cordon's end, in which a silent worker is not yet lost."""

RUN_TIMES_EVERY: Final = 600.0
"""Seconds between two readings of finished runs."""

RETRIES: Final = BotoConfig(
    retries={"mode": "standard", "max_attempts": 4}, connect_timeout=3, read_timeout=5
)
"""Throttled requests are repeated within a few seconds; the next decision is half a minute off."""


class UnreadableError(Exception):
    """Fleets were held because something did not answer; the others were decided."""


@dataclass(frozen=True, slots=True)
class Hands:
    """What a round works with."""

    prefect: PrefectApi
    memory: Memory
    fleets: Mapping[str, Fleet]
    clock: Callable[[], float]
    say: Callable[[str], None]


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Decide about every fleet; the function's entry point.

    Args:
        event: EventBridge's; its ``time`` names the moment.
        context: unused.

    Raises:
        UnreadableError: some fleet could not be decided.
    """
    settings = Settings.from_environment(os.environ)
    session = boto3.Session()
    autoscaling = session.client("autoscaling", config=RETRIES)
    ec2 = session.client("ec2", config=RETRIES)
    memory = Memory(session.client("dynamodb", config=RETRIES), settings.table)
    headers = {}
    if settings.secret:
        found = session.client("secretsmanager", config=RETRIES).get_secret_value(
            SecretId=settings.secret
        )
        headers["Authorization"] = f"Bearer {found['SecretString']}"
    fleets = {one.config.name: Fleet(autoscaling, ec2, one.group) for one in settings.fleets}
    moment = moment_of(event, time.time())
    with httpx.Client(base_url=settings.api, headers=headers, timeout=8.0) as client:
        hands = Hands(PrefectApi(client), memory, fleets, time.time, _say)
        for number in range(settings.rounds):
            if number:
                time.sleep(settings.pause)
            failures = decide_all(settings, hands, moment + number * settings.pause)
    if failures:
        raise UnreadableError("; ".join(failures))
    return {"fleets": len(fleets)}


def moment_of(event: Mapping[str, Any], now: float) -> float:
    """Return the moment an event is about: its own time, or now where it has none."""
    try:
        return datetime.fromisoformat(str(event["time"])).timestamp()
    except (KeyError, ValueError):
        return now


def decide_all(settings: Settings, hands: Hands, moment: float) -> list[str]:
    """Decide about every fleet once; return what could not be decided or done, a line each."""
    failures: list[str] = []
    for one in settings.fleets:
        try:
            failures += decide_one(one, hands, moment)
        except (FleetError, PrefectError) as error:
            failures.append(f"{one.config.name}: held: {error}")
            hands.say(json.dumps({"fleet": one.config.name, "reason": failures[-1]}))
    return failures


def decide_one(settings: FleetSettings, hands: Hands, moment: float) -> list[str]:
    """Decide about one fleet and carry it out; return what failed of it.

    Raises:
        FleetError: the group cannot be read.
        PrefectError: the server cannot be read.
    """
    config = settings.config
    remembered = hands.memory.load(config.name)
    if moment <= remembered.moment:
        hands.say(json.dumps({"fleet": config.name, "reason": "held: a repeated event"}))
        return []
    fleet, now = hands.fleets[config.name], hands.clock()
    group = fleet.read()
    since = remembered.state.history.at or now - config.tick
    view = hands.prefect.read_pool(
        settings.pool, settings.queues, now=now, since=since, ahead=AHEAD
    )
    if now - remembered.run_times_at >= RUN_TIMES_EVERY:
        times = hands.prefect.read_run_times(settings.pool)
        remembered = replace(remembered, run_times=times, run_times_at=now)
    bounded = replace(
        config,
        minimum=max(config.minimum, group.minimum),
        maximum=max(min(config.maximum, group.maximum), group.minimum, config.minimum),
    )
    observation = observe(group, view, remembered, now)
    forecast, state = foresee(observation, view.announced, remembered.state, bounded)
    decision = decide(observation, forecast, state, bounded)
    try:
        hands.memory.store(config.name, replace(remembered, moment=moment, state=decision.state))
    except ConflictError as error:
        hands.say(json.dumps({"fleet": config.name, "reason": f"held: {error}"}))
        return []
    failures = [] if config.dry_run else fleet.act(decision)
    hands.say(metric_line(decision, config.name, now, failures, dry_run=config.dry_run))
    return [f"{config.name}: {failure}" for failure in failures]


def observe(group: Group, view: PoolView, remembered: Remembered, now: float) -> Observation:
    """Join the group's machines with the server's runs."""
    machines = {machine.id for machine in group.machines}
    # "" is a run that a worker has claimed and not yet started: it has a slot, somewhere.
    running = tuple(run for run in view.running if not run.worker or run.worker in machines)
    busy: dict[str, int] = {}
    for run in running:
        busy[run.worker] = busy.get(run.worker, 0) + 1
    workers = tuple(
        Worker(
            machine.id,
            _state(machine, view.seen, now),
            machine.launched_at,
            busy.get(machine.id, 0),
        )
        for machine in group.machines
        if machine.lifecycle != "Terminated"
    )
    return Observation(
        now=now,
        measured_at=min(now, view.measured_at),
        waiting=view.waiting,
        running=running,
        workers=workers,
        arrived=view.arrived,
        run_times=remembered.run_times,
    )


def _state(machine: Machine, seen: Mapping[str, float], now: float) -> WorkerState:
    if machine.lifecycle.startswith("Pending"):
        return "pending"
    if machine.lifecycle != "InService":
        return "terminating"
    if machine.cordoned:
        return "cordoned"
    polls = [at for name, at in seen.items() if name.startswith(machine.id)]
    if now - max(polls, default=0.0) <= POLLED_WITHIN:
        return "ready"
    return "pending" if now - machine.launched_at <= SETTLES else "lost"


def metric_line(
    decision: Decision, fleet: str, now: float, failures: list[str], *, dry_run: bool
) -> str:
    """Write a decision as one line of CloudWatch's embedded metric format."""
    names = sorted(decision.metrics)
    return json.dumps(
        {
            "_aws": {
                "Timestamp": int(now * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": "Dataweave/Autoscaler",
                        "Dimensions": [["fleet"]],
                        "Metrics": [{"Name": name} for name in [*names, "failures"]],
                    }
                ],
            },
            "fleet": fleet,
            "reason": ("dry run: " if dry_run else "") + decision.reason,
            "desired_asked": decision.desired,
            "uncordon": decision.uncordon,
            "cordon": decision.cordon,
            "terminate": decision.terminate,
            "replace": decision.replace,
            "failed": failures,
            "failures": len(failures),
            **{name: decision.metrics[name] for name in names},
        }
    )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")

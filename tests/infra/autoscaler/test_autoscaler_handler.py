"""The handler against the fake group over HTTP, a moto server's DynamoDB and a scripted pool."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.stub import Stubber

from infra.autoscaler.config import Config
from infra.autoscaler.fleet import CORDON_TAG, Fleet, FleetError
from infra.autoscaler.handler import Hands, decide_all, decide_one, moment_of
from infra.autoscaler.memory import ConflictError, Memory, Remembered, decode, encode
from infra.autoscaler.observation import Run, RunTime
from infra.autoscaler.policy import Decision, State
from infra.autoscaler.prefect_api import PoolView, PrefectError
from infra.autoscaler.settings import FleetSettings, Settings, SettingsError
from infra.testing.server import GroupServer

GROUP = "work-dev"
CONFIG = Config(maximum=10, patience=0.0, spare=0.0)
DECISION = Decision(None, (), (), (), (), "", {}, State())


class Pool:
    """A pool that says what the test says; its machines poll as long as they are there."""

    def __init__(self, server: GroupServer, clock: Callable[[], float]) -> None:
        self.server, self.clock = server, clock
        self.waiting = 0
        self.running: dict[str, int] = {}
        self.age = 0.0
        self.broken = False

    def read_pool(
        self, pool: str, queues: Any, *, now: float, since: float, ahead: float
    ) -> PoolView:
        if self.broken:
            raise PrefectError("no answer")
        running = [Run("f", now - 5, host) for host, n in self.running.items() for _ in range(n)]
        return PoolView(
            measured_at=now - self.age,
            waiting=tuple(Run("f", now - 60) for _ in range(self.waiting)),
            running=tuple(running),
            announced=(),
            arrived=0,
            seen={f"{name}-1": now for name in self.server.group.instances},
        )

    def read_run_times(self, pool: str) -> dict[str, RunTime]:
        return {"f": RunTime(600.0, 0.5)}


class Bench:
    """A handler with its world around it."""

    def __init__(self, server: GroupServer, clock: Any, memory: Memory, boto: Any) -> None:
        self.server, self.clock, self.memory = server, clock, memory
        self.pool = Pool(server, clock)
        self.lines: list[dict[str, Any]] = []
        fleet = Fleet(boto("autoscaling", server.url), boto("ec2", server.url), GROUP)
        self.hands = Hands(
            self.pool,  # type: ignore[arg-type]
            memory,
            {"work": fleet},
            clock,
            lambda line: self.lines.append(json.loads(line)),
        )
        self.settings = FleetSettings(GROUP, "work", (), CONFIG)

    def tick(self, seconds: float = 30.0, moment: float | None = None) -> list[str]:
        self.clock.now += seconds
        self.server.group.advance(self.clock.now)
        return decide_one(self.settings, self.hands, self.clock.now if moment is None else moment)

    @property
    def counted(self) -> int:
        return sum(one.counts for one in self.server.group.instances.values())


@pytest.fixture
def bench(group_server: GroupServer, clock: Any, moto_url: str, boto: Any) -> Bench:
    dynamodb = boto("dynamodb", moto_url)
    table = f"memory-{id(clock)}"
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "fleet", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "fleet", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return Bench(group_server, clock, Memory(dynamodb, table), boto)


def test_a_fleet_grows_works_is_cordoned_and_ends(bench: Bench) -> None:
    bench.pool.waiting = 8
    assert bench.tick() == []
    assert bench.server.group.desired == 2
    bench.tick(150.0)
    names = sorted(bench.server.group.instances)
    assert {one.state for one in bench.server.group.instances.values()} == {"InService"}
    bench.pool.waiting, bench.pool.running = 0, {names[0]: 1}
    bench.tick()
    assert bench.server.tags == {names[1]: {CORDON_TAG: "yes"}}
    assert bench.counted == 2
    bench.tick()
    going = [n for n, one in bench.server.group.instances.items() if not one.counts]
    assert going == [names[1]]
    assert bench.server.group.desired == 1


def test_a_cordoned_machine_comes_back_by_its_tag(bench: Bench) -> None:
    bench.pool.waiting = 4
    bench.tick()
    bench.tick(150.0)
    (name,) = bench.server.group.instances
    bench.pool.waiting, bench.pool.running = 0, {name: 1}
    bench.server.tags[name] = {CORDON_TAG: "yes"}
    bench.pool.waiting = 3
    bench.tick()
    assert bench.server.tags[name][CORDON_TAG] == "no"
    assert bench.counted == 1


def test_a_repeated_event_does_nothing(bench: Bench) -> None:
    bench.pool.waiting = 8
    bench.tick(moment=1000.0)
    served = list(bench.server.requests)
    bench.pool.waiting = 80
    bench.tick(moment=1000.0)
    assert bench.server.requests == served
    assert "repeated" in bench.lines[-1]["reason"]


def test_of_two_invocations_at_once_one_decides(bench: Bench) -> None:
    bench.pool.waiting = 8
    other = bench.memory.load("work")
    real = bench.pool.read_pool

    def slow(*arguments: Any, **named: Any) -> PoolView:
        bench.memory.store("work", other)  # the other one was quicker
        return real(*arguments, **named)

    bench.pool.read_pool = slow  # type: ignore[method-assign]
    assert bench.tick() == []
    assert bench.server.group.desired == 0
    assert "another invocation" in bench.lines[-1]["reason"]


def test_missed_invocations_are_made_up_for(bench: Bench) -> None:
    bench.pool.waiting = 8
    bench.tick()
    bench.tick(3600.0)
    assert bench.server.group.desired == 2
    bench.pool.waiting = 24
    bench.tick()
    assert bench.server.group.desired > 2


def test_a_throttled_request_fails_alone_and_is_made_good_by_the_next(bench: Bench) -> None:
    bench.pool.waiting = 8
    # The group is empty: the one description is served, the change is refused.
    bench.server.misbehaviour.throttle_every = 2
    failures = bench.tick()
    assert failures
    assert "Throttling" in failures[0]
    assert bench.server.group.desired == 0
    assert bench.lines[-1]["failures"] == 1
    bench.server.misbehaviour.throttle_every = 0
    assert bench.tick() == []
    assert bench.server.group.desired == 2


def test_a_stale_description_does_not_launch_twice_beyond_the_target(bench: Bench) -> None:
    bench.pool.waiting = 8
    bench.server.misbehaviour.stale_reads = 1
    bench.tick()
    bench.tick()
    # Capacity is a number, not a step: from what was before, the same number comes again.
    assert bench.server.group.desired == 2


def test_stale_figures_and_a_silent_server_hold(bench: Bench) -> None:
    bench.pool.waiting, bench.pool.age = 50, 300.0
    bench.tick()
    assert bench.server.group.desired == 0
    bench.pool.broken = True
    settings = Settings("", "", "", 1, 0.0, (bench.settings,))
    (failure,) = decide_all(settings, bench.hands, bench.clock.now + 1)
    assert "no answer" in failure


def test_a_dry_run_explains_and_changes_nothing(bench: Bench) -> None:
    bench.settings = replace(bench.settings, config=replace(CONFIG, dry_run=True))
    bench.pool.waiting = 8
    bench.tick()
    assert bench.server.group.desired == 0
    assert bench.lines[-1]["reason"].startswith("dry run: work: grow: launch 2")
    assert bench.lines[-1]["_aws"]["CloudWatchMetrics"][0]["Namespace"]


def test_a_run_on_a_machine_that_is_gone_counts_for_nothing(bench: Bench) -> None:
    bench.pool.running = {"i-gone": 4}
    bench.tick()
    assert bench.lines[-1]["running"] == 0.0


def test_the_requests_have_the_shapes_that_botocore_knows(boto: Any) -> None:
    autoscaling, ec2 = boto("autoscaling", "http://127.0.0.1:1"), boto("ec2", "http://127.0.0.1:1")
    decision = replace(DECISION, desired=3, uncordon=("i-a",), cordon=("i-b",))
    decision = replace(decision, terminate=("i-c",), replace=("i-d",))
    with Stubber(autoscaling) as group, Stubber(ec2) as tags:
        for name, value in (("i-a", "no"), ("i-b", "yes")):
            tags.add_response(
                "create_tags",
                {},
                {"Resources": [name], "Tags": [{"Key": CORDON_TAG, "Value": value}]},
            )
        group.add_response(
            "set_desired_capacity",
            {},
            {"AutoScalingGroupName": GROUP, "DesiredCapacity": 3, "HonorCooldown": False},
        )
        end = "terminate_instance_in_auto_scaling_group"
        group.add_response(end, {}, {"InstanceId": "i-c", "ShouldDecrementDesiredCapacity": True})
        group.add_client_error(end, "ScalingActivityInProgress", http_status_code=400)
        failures = Fleet(autoscaling, ec2, GROUP).act(decision)
        group.assert_no_pending_responses()
        tags.assert_no_pending_responses()
    assert len(failures) == 1
    assert failures[0].startswith("replace i-d")


def test_a_group_that_is_not_there_is_said(moto_url: str, boto: Any) -> None:
    fleet = Fleet(boto("autoscaling", moto_url), boto("ec2", moto_url), "nowhere")
    with pytest.raises(FleetError, match="no Auto Scaling group nowhere"):
        fleet.read()


def test_capacity_is_set_on_moto_as_well(moto_url: str, boto: Any) -> None:
    autoscaling, ec2 = boto("autoscaling", moto_url), boto("ec2", moto_url)
    image = ec2.describe_images()["Images"][0]["ImageId"]
    autoscaling.create_launch_configuration(
        LaunchConfigurationName="l", ImageId=image, InstanceType="m5.large"
    )
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="on-moto",
        LaunchConfigurationName="l",
        MinSize=0,
        MaxSize=5,
        AvailabilityZones=["eu-central-1a"],
    )
    fleet = Fleet(autoscaling, ec2, "on-moto")
    assert fleet.act(replace(DECISION, desired=2)) == []
    group = fleet.read()
    assert [machine.lifecycle for machine in group.machines] == ["InService", "InService"]
    first, second = sorted(machine.id for machine in group.machines)
    assert fleet.act(replace(DECISION, cordon=(first,), terminate=(second,))) == []
    (left,) = fleet.read().machines
    assert left.cordoned
    assert fleet.read().desired == 1


def test_the_memory_is_claimed_by_its_version_and_read_back(bench: Bench) -> None:
    first = bench.memory.load("other")
    assert first == Remembered()
    stored = bench.memory.store("other", replace(first, moment=5.0, run_times={"f": RunTime(2, 3)}))
    assert bench.memory.load("other") == stored
    with pytest.raises(ConflictError):
        bench.memory.store("other", first)
    assert decode(7, encode(stored).replace('"format":1', '"format":0')) == Remembered(version=7)


def test_the_moment_is_the_events_own() -> None:
    assert moment_of({"time": "2026-11-23T10:00:00Z"}, 5.0) == 1795428000.0
    assert moment_of({"time": "soon"}, 5.0) == 5.0
    assert moment_of({}, 5.0) == 5.0


def test_settings_are_read_once_and_refused_by_name() -> None:
    fleets = [{"group": "g", "pool": "work", "queues": ["a"], "name": "work", "maximum": 7}]
    environment = {
        "PREFECT_API_URL": "http://p/api",
        "AUTOSCALER_TABLE": "t",
        "AUTOSCALER_FLEETS": json.dumps(fleets),
    }
    settings = Settings.from_environment(environment)
    assert settings.fleets[0].config.maximum == 7
    assert settings.fleets[0].queues == ("a",)
    with pytest.raises(SettingsError, match="AUTOSCALER_TABLE is not set"):
        Settings.from_environment({k: v for k, v in environment.items() if k[-5:] != "TABLE"})
    fleets[0]["maximun"] = 7
    with pytest.raises(SettingsError, match="maximun"):
        Settings.from_environment({**environment, "AUTOSCALER_FLEETS": json.dumps(fleets)})

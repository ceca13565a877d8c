"""A consumer that dies between any two of its steps: no event lost, no alert doubled.

In one process each step is a place to die at, one after the other, so that none is left out; in
processes of their own consumers are killed at random moments (`benchmarks/streams` does so many
times).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.streams.queues import Depth, open_queue
from flows.streams.queues.spool import Spool
from sdk.testing.processes import wait_until
from tests.flows.streams.market import OTHER, OWN, Stream, price
from tests.flows.streams.servers import RedisServer

STEPS = {
    "queue": ("receive", "done", "dead"),
    "ledger": ("commit", "said"),
    "teller": ("put_out", "say"),
}


class Killed(BaseException):
    """Not to be caught, as SIGKILL is not."""


class Fate:
    """Kills at the n-th place: before or after one of the steps."""

    def __init__(self, place: int) -> None:
        self.left = place
        self.where = ""

    def pass_by(self, where: str) -> None:
        if self.left == 0:
            self.left = -1
            self.where = where
            raise Killed(where)
        self.left -= 1

    def wrap(self, thing: Any, name: str) -> Any:
        for step in STEPS.get(name, ()):
            self._wrap(thing, f"{name}.{step}", step)
        return thing

    def _wrap(self, thing: Any, where: str, step: str) -> None:
        real = getattr(type(thing), step)

        def stepped(*arguments: Any, **more: Any) -> Any:
            self.pass_by(f"before {where}")
            value = real(thing, *arguments, **more)
            self.pass_by(f"after {where}")
            return value

        thing.__dict__[step] = stepped


@pytest.fixture(params=["spool", "redis"])
def stream(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stream]:
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        made = Stream(tmp_path, open_queue(server.address(), visibility=0.2))
    else:
        made = Stream(tmp_path, Spool(tmp_path / "spool", 0.2))
    yield made
    made.close()


def fill(stream: Stream) -> None:
    stream.queue.send([price(OWN, number, "20.00") for number in range(1, 7)])
    stream.queue.send([price(OTHER, number, "19.90") for number in range(1, 7)])
    stream.queue.send([b"{]", price(OTHER, 8, "nothing")])
    for number in range(1, 7):
        stream.queue.send([price(OTHER, number, "10.00", at=1)] * 2)


def finish(stream: Stream) -> None:
    """Consume until everything is out of the queue."""

    def is_empty() -> bool:
        stream.consume()
        depth = stream.queue.depth()
        return (depth.waiting, depth.working) == (0, 0)

    wait_until(is_empty, 120, "messages are left")


def test_death_at_any_step_loses_nothing_and_doubles_nothing(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    deaths: set[str] = set()
    for place in range(200):
        stream = Stream(tmp_path / str(place), Spool(tmp_path / str(place) / "spool", 0.05))
        fill(stream)
        fate = Fate(place)
        try:
            stream.consume(wrap=fate.wrap)
        except Killed:
            deaths.add(fate.where)
        stream.queue.__dict__.pop("receive", None)
        for step in STEPS["queue"]:
            stream.queue.__dict__.pop(step, None)
        finish(stream)
        found = stream.alerts()
        told = sum(notice.count for notice in stream.told() if notice.kind == "alert")
        assert told == 6, f"death {fate.where}: {found}"
        assert stream.queue.depth() == Depth(0, 0, 2), fate.where
        stream.close()
        if not fate.where:
            break
    else:
        raise AssertionError("more places than expected")
    wanted = {
        f"{when} {name}.{step}" for name, steps in STEPS.items() for step in steps
        for when in ("before", "after")
    }  # fmt: skip
    assert deaths == wanted


def test_the_counts_of_minutes_survive_deaths(stream: Stream) -> None:
    fill(stream)
    for place in (9, 5, 12, 3):
        fate = Fate(place)
        with contextlib.suppress(Killed):
            stream.consume(wrap=fate.wrap)
        for step in STEPS["queue"]:
            stream.queue.__dict__.pop(step, None)
    finish(stream)
    manifests = [
        manifest
        for day in stream.store.days("orchard", "stream-prices")
        for manifest in stream.store.ledger(_key(day))
    ]
    recorded = [m.statistics.recorded for m in manifests if m.statistics]
    # The six alerts' events twice each, of which six are repeated; of the rest, two are poison.
    assert sum(told["handled"] for told in recorded) == 18
    assert sum(told["dead"] for told in recorded) == 2
    assert sum(told["alerts"] for told in recorded) == 6


def _key(day: Any) -> Any:
    from sdk import DatasetKey

    return DatasetKey(customer="orchard", name="stream-prices", day=day)

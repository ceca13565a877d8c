"""A host is captured by one of us at a time; who is killed is followed, and who slept stops.

Proved from the shops' own log, with processes of two customers.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from pathlib import Path

import pytest

from flows.pipeline.capture.fetching.turns import HostTurn, Lost
from flows.sample.storefront import Front, serve
from sdk.storage import Storage, storage
from tests.flows.pipeline.capture.fetching.capturing import sites_of

ROOT = Path(__file__).parents[5]
PATIENCE = 120.0
SHOPS = 2


def start(folder: Path, front: Front, customer: str, seconds: float) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.flows.pipeline.capture.fetching.turn_capture",
         str(folder / "sites"), str(folder / "store"), str(front.day), customer, str(seconds)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def asked(front: Front, customer: str) -> int:
    return sum(customer in request.agent for request in front.log)


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Front]:
    with serve(shops=8, seed=7, products=8) as front:
        sites_of(front, tmp_path / "sites", rate=10.0)
        patient = [shop.name for shop in front.shops if not shop.crawl_delay and not shop.is_feed]
        for path in (tmp_path / "sites").glob("*.yaml"):
            if path.stem not in patient[:SHOPS]:
                path.unlink()
        yield front


def test_two_customers_take_turns_and_both_get_all(tmp_path: Path, street: Front) -> None:
    # A turn that outlasts every pause of a busy machine: it is given back, not left to expire.
    processes = [start(tmp_path, street, customer, 60.0) for customer in ("acme", "elm")]
    try:
        for process in processes:
            out, _ = process.communicate(timeout=PATIENCE)
            assert out.split() == ["complete"]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    for shop in {request.shop for request in street.log}:
        agents = [request.agent for request in street.log if request.shop == shop]
        assert len(set(agents)) == 2, "both have seen it"
        assert len(list(groupby(agents))) == 2, "first one, then the other"


def test_a_turn_of_who_is_killed_comes_free(tmp_path: Path, street: Front) -> None:
    first = start(tmp_path, street, "acme", 3.0)
    try:
        wait_for(lambda: asked(street, "acme") >= 3)
        os.killpg(first.pid, signal.SIGKILL)
    finally:
        first.kill()
        first.communicate()
    second = start(tmp_path, street, "elm", 3.0)
    try:
        out, _ = second.communicate(timeout=PATIENCE)
    finally:
        second.kill()
        second.wait()
    assert out.split() == ["complete"]
    for shop in {request.shop for request in street.log}:
        agents = [request.agent for request in street.log if request.shop == shop]
        assert [("acme" in agent) for agent in agents] == sorted(
            (("acme" in agent) for agent in agents), reverse=True
        )


class Clock:
    """A monotonic clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def root(tmp_path: Path) -> Storage:
    return storage(str(tmp_path / "store"))


def test_a_holder_that_speaks_is_never_followed(root: Storage) -> None:
    clock, other = Clock(), Clock()
    one, two = HostTurn(root, "a.example", 10, clock), HostTurn(root, "a.example", 10, other)
    assert one.take()
    assert not two.take()
    for _ in range(20):
        clock.now += 5
        other.now += 5
        one.beat()
        assert not two.take()
        assert one.mine


def test_a_holder_that_is_silent_stops_before_it_is_followed(root: Storage) -> None:
    clock, other = Clock(), Clock()
    other.now = -5_000.0  # whose clock says what does not count
    one, two = HostTurn(root, "a.example", 10, clock), HostTurn(root, "a.example", 10, other)
    assert one.take()
    assert not two.take()
    for _ in range(99):
        clock.now += 0.1
        other.now += 0.1
        assert not two.take()
    assert not one.mine, "it has stopped by itself already"
    clock.now += 0.2
    other.now += 0.2
    assert two.take()
    with pytest.raises(Lost):
        one.beat()
    one.give_back()
    assert two.mine, "who is late takes nothing from the one that followed"
    two.beat()


def test_a_turn_given_back_is_had_at_once_and_by_one(root: Storage) -> None:
    turns = [HostTurn(root, "[::1]:80", 10, Clock()) for _ in range(6)]
    for _ in range(5):
        taken = [turn for turn in turns if turn.take()]
        assert len(taken) == 1
        taken[0].give_back()
    assert len(root.names("_turns/%5B%3A%3A1%5D%3A80")) <= 2, "old numbers are cleared away"


def test_a_damaged_entry_expires_as_any_other(root: Storage) -> None:
    clock = Clock()
    root.put("_turns/a.example/000000000007", b"{half")
    turn = HostTurn(root, "a.example", 10, clock)
    assert not turn.take()
    clock.now += 11
    assert turn.take()
    assert [*pairwise(root.names("_turns/a.example"))] == [("000000000007", "000000000008")]

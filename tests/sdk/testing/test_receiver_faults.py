"""Scripted misbehaviour: the schedule, and what each fault does to a real client."""

from __future__ import annotations

import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdk.testing.receivers import Faults, SlackReceiver
from sdk.testing.receivers.faults import Fault


def post(url: str) -> int | str:
    request = urllib.request.Request(url, b'{"text":"x"}', {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return type(getattr(error, "reason", error)).__name__


shares = st.floats(0, 0.2, allow_nan=False)


@given(shares, shares, shares, shares, shares, st.integers(0, 50))
def test_a_schedule_depends_on_its_seed_and_the_number_alone(
    limited: float, error: float, slow: float, dropped: float, lost: float, seed: int
) -> None:
    def schedule() -> list[Fault]:
        faults = Faults(limited, error, slow, dropped, lost, seed=seed)
        return [faults.of(number) for number in range(200)]

    assert schedule() == schedule()


def test_shares_are_met_in_the_long_run() -> None:
    faults = Faults(limited=0.1, error=0.2, lost=0.05, seed=3)
    drawn = [faults.of(number) for number in range(20_000)]
    for fault, share in (("limited", 0.1), ("error", 0.2), ("lost", 0.05), ("none", 0.65)):
        assert drawn.count(fault) / 20_000 == pytest.approx(share, abs=0.02)
    assert drawn != [Faults(limited=0.1, error=0.2, lost=0.05, seed=4).of(n) for n in range(20_000)]


@pytest.mark.parametrize("shares", [{"limited": -0.1}, {"limited": 0.6, "lost": 0.6}])
def test_shares_that_make_no_sense_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="shares of faults"):
        Faults(**shares)  # type: ignore[arg-type]


def test_each_fault_does_what_it_says() -> None:
    script: tuple[Fault, ...] = ("limited", "error", "dropped", "lost", "slow", "none")
    with SlackReceiver(faults=Faults(script=script, statuses=(503,), slow_seconds=0.0)) as slack:
        url = slack.webhook("alerts")
        answers = [post(url) for _ in script]
        # Done are: the lost one, the slow one and the good one.
        assert len(slack.channel("alerts").messages) == 3
        exchanges = slack.exchanges
    assert answers == [429, 503, "RemoteDisconnected", "RemoteDisconnected", 200, 200]
    assert [(e.fault, e.status) for e in exchanges] == [
        ("limited", 429),
        ("error", 503),
        ("dropped", None),
        ("lost", None),
        ("slow", 200),
        ("none", 200),
    ]
    assert all(e.request.json() == {"text": "x"} for e in exchanges)


def test_down_refuses_and_comes_back_on_the_same_port_with_its_state() -> None:
    with SlackReceiver() as slack:
        url = slack.webhook("alerts")
        assert post(url) == 200
        with slack.down():
            assert [post(url), post(url)] == ["ConnectionRefusedError"] * 2
        assert post(url) == 200
        assert len(slack.channel("alerts").messages) == 2
        assert len(slack.exchanges) == 2


def test_many_senders_at_once_are_all_recorded() -> None:
    with SlackReceiver(faults=Faults(limited=0.2, lost=0.2, seed=1)) as slack:
        url = slack.webhook("alerts")
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: post(url), range(200)))
        exchanges = slack.exchanges
        done = [e for e in exchanges if e.fault in ("none", "lost")]
        assert len(slack.channel("alerts").messages) == len(done)
    assert [e.number for e in exchanges] == list(range(200))
    assert answers.count(429) == sum(e.fault == "limited" for e in exchanges) > 0
    assert answers.count(200) == sum(e.fault == "none" for e in exchanges) > 0

"""Backfills without a server: what is read from the store, claims, and days run here."""

from __future__ import annotations

import multiprocessing
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flows.operations.backfill.claims import HELD_FOR, Claim, claimed, holder
from flows.operations.backfill.days import day_state
from flows.operations.backfill.embedded import Embedded
from flows.operations.backfill.request import Request
from sdk import NONE, DatasetKey, Store, flow, task
from sdk.storage import storage
from tests.flows.operations.acme import DAYS, acme_daily, made
from tests.flows.operations.holding import hold


def request(source: Path, **options: Any) -> Request:
    return Request("acme", DAYS[0], DAYS[-1], source=str(source), **options)


def ends(hands: Embedded) -> list[str]:
    return [outcome.end for outcome in hands.run(hands.decisions())]


def test_failed_days_stop_nobody_and_a_second_call_does_what_is_left(
    store_url: str, tmp_path: Path
) -> None:
    (tmp_path / str(DAYS[1])).write_text("fail")
    (tmp_path / str(DAYS[2])).write_text("degrade")
    hands = Embedded(request(tmp_path), Store(store_url), acme_daily)
    outcomes = list(hands.run(hands.decisions()))
    assert [outcome.end for outcome in outcomes] == ["fresh", "failed", "degraded", "fresh"]
    assert outcomes[1].detail == f"{DAYS[1]} cannot be had"
    assert made(tmp_path) == [str(DAYS[0]), str(DAYS[2]), str(DAYS[3])]

    (tmp_path / str(DAYS[1])).unlink()
    assert ends(hands) == ["skipped", "fresh", "skipped", "skipped"]
    assert ends(hands) == ["skipped"] * 4
    assert len(made(tmp_path)) == 4

    (tmp_path / str(DAYS[2])).unlink()
    again = Embedded(request(tmp_path, which="failed"), Store(store_url), acme_daily)
    assert ends(again) == ["skipped", "skipped", "fresh", "skipped"]
    assert ends(again) == ["skipped"] * 4
    every = Embedded(request(tmp_path, which="all"), Store(store_url), acme_daily)
    assert ends(every) == ["fresh"] * 4
    assert len(made(tmp_path)) == 5, "what is there is used, not made again"


def test_a_day_that_ends_well_without_its_dataset_has_failed(
    store_url: str, tmp_path: Path
) -> None:
    (tmp_path / str(DAYS[0])).write_text("nothing")
    hands = Embedded(request(tmp_path), Store(store_url), acme_daily)
    outcome = next(hands.run(hands.decisions()))
    assert outcome.end == "failed"
    assert "no report" in outcome.detail


def test_a_backfill_from_inside_a_flow_keeps_the_days_apart(store_url: str, tmp_path: Path) -> None:
    @flow(customer="acme")
    def around(day: object = None) -> list[str]:
        hands = Embedded(request(tmp_path), Store(store_url), acme_daily)
        return [outcome.end for outcome in hands.run(hands.decisions())]

    (tmp_path / str(DAYS[0])).write_text("fail")
    assert around() == ["failed", "fresh", "fresh", "fresh"]
    state = day_state(Store(store_url), key(0), acme_daily.name)
    assert state.failure == f"{DAYS[0]} cannot be had"


def key(day: int) -> DatasetKey:
    return DatasetKey(customer="acme", name="report", day=DAYS[day])


def test_the_newest_run_decides_whether_a_day_failed(store_url: str, tmp_path: Path) -> None:
    store, orders = Store(store_url), tmp_path / str(DAYS[0])

    def state() -> tuple[str, str | None]:
        found = day_state(store, key(0), acme_daily.name)
        return found.goal, found.failure

    assert state() == ("none", None)
    orders.write_text("fail")
    acme_daily(DAYS[0], str(tmp_path), return_state=True)
    assert state() == ("none", f"{DAYS[0]} cannot be had")
    orders.unlink()
    acme_daily(DAYS[0], str(tmp_path))
    assert state() == ("fresh", None)
    orders.write_text("fail")
    acme_daily(DAYS[0], str(tmp_path), return_state=True)
    assert state() == ("fresh", f"{DAYS[0]} cannot be had")

    @flow(customer="acme")
    def other(day: object) -> None:
        """Of the same day, and no matter."""

    other(DAYS[0])
    assert state() == ("fresh", f"{DAYS[0]} cannot be had")


def test_a_run_that_prefect_tried_again_failed_only_if_it_did_at_last(store_url: str) -> None:
    starts: list[int] = []

    @flow(customer="acme", name="acme-daily", retries=1)
    def recovers(day: object) -> None:
        step()

    @task(retry=NONE)
    def step() -> None:
        starts.append(1)
        if len(starts) == 1:
            raise ValueError("the first time")

    @flow(customer="acme", name="acme-daily", retries=1)
    def stays_down(day: object) -> None:
        raise ValueError("every time")

    assert recovers(DAYS[0], return_state=True).is_completed()
    assert len(starts) == 2
    stays_down(DAYS[1], return_state=True)
    store = Store(store_url)
    assert day_state(store, key(0), "acme-daily").failure is None
    assert day_state(store, key(1), "acme-daily").failure == "ValueError: every time"


def test_a_damaged_manifest_costs_its_own_day_alone(store_url: str, tmp_path: Path) -> None:
    acme_daily(DAYS[0], str(tmp_path))
    [manifest] = Path(store_url).rglob("manifest-*.json")
    manifest.write_text("{")
    hands = Embedded(request(tmp_path), Store(store_url), acme_daily)
    first, *others = hands.decisions()
    assert (first.action, first.why) == ("run", "report is damaged")
    assert {decision.why for decision in others} == {"no report"}


def test_a_day_is_held_by_one_process_until_it_ends_or_dies(store_url: str, tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    root, hands = storage(store_url), Embedded(request(tmp_path), Store(store_url), acme_daily)
    for number, way in enumerate(("killed", "released"), start=1):
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=hold, args=(store_url, DAYS[0], theirs))
        process.start()
        assert ours.recv() is True
        held = holder(root, "acme", DAYS[0])
        assert held is not None
        assert str(process.pid) in held
        decisions = hands.decisions()
        assert (decisions[0].action, decisions[1].action) == ("skip", "run")
        assert "in progress" in decisions[0].why
        with claimed(root, "acme", DAYS[0]) as mine:
            assert mine is False
        if way == "killed":
            assert process.pid is not None
            process.kill()
            process.join()
            assert process.exitcode == -signal.SIGKILL
        else:
            ours.send("go")
            process.join()
        assert holder(root, "acme", DAYS[0]) is None
        with claimed(root, "acme", DAYS[0]) as mine:
            assert mine is True
            assert holder(root, "acme", DAYS[0]) is not None
        assert len(list((Path(store_url) / "acme/_backfill" / str(DAYS[0])).glob("?" * 6))) == (
            2 * number
        )
    assert hands.decisions()[0].action == "run"


def test_a_claim_of_another_machine_counts_until_it_is_too_old() -> None:
    now = datetime(2026, 8, 15, tzinfo=UTC)
    here = Claim.here(now)
    assert here.stands(now + 10 * HELD_FOR), "its process is alive: it is we"
    elsewhere = here.model_copy(update={"host": "another"})
    assert elsewhere.stands(now + HELD_FOR - timedelta(seconds=1))
    assert not elsewhere.stands(now + HELD_FOR)


def test_a_day_that_was_run_between_plan_and_claim_is_left_alone(
    store_url: str, tmp_path: Path
) -> None:
    hands = Embedded(request(tmp_path), Store(store_url), acme_daily)
    decisions = hands.decisions()
    acme_daily(DAYS[1], str(tmp_path))
    assert [outcome.end for outcome in hands.run(decisions)] == [
        "fresh",
        "skipped",
        "fresh",
        "fresh",
    ]
    assert made(tmp_path).count(str(DAYS[1])) == 1

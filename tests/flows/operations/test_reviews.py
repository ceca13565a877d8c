"""The flows around verification: what people decide is applied, released or held, and audited."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import closing
from datetime import date, timedelta

import polars as pl
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import FlowRun, StateType

from flows.customers.orchard import orchard_daily
from flows.operations.reviews import apply_decisions, audit_matches, gate_batch
from flows.pipeline.verification.auditing import audited
from flows.pipeline.verification.desk import Desk
from flows.pipeline.verification.flow import desk_of
from flows.pipeline.verification.gates import read_batch
from flows.pipeline.verification.intake import Intake, batch_name
from flows.pipeline.verification.rows import Person
from flows.sample import generate
from sdk import Dataset
from sdk.testing.platform import Platform, platform, prefect_api
from tests.flows.pipeline.verification.conftest import answer, made

__all__ = ["platform", "prefect_api"]

LAST = date(2026, 3, 12)
LEA = Person("lea", lead=True)


def test_what_a_lead_decided_reaches_the_figures_once(platform: Platform) -> None:
    days = [LAST - timedelta(days=back) for back in reversed(range(3))]
    market = generate(platform.folder / "files", seed=11, days=days, products=400)
    ran = platform.run(orchard_daily, day=LAST, source=str(market.folder))
    assert ran.error is None, ran.error
    assert platform.run(apply_decisions).value == [], "nobody has decided anything"

    with desk_of(platform.store.url) as database, closing(database):
        desk = Desk(database, gold_share=0)
        held = desk.next_task(LEA)
        assert held is not None, "the sample market has doubtful pairs"
        other = held.content.candidates[0].product
        desk.decide(LEA, held.id, held.lease, answer("exact", other.sku))
    own = held.content.own.sku

    applied = platform.run(apply_decisions)
    assert applied.value == [batch_name("orchard", LAST)]
    # Sellers of one barcode share its code.
    pair = (
        (pl.col("own_sku") == own)
        & (pl.col("seller") == other.seller)
        & (pl.col("sku") == other.sku)
    )
    decided = _dataset(platform, "decided_matches").frame().filter(pair)
    assert decided["decision"].unique().to_list() == ["accept"]
    marts = _dataset(platform, "marts")
    compared = marts.frame("comparisons").filter(
        pl.col("own_sku") == own, pl.col("seller") == other.seller, "used"
    )
    assert other.sku in compared["seller_sku"].to_list()
    assert _dataset(platform, "lessons").rows > 0, "and the matcher can learn from it"
    assert platform.run(apply_decisions).value == [], "once is enough"

    opened = platform.run(audit_matches, customer="orchard", size=5)
    assert opened.error is None, opened.error
    assert 0 < opened.value["orchard"] <= 10
    assert platform.run(audit_matches, customer="orchard", size=5).value["orchard"] == 0

    quality = _dataset(platform, "marts").frame("match_quality")
    assert quality["audited"].sum() == 0, "nobody has looked yet"
    with desk_of(platform.store.url) as database, closing(database):
        desk = Desk(database, gold_share=0)
        while (task := desk.next_task(LEA)) is not None:
            desk.decide(LEA, task.id, task.lease, answer("no_match"))
        found = audited(database, "orchard")
    assert found.height and not found["correct"].any()
    assert platform.run(apply_decisions).value == [batch_name("orchard", LAST)]
    seen = _dataset(platform, "marts").frame("match_quality").filter(pl.col("method") == "all")
    assert seen.select("audited", "correct").row(0) == (found.height, 0)


def _dataset(platform: Platform, name: str) -> Dataset:
    found = platform.dataset(customer="orchard", name=name, day=LAST)
    assert found is not None, name
    return found


def _paused() -> FlowRun | None:
    async def find() -> list[FlowRun]:
        paused = FlowRunFilterStateType(any_=[StateType.PAUSED])
        async with get_client() as client:
            return await client.read_flow_runs(
                flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=paused))
            )

    found = asyncio.run(find())
    return found[0] if found else None


@pytest.mark.parametrize(("choice", "gate"), [("release", "released"), ("hold", "held")])
def test_a_lead_releases_or_holds_a_batch_in_prefects_own_page(
    platform: Platform, choice: str, gate: str
) -> None:
    with desk_of(platform.store.url) as database, closing(database):
        Intake(database, twice_share=0).open_batch("acme", LAST, "h", [made(1), made(2)])
    results: list[object] = []

    def ask() -> None:
        ran = platform.run(gate_batch, customer="acme", day=LAST, hours=0.05, poll_seconds=1)
        results.append(ran.error or ran.value)

    thread = threading.Thread(target=ask)
    thread.start()
    run = None
    while run is None and thread.is_alive():
        time.sleep(0.2)
        run = _paused()
    assert run is not None, results

    async def resume() -> None:
        async with get_client() as client:
            await client.resume_flow_run(run.id, run_input={"choice": choice, "by": "lea"})

    asyncio.run(resume())
    thread.join(60)
    assert results == [choice]
    with desk_of(platform.store.url) as database, closing(database):
        batch = read_batch(database, batch_name("acme", LAST))
    assert (batch.gate, batch.gate_by) == (gate, "lea")


def test_a_question_that_nobody_answers_changes_nothing(platform: Platform) -> None:
    with desk_of(platform.store.url) as database, closing(database):
        Intake(database, twice_share=0).open_batch("acme", LAST, "h", [made(1)])
    ran = platform.run(gate_batch, customer="acme", day=LAST, hours=2 / 3600, poll_seconds=1)
    # The server ends the run by itself and says so in its own words.
    assert ran.state == "Failed"
    assert "never resumed" in str(ran.error)
    with desk_of(platform.store.url) as database, closing(database):
        assert read_batch(database, batch_name("acme", LAST)).gate == "open"

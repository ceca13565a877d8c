"""The operations page says how real runs ended, since when, and what could not be told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from flows.operations.overview.flow import PATH, write
from flows.operations.overview.gather import gather
from flows.operations.overview.page import render_overview
from flows.operations.overview.standing import RANK, standings
from sdk import NONE, DatasetKey, Permanent, Store, default, flow, record, task
from sdk.manifest import Degradation, StepStatistics
from sdk.notices.outbox import DeadLetter, Letter, Outbox
from sdk.statistics import StepRecord
from tests.support.chromium import browser, found

DAY = date(2026, 8, 15)
NOW = datetime(2026, 8, 16, 7, tzinfo=UTC)
FRAME = pl.DataFrame({"a": [1]})


def execution(day: date, outcome: str, step: str = "match", hour: int = 6) -> StepRecord:
    reason = Degradation(dataset="d", source="last_good", age_days=2, reason="no answer")
    return StepRecord(
        step=step,
        flow="acme_daily",
        customer="acme",
        day=day,
        run_id="r",
        outcome=outcome,  # type: ignore[arg-type]
        statistics=StepStatistics(
            step=step, started=datetime.combine(day, datetime.min.time(), UTC).replace(hour=hour)
        ),
        degraded=(reason,) if outcome == "degraded" else (),
        error="it broke: password=hunter2" if outcome == "failed" else None,
    )


def test_since_when_is_the_first_of_the_days_in_a_row() -> None:
    days = [DAY - timedelta(days=back) for back in (4, 3, 2, 1, 0)]
    outcomes = ["failed", "fresh", "degraded", "degraded", "degraded"]
    runs = {day: [[execution(day, how)]] for day, how in zip(days, outcomes, strict=True)}
    (found,) = standings("acme", runs)
    assert (found.state, found.since, found.day) == ("degraded", days[2], DAY)
    assert "no answer" in found.why


def test_a_later_run_of_the_day_counts_and_many_executions_are_the_worst() -> None:
    mended = [[execution(DAY, "failed", hour=6)], [execution(DAY, "reused", hour=9)]]
    (found,) = standings("acme", {DAY: mended})
    assert (found.state, found.why, found.at.hour) == ("fresh", "", 9)
    many = [[execution(DAY, "fresh"), execution(DAY, "failed"), execution(DAY, "degraded")]]
    (worst,) = standings("acme", {DAY: many})
    assert (worst.state, worst.executions) == ("failed", 3)
    assert "hunter2" not in worst.why


@given(st.lists(st.sampled_from(["fresh", "reused", "degraded", "failed"]), min_size=1, max_size=9))
def test_since_never_lies(outcomes: list[str]) -> None:
    days = [DAY - timedelta(days=back) for back in reversed(range(len(outcomes)))]
    runs = {day: [[execution(day, how)]] for day, how in zip(days, outcomes, strict=True)}
    (found,) = standings("acme", runs)
    state = {"reused": "fresh"}
    said = [state.get(how, how) for how in outcomes]
    row = said[days.index(found.since) :]
    assert set(row) == {found.state} == {said[-1]}
    before = days.index(found.since) - 1
    assert before < 0 or said[before] != found.state


@pytest.fixture
def store(store_url: str) -> Store:
    """What real runs of two customers leave: one whole, one that breaks more each day."""

    @task(dataset="prices", retry=NONE, fallback=default(FRAME))
    def fetch(healthy: bool) -> pl.DataFrame:
        if not healthy:
            raise Permanent("the shop is closed", "Wait.")
        return FRAME

    @task(dataset="matches", retry=NONE)
    def pair(prices: object, works: bool) -> pl.DataFrame:
        if not works:
            raise Permanent("no pairs: token=hunter2", "Look.")
        record(reviews=7)
        return FRAME

    @flow(customer="sick", owner="grocery", name="sick-daily")
    def sick(day: date, healthy: bool, works: bool) -> None:
        pair(fetch(healthy), works)

    @flow(customer="well", owner="grocery", name="well-daily")
    def well(day: date) -> None:
        fetch(True)

    well(DAY)
    sick(DAY - timedelta(days=2), True, True)
    sick(DAY - timedelta(days=1), False, True)
    with pytest.raises(Permanent):
        sick(DAY, False, False)
    store = Store(store_url)
    sites = pl.DataFrame(
        {"site": ["a.example", "b.example"], "decision": ["publish", "quarantine"],
         "reason": [None, "half of it is blocked"], "coverage": [1.0, 0.3],
         "products": [100, 30], "pages": [100, 100], "blocked": [0, 50], "stale": [0, 0],
         "ended": ["done", "done"], "as_of": [DAY, DAY]}
    )  # fmt: skip
    key = DatasetKey(customer="well", name="captured", day=DAY)
    store.publish(key, {"sites": sites}, fingerprint="s")
    outbox = Outbox(store.storage)
    outbox.bury(
        DeadLetter(name="x-slack", target="slack", reason="channel_not_found",
                   action="Invite it.", at=NOW, subject="sick-daily failed <script>")
    )  # fmt: skip
    outbox.post(Letter(key="digest-x", route="ops", subject="Daily digest", body="b", written=NOW))
    return store


def cells(tree: HTMLParser, table: str) -> list[list[str]]:
    return [
        [cell.text(strip=True) for cell in row.css("td")]
        for row in tree.css(f'[data-table="{table}"] tbody tr')
    ]


def test_the_page_tells_what_real_runs_left(store: Store, tmp_path: Path) -> None:
    platform = gather(store, ["never", "sick", "well"], NOW)
    page = render_overview(platform, "production")
    assert page == render_overview(platform, "production")
    tree = HTMLParser(page.decode())
    broken = cells(tree, "broken")
    assert [row[:3] for row in broken] == [
        ["sick", "fetch", "degraded"],
        ["sick", "pair", "failed"],
    ]
    assert broken[0][3:6] == ["2026-08-14", "2", "2026-08-15"]
    assert broken[1][3:6] == ["2026-08-15", "1", "2026-08-15"]
    assert "the shop is closed" in broken[0][6]
    assert "no pairs" in broken[1][6]
    assert b"hunter2" not in page
    customers = {row[0]: row for row in cells(tree, "customers")}
    assert customers["sick"][1:4] == ["failed", "2026-08-14", "2026-08-15"]
    assert customers["well"][1:3] == ["fresh", "–"]
    matrix = cells(tree, "matrix")
    assert ["sick", "degraded since 2026-08-14", "failed since 2026-08-15"] in matrix
    assert ["well", "fresh since 2026-08-15", "–"] in matrix
    assert cells(tree, "queue") == [["sick", "7", "2026-08-14", "2026-08-13"]]
    assert [row[1:3] for row in cells(tree, "sites")] == [
        ["b.example", "quarantined"],
        ["a.example", "healthy"],
    ]
    assert cells(tree, "dead")[0][1:4] == [
        "slack",
        "sick-daily failed <script>",
        "channel_not_found",
    ]
    assert cells(tree, "waiting")[0][1] == "Daily digest"
    values = {
        str(card.attributes["data-figure"]): card.css_first(".value").text()
        for card in tree.css("[data-figure]")
    }
    assert values == {
        "customers_fresh": "1",
        "customers_late": "0",
        "steps_degraded": "1",
        "steps_failed": "1",
        "reviews_waiting": "7",
        "sites_unhealthy": "1",
        "notices_undelivered": "1",
        "faults_open": "0",
    }
    assert "never: no run in 14 days" in tree.css_first(".standing").text(separator="")
    assert tree.css_first(".state").text() == "failed"


def test_a_customer_that_cannot_be_read_costs_itself(store: Store) -> None:
    folder = Path(store.url) / "well" / "captured" / str(DAY)
    (folder / "manifest-000001.json").write_text("{")
    platform = gather(store, [], NOW)
    assert [text.split(":")[0] for text in platform.unreadable] == ["well"]
    assert {standing.customer for standing in platform.standings} == {"sick"}


def test_an_empty_store_is_a_page_too(store_url: str) -> None:
    where, platform = write()
    page = Path(where).read_text()
    assert where.endswith(PATH)
    assert not platform.standings
    assert "No customer has run yet." in page
    assert set(platform.idle) >= {"metro", "orchard"}


@pytest.mark.skipif(found() is None, reason="no Chromium on this machine")
def test_the_page_fits_a_phone(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(render_overview(gather(store, ["sick", "well"], NOW), "production"))
    with browser() as page:
        for width in (390, 1280):
            page.open(path.as_uri(), width=width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.complaints == []
        assert page.requests[0] == path.as_uri()


def test_states_are_ranked_by_how_bad_they_are() -> None:
    assert sorted(RANK, key=lambda state: RANK[state]) == ["fresh", "degraded", "failed"]

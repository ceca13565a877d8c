"""The fixture that a flow's author takes: runs, datasets, settings, Slack and Jira."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from prefect.settings import PREFECT_API_URL

from sdk import NONE, Dataset, Permanent, Settings, Store, Transient, default, flow, task
from sdk.testing.platform import Platform, platform, prefect_api

__all__ = ["platform", "prefect_api"]

DAY = date(2026, 8, 15)
GOOD = pl.DataFrame({"price": [1.0, 2.0]})


@task(dataset="double")
def double(raw: Dataset) -> pl.DataFrame:
    return raw.frame() * 2


@flow(customer="acme", owner="grocery")
def acme_daily(raw: Dataset, day: date | None = None) -> Dataset:
    return double(raw)


@flow(customer="acme", owner="grocery")
def broken(day: date | None = None) -> None:
    raise Permanent("column price is missing", "Ask the customer.")


def test_a_flow_runs_on_what_it_is_given(platform: Platform) -> None:
    raw = platform.give(GOOD, customer="acme", name="raw", day=DAY)
    ran = platform.run(acme_daily, raw=raw, day=DAY)
    assert (ran.state, ran.error) == ("Completed", None)
    assert ran.value.frame()["price"].to_list() == [2.0, 4.0]
    assert ran.record("double").outcome == "fresh"
    assert ran.value == platform.dataset(customer="acme", name="double", day=DAY)
    assert platform.run(acme_daily, raw=raw, day=DAY).record("double").outcome == "reused"
    with pytest.raises(LookupError, match="'triple' ran 0 times"):
        ran.record("triple")


def test_it_knows_nothing_of_this_machine(platform: Platform) -> None:
    assert Settings().storage == str(platform.folder / "store")
    assert PREFECT_API_URL.value() is None
    assert Store(Settings().storage).days("acme", "double") == [], "nor of another test"
    platform.set(timezone="Asia/Jerusalem")
    assert platform.settings.timezone == "Asia/Jerusalem"


def test_a_fallback_and_a_failure_are_returned(platform: Platform) -> None:
    @task(fallback=default("yesterday's"), retry=NONE)
    def rate() -> str:
        raise Transient("the bank is closed")

    @flow(customer="acme")
    def rates(day: date | None = None) -> str:
        return rate()

    ran = platform.run(rates, day=DAY)
    assert (ran.state, ran.value) == ("Degraded", "yesterday's")
    ran = platform.run(broken, day=DAY)
    assert ran.state == "Failed"
    assert isinstance(ran.error, Permanent)


def test_slack_and_jira_are_told(platform: Platform) -> None:
    slack, jira = platform.slack, platform.jira
    platform.run(broken, day=DAY)
    said = b"".join(exchange.request.body for exchange in slack.exchanges)
    assert b"column" in said
    assert len(jira.tickets) == 1

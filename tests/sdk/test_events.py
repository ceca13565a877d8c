"""Step outcomes as Prefect's events: what they say, that they arrive, that they cost no run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl
import pytest
from prefect.events.clients import AssertingEventsClient
from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_EXPERIMENTAL_EVENTS, temporary_settings
from pydantic import SecretStr

from sdk import NONE, Dataset, Transient, checks, default, fanout, flow, task
from sdk.testing.platform import Platform, platform, prefect_api

__all__ = ["platform", "prefect_api"]

DAY = date(2026, 8, 15)
TOKEN = "seeded-token-8b1f"


@pytest.fixture
def events(prefect_api: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What is emitted, as Prefect's own client is handed it."""
    with temporary_settings({PREFECT_EXPERIMENTAL_EVENTS: True}):
        AssertingEventsClient.reset()
        worker = EventsWorker.instance(AssertingEventsClient)
        monkeypatch.setattr(EventsWorker, "instance", lambda *_: worker)

        def emitted() -> dict[str, Any]:
            worker.drain()
            (client,) = AssertingEventsClient.all
            ours = [event for event in client.events if event.event.startswith("dataweave.step.")]
            assert len({event.resource.name for event in ours}) == len(ours), "one for each step"
            return {str(event.resource.name): event for event in ours}

        yield emitted
        AssertingEventsClient.reset()


@task(dataset="raw", checks=[checks.between("n", 0, otherwise="warn")])
def make_raw() -> pl.DataFrame:
    return pl.DataFrame({"n": [1, -1]})


@task(fallback=default("yesterday's"), retry=NONE)
def ask_rate(token: SecretStr) -> str:
    raise Transient(f"the bank refused {token.get_secret_value()}")


@task(retry=NONE)
def double(item: int) -> int:
    return item * 2


def test_every_step_of_a_run_is_told_once(platform: Platform, events: Any) -> None:
    platform.set(environment="staging")

    @flow(customer="acme", name="acme-daily")
    def acme_daily(day: date) -> Dataset:
        raw = make_raw()
        ask_rate(SecretStr(TOKEN))
        fanout(double, range(50))
        return raw

    ran = platform.run(acme_daily, day=DAY)
    assert ran.state == "Degraded"
    told = events()
    assert {name: event.event for name, event in told.items()} == {
        "make_raw": "dataweave.step.fresh",
        "ask_rate": "dataweave.step.degraded",
    }
    raw, rate = told["make_raw"], told["ask_rate"]
    assert raw.resource.id == "dataweave.step.staging.acme.acme-daily.make_raw"
    assert raw.resource["dataweave.customer"] == "acme"
    assert raw.payload["rows_out"] == 2
    assert raw.payload["day"] == "2026-08-15"
    assert len(raw.payload["checks_failed"]) == 1
    assert rate.payload["error_class"] == "Transient"
    assert "the bank refused" in rate.payload["error"]
    assert TOKEN not in rate.json()
    assert any(related.id.startswith("prefect.flow-run.") for related in rate.related)


def test_a_failed_step_is_told_before_its_run_ends(platform: Platform, events: Any) -> None:
    @flow(customer="acme")
    def acme_daily(day: date) -> None:
        ask_rate.with_options(fallback=None)(SecretStr(TOKEN))

    assert platform.run(acme_daily, day=DAY).state == "Failed"
    assert events()["ask_rate"].event == "dataweave.step.failed"


def test_no_run_is_lost_over_an_event(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise OSError("no events today")

    monkeypatch.setattr("prefect.events.emit_event", refuse)

    @flow(customer="acme")
    def acme_daily(day: date) -> Dataset:
        return make_raw()

    assert platform.run(acme_daily, day=DAY).state == "Completed"

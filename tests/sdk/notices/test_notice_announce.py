"""Real runs announce their ends; no run depends on that."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from prefect_slack import SlackCredentials

from blocks import JiraProject, SlackChannel
from sdk import default, flow, task
from sdk.notices import NOTICES
from sdk.policy import NONE
from sdk.storage import storage

DAY = date(2026, 8, 15)
broken: set[str] = set()


@task(retry=NONE)
def check(day: date | None) -> int:
    if "fetch" in broken:
        raise ValueError("no offers today, token=hunter2")
    return 1


@task(retry=NONE, fallback=default(0))
def count(day: date | None) -> int:
    if "count" in broken:
        raise ValueError("no count")
    return 1


@flow(customer="metro", owner="grocery")
def small_day(day: date | None = None) -> int:
    check(day)
    return count(day)


@pytest.fixture(autouse=True)
def whole() -> Iterator[None]:
    broken.clear()
    yield
    broken.clear()


def test_without_channels_the_console_is_told_and_nothing_is_kept(
    store_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    broken.add("count")
    with caplog.at_level(logging.INFO, NOTICES):
        small_day(day=DAY)
    (said,) = [entry.getMessage() for entry in caplog.records if entry.name == NOTICES]
    assert said.startswith("[warning] small-day/count was served a fallback")
    assert "Run did: tried once; served default instead" in said and "Owner: grocery" in said
    assert not storage(store_url).names("_notices")


def test_runs_tell_slack_and_jira_and_their_end_closes_the_ticket(
    site: Any, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = SlackCredentials(token=site.slack.token)
    SlackChannel(credentials=credentials, channel="alerts", base_url=site.slack.api_url).save(
        "told-operations", overwrite=True
    )
    JiraProject(
        server=site.jira.url, user=site.jira.user, token=site.jira.token, project="OPS"
    ).save("told-support", overwrite=True)
    site.jira.tracker.index_lag = 0.0
    monkeypatch.setenv("DATAWEAVE_SLACK_BLOCK", "told-operations")
    monkeypatch.setenv("DATAWEAVE_JIRA_BLOCK", "told-support")
    monkeypatch.setenv("DATAWEAVE_UI_URL", "https://prefect.example")
    monkeypatch.setattr("sdk.notices.announcement.PATIENCE", 60.0)
    broken.add("fetch")
    for _ in range(2):
        with pytest.raises(ValueError, match="no offers"):
            small_day(day=DAY)
    (ticket,), (head,) = site.jira.tickets, site.heads()
    assert "small-day/check failed: metro" in ticket.summary
    words = json.dumps(head.blocks)
    assert "2 times" in words and "https://prefect.example/flow-runs/flow-run/" in words
    assert "hunter2" not in words + ticket.text
    broken.clear()
    small_day(day=DAY)
    assert ticket.status == "Done" and "Mended" in json.dumps(head.blocks)


def test_a_notice_that_cannot_be_kept_costs_no_run_its_outcome(
    store_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DATAWEAVE_SLACK_BLOCK", "there-is-none")
    broken.add("count")
    with caplog.at_level(logging.WARNING, NOTICES):
        assert small_day(day=DAY) == 0
    assert any("will be sent later" in entry.getMessage() for entry in caplog.records)
    assert len(storage(store_url).names("_notices/outbox")) == 1
    monkeypatch.setenv("DATAWEAVE_SLACK_ROUTES", "{not json")
    assert small_day(day=DAY) == 0

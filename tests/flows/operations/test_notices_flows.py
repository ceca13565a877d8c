"""The flows behind the notices, against Prefect's own API and Slack and Jira on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from prefect import flow as plain_flow
from prefect.client.orchestration import get_client
from prefect.states import Scheduled
from prefect_slack import SlackCredentials

from blocks import JiraProject, SlackChannel
from flows.operations.limits import declared_limits
from flows.operations.notices.deadlines import sweep
from flows.operations.notices.deliver import deliver_notices
from flows.operations.notices.digest import tell_of_the_day
from flows.operations.notices.silences import review_silences
from sdk import flow
from sdk.notices.deadlines import Limits
from sdk.notices.silences import PATH
from sdk.notices.watch import watched
from sdk.storage import storage
from sdk.testing.receivers import JiraReceiver, SlackReceiver


@pytest.fixture
def slack(store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackReceiver]:
    with SlackReceiver(["alerts", "oncall"]) as receiver:
        for name, channel in (("swept-operations", "alerts"), ("swept-oncall", "oncall")):
            SlackChannel(
                credentials=SlackCredentials(token=receiver.token),
                channel=channel,
                base_url=receiver.api_url,
            ).save(name, overwrite=True)
        monkeypatch.setenv("DATAWEAVE_SLACK_BLOCK", "swept-operations")
        monkeypatch.setenv("DATAWEAVE_ONCALL_BLOCK", "swept-oncall")
        yield receiver


@plain_flow(name="never-begun")
def never_begun(customer: str) -> None:
    """Never run."""


async def due(at: datetime) -> str:
    async with get_client() as client:
        run = await client.create_flow_run(
            never_begun, parameters={"customer": "metro"}, state=Scheduled(scheduled_time=at)
        )
        return str(run.id)


def test_a_run_that_never_began_is_escalated_once_per_level(slack: SlackReceiver) -> None:
    now = datetime.now(UTC)
    run_id = asyncio.run(due(now - timedelta(minutes=11)))
    limits = {"never-begun": Limits(start_within=timedelta(minutes=10), owner="grocery")}
    runs = [run for run in watched(limits, now) if run.run_id == run_id]
    assert [(run.state, run.customer, run.begun) for run in runs] == [("scheduled", "metro", None)]
    assert sweep(runs, limits, now) == [f"{run_id}-late-1"]
    assert sweep(runs, limits, now) == []
    later = now + timedelta(minutes=10)
    assert sweep(runs, limits, later) == [f"{run_id}-late-3"]
    (head,) = slack.channel("alerts").heads
    assert "has not begun" in json.dumps(head.blocks) and "critical" in json.dumps(head.blocks)
    assert len(slack.channel("oncall").heads) == 1


def test_the_digest_is_posted_once_a_day_and_what_is_left_is_delivered(
    slack: SlackReceiver,
) -> None:
    (first,) = tell_of_the_day()
    assert tell_of_the_day() == [first]
    assert deliver_notices(again=True)["left"] == 0
    shown = json.dumps([m.blocks for m in slack.channel("alerts").heads])
    assert shown.count("Daily digest") == 1 and "Nothing is broken now." in shown


def test_silences_whose_ticket_is_closed_are_listed(
    slack: SlackReceiver, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with JiraReceiver() as jira:
        project = JiraProject(server=jira.url, user=jira.user, token=jira.token, project="OPS")
        project.save("swept-support", overwrite=True)
        monkeypatch.setenv("DATAWEAVE_JIRA_BLOCK", "swept-support")
        keys = [project.tickets().open(text, text).key for text in ("open", "closed")]
        jira.settle(keys[1], "Done")
        until = (datetime.now(UTC) + timedelta(days=9)).date()
        entries = "".join(
            f"- {{fault: ab, until: {until}, ticket: {key}}}\n" for key in [*keys, "OPS-99"]
        )
        storage(store_url).put(PATH, entries.encode())
        found: Any = review_silences()
    assert [line.split(" — ")[1].split(" ")[0] for line in found] == [keys[1], "OPS-99"]
    (posted,) = slack.channel("alerts").heads
    assert "Silences to look at: 2" in json.dumps(posted.blocks)


def test_the_digest_tells_what_ran_in_the_last_24_hours(slack: SlackReceiver) -> None:
    @flow(customer="metro", owner="grocery")
    def broken_day(day: date | None = None) -> None:
        raise ValueError("no prices today")

    # Of whichever day its data are.
    broken_day(day=datetime.now(UTC).date() - timedelta(days=3), return_state=True)
    now = datetime.now(UTC)
    tell_of_the_day(until=now)
    tell_of_the_day(until=now + timedelta(days=1, minutes=1))
    first, second = (
        json.dumps(message.blocks, ensure_ascii=False)
        for message in slack.channel("alerts").heads
        if "Daily digest" in json.dumps(message.blocks)
    )
    assert "1 (0 fresh, 0 degraded, 1 failed)" in first and "no prices today" in first
    assert "0 (0 fresh, 0 degraded, 0 failed)" in second and "Still broken" in second


def test_every_flow_is_held_to_what_its_decorator_says() -> None:
    limits = declared_limits()
    assert limits["metro-daily"] == Limits(
        deadline=timedelta(minutes=90), owner="grocery", tier="gold", customer="metro"
    )
    assert limits["backfill"].deadline == timedelta(days=1)
    assert all(limit.start_within == timedelta(minutes=10) for limit in limits.values())

"""The flows behind the notices, against Prefect's own API and Slack and Jira on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect import flow as plain_flow
from prefect.client.orchestration import get_client
from prefect.states import Scheduled
from prefect_slack import SlackCredentials

from blocks import JiraProject, SlackChannel
from flows.operations import notices
from sdk.notices.deadlines import Limits
from sdk.notices.silences import PATH
from sdk.notices.watch import unfinished
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
    runs = [run for run in unfinished(limits, now) if run.run_id == run_id]
    assert [(run.state, run.customer, run.begun) for run in runs] == [("scheduled", "metro", None)]
    assert notices.sweep(runs, limits, now) == [f"{run_id}-late-1"]
    assert notices.sweep(runs, limits, now) == []
    later = now + timedelta(minutes=10)
    assert notices.sweep(runs, limits, later) == [f"{run_id}-late-3"]
    (head,) = slack.channel("alerts").heads
    assert "has not begun" in json.dumps(head.blocks) and "critical" in json.dumps(head.blocks)
    assert len(slack.channel("oncall").heads) == 1


def test_the_digest_is_posted_once_a_day_and_what_is_left_is_delivered(
    slack: SlackReceiver,
) -> None:
    (first,) = notices.tell_of_the_day()
    assert notices.tell_of_the_day() == [first]
    assert notices.deliver_notices(again=True)["left"] == 0
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
        found: Any = notices.review_silences()
    assert [line.split(" — ")[1].split(" ")[0] for line in found] == [keys[1], "OPS-99"]
    (posted,) = slack.channel("alerts").heads
    assert "Silences to look at: 2" in json.dumps(posted.blocks)


def test_every_customer_is_held_to_what_its_flow_declares() -> None:
    limits, whose = notices.declared_limits()
    assert limits and set(limits) == set(whose)
    assert all(limit.start_within is not None for limit in limits.values())
    assert any(limit.deadline is not None for limit in limits.values())

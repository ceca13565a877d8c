"""The blocks' errors are enough to say everything once while a third of all requests fail.

The smallest sender there can be: it tries until it succeeds, and looks before it repeats what may
have been done.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

import pytest
from prefect_slack import SlackCredentials

from blocks import DeliveryError, JiraProject, Rejected, SlackChannel, Unavailable
from sdk.testing.receivers import Faults, JiraReceiver, SlackReceiver

THIRD = {"limited": 0.09, "error": 0.09, "dropped": 0.08, "lost": 0.08}
ATTEMPTS = 60
"""A call fails this often with a probability below 1e-25."""


def once(do: Callable[[], object], done: Callable[[], bool]) -> None:
    uncertain = False
    for _ in range(ATTEMPTS):
        try:
            if uncertain and done():
                return
            do()
        except DeliveryError as error:
            assert not isinstance(error, Rejected)
            # A failed look leaves it open; only what may have been done makes it so.
            uncertain |= isinstance(error, Unavailable) and error.uncertain
        else:
            return
    pytest.fail("never went through")


def test_every_message_and_every_answer_is_there_once() -> None:
    faults = Faults(**THIRD, retry_after=0, seed=5)
    with SlackReceiver(faults=faults) as slack:
        channel = SlackChannel(
            credentials=SlackCredentials(token=slack.token),
            channel="C0000000001",
            base_url=slack.api_url,
        )
        since = time.time() - 5
        keys = [f"k-{number}" for number in range(25)]
        for key in keys:
            once(
                lambda key=key: channel.post(key, key=key),
                lambda key=key: channel.find(key, since=since) is not None,
            )
        slack.faults = Faults()
        heads = {key: channel.find(key, since=since) for key in keys}
        slack.faults = Faults(**THIRD, retry_after=0, seed=6)
        for key, head in heads.items():
            assert head is not None
            once(
                lambda head=head, key=key: channel.post("answer", thread=head, key=f"{key}-a"),
                lambda head=head, key=key: bool(channel.find(f"{key}-a", since=since, thread=head)),
            )
        kept = slack.channel("alerts")
        assert [message.text for message in kept.heads] == keys
        assert [len(kept.replies(message.ts)) for message in kept.heads] == [1] * len(keys)
        happened = {exchange.fault for exchange in slack.exchanges}
    assert happened == {"none", *THIRD}


@pytest.mark.parametrize("deployment", ["cloud", "server"])
def test_every_ticket_and_every_comment_is_there_once(
    deployment: Literal["cloud", "server"],
) -> None:
    with JiraReceiver(deployment=deployment, faults=Faults(**THIRD, retry_after=0)) as jira:
        tickets = JiraProject(
            server=jira.url,
            deployment=deployment,
            user=jira.user,
            token=jira.token,
            project="OPS",
        ).tickets()
        for number in range(25):
            label = f"fp-{number}"
            once(
                lambda label=label: tickets.open(label, "d", labels=[label]),
                lambda label=label: bool(tickets.find([label])),
            )
        assert [ticket.summary for ticket in jira.tickets] == [f"fp-{n}" for n in range(25)]
        for ticket in jira.tickets:
            for mark in ("n-1", "n-2"):
                once(
                    lambda key=ticket.key, mark=mark: tickets.comment(key, "again", mark=mark),
                    lambda key=ticket.key, mark=mark: tickets.said(key, mark),
                )
            once(
                lambda key=ticket.key: tickets.resolve(key),
                lambda key=ticket.key: tickets.read(key).category == "done",
            )
        assert {len(ticket.comments) for ticket in jira.tickets} == {2}
        assert {len(ticket.statuses) for ticket in jira.tickets} == {2}
        assert {"none", *THIRD} == {exchange.fault for exchange in jira.exchanges}

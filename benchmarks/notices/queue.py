"""Thousands of notices that wait after an outage: how long one sender takes to tell them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prefect_slack import SlackCredentials

from benchmarks.notices.chaos import broken
from blocks import JiraProject, SlackChannel
from sdk.notices.outbox import Outbox
from sdk.notices.sender import Sender
from sdk.notices.speak_slack import Rooms
from sdk.storage import Storage
from sdk.testing.receivers import JiraReceiver, SlackReceiver


@dataclass
class Queue:
    """What it took; times in seconds."""

    notices: int
    fingerprints: int
    counting: float
    telling: float
    writes: int
    requests: int


class _Counted(Storage):
    """A storage root that counts what is written to it."""

    writes = 0

    def put(self, path: str, data: bytes) -> None:
        self.writes += 1
        super().put(path, data)


def drain(folder: Path, *, notices: int, fingerprints: int) -> Queue:
    """Put so many in, and have one sender tell them."""
    root = _Counted(str(folder / "store"))
    for number in range(notices):
        Outbox(root).put(broken(number, fingerprints))
    with SlackReceiver() as slack, JiraReceiver() as jira:
        channel = SlackChannel(
            credentials=SlackCredentials(token=slack.token),
            channel="C0000000001",
            base_url=slack.api_url,
        )
        project = JiraProject(server=jira.url, user=jira.user, token=jira.token, project="OPS")
        sender = Sender(root, Rooms({"operations": channel}, "operations"), project.tickets)
        root.writes = 0
        began = time.monotonic()
        # Nothing new is begun after it: so it only counts.
        while sender.deliver(until=datetime.now(UTC)).counted:
            pass
        counted, writes = time.monotonic(), root.writes
        report = sender.deliver()
        assert not report.left and not root.names("_notices/outbox")
        told = time.monotonic()
        return Queue(
            notices,
            fingerprints,
            round(counted - began, 1),
            round(told - counted, 1),
            writes,
            len(slack.exchanges) + len(jira.exchanges),
        )

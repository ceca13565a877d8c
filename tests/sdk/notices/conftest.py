"""Slack and Jira on loopback, a clock that tests move, and a sender between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect_slack import SlackCredentials

from blocks import JiraProject, SlackChannel
from sdk.notices.book import Book
from sdk.notices.fault import fingerprint
from sdk.notices.fault_state import FaultState
from sdk.notices.notice import Notice, event_id
from sdk.notices.once import Pace
from sdk.notices.outbox import Outbox
from sdk.notices.sender import Sender
from sdk.notices.silences import Silence
from sdk.notices.speak_slack import Rooms
from sdk.storage import Storage, storage
from sdk.testing.receivers import JiraReceiver, SlackReceiver

START = datetime(2026, 8, 15, 7, 0, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that only tests move."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at

    def seconds(self) -> float:
        return self.at.timestamp()

    def forward(self, **span: float) -> None:
        self.at += timedelta(**span)


def make_notice(number: int = 0, **given: Any) -> Notice:
    told: dict[str, Any] = {
        "kind": "failed",
        "severity": "error",
        "environment": "production",
        "flow": "capture",
        "step": "fetch",
        "error_class": "Transient",
        "customer": "metro",
        "day": date(2026, 8, 15),
        "headline": "the site did not answer",
        "did": ("tried 3 times", "the run failed"),
        "run_id": f"run-{number}",
        "run_url": f"https://prefect.example/flow-runs/flow-run/{number}",
        "owner": "grocery",
        "happened": START + timedelta(seconds=number),
        **given,
    }
    parts = [told[name] for name in ("environment", "flow", "step", "error_class")]
    fault = fingerprint(*parts)
    event = event_id(number, fault, told["kind"], told["customer"])
    return Notice(**{"event": event, "fault": fault, **told})


@dataclass
class Site:
    """Everything that a sender needs, and what came of it."""

    root: Storage
    slack: SlackReceiver
    jira: JiraReceiver
    clock: Clock
    silences: list[Silence] = field(default_factory=list)
    routes: dict[str, str] = field(default_factory=dict)
    token: str = ""

    @property
    def outbox(self) -> Outbox:
        return Outbox(self.root)

    def sender(self, root: Storage | None = None, pace: Pace | None = None) -> Sender:
        def room(name: str) -> SlackChannel:
            found = self.slack.workspace.find(name)
            return SlackChannel(
                credentials=SlackCredentials(token=self.token or self.slack.token),
                channel=found.id if found else name,
                base_url=self.slack.api_url,
                timeout=5,
            )

        rooms = Rooms(
            {name: room(name) for name in ("alerts", "oncall", "grocery")},
            "alerts",
            self.routes,
            "oncall",
        )
        project = JiraProject(
            server=self.jira.url, user=self.jira.user, token=self.jira.token, project="OPS"
        )
        return Sender(
            root or self.root,
            rooms,
            project.tickets,
            silences=self.silences,
            now=self.clock.now,
            pace=pace,
        )

    def send(self, *notices: Notice, passes: int = 1) -> None:
        for notice in notices:
            self.outbox.put(notice)
        for _ in range(passes):
            self.sender().deliver()

    def close(self) -> None:
        self.slack.__exit__()
        self.jira.__exit__()

    def state(self, notice: Notice) -> FaultState:
        found = Book(self.root).read(notice.fault)
        assert found is not None
        return found

    def heads(self, room: str = "alerts") -> list[Any]:
        return self.slack.channel(room).heads

    def replies(self, room: str = "alerts") -> list[str]:
        channel = self.slack.channel(room)
        return [reply.text for head in channel.heads for reply in channel.replies(head.ts)]


def open_site(folder: str) -> Site:
    """Return a site of its own; `Site.close` ends it."""
    clock = Clock()
    slack = SlackReceiver(["alerts", "oncall", "grocery"], clock=clock.seconds)
    jira = JiraReceiver(clock=clock.seconds, index_lag=20.0)
    slack.__enter__()
    jira.__enter__()
    return Site(storage(f"{folder}/store"), slack, jira, clock)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = open_site(str(tmp_path))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def new_site() -> Callable[[str], Site]:
    return open_site


@pytest.fixture(scope="session")
def notice() -> Callable[..., Notice]:
    return make_notice

"""Delivery beside a consumer: soon, once, and by what holds now rather than when it began."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from prefect_slack import SlackCredentials

from blocks import SlackChannel
from flows.streams import delivering as module
from flows.streams.delivering import delivering
from sdk.errors import Transient
from sdk.notices.fault import fingerprint
from sdk.notices.notice import Notice, event_id
from sdk.notices.outbox import OUTBOX, Outbox
from sdk.notices.sender import Sender
from sdk.notices.settings import NoticeSettings
from sdk.notices.silences import PATH
from sdk.notices.speak_slack import Rooms
from sdk.storage import storage
from sdk.testing.processes import wait_until
from sdk.testing.receivers import SlackReceiver

NOW = datetime(2026, 8, 15, 7, tzinfo=UTC)


class Site:
    """A storage root, Slack on loopback, and what makes senders between them."""

    def __init__(self, url: str, slack: SlackReceiver) -> None:
        self.url, self.root, self.slack = url, storage(url), slack
        self.outbox = Outbox(self.root)

    def sender(self) -> Sender:
        room = self.slack.workspace.find("alerts")
        assert room is not None
        channel = SlackChannel(
            credentials=SlackCredentials(token=self.slack.token),
            channel=room.id,
            base_url=self.slack.api_url,
            timeout=5,
        )
        rooms = Rooms({"alerts": channel}, "alerts", {}, None)
        return Sender(self.root, rooms, None, now=lambda: NOW)

    def put(self, step: str) -> None:
        fault = fingerprint("production", "stream", step, "Transient")
        self.outbox.put(
            Notice(
                event=event_id(step, fault, "failed", "metro"), fault=fault, kind="failed",
                severity="error", environment="production", flow="stream", step=step,
                error_class="Transient", customer="metro", day=NOW.date(), headline="no answer",
                did=("tried 3 times",), run_id=step, run_url="", owner="grocery", happened=NOW,
            )
        )  # fmt: skip

    def wait(self) -> None:
        wait_until(lambda: not self.root.names(OUTBOX), 60, "the outbox is empty")

    def heads(self) -> int:
        return len(self.slack.channel("alerts").heads)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(module, "PAUSE", 0.02)
    monkeypatch.setattr(module, "REST", 0.02)
    with SlackReceiver(["alerts"], clock=NOW.timestamp) as slack:
        made = Site(f"{tmp_path}/store", slack)
        monkeypatch.setattr("sdk.notices.channels.sender", lambda *_: made.sender())
        yield made


def test_what_is_put_out_while_it_runs_is_said_and_nothing_is_left_running(site: Site) -> None:
    with delivering(site.url, NoticeSettings()):
        site.put("fetch")
        site.wait()
    assert site.heads() == 1, "it is in Slack"
    assert not [one for one in threading.enumerate() if one.name == "delivery"]


def test_two_that_deliver_say_everything_once(site: Site) -> None:
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(delivering(site.url, NoticeSettings()))
        for number in range(10):
            site.put(f"step {number}")
        site.wait()
    assert site.heads() == 10


def test_a_silence_that_is_declared_later_holds(site: Site) -> None:
    with delivering(site.url, NoticeSettings()):
        site.put("fetch")
        site.wait()
        entry = {"pattern": "*/*/parse/*", "until": "2026-09-01", "ticket": "OPS-7"}
        site.root.put(PATH, yaml.safe_dump([entry]).encode())
        site.put("parse")
        site.wait()
    assert site.heads() == 1, "and it was begun before"


def test_unreadable_silences_silence_nothing(site: Site) -> None:
    site.root.put(PATH, b"pattern: [")
    with delivering(site.url, NoticeSettings()):
        site.put("fetch")
        site.wait()
    assert site.heads() == 1


def test_after_a_pass_that_failed_the_channels_are_loaded_anew(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Sender] = []

    def sender(*_: object) -> Sender:
        made.append(site.sender())
        if len(made) == 1:
            monkeypatch.setattr(made[0], "deliver", _refuse)
        return made[-1]

    monkeypatch.setattr("sdk.notices.channels.sender", sender)
    with delivering(site.url, NoticeSettings()):
        site.put("fetch")
        site.wait()
    assert site.heads() == 1, "what was kept is said"
    assert len(made) == 2


def _refuse(until: object = None) -> None:
    raise Transient("the store does not answer", "Wait.")

"""Senders that are killed at random, one after the other: a process of the chaos benchmark.

The clients are imported once; each sender is a fork of this process, which has one thread. It is
ended by SIGKILL after a random while, so many times, and the last one is left to finish.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prefect_slack import SlackCredentials
from pydantic import BaseModel

from blocks import JiraProject, SlackChannel
from sdk.notices.once import Pace
from sdk.notices.outbox import OUTBOX
from sdk.notices.sender import Sender
from sdk.notices.speak_slack import Rooms
from sdk.storage import storage


class Orders(BaseModel):
    """What a process of senders is told.

    Attributes:
        store: the storage root.
        clock: file that holds by how many seconds the clock is ahead.
        stop: file that appears when nothing new will come.
        kills: senders to kill before one is left alone.
        shortest: seconds that a sender lives at least.
        longest: seconds that a sender lives at most.
        seed: of the kills.
    """

    store: str
    slack_url: str
    slack_token: str
    jira_url: str
    jira_user: str
    jira_token: str
    clock: str
    stop: str
    kills: int
    shortest: float
    longest: float
    seed: int


@dataclass(frozen=True)
class Clock:
    """The time of day, moved ahead by what a file says."""

    file: Path

    def now(self) -> datetime:
        """Return it, UTC."""
        return datetime.now(UTC) + timedelta(seconds=float(self.file.read_text() or 0))


PACE = Pace(
    slack_settles=0.5, jira_settles=0.5, first_wait=0.05, longest_wait=0.2, lease=1.5, failures=5
)
"""As patient as loopback needs; the proportions are those of the real thing."""


def send(orders: Orders) -> None:
    """Be a sender until everything is said."""
    slack = SlackChannel(
        credentials=SlackCredentials(token=orders.slack_token),
        channel="C0000000001",
        base_url=orders.slack_url,
        timeout=5,
    )
    jira = JiraProject(
        server=orders.jira_url,
        user=orders.jira_user,
        token=orders.jira_token,
        project="OPS",
        timeout=5,
    )
    root = storage(orders.store)
    sender = Sender(
        root,
        Rooms({"operations": slack}, "operations"),
        jira.tickets,
        now=Clock(Path(orders.clock)).now,
        pace=PACE,
    )
    while True:
        report = sender.deliver()
        idle = report.held and not report.left and not root.names(OUTBOX)
        if idle and Path(orders.stop).exists():
            return
        time.sleep(0.02)


def main(text: str) -> int:
    """Run senders as told; return how many were killed in the midst."""
    orders = Orders.model_validate_json(text)
    draw = random.Random(orders.seed)
    killed = 0
    while True:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                send(orders)
                code = 0
            finally:
                os._exit(code)
        if killed < orders.kills:
            end = time.monotonic() + draw.uniform(orders.shortest, orders.longest)
            while time.monotonic() < end:
                if os.waitpid(child, os.WNOHANG)[0]:
                    return killed
                time.sleep(0.005)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            killed += 1
            continue
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) == 0:
            return killed


if __name__ == "__main__":
    print(main(sys.argv[1]))

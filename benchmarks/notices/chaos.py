"""Chaos: many faults of few kinds, Slack and Jira failing a third of the time, senders killed.

Three acts, each to its end: faults break out (every notice put in once or twice, in any order); two
hours pass, so that remarks are due; everything works again. What must be true afterwards is in
`Outcome.problems`: one ticket and one thread for each fault, the right counters, every remark once.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.notices.killed_sender import Orders
from sdk.notices.book import Book
from sdk.notices.build_jira import mark
from sdk.notices.fault import fingerprint
from sdk.notices.notice import Notice, event_id
from sdk.notices.outbox import Outbox
from sdk.storage import storage
from sdk.testing.receivers import Faults, JiraReceiver, SlackReceiver

THIRD = {"limited": 0.08, "error": 0.09, "dropped": 0.08, "lost": 0.08}
"""Shares of requests that go wrong, a third in all; `lost`: done, and the answer never came."""
ROOT = Path(__file__).parent.parent.parent
LATER = 2 * 3600


@dataclass
class Outcome:
    """What came of it."""

    faults: int
    fingerprints: int
    kills: int = 0
    seconds: float = 0.0
    requests: dict[str, int] = field(default_factory=dict)
    went_wrong: dict[str, int] = field(default_factory=dict)
    tickets: int = 0
    threads: int = 0
    counted: int = 0
    problems: list[str] = field(default_factory=list)


def run(
    folder: Path,
    *,
    faults: int,
    fingerprints: int,
    kills: int,
    senders: int = 2,
    lives: tuple[float, float] = (0.2, 1.5),
    retry_after: int = 0,
    seed: int = 1,
) -> Outcome:
    """Carry it out.

    Args:
        folder: an empty one.
        faults: distinct notices.
        fingerprints: distinct faults among them.
        kills: SIGKILLs in each act, of all senders together.
        senders: processes that compete.
        lives: seconds between which a sender is killed.
        retry_after: seconds that a 429 asks for.
        seed: of everything random.
    """
    draw = random.Random(seed)
    clock = folder / "clock"
    clock.write_text("0")

    def seconds() -> float:
        with contextlib.suppress(ValueError):
            return time.time() + float(clock.read_text())
        return time.time()

    outcome = Outcome(faults, fingerprints)
    began = time.monotonic()
    expected: Counter[str] = Counter()
    slack = SlackReceiver(clock=seconds, faults=Faults(**THIRD, retry_after=retry_after, seed=seed))
    jira = JiraReceiver(
        clock=seconds,
        index_lag=0.2,
        faults=Faults(**THIRD, retry_after=retry_after, seed=seed + 1),
    )
    with slack, jira:
        stage = _Stage(folder, slack, jira, kills, senders, lives, draw)
        notices = [broken(number, fingerprints) for number in range(faults)]
        expected.update(notice.fault for notice in notices)
        outbox = Outbox(storage(stage.store))
        with stage.playing(outcome):
            given = [notice for notice in notices for _ in range(draw.choice((1, 1, 2)))]
            draw.shuffle(given)
            for position, notice in enumerate(given):
                outbox.put(notice)
                if position % 20 == 0:
                    time.sleep(0.05)
        clock.write_text(str(LATER))
        for state in Book(storage(stage.store)).states():
            outbox.put(_again(state.latest))
            expected[state.fingerprint] += 1
        with stage.playing(outcome):
            pass
        for state in Book(storage(stage.store)).states():
            for customer in state.broken_for:
                outbox.put(_mended(state.latest, customer))
        with stage.playing(outcome):
            pass
        outcome.seconds = round(time.monotonic() - began, 1)
        judge(outcome, stage.store, slack, jira, expected)
    return outcome


class _Stage:
    def __init__(
        self,
        folder: Path,
        slack: SlackReceiver,
        jira: JiraReceiver,
        kills: int,
        senders: int,
        lives: tuple[float, float],
        draw: random.Random,
    ) -> None:
        self.folder, self.store = folder, str(folder / "store")
        self.slack, self.jira = slack, jira
        self.kills, self.senders, self.lives, self.draw = kills, senders, lives, draw

    @contextlib.contextmanager
    def playing(self, outcome: Outcome) -> Iterator[None]:
        """Have senders at work during the block, and until everything is said."""
        stop = self.folder / "stop"
        stop.unlink(missing_ok=True)
        started = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.notices.killed_sender", self._orders(number)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(self.senders)
        ]
        try:
            yield
            stop.touch()
            for process in started:
                said, _ = process.communicate(timeout=600)
                outcome.kills += int(said)
        finally:
            for process in started:
                process.kill()
                process.wait()

    def _orders(self, number: int) -> str:
        share = self.kills // self.senders + (number < self.kills % self.senders)
        return Orders(
            store=self.store,
            slack_url=self.slack.api_url,
            slack_token=self.slack.token,
            jira_url=self.jira.url,
            jira_user=self.jira.user,
            jira_token=self.jira.token,
            clock=str(self.folder / "clock"),
            stop=str(self.folder / "stop"),
            kills=share,
            shortest=self.lives[0],
            longest=self.lives[1],
            seed=self.draw.randrange(2**31),
        ).model_dump_json()


def judge(
    outcome: Outcome,
    store: str,
    slack: SlackReceiver,
    jira: JiraReceiver,
    expected: Counter[str],
) -> None:
    """Write into the outcome what is, and what should not be."""
    found = outcome.problems
    states = list(Book(storage(store)).states())
    room = slack.channel("alerts")
    outcome.tickets, outcome.threads = len(jira.tickets), len(room.heads)
    outcome.counted = sum(state.count for state in states)
    for name, receiver in (("slack", slack), ("jira", jira)):
        exchanges = receiver.exchanges
        outcome.requests[name] = len(exchanges)
        outcome.went_wrong[name] = sum(e.fault != "none" for e in exchanges)
    if {state.fingerprint: state.count for state in states} != dict(expected):
        found.append("the counters of the book are not those of the distinct notices")
    labels = Counter(text for ticket in jira.tickets for text in ticket.labels)
    heads = Counter(str(m.metadata["event_payload"]["key"]) for m in room.heads if m.metadata)
    for state in states:
        name, times = state.fingerprint, expected[state.fingerprint]
        if labels[mark(name)] != 1:
            found.append(f"{name}: {labels[mark(name)]} tickets")
        if heads[f"{name}-head-1"] != 1:
            found.append(f"{name}: {heads[f'{name}-head-1']} heads")
        _judge_words(found, name, times, slack, jira)
    left = storage(store).names("_notices/outbox") + storage(store).names("_notices/dead")
    found += [f"left over: {name}" for name in left]


def _judge_words(
    found: list[str], name: str, times: int, slack: SlackReceiver, jira: JiraReceiver
) -> None:
    room = slack.channel("alerts")
    for head in room.heads:
        key = str((head.metadata or {}).get("event_payload", {}).get("key"))
        if key != f"{name}-head-1":
            continue
        if f"{times:,} times" not in str(head.blocks) or "Mended" not in str(head.blocks):
            found.append(f"{name}: its head does not say {times} times and Mended")
        said = [message.text for message in room.replies(head.ts)]
        _judge_remarks(found, f"{name} in Slack", times, said)
    for ticket in jira.tickets:
        if mark(name) in ticket.labels:
            _judge_remarks(found, f"{name} in Jira", times, [c.text for c in ticket.comments])
            if ticket.status != "Done":
                found.append(f"{name}: its ticket is {ticket.status}")


def _judge_remarks(found: list[str], where: str, times: int, said: Sequence[str]) -> None:
    again = [text for text in said if text.startswith("Still broken")]
    mended = [text for text in said if text.startswith("Works again")]
    if len(again) != 1 or len(mended) != 1 or len(said) != 2:
        found.append(f"{where}: {len(again)} remarks, {len(mended)} ends, {len(said)} in all")
    elif not all(f"{times:,} times" in text for text in said):
        found.append(f"{where}: the remarks do not say {times} times")


def broken(number: int, fingerprints: int) -> Notice:
    """Return the notice of one of so many faults, hostile in its words."""
    which = number % fingerprints
    flow, step = f"flow_{which % 8}", f"step_{which}"
    fault = fingerprint("production", flow, step, "CheckFailed")
    return Notice(
        event=event_id("chaos", number),
        fault=fault,
        kind="failed",
        severity="error",
        environment="production",
        flow=flow,
        step=step,
        error_class="CheckFailed",
        customer=f"customer {number % 5}",
        headline=f"<!channel> item {number} is *broken*, see https://example.com",
        happened=datetime.now(UTC) - timedelta(seconds=number),
        owner="grocery",
        run_url="https://prefect.example/flow-runs/flow-run/1",
    )


def _again(latest: Notice) -> Notice:
    at = datetime.now(UTC) + timedelta(seconds=LATER)
    return latest.model_copy(update={"event": event_id("again", latest.fault), "happened": at})


def _mended(latest: Notice, customer: str) -> Notice:
    return latest.model_copy(
        update={
            "event": event_id("mended", latest.fault, customer),
            "customer": customer,
            "kind": "mended",
            "severity": "info",
            "happened": datetime.now(UTC) + timedelta(seconds=LATER + 1),
        }
    )

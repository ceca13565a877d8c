"""Writes docs/notices.md, one of each notice: ``python -m benchmarks.notices.page``.

Everything on the page comes out of the code that makes the real ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sdk.notices import build_jira, build_slack
from sdk.notices.build_deadline import notice
from sdk.notices.build_plain import plain
from sdk.notices.deadlines import Limits, WatchedRun, plan
from sdk.notices.digest import RanRun, digest
from sdk.notices.fault import fingerprint
from sdk.notices.fault_parts import Saying, TicketState
from sdk.notices.fault_state import FaultState, fold
from sdk.notices.notice import Notice, event_id
from sdk.notices.outbox import DeadLetter
from sdk.notices.overview import broken_now
from sdk.notices.undelivered import undelivered

PAGE = Path(__file__).parent.parent.parent / "docs" / "notices.md"
AT = datetime(2026, 8, 15, 6, 41, tzinfo=UTC)
UI = "https://prefect.dataweave.example/flow-runs/flow-run"
RUNBOOKS = "https://docs.dataweave.example/runbooks"
RUN = "6f1f7a52-9f0c-4c55-9d1e-2a7f3f1c0b11"


def page() -> str:
    """Return the page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# One of each notice"
    yield ""
    yield "Made by `python -m benchmarks.notices.page` out of the code that makes the real ones; a"
    yield "test holds it to be current. For each: the text on the console, what Slack is sent, and"
    yield "what the ticket says. How they come about is in [how-to/notices.md](how-to/notices.md)."
    failed = _failed()
    state = _state(failed, _failed(1, customer="orchard", happened=AT + timedelta(minutes=26)))
    yield from _fault("A step failed, and the run with it", failed, state, ticket=True)
    yield from _remarks(state)
    degraded = _degraded()
    yield from _fault("130 sites failed, a fallback was served", degraded, _state(degraded))
    partial = _partial()
    yield from _fault("Some items failed, and the run went on", partial, _state(partial))
    mended = fold(
        state,
        _failed(2, kind="mended", severity="info", happened=AT + timedelta(hours=3)),
        AT + timedelta(hours=3),
    )
    assert mended is not None
    mended = fold(
        mended,
        _failed(
            3,
            kind="mended",
            severity="info",
            customer="orchard",
            happened=AT + timedelta(hours=4),
        ),
        AT + timedelta(hours=4),
    )
    assert mended is not None
    yield from _section("It works again: the head of the thread")
    yield from _json(build_slack.head(mended).blocks)
    yield from _section("Silenced: the head of the thread")
    yield from _json(build_slack.head(state, "silenced until 2026-08-31 for OPS-123").blocks[-1:])
    for title, told in _late():
        yield from _fault(title, told, _state(told))
        if told.severity == "critical":
            yield "Who is on call is sent:"
            yield from _json(build_slack.page(told).blocks)
    dead = DeadLetter(
        name="x",
        target="jira",
        reason="Jira refused a ticket in OPS (403): You do not have the permission.",
        action="Grant the user what it lacks in the project.",
        code="403",
        at=AT,
        subject=failed.place,
    )
    told = undelivered(dead)
    yield from _fault("A notice could not be told at all", told, _state(told))
    yield from _section("The daily digest")
    day = AT.date()
    runs = [
        RanRun("metro", "metro_daily", RUN, "failed", AT, day, f"{failed.step}: {failed.headline}"),
        RanRun("orchard", "orchard_daily", "r2", "degraded", AT, day, "offers: last good, 1 d old"),
        RanRun("apex", "apex_daily", "r3", "fresh", AT, day),
    ]
    still = broken_now([state, _state(degraded)], [], AT)
    letter = digest("operations", AT, runs=runs, broken=still, dead=[dead])
    yield from _text(f"{letter.subject}\n\n{letter.body}")
    yield from _json(build_slack.letter(letter.subject, letter.body).blocks)


def _fault(title: str, told: Notice, state: FaultState, *, ticket: bool = False) -> Iterator[str]:
    yield from _section(title)
    yield from _text(plain(told))
    yield from _json(build_slack.head(state).blocks)
    if ticket:
        words = build_jira.ticket(state)
        yield f"The ticket, labelled {', '.join(f'`{label}`' for label in words.labels)}:"
        yield from _text(f"{words.summary}\n\n{words.description}")


def _remarks(state: FaultState) -> Iterator[str]:
    yield from _section("It goes on: remarks in the thread and on the ticket")
    at = AT + timedelta(hours=1)
    for about, count in (("again", 2), ("back", 3), ("louder", 4), ("mended", 4)):
        saying = Saying.model_validate(
            {
                "key": "k",
                "about": about,
                "at": at,
                "count": count,
                "customers": state.broken_for,
                "left": ["slack"],
            }
        )
        yield from _text(build_slack.remark(state, saying).blocks[0]["text"]["text"])


def _section(title: str) -> Iterator[str]:
    yield from ("", f"## {title}", "")


def _text(text: str) -> Iterator[str]:
    yield from ("", "```text", text, "```", "")


def _json(blocks: list[dict[str, Any]]) -> Iterator[str]:
    yield from ("", "```json", json.dumps(blocks, indent=1, ensure_ascii=False), "```", "")


def _state(*notices: Notice) -> FaultState:
    state = None
    for told in notices:
        state = fold(state, told, told.happened)
    assert state is not None
    if any(told.kind == "failed" for told in notices):
        url = "https://dataweave.atlassian.example/browse/OPS-318"
        state.ticket = TicketState(key="OPS-318", url=url)
    return state


def _failed(number: int = 0, **given: Any) -> Notice:
    return _made(
        number,
        **{
            "kind": "failed",
            "severity": "error",
            "flow": "ingest_prices",
            "step": "read_price_files",
            "error_class": "CheckFailed",
            "headline": "prices-20260815.csv.gz, row 1,204, price: 'N/A' is not a number",
            "action": "Ask the supplier for the file again, then run metro-daily again.",
            "did": ("tried once", "the run failed"),
            "last_good": date(2026, 8, 14),
            **given,
        },
    )


def _degraded() -> Notice:
    return _made(
        9,
        kind="degraded",
        severity="warning",
        flow="capture_offers",
        step="fetch_site",
        error_class="TimeoutError",
        headline="130 of 150 executions failed: TimeoutError: no answer within 30 s",
        examples=(
            "TimeoutError: no answer within 30 s",
            "Transient: 503 from shop-17.example",
        ),
        count=130,
        total=150,
        did=(
            "tried 3 times",
            "capture_offers was served its fallback: last good of 2026-08-14",
            "the run completed, marked Degraded",
        ),
        last_good=date(2026, 8, 14),
    )


def _partial() -> Notice:
    return _made(
        10,
        kind="partial",
        severity="warning",
        flow="capture_offers",
        step="fetch_site",
        error_class="Permanent",
        headline="2 of 150 executions failed: shop-17.example answered 403",
        action="Ask the shop whether we may; until then, take it out of the site file.",
        examples=("shop-17.example answered 403", "shop-88.example answered 403"),
        count=2,
        total=150,
        did=("tried once", "the run went on without it"),
        last_good=date(2026, 8, 12),
    )


def _made(number: int, **given: Any) -> Notice:
    told: dict[str, Any] = {
        "environment": "production",
        "customer": "metro",
        "day": AT.date(),
        "root_flow": "metro_daily",
        "run_id": RUN,
        "run_url": f"{UI}/{RUN}",
        "runbook_url": f"{RUNBOOKS}/{given['flow']}",
        "owner": "grocery",
        "tier": "gold",
        "happened": AT,
        **given,
    }
    fault = fingerprint("production", told["flow"], told["step"], told["error_class"])
    return Notice(**{"event": event_id(number, fault), "fault": fault, **told})


def _late() -> Iterator[tuple[str, Notice]]:
    due = AT - timedelta(minutes=24)
    waiting = WatchedRun(RUN, "calm-owl", "metro_daily", "metro", "scheduled", due)
    running = WatchedRun(RUN, "calm-owl", "metro_daily", "metro", "running", due, due, due)
    limit = Limits(deadline=timedelta(minutes=90), owner="grocery", tier="gold")
    cases: tuple[tuple[str, WatchedRun, int], ...] = (
        ("Late, level 1: it was due and has not begun", waiting, 11),
        ("Stuck, level 2: it gives no sign of life", running, 50),
        (
            "Overrunning, level 3: it is past its deadline",
            WatchedRun(
                RUN,
                "calm-owl",
                "metro_daily",
                "metro",
                "running",
                due,
                due,
                due + timedelta(minutes=185),
            ),
            190,
        ),
    )
    killed = WatchedRun(
        RUN,
        "calm-owl",
        "metro_daily",
        "metro",
        "crashed",
        due,
        changed=due + timedelta(minutes=20),
        message="Flow run infrastructure exited with non-zero status code -9.",
    )
    cases += (("Crashed: its process was killed", killed, 21),)
    for title, run, minutes in cases:
        now = due + timedelta(minutes=minutes)
        (step,) = plan([run], {"metro_daily": limit}, now, [])
        url, runbook = f"{UI}/{RUN}", f"{RUNBOOKS}/metro_daily"
        yield title, notice(step, limit, "production", now, run_url=url, runbook_url=runbook)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

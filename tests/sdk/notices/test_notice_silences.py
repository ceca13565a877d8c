"""Silences and digests: what is not said, and what is said once a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from sdk.errors import ConfigurationError
from sdk.manifest import StepStatistics
from sdk.notices.digest import RanRun, digest, ran
from sdk.notices.fault_state import FaultState, fold
from sdk.notices.outbox import DeadLetter
from sdk.notices.overview import broken_now
from sdk.notices.silences import PATH, Silence, read_silences, review, silence_of
from sdk.statistics import StepRecord
from sdk.storage import storage

NOW = datetime(2026, 8, 15, 12, tzinfo=UTC)


def state_of(told: Any) -> FaultState:
    state = fold(None, told, NOW)
    assert state is not None
    return state


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("production/capture/fetch/Transient", True),
        ("*/*/*/*", True),
        ("production/cap*/*/Trans*", True),
        ("staging/*/*/*", False),
        ("production/*/Transient/*", False),
    ],
)
def test_a_pattern_fits_part_by_part(notice: Any, pattern: str, fits: bool) -> None:
    silence = Silence(pattern=pattern, until=NOW.date(), ticket="OPS-1")
    assert (silence_of([silence], state_of(notice(1)), NOW) is not None) == fits


def test_a_silence_lasts_through_its_day(notice: Any) -> None:
    state = state_of(notice(1))
    silence = Silence(fault=state.fingerprint, until=NOW.date(), ticket="OPS-1")
    assert silence_of([silence], state, NOW) is silence
    assert silence_of([silence], state, NOW + timedelta(days=1)) is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a: b", "is no list"),
        ("- [", "is not YAML"),
        ("- fault: a\n  until: 2026-12-01\n  ticket: soon", "entry 1, ticket"),
        ("- fault: a\n  ticket: OPS-1", "entry 1, until"),
        ("- until: 2026-12-01\n  ticket: OPS-1", "entry 1, entry: "),
        (
            "- {fault: a, until: 2026-12-01, ticket: OPS-1}\n"
            "- {pattern: a/b, until: 2026-12-01, ticket: OPS-1}",
            "entry 2, entry: ",
        ),
        ("- {fault: a, untill: 2026-12-01, ticket: OPS-1}", "entry 1, until"),
    ],
)
def test_a_wrong_file_is_told_by_entry_and_field(tmp_path: Any, content: str, told: str) -> None:
    root = storage(str(tmp_path))
    root.put(PATH, content.encode())
    with pytest.raises(ConfigurationError) as raised:
        read_silences(root)
    assert told in raised.value.problem and PATH in raised.value.problem


def test_a_right_file_is_read_and_none_is_none(tmp_path: Any) -> None:
    root = storage(str(tmp_path))
    assert read_silences(root) == []
    root.put(PATH, b"- {fault: ab, until: 2026-12-01, ticket: OPS-1, reason: known}")
    (silence,) = read_silences(root)
    assert (silence.until, silence.reason) == (date(2026, 12, 1), "known")


def test_the_review_lists_what_is_closed_and_what_has_ended() -> None:
    def silence(key: str, days: int) -> Silence:
        return Silence(fault="a", until=NOW.date() + timedelta(days=days), ticket=key)

    given = [silence("OPS-1", 3), silence("OPS-2", 3), silence("OPS-3", -1)]
    found = review(given, ["OPS-2"], NOW.date())
    assert [(s.ticket, why.split(":")[0]) for s, why in found] == [
        ("OPS-2", "OPS-2 is closed"),
        ("OPS-3", "ended on 2026-08-14"),
    ]


def test_a_digest_tells_what_is_broken_longest_first(notice: Any) -> None:
    old = state_of(notice(1, step="old", happened=NOW - timedelta(days=9)))
    new = state_of(notice(2, step="new", happened=NOW))
    ended = fold(state_of(notice(3, step="ended")), notice(4, step="ended", kind="mended"), NOW)
    assert ended is not None
    runs = [
        RanRun("orchard", "orchard_daily", "r2", "fresh", NOW, NOW.date()),
        RanRun("metro", "metro_daily", "r1", "failed", NOW, NOW.date(), "fetch: no\nanswer"),
        RanRun("apex", "apex_daily", "r3", "degraded", NOW, NOW.date(), "offers: last good"),
    ]
    dead = [DeadLetter(name="x", target="jira", reason="403", at=NOW, subject="capture/fetch")]
    letter = digest(
        "operations", NOW, runs=runs, broken=broken_now([new, ended, old], [], NOW), dead=dead
    )
    what = "for metro — the site did not answer"
    assert letter.body == "\n".join(
        [
            "Ran in the 24 hours until 2026-08-15 12:00 UTC: 3 (1 fresh, 1 degraded, 1 failed).",
            "",
            "Failed: 1",
            "– metro_daily, metro, data of 2026-08-15 — fetch: no answer",
            "",
            "Degraded: 1",
            "– apex_daily, apex, data of 2026-08-15 — offers: last good",
            "",
            "Still broken, oldest first: 2",
            f"– since 2026-08-06 12:00 UTC, once: capture/old {what}",
            f"– since 2026-08-15 12:00 UTC, once: capture/new {what}",
            "",
            "Could not be told: 1",
            "– capture/fetch — 403",
        ]
    )
    quiet = digest("operations", NOW, runs=[], broken=[])
    assert "Nothing is broken now." in quiet.body


def test_how_a_run_ended_is_read_from_its_ledger() -> None:
    def record(step: str, outcome: Any, path: tuple[str, ...] = ("r",), **more: Any) -> StepRecord:
        statistics = StepStatistics(step=step, started=NOW)
        return StepRecord(
            step=step, flow="day", customer="m", day=NOW.date(), run_id="r", path=path,
            outcome=outcome, statistics=statistics, **more,
        )  # fmt: skip

    failed = record("a", "failed", error="x")
    assert ran("m", "r", []) is None
    for records, outcome in (
        ([record("a", "fresh")], "fresh"),
        ([failed, record("day", "failed", is_flow=True)], "failed"),
        ([failed, record("a", "fresh", ("r.2",))], "fresh"),
    ):
        found = ran("m", "r", records)
        assert found is not None and found.outcome == outcome

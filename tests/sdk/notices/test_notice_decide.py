"""What is said of a run's end: root causes, once, and nothing of what is well."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from sdk.errors import CheckFailed, PlatformError
from sdk.manifest import Degradation, StepStatistics
from sdk.notices.causes import settled
from sdk.notices.decide import Surroundings, decide
from sdk.notices.fault import error_class, fingerprint, place
from sdk.run import Run
from sdk.statistics import StepRecord

NOW = datetime(2026, 8, 15, 7, tzinfo=UTC)
DAY = date(2026, 8, 15)
RUN = Run(
    customer="metro", day=DAY, store="memory://x", run_id="r", root_id="r", path=("r",), flow="day"
)


def record(step: str, outcome: Any = "fresh", flow: str = "day", **given: Any) -> StepRecord:
    told: dict[str, Any] = {"path": ("r",) if flow == "day" else ("r", flow), **given}
    statistics = StepStatistics(step=step, started=NOW, attempts=told.pop("attempts", 1))
    return StepRecord(
        step=step,
        flow=flow,
        customer="metro",
        day=DAY,
        run_id="r",
        outcome=outcome,
        statistics=statistics,
        **told,
    )


def said(records: list[StepRecord], failure: Exception | None = None, **given: Any) -> list[Any]:
    return decide(RUN, records, failure, Surroundings(now=NOW, **given))


def test_nothing_is_said_of_a_run_that_went_well() -> None:
    assert said([record("a"), record("b", "reused")]) == []


def test_parents_do_not_echo_their_children() -> None:
    failure = CheckFailed("3 rows without a price", "Ask the supplier.")
    records = [
        record("check", "failed", flow="ingest", error=failure.problem, attempts=3),
        record("ingest", "failed", flow="ingest", error=failure.problem, is_flow=True),
        record("day", "failed", error=failure.problem, is_flow=True),
    ]
    (notice,) = said(records, failure, tier="gold", owner="grocery")
    assert (notice.flow, notice.step, notice.error_class) == ("ingest", "check", "CheckFailed")
    assert (notice.severity, notice.kind, notice.root_flow) == ("critical", "failed", "day")
    assert notice.action == "Ask the supplier."
    assert notice.did == ("tried 3 times", "the run failed")


def test_a_flood_of_failing_items_is_one_notice() -> None:
    sites = [record("fetch", "failed", error=f"TimeoutError: site {n}") for n in range(130)]
    records = [*sites, *(record("fetch") for _ in range(20))]
    (notice,) = said(records)
    assert notice.headline == "130 of 150 executions failed: TimeoutError: site 0"
    assert (notice.count, notice.total, notice.severity) == (130, 150, "warning")
    assert len(notice.examples) == 3
    (worse,) = said([*records, record("day", "failed", is_flow=True)], RuntimeError("too few"))
    assert worse.severity == "error" and worse.fault == notice.fault


def test_a_fallback_is_told_where_it_was_served_and_not_downstream() -> None:
    reason = Degradation(dataset="offers", source="last_good", age_days=2, reason="TimeoutError: x")
    served = record(
        "capture",
        "degraded",
        fallback="last good of 2026-08-13",
        error="TimeoutError: x",
        degraded=(reason,),
    )
    (notice,) = said([served, record("match", "degraded", degraded=(reason,))])
    assert (notice.kind, notice.severity, notice.step) == ("degraded", "warning", "capture")
    assert notice.last_good == DAY - timedelta(days=2)
    assert "served last good of 2026-08-13 instead" in notice.did


def test_a_flow_that_served_its_fallback_leaves_the_cause_to_its_step() -> None:
    records = [
        record("fetch", "failed", flow="capture", error="ValueError: x"),
        record("capture", "degraded", flow="capture", is_flow=True, fallback="default", error="x"),
    ]
    (notice,) = said(records)
    assert (notice.step, notice.severity) == ("fetch", "warning")
    assert "capture was served its fallback: default" in notice.did


def test_what_a_later_attempt_made_good_is_not_told() -> None:
    first = record("fetch", "failed", error="ValueError: x")
    assert said([first, record("fetch", path=("r.2",))]) == []
    below = record("fetch", "failed", flow="sub", path=("r", "s"), error="ValueError: x")
    assert said([below, record("fetch", flow="sub", path=("r", "s.2"))]) == []
    # The flow's own record is under its first attempt's name and stands for all of them.
    own = record("day", "failed", is_flow=True, error="ValueError: x")
    last = record("fetch", "failed", path=("r.2",), error="ValueError: x")
    assert settled([first, last, own]) == [last, own]
    assert len(said([first, last, own], ValueError("x"))) == 1


def test_a_failure_without_a_record_is_told_of_the_flow() -> None:
    (notice,) = said([], ValueError("no such day"))
    assert (notice.place, notice.error_class) == ("day", "ValueError")
    assert notice.headline == "ValueError: no such day"


def test_only_open_faults_are_mended_and_only_by_what_worked() -> None:
    known = {
        place("development", flow, step): [f"{flow}-{step}"]
        for flow, step in (("day", "a"), ("day", "b"), ("day", "c"), ("day", ""), ("else", "a"))
    }
    records = [record("a"), record("b", "failed", error="ValueError: x")]
    found = said(records, ValueError("x"), open_faults=known)
    assert [n.fault for n in found if n.kind == "mended"] == ["day-a"]
    found = said([record("a"), record("c", "reused")], None, open_faults=known)
    assert [n.fault for n in found] == ["day-", "day-a", "day-c"]
    assert {n.severity for n in found} == {"info"}


def test_what_holds_secrets_is_redacted() -> None:
    failure = PlatformError("no route to https://me:hunter2@host", "Set password=hunter2 anew.")
    (notice,) = said([], failure)
    assert "hunter2" not in notice.model_dump_json()


def test_a_fault_is_the_same_whatever_the_run_says() -> None:
    assert said([], ValueError("1"))[0].fault == said([], ValueError("2"))[0].fault
    assert said([], ValueError("1"))[0].fault != said([], KeyError("1"))[0].fault
    assert said([], ValueError("1"))[0].event == said([], ValueError("2"))[0].event
    assert fingerprint("a", "b c", "d", "e") != fingerprint("a", "b", "c d", "e")


@pytest.mark.parametrize(
    ("text", "failure", "found"),
    [
        ("TimeoutError: no answer", None, "TimeoutError"),
        ("3 rows: no price", None, "PlatformError"),
        ("3 rows", CheckFailed("3 rows"), "CheckFailed"),
        ("3 rows", RuntimeError("other"), "PlatformError"),
        ("", None, "PlatformError"),
    ],
)
def test_the_class_of_an_error_is_read_where_it_is_kept(
    text: str, failure: Exception | None, found: str
) -> None:
    assert error_class(record("a", "failed", error=text), failure) == found


def test_the_class_of_a_cause_is_found_below_what_was_raised() -> None:
    try:
        try:
            raise CheckFailed("3 rows")
        except CheckFailed as cause:
            raise RuntimeError("the day failed") from cause
    except RuntimeError as error:
        assert error_class(record("a", "failed", error="3 rows"), error) == "CheckFailed"

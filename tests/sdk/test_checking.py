"""Checks before a step: what it is called with, what is set aside, when it must not run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdk import Dataset, checks, default, flow, last_good, task
from sdk.checking import Checking
from sdk.dataset import DatasetKey
from sdk.errors import CheckFailed, ConfigurationError
from sdk.step import Step
from sdk.store import Store
from sdk.testing.platform import Platform, platform, prefect_api

__all__ = ["platform", "prefect_api"]

DAY = date(2026, 8, 15)
KEY = DatasetKey(customer="acme", name="made", day=DAY)
POSITIVE = checks.between("n", 0, otherwise="quarantine", at_most=1)
GOOD, MIXED = pl.DataFrame({"n": [1, 2]}), pl.DataFrame({"n": [1, -2, 3]})

seen: list[Any] = []


@task(dataset="made", before={"raw": [checks.rows(2)]}, checks=[checks.rows(1)])
def from_dataset(raw: Dataset) -> pl.DataFrame:
    seen.append(raw)
    return raw.frame() * 2


@task(dataset="made", before={"raw": [POSITIVE]}, checks=[POSITIVE])
def from_frame(raw: pl.DataFrame) -> pl.DataFrame:
    seen.append(raw)
    return raw.with_columns(n=pl.col("n") - 2)


def test_a_step_does_not_run_on_what_does_not_hold(platform: Platform) -> None:
    raw = platform.give(GOOD.head(1), customer="acme", name="raw", day=DAY)

    @flow(customer="acme")
    def acme_daily(day: date) -> Dataset:
        return from_dataset(raw)

    seen.clear()
    ran = platform.run(acme_daily, day=DAY)
    assert ran.state == "Failed"
    assert isinstance(ran.error, CheckFailed)
    assert "step from_dataset, before it: raw: rows 2..: 1 rows" in ran.error.problem
    assert seen == [], "it was not called, and not tried again"
    record = ran.record("from_dataset")
    assert (record.outcome, record.statistics.attempts) == ("failed", 1)
    assert [(check.table, check.passed) for check in record.checks] == [("raw", False)]
    assert platform.dataset(customer="acme", name="made", day=DAY) is None


def test_what_was_checked_before_is_in_the_manifest_and_the_record(platform: Platform) -> None:
    raw = platform.give(GOOD, customer="acme", name="raw", day=DAY)

    @flow(customer="acme")
    def acme_daily(day: date) -> Dataset:
        return from_dataset(raw)

    for outcome in ("fresh", "reused"):
        ran = platform.run(acme_daily, day=DAY)
        record = ran.record("from_dataset")
        assert record.outcome == outcome
        assert [check.table for check in record.checks] == ["raw", "data"]
    manifest = platform.store.latest(KEY)
    assert manifest is not None
    assert manifest.checks == record.checks


def test_rows_of_a_frame_are_set_aside_on_both_sides(platform: Platform) -> None:
    @flow(customer="acme")
    def acme_daily(day: date) -> Dataset:
        return from_frame(MIXED)

    seen.clear()
    ran = platform.run(acme_daily, day=DAY)
    assert seen[0]["n"].to_list() == [1, 3]
    assert ran.value.frame()["n"].to_list() == [1]
    assert ran.record("from_frame").quarantined == 2
    aside = platform.dataset(customer="acme", name="made.quarantine", day=DAY)
    assert aside is not None
    assert set(aside.tables) == {"before.raw", "data"}
    assert aside.frame("before.raw")["n"].to_list() == [-2]
    assert aside.frame("data")["n"].to_list() == [-1]
    assert MIXED.height == 3, "what was given is as it was"


def test_a_failed_check_before_is_no_reason_for_a_fallback_unless_asked(platform: Platform) -> None:
    few = {"raw": [checks.rows(9)]}
    frame = pl.DataFrame({"n": [0]})

    @flow(customer="acme")
    def acme_daily(day: date, asked: bool) -> Any:
        fallback = default(frame, on_failed_check=asked)
        return from_frame.with_options(before=few, fallback=fallback, checks=[])(GOOD)

    assert platform.run(acme_daily, day=DAY, asked=False).state == "Failed"
    ran = platform.run(acme_daily, day=DAY, asked=True)
    assert ran.state == "Degraded"
    assert ran.value.frame().equals(frame)


def test_last_good_is_served_for_a_failed_check_before_where_asked(platform: Platform) -> None:
    earlier = date(2026, 8, 14)
    platform.give(GOOD, customer="acme", name="made", day=earlier)
    empty = platform.give(GOOD.head(0), customer="acme", name="raw", day=DAY)

    @flow(customer="acme")
    def acme_daily(day: date) -> Any:
        serving = last_good("2d", on_failed_check=True)
        return from_dataset.with_options(fallback=serving)(empty)

    ran = platform.run(acme_daily, day=DAY)
    assert ran.state == "Degraded"
    assert ran.value.frame().equals(GOOD)


def test_a_check_on_no_parameter_names_what_there_is(platform: Platform) -> None:
    @task(before={"prices": [checks.rows(1)]})
    def step(raw: pl.DataFrame) -> int:
        return raw.height

    @flow(customer="acme")
    def acme_daily(day: date) -> int:
        return step(GOOD)

    error = platform.run(acme_daily, day=DAY).error
    assert isinstance(error, ConfigurationError)
    assert "'prices'" in error.problem
    assert "raw" in error.action
    with pytest.raises(ConfigurationError, match="does not say on which parameter"):
        task(before=[checks.rows(1)])(lambda raw: raw)


numbers = st.lists(st.integers(-3, 3), max_size=8)


@given(raw=numbers, made=numbers, has_checks=st.booleans())
def test_every_row_is_kept_or_set_aside_once(
    tmp_path_factory: pytest.TempPathFactory, raw: list[int], made: list[int], has_checks: bool
) -> None:
    """Whatever is checked on either side, no row is lost and none is there twice."""
    schema = {"n": pl.Int64()}
    after = {"data": [POSITIVE]} if has_checks else {}
    step = Step("s", dataset="made", before={"raw": [POSITIVE]}, checks=after)
    store = Store(str(_folder(tmp_path_factory)))
    checking = Checking(step, {"raw": pl.DataFrame({"n": raw}, schema=schema)}, "r")
    arguments: Mapping[str, Any] = checking.before(KEY, store)
    kept = checking.after(pl.DataFrame({"n": made}, schema=schema), KEY, store, {})
    aside = store.dataset(KEY.model_copy(update={"name": "made.quarantine"}))
    rows: dict[str, list[int]] = {"before.raw": [], "data": []}
    for table in aside.tables if aside else ():
        rows[table] = aside.frame(table)["n"].to_list() if aside else []
    assert sorted(arguments["raw"]["n"].to_list() + rows["before.raw"]) == sorted(raw)
    assert sorted(kept["n"].to_list() + rows["data"]) == sorted(made)
    assert checking.quarantined == len(rows["before.raw"]) + len(rows["data"])
    assert all(n >= 0 for n in arguments["raw"]["n"])


def _folder(factory: pytest.TempPathFactory) -> Path:
    return factory.mktemp("store")

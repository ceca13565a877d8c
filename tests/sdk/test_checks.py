"""Checks: what each kind finds, and what always holds of their running."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdk import checks
from sdk.checks import Check, CheckContext, check_inputs, run_checks
from sdk.dataset import DatasetKey
from sdk.errors import CheckFailed, ConfigurationError
from sdk.manifest import CheckResult, Degradation, StepStatistics
from sdk.store import Store

DAY = date(2026, 8, 15)
KEY = DatasetKey(customer="acme", name="offers", day=DAY)
FRAME = pl.DataFrame({"n": [1, 2, None], "x": [0.5, math.nan, None], "t": ["NaN", "b", None]})


def only(check: Check, frame: pl.DataFrame = FRAME, **context: Any) -> CheckResult:
    [result] = run_checks(frame, [check], CheckContext(**context)).results
    return result


@pytest.mark.parametrize(
    ("check", "failed"),
    [
        (checks.not_null("n"), 1),
        (checks.not_null("x"), 2),  # a NaN is no value
        (checks.not_null("t"), 1),  # the word NaN is one
        (checks.between("n", 2), 1),
        (checks.between("n", None, 1), 1),
        (checks.between("x", 0), 1),  # a NaN lies within no bounds
        (checks.between("x", None, 1), 1),
        (checks.is_in("t", ["b"]), 1),
        (checks.matches("t", "^b$"), 1),
        (checks.references("n", [1], what="numbers"), 1),
        (checks.unique("n"), 0),
        (checks.holds("n is odd", pl.col("n") % 2 == 1), 1),
    ],
)
def test_row_checks_count_bad_rows_and_pass_over_nulls(check: Check, failed: int) -> None:
    result = only(check)
    assert result.failed == failed
    assert result.passed == (failed == 0)
    assert result.total == 3


def test_unique_takes_the_first_of_each_key() -> None:
    frame = pl.DataFrame({"a": [1, 1, None, None, 2], "b": [1, 1, 2, 2, 3]})
    report = run_checks(frame, [checks.unique("a", otherwise="quarantine", at_most=1)])
    assert report.kept.rows() == [(1, 1), (None, 2), (2, 3)]
    assert only(checks.unique(), frame).failed == 2
    assert only(checks.unique(), frame.unique(maintain_order=True)).passed


def test_shares_are_tolerated_up_to_the_threshold() -> None:
    frame = pl.DataFrame({"n": [1, 1, 1, -1]})
    assert only(checks.between("n", 0, at_most=0.25), frame).passed
    assert not only(checks.between("n", 0, at_most=0.24), frame).passed
    with pytest.raises(ValueError, match="fraction"):
        checks.between("n", 0, at_most=25)


def test_too_many_rows_to_set_aside_block() -> None:
    frame = pl.DataFrame({"n": [1, 1, 1, -1]})
    calm = run_checks(frame, [checks.between("n", 0, otherwise="quarantine", at_most=0.25)])
    assert calm.results[0].level == "quarantine"
    calm.raise_if_blocked("step s")
    wild = run_checks(frame, [checks.between("n", 0, otherwise="quarantine", at_most=0.2)])
    assert wild.results[0].level == "block"
    with pytest.raises(CheckFailed, match=r"step s: n in 0.*may be set aside"):
        wild.raise_if_blocked("step s")


def test_checks_of_one_name_do_not_take_each_others_rows() -> None:
    frame = pl.DataFrame({"n": [1, 2, 3]})
    report = run_checks(
        frame,
        [
            checks.holds("same", pl.col("n") < 3, otherwise="warn"),
            checks.holds("same", pl.col("n") < 2, otherwise="warn"),
        ],
    )
    assert [result.failed for result in report.results] == [1, 2]


def test_a_column_called_as_ours_survives() -> None:
    frame = pl.DataFrame({"n": [1, -1], "quarantine_reason": ["before", "earlier"]})
    report = run_checks(frame, [checks.between("n", 0, otherwise="quarantine", at_most=1)])
    assert report.kept.rows() == [(1, "before")]
    assert report.quarantined is not None
    assert report.quarantined.rows() == [(-1, "n in 0..")]


@pytest.mark.parametrize(
    "check",
    [
        checks.between("none", 0),
        checks.between("t", 0),
        checks.not_null("none"),
        checks.matches("t", "("),
        checks.predicate("broken", lambda frame: frame["none"].sum() > 0),
        checks.fresh("none", "1d"),
        checks.refers_to("n", "catalog"),
        checks.sql("wrong", "select none from data"),
    ],
    ids=lambda check: check.name,
)
def test_a_check_that_cannot_be_computed_names_itself(check: Check) -> None:
    good = checks.not_null("n", otherwise="warn")
    with pytest.raises(CheckFailed) as raised:
        run_checks(FRAME, [good, check, good], CheckContext(key=KEY))
    assert check.name in str(raised.value) or "catalog" in str(raised.value)


def test_examples_are_short() -> None:
    result = only(checks.is_in("t", ["a"]), pl.DataFrame({"t": ["x" * 10_000] * 9}))
    assert len(result.detail) < 400


def test_a_contract_looks_at_the_rows_also_of_a_lazy_frame() -> None:
    schema = pa.DataFrameSchema({"n": pa.Column(pl.Int64, pa.Check.ge(2), nullable=True)})
    report = run_checks(FRAME.lazy().select("n"), [checks.contract(schema)])
    assert not report.results[0].passed
    assert "greater_than_or_equal_to" in report.results[0].detail
    assert report.kept.height == 3
    assert only(checks.contract(schema), pl.DataFrame({"n": [2, 3]})).passed


def test_table_checks() -> None:
    assert only(checks.rows(3, 3)).passed
    assert not only(checks.rows(4)).passed
    assert not only(checks.rows(1, 2)).passed
    assert only(checks.columns({"n": pl.Int64})).passed
    assert only(checks.columns({"n": pl.Int32, "m": pl.Int64})).failed == 2
    assert only(checks.predicate("few", lambda frame: frame.height < 5)).passed
    assert only(checks.measure("mean n", pl.col("n").mean(), at_least=1.5, at_most=1.5)).passed
    assert not only(checks.measure("mean n", pl.col("n").mean(), at_least=1.6)).passed
    assert not only(checks.measure("most", pl.col("n").max(), at_least=0), FRAME.clear()).passed


def test_sql_sees_the_tables_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    query = "select n from data where n not in (select n from catalog)"
    known = pl.DataFrame({"n": [1]})
    result = only(checks.sql("known", query), parameters={"catalog": known})
    assert (result.failed, result.passed) == (1, False)
    with pytest.raises(CheckFailed, match="cannot be computed"):
        only(checks.sql("file", f"select * from read_csv('{tmp_path}/secret.csv')"))


def test_references_to_what_the_step_takes(tmp_path: Path) -> None:
    catalog = Store(str(tmp_path)).publish(
        KEY, {"items": pl.DataFrame({"id": [1]}), "other": pl.DataFrame({"z": [1]})}, fingerprint=""
    )
    check = checks.refers_to("n", "catalog", "id", table="items")
    assert only(check, parameters={"catalog": catalog}).failed == 1
    frame = pl.DataFrame({"n": [1, 2, None]})
    assert only(checks.refers_to("n", "catalog"), parameters={"catalog": frame}).passed


def test_freshness_counts_in_utc() -> None:
    def newest(moment: Any) -> bool:
        return only(checks.fresh("at", "1d"), pl.DataFrame({"at": [moment, None]}), key=KEY).passed

    assert newest(datetime(2026, 8, 15, 0, 0))
    assert newest(date(2026, 8, 14)) and not newest(date(2026, 8, 13))
    assert newest(datetime(2026, 8, 15, 0, 30, tzinfo=UTC))
    # 01:30 in UTC+3 is 22:30 of the day before in UTC: a day and an hour and a half.
    east = timezone(timedelta(hours=3))
    assert not newest(datetime(2026, 8, 15, 1, 30, tzinfo=east).astimezone(UTC))
    zoned = pl.DataFrame({"at": [datetime(2026, 8, 15, 1, 30)]}).with_columns(
        pl.col("at").dt.replace_time_zone("Asia/Jerusalem")
    )
    assert not only(checks.fresh("at", "1d"), zoned, key=KEY).passed
    assert not only(checks.fresh("at", "1d"), zoned.clear(), key=KEY).passed


# -- history ------------------------------------------------------------------------------------


def past(store: Store, back: int, rows: int, **fields: Any) -> None:
    key = KEY.model_copy(update={"day": DAY - timedelta(days=back)})
    content = {"data": pl.DataFrame({"n": range(rows)}), "faults": pl.DataFrame({"f": range(back)})}
    store.publish(key, content, fingerprint=str(back), **fields)


def judged(store: Store, rows: int, **options: Any) -> CheckResult:
    frame = pl.DataFrame({"n": range(rows)})
    check = checks.history("rows", **options)
    return only(check, frame, key=KEY, store=store, table="data")


def test_a_cold_start_never_alerts(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    for back in (1, 2, 3):
        past(store, back, 100)
    result = judged(store, 5)
    assert result.passed
    assert "not judged" in result.detail


def test_rows_are_compared_with_those_of_the_same_table(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    for back in range(1, 9):
        past(store, back, 100)
    assert judged(store, 100).passed
    assert not judged(store, 130).passed
    assert not judged(store, 0).passed
    assert judged(store, 0, since=DAY - timedelta(days=2)).passed, "too few since the new level"


def test_weekdays_are_compared_with_their_like(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    for back in range(1, 36):
        past(store, back, 500 if back % 7 == 0 else 100)
    assert judged(store, 500).passed
    assert not judged(store, 100).passed


def test_flagged_and_degraded_days_are_no_norm(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    flag = CheckResult(name="rows as usual", level="warn", passed=False, table="data")
    for back in range(1, 13):
        if back % 2:
            past(store, back, 100)
        elif back % 4:
            past(store, back, 9, checks=[flag])
        else:
            past(store, back, 9, degraded=[Degradation(dataset="x", source="default")])
    assert judged(store, 100, deviations=1).passed
    assert not judged(store, 9).passed


def test_figures_that_are_no_numbers_are_not_judged(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    for back in range(1, 9):
        share = math.nan if back == 1 else 0.5
        said = StepStatistics(step="s", started=datetime.now(UTC), recorded={"share": share})
        past(store, back, 1, statistics=said)
    check = checks.history("share")
    for value, passed in ((0.5, True), (0.9, False), (math.nan, True), (None, True), (True, True)):
        context = {"key": KEY, "store": store, "recorded": {"share": value}}
        assert only(check, **context).passed == passed or value is True


# -- before a step ------------------------------------------------------------------------------


def test_inputs_are_checked_by_name_and_cleaned(tmp_path: Path) -> None:
    frame = pl.DataFrame({"n": [1, -1]})
    dataset = Store(str(tmp_path)).publish(KEY, frame, fingerprint="")
    aside = checks.between("n", 0, otherwise="quarantine", at_most=1)
    given_ = {"a": frame, "m": {"x": frame, "y": frame}, "d": dataset, "k": 3}
    report = check_inputs(
        given_, {"a": [aside], "m.x": [aside], "d": [checks.between("n", 0)]}, what="step s"
    )
    assert report.parameters["a"].rows() == [(1,)]
    assert report.parameters["m"]["x"].rows() == [(1,)]
    assert report.parameters["m"]["y"].rows() == [(1,), (-1,)]
    assert report.parameters["d"] is dataset
    assert given_["m"]["x"].height == 2, "what was given is as it was"
    assert set(report.quarantined) == {"a", "m.x"}
    assert [result.table for result in report.results] == ["a", "m.x", "d"]
    assert report.blocked is not None
    assert "step s, before it: d" in report.blocked.problem
    with pytest.raises(ConfigurationError, match="cannot be set aside"):
        check_inputs({"d": dataset}, {"d": [aside]})
    with pytest.raises(ConfigurationError, match="no table 'k'"):
        check_inputs(given_, {"k": [aside]})


# -- what always holds --------------------------------------------------------------------------

values = st.one_of(st.none(), st.integers(-5, 5))
levels = st.sampled_from(["warn", "quarantine", "block"])


@st.composite
def row_checks(draw: st.DrawFn) -> Check:
    level, share = draw(levels), draw(st.sampled_from([0.0, 0.2, 1.0]))
    kind, column = draw(st.integers(0, 5)), draw(st.sampled_from(["a", "b"]))
    low = draw(st.integers(-4, 4))
    options: dict[str, Any] = {"otherwise": level, "at_most": share}
    return [
        checks.between(column, low, low + 3, **options),
        checks.not_null(column, **options),
        checks.is_in(column, [low, low + 1], **options),
        checks.unique(column, **options),
        checks.unique(**options),
        checks.holds("always", pl.lit(low > 0), **options),
    ][kind]


@given(st.lists(st.tuples(values, values), max_size=20), st.lists(row_checks(), max_size=6))
def test_kept_and_set_aside_are_the_rows_that_came_in_order(
    rows: list[tuple[int | None, int | None]], wanted: list[Check]
) -> None:
    frame = pl.DataFrame(rows, schema={"a": pl.Int64, "b": pl.Int64}, orient="row")
    numbered = frame.with_row_index("position")
    # The position is no part of what is unique.
    whole = [checks.unique("a", "b") if check.name == "rows unique" else check for check in wanted]
    report = run_checks(numbered, whole)
    aside = report.quarantined
    kept_at = report.kept["position"].to_list()
    aside_at = aside["position"].to_list() if aside is not None else []
    assert kept_at == sorted(kept_at)
    assert aside_at == sorted(aside_at)
    assert sorted(kept_at + aside_at) == list(range(len(rows)))
    assert report.kept.equals(numbered[kept_at] if kept_at else numbered.clear())
    if aside is not None:
        assert aside.drop("quarantine_reason").equals(numbered[aside_at])
        assert (aside["quarantine_reason"] != "").all()
    assert len(report.results) == len(wanted)
    for result, check in zip(report.results, whole, strict=True):
        assert result.total == len(rows)
        assert 0 <= result.failed <= len(rows)
        assert result.name == check.name
        if result.failed == 0:
            assert result.passed
    alone = [run_checks(numbered, [check]).results[0] for check in whole]
    assert list(report.results) == alone, "checks do not see each other"

"""What a rule finds, what is told, and what is not told again."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.alerting.decide import decide, groups, rule_report
from flows.pipeline.alerting.findings import FOUND, Finding, find
from flows.pipeline.direction import isolate, isolated
from flows.pipeline.insights.figures import figures
from flows.pipeline.mart_schema import ALERTS, MARTS
from flows.pipeline.rules import AlertRule, Rules, RulesError, read_rules
from flows.pipeline.schema import empty

DAY = date(2026, 8, 15)
KEY = "00000000000001"


def marts(**given: list[dict[str, Any]]) -> dict[str, pl.DataFrame]:
    made = {name: empty(schema) for name, schema in MARTS.items()}
    made["figures"] = figures(made, day=DAY, own_seller="Own", own_products=0)
    for name, rows in given.items():
        made[name] = pl.DataFrame([{"day": DAY, **row} for row in rows], schema=MARTS[name])
    return made


def pair(seller: str, own: float, theirs: float, gtin: str = KEY, **more: Any) -> dict[str, Any]:
    from decimal import Decimal

    return {
        "gtin": gtin,
        "own_sku": gtin,
        "own_name": f"product {gtin[-1]}",
        "brand": "B",
        "own_price": Decimal(str(own)),
        "seller": seller,
        "seller_price": Decimal(str(theirs)),
        "currency": "ILS",
        "used": True,
        **more,
    }


def rule(**given: Any) -> AlertRule:
    return AlertRule.model_validate({"name": "r", "kind": "undercut", **given})


def test_undercut_at_the_threshold_and_not_below_it() -> None:
    found = find(
        rule(at_least_pct=5),
        marts(
            comparisons=[
                pair("A", 10, 9.5),
                pair("B", 10, 9.51),
                pair("C", 10, 5, used=False, reason="review"),
                pair("D", 10, 12),
            ]
        ),
        Rules(),
    )
    # 12 instead of 10 is 20 % away, and no undercut.
    assert found.rows.filter(pl.col("value") > 0)["seller"].to_list() == ["A"]
    assert found.rows["text"][0] == f"{isolate('A')} asks 9.50 ILS, own is 10.00 ILS: 5.0 % below"
    assert found.note == ""


def test_dearer_competitors_are_no_undercut() -> None:
    found = find(rule(at_least_pct=5), marts(comparisons=[pair("D", 10, 12)]), Rules())
    assert found.rows.is_empty()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"only": "key_items"}, "no key items are configured"),
        ({}, "no product was compared"),
        ({"kind": "below_minimum"}, "no minimum prices are configured"),
        ({"kind": "out_of_stock"}, "no source tells what is in stock"),
        ({"kind": "out_of_stock", "whose": "own"}, "the own source does not tell what is in stock"),
        ({"kind": "price_change"}, "none of the day's offers was there on an earlier day"),
    ],
)
def test_a_rule_that_cannot_be_asked_says_why(given: dict[str, Any], why: str) -> None:
    found = find(rule(**given), marts(), Rules())
    assert found.note == f"not enough data: {why}"
    report = rule_report([found], empty(ALERTS), DAY)
    assert (report["found"][0], report["note"][0]) == (None, found.note)


def test_key_items_sellers_stock_and_whose() -> None:
    other = "00000000000002"
    rules = Rules(key_items=(KEY,))
    tables = marts(
        comparisons=[pair("A", 10, 5), pair("A", 10, 5, other), pair("B", 10, 5)],
        availability=[
            {"seller": "Own", "is_own": True, "known": 3},
            {"seller": "A", "is_own": False, "known": 3},
        ],
        out_of_stock=[
            {"seller": who, "is_own": who == "Own", "store_id": "1", "sku": str(n), "gtin": KEY,
             "name": f"{who} {n}", "streak_days": n, "since": DAY}
            for who in ("Own", "A")
            for n in (1, 3)
        ],
    )  # fmt: skip
    keys = find(rule(only="key_items", sellers=["A"], group_by="brand"), tables, rules).rows
    assert keys.select("gtin", "seller", "group").rows() == [(KEY, "A", "B")]
    out = find(rule(kind="out_of_stock", whose="own", at_least_days=2), tables, rules).rows
    assert out["name"].to_list() == ["Own 3"]


def found_rows(items: set[str]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"item": item, "group": item[0], "name": item, "value": 9.0, "text": "t"}
            for item in sorted(items)
        ],
        schema=FOUND,
    )


def run(days: list[set[str] | None], cool_down: int) -> list[pl.DataFrame]:
    """What is decided on days in a row; None where the rule could not be asked."""
    before, made = empty(ALERTS), []
    for number, items in enumerate(days):
        finding = Finding(
            rule(cool_down_days=cool_down),
            found_rows(items or set()),
            "not enough data" if items is None else "",
        )
        before = decide([finding], before, DAY + timedelta(days=number))
        made.append(before)
    return made


def states(alerts: pl.DataFrame) -> dict[str, str]:
    return dict(alerts.select("item", "state").iter_rows())


def test_cool_down() -> None:
    days = run([{"a1"}, {"a1", "a2"}, {"a1"}, {"a1"}, set(), {"a1"}], cool_down=3)
    assert [states(day) for day in days] == [
        {"a1": "told"},
        {"a1": "cooling", "a2": "told"},
        {"a1": "cooling", "a2": "ended"},
        {"a1": "told", "a2": "ended"},
        {"a1": "ended"},
        {"a1": "cooling"},  # it came back within the cool-down: told once
    ]
    assert days[3].filter(pl.col("item") == "a1")["first_day"][0] == DAY


def test_what_nobody_could_look_at_stands() -> None:
    days = run([{"a1"}, None, {"a1"}], cool_down=1)
    assert [states(day) for day in days] == [{"a1": "told"}, {"a1": "cooling"}, {"a1": "told"}]
    assert groups(days[1]) == []


def test_a_group_is_one_notice_with_a_count_and_an_end() -> None:
    days = run([{"a1", "a2", "b1"}, {"a1", "a3"}, {"a1"}], cool_down=9)
    first = groups(days[0])
    assert [(g.group, g.told, g.standing) for g in first] == [("a", 2, 2), ("b", 1, 1)]
    assert first[0].examples == (f"{isolate('a1')} — t", f"{isolate('a2')} — t")
    second = groups(days[1])
    assert [(g.group, g.told, g.standing, g.over) for g in second] == [
        ("a", 1, 2, False),
        ("b", 0, 0, True),
    ]
    assert [(g.group, g.over) for g in groups(days[2])] == [("b", True)]


_DAYS = st.lists(
    st.one_of(st.none(), st.sets(st.sampled_from(["a1", "a2", "b1"]))), min_size=1, max_size=10
)


@given(days=_DAYS, cool_down=st.integers(0, 4))
def test_nothing_is_told_twice_within_its_cool_down_and_nothing_new_is_kept_back(
    days: list[set[str] | None], cool_down: int
) -> None:
    last: dict[str, int] = {}
    for number, (items, alerts) in enumerate(zip(days, run(days, cool_down), strict=True)):
        told = {item for item, state in states(alerts).items() if state == "told"}
        assert alerts.schema == ALERTS
        assert told <= (items or set())
        for item in items or set():
            due = item not in last or number - last[item] >= cool_down
            assert (item in told) == due
        last |= dict.fromkeys(told, number)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("alerts: [{name: a, kind: nonsense}]", "alerts.0.kind"),
        ("alerts: [{name: a, kind: undercut, at_least_pct: -1}]", "alerts.0.at_least_pct"),
        ("key_items: [0123.5]", "key_items.0"),
        ("minimum_prices: {'07290000000015': 0}", "minimum_prices.07290000000015"),
        ("content: {colour: 1}", "content.colour"),
        ("surprise: 1", "surprise"),
        ("- a", "is no mapping"),
        ("a: [", "is not YAML"),
        (
            "alerts: [{name: a, kind: undercut}, {name: a, kind: out_of_stock}]",
            "'a' is there twice",
        ),
    ],
)
def test_rules_that_cannot_be_understood_name_their_field(text: str, problem: str) -> None:
    with pytest.raises(RulesError) as caught:
        read_rules(text, "rules/metro.yaml")
    assert problem in caught.value.problem
    assert caught.value.problem.startswith("rules/metro.yaml")


def test_rules_of_the_customers_are_read_and_short_gtins_padded() -> None:
    from pathlib import Path

    import flows.customers
    from flows.pipeline.customer_rules import rules_of
    from flows.pipeline.rules import NO_RULES

    home = Path(flows.customers.__path__[0])
    for customer in ("metro", "orchard"):
        assert rules_of(str(home / f"{customer}.py")) != NO_RULES
    assert rules_of(str(home / "nobody.py")) == NO_RULES
    assert read_rules("key_items: ['12345678']").key_items == ("00000012345678",)
    assert read_rules("") == NO_RULES


@given(st.text())
def test_a_name_turns_nothing_outside_it(name: str) -> None:
    safe = isolate(name)
    assert (safe[0], safe[-1]) == ("\u2068", "\u2069")
    assert not set(safe[1:-1]) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    column = pl.Series("name", [name, None], pl.String).to_frame().select(isolated("name"))
    assert column.to_series().to_list() == [safe, None]

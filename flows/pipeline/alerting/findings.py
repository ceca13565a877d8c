"""Findings: what each rule finds in the day's marts. Pure.

A rule that cannot be asked (no key items, no minimum prices, a source that tells no stock) finds
nothing and says why: silence for want of data must not look like silence for want of trouble.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from flows.pipeline.direction import isolated
from flows.pipeline.insights.exact import rounded
from flows.pipeline.rules import AlertRule, Rules

FOUND = {
    "item": pl.String(),
    "group": pl.String(),
    "gtin": pl.String(),
    "name": pl.String(),
    "seller": pl.String(),
    "value": pl.Float64(),
    "text": pl.String(),
}


@dataclass(frozen=True)
class Finding:
    """What a rule finds.

    Attributes:
        rule: the rule.
        rows: one for each thing, in `FOUND`.
        note: why it could not be asked; empty where it could.
    """

    rule: AlertRule
    rows: pl.DataFrame
    note: str = ""


def find(rule: AlertRule, marts: Mapping[str, pl.DataFrame], rules: Rules) -> Finding:
    """Hold one rule against the marts of a day.

    Args:
        rule: one of the customer's.
        marts: of the day.
        rules: all of the customer's.
    """
    if rule.only == "key_items" and not rules.key_items:
        return _unasked(rule, "no key items are configured")
    seen, note = _SOURCES[rule.kind](rule, marts)
    if note:
        return _unasked(rule, note)
    if rule.only == "key_items":
        seen = seen.filter(pl.col("gtin").is_in(list(rules.key_items)).fill_null(False))
    if rule.sellers:
        seen = seen.filter(pl.col("seller").is_in(list(rule.sellers)))
    # A change counts up and down; a competitor that is dearer undercuts nobody.
    size = pl.col("value").abs() if rule.kind == "price_change" else pl.col("value")
    group = {
        "seller": pl.col("seller"),
        "brand": pl.col("brand").fill_null("no brand named"),
        "rule": pl.lit(rule.name),
    }[rule.group_by]
    rows = (
        seen.filter(size >= threshold_of(rule))
        .with_columns(group=group)
        .select(pl.col(name).cast(kind) for name, kind in FOUND.items())
        # Of one thing in several stores the worst is told.
        .sort("item", size, "text", descending=[False, True, False])
        .unique("item", keep="first", maintain_order=True)
    )
    return Finding(rule, rows)


def threshold_of(rule: AlertRule) -> float:
    """Return the threshold of a rule, in percent or days."""
    return float(rule.at_least_days if rule.kind == "out_of_stock" else rule.at_least_pct)


def _unasked(rule: AlertRule, why: str) -> Finding:
    return Finding(rule, pl.DataFrame(schema=FOUND), f"not enough data: {why}")


_Seen = tuple[pl.DataFrame, str]


def _undercut(rule: AlertRule, marts: Mapping[str, pl.DataFrame]) -> _Seen:
    used = marts["comparisons"].filter("used")
    if used.is_empty():
        return used, "no product was compared"
    own, theirs = (pl.col(name).cast(pl.Float64) for name in ("own_price", "seller_price"))
    below = rounded(100 * (own - theirs) / own)
    return used.with_columns(
        item=pl.concat_str("own_sku", "seller", separator=" at "),
        name="own_name",
        value=below,
        text=pl.format(
            "{} asks {}, own is {}: {} % below",
            isolated("seller"),
            _money("seller_price"),
            _money("own_price"),
            below.round(1),
        ),
    ), ""


def _below_minimum(rule: AlertRule, marts: Mapping[str, pl.DataFrame]) -> _Seen:
    figures = marts["figures"].filter(
        (pl.col("figure") == "map_violation_share") & pl.col("value").is_null()
    )
    broken = marts["map_violations"].with_columns(brand=pl.lit(None, pl.String))
    if figures.height:
        return broken, str(figures["note"][0]).removeprefix("not enough data: ")
    return broken.with_columns(
        item=pl.concat_str("gtin", "seller", separator=" at "),
        value="below_minimum_pct",
        text=pl.format(
            "{} asks {}, the minimum is {}, since {}",
            isolated("seller"),
            _money("price"),
            _money("minimum_price"),
            "since",
        ),
    ), ""


def _out_of_stock(rule: AlertRule, marts: Mapping[str, pl.DataFrame]) -> _Seen:
    out = marts["out_of_stock"].filter(_whose(rule))
    if not marts["availability"].filter(_whose(rule))["known"].sum():
        whose = {"own": "the own source does not tell", "market": "no competitor's source tells"}
        return out, f"{whose.get(rule.whose, 'no source tells')} what is in stock"
    return out.with_columns(
        item=pl.concat_str("seller", "store_id", "sku", separator=" / "),
        value=pl.col("streak_days").cast(pl.Float64),
        text=pl.format("not to be had at {} since {}", isolated("seller"), "since"),
    ), ""


def _price_change(rule: AlertRule, marts: Mapping[str, pl.DataFrame]) -> _Seen:
    own = marts["coverage"].filter("is_own")["seller"].implode()
    mine = pl.col("seller").is_in(own)
    of = {"own": mine, "market": ~mine, "anybody": pl.lit(True)}[rule.whose]
    moved = marts["price_changes"].filter(of & pl.col("believed"))
    if not marts["change_summary"].filter(of)["compared"].sum():
        return moved, "none of the day's offers was there on an earlier day"
    return moved.with_columns(
        brand=pl.lit(None, pl.String),
        # A price that moves again is another change.
        item=pl.concat_str(
            "seller", "store_id", "sku", pl.col("price").cast(pl.String), separator=" / "
        ),
        value="change_new_over_previous_pct",
        text=pl.format(
            "{}: {} instead of {} on {}",
            isolated("seller"),
            _money("price"),
            _money("previous_price"),
            "previous_day",
        ),
    ), ""


def _whose(rule: AlertRule) -> pl.Expr:
    mine = pl.col("is_own")
    return {"own": mine, "market": ~mine, "anybody": pl.lit(True)}[rule.whose]


def _money(column: str) -> pl.Expr:
    """Write an amount with its currency: in a message no heading says it."""
    amount = pl.col(column).cast(pl.Decimal(18, 2)).cast(pl.String)
    return pl.concat_str(amount, "currency", separator=" ", ignore_nulls=True)


_SOURCES = {
    "undercut": _undercut,
    "below_minimum": _below_minimum,
    "out_of_stock": _out_of_stock,
    "price_change": _price_change,
}

"""What some new prices mean: compare them, hold the rules against it. Pure.

The figures are the day's own functions over the part of the market that changed, and so are the
rules. What differs is what a batch cannot know: whether half of a store moved by one factor (the
day will say so), and the days between an offer's last price and this one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from flows.pipeline.alerting.decide import decide
from flows.pipeline.alerting.findings import Finding, find
from flows.pipeline.insights.availability import availability, out_of_stock
from flows.pipeline.insights.changes import change_summary, price_changes, with_previous
from flows.pipeline.insights.comparisons import comparisons
from flows.pipeline.insights.minimum_prices import map_violations
from flows.pipeline.insights.panel import panel
from flows.pipeline.mart_schema import ALERTS
from flows.pipeline.rules import AlertRule, Rules
from flows.pipeline.schema import OFFER_KEY, conform
from flows.streams.standing import Partners, Standing, partners, previous_prices

NEVER = 1 << 40
Item = tuple[str, str]
"""Name of a rule, and the thing that it is about."""


@dataclass(frozen=True)
class Seen:
    """What some changed offers mean.

    Attributes:
        findings: of each rule, over what was looked at.
        items: everything that was looked at, found or not: what stood and is not found has ended.
        compared: COMPARISONS that were made.
        standing: with the changed offers in it.
    """

    findings: tuple[Finding, ...]
    items: frozenset[Item]
    compared: pl.DataFrame
    standing: Standing


def see(standing: Standing, changed: pl.DataFrame, rules: Rules, day: date) -> Seen:
    """Compare some changed offers with the market.

    Args:
        standing: the market before.
        changed: OFFERS, one for each key.
        rules: the customer's.
        day: the day.
    """
    keys = changed.select(OFFER_KEY)
    before = previous_prices(standing, keys)
    now = standing.with_offers(changed)
    beside = partners(now, changed)
    compared = comparisons(beside.own, beside.market, _on(day, beside.matches))
    kinds = {rule.kind for rule in rules.alerts}
    marts = {
        "comparisons": compared,
        **_over_time(kinds, changed, before, beside, rules, day, standing.own_seller),
    }
    streaming = [_streaming(rule) for rule in rules.alerts]
    findings = tuple(find(rule, marts, rules) for rule in streaming)
    items = frozenset(
        (rule.name, item)
        for rule in streaming
        for item in _looked_at(rule, beside, changed, standing.own_seller)
    )
    return Seen(findings, items, compared, now)


def alerts_of(seen: Seen, before: pl.DataFrame, day: date) -> pl.DataFrame:
    """Return ALERTS after what was seen; those in state ``told`` are new.

    Args:
        seen: of `see`.
        before: ALERTS that are known of its items.
        day: the day.
    """
    # Told in a future: by a clock that was wrong. It would be silent until that day.
    sane = before.with_columns(
        pl.min_horizontal("told_day", pl.lit(day, pl.Date)).alias("told_day"),
        pl.min_horizontal("first_day", pl.lit(day, pl.Date)).alias("first_day"),
    )
    return decide(seen.findings, conform(sane, ALERTS), day)


def _streaming(rule: AlertRule) -> AlertRule:
    """A rule told each day is told once a day, however many prices come."""
    return rule.model_copy(update={"cool_down_days": max(1, rule.cool_down_days)})


def _on(day: date, matches: pl.DataFrame) -> pl.DataFrame:
    return matches.with_columns(day=pl.lit(day, pl.Date))


def _over_time(
    kinds: Collection[str],
    changed: pl.DataFrame,
    before: Mapping[date, pl.DataFrame],
    beside: Partners,
    rules: Rules,
    day: date,
    own_seller: str,
) -> dict[str, pl.DataFrame]:
    """The marts that the rules need, over what changed; an earlier price of today is earlier."""
    made: dict[str, pl.DataFrame] = {}
    yesterday = day - timedelta(days=1)
    past = [rows for known, rows in before.items() if known >= yesterday]
    earlier = {known: rows for known, rows in before.items() if known < yesterday}
    if past:
        earlier[yesterday] = pl.concat(past)
    if "price_change" in kinds or "out_of_stock" in kinds:
        seen = panel(changed, earlier, day)
    if "price_change" in kinds:
        # Of the few offers of a batch, half moving alike says nothing of their store.
        guards = rules.changes.model_copy(update={"shift_least": NEVER})
        with_earlier = with_previous(seen)
        made["price_changes"] = _dated(price_changes(with_earlier, guards), before)
        made["change_summary"] = change_summary(changed, with_earlier, made["price_changes"])
        made["coverage"] = pl.DataFrame({"seller": [own_seller], "is_own": [True]})
    if "out_of_stock" in kinds:
        made["out_of_stock"] = out_of_stock(seen, own_seller=own_seller)
        made["availability"] = availability(changed, own_seller=own_seller)
    if "below_minimum" in kinds:
        watched = panel(_on(day, beside.market), {}, day)
        made["map_violations"] = map_violations(
            watched, rules.minimum_prices, own_seller=own_seller
        )
        made["figures"] = pl.DataFrame(
            schema={"figure": pl.String, "value": pl.Float64, "note": pl.String}
        )
    return made


def _dated(changes: pl.DataFrame, before: Mapping[date, pl.DataFrame]) -> pl.DataFrame:
    """Return changes with the day on which the earlier price was seen: it may be today."""
    days = [rows.select(*OFFER_KEY, "day") for rows in before.values()]
    if not days:
        return changes
    seen = pl.concat(days).rename({"day": "seen_day"})
    return changes.join(seen, on=OFFER_KEY, how="left", maintain_order="left").with_columns(
        previous_day=pl.col("seen_day")
    )


def _looked_at(
    rule: AlertRule, beside: Partners, changed: pl.DataFrame, own_seller: str
) -> Sequence[str]:
    """Return the things that a rule was asked about, named as `find` names them."""
    if rule.kind == "undercut":
        pairs = beside.matches.select(pl.concat_str("own_sku", "seller", separator=" at "))
    elif rule.kind == "below_minimum":
        watched = beside.market.filter(pl.col("gtin").is_not_null())
        pairs = watched.select(pl.concat_str("gtin", "seller", separator=" at "))
    elif rule.kind == "out_of_stock":
        pairs = changed.select(pl.concat_str(*OFFER_KEY, separator=" / "))
    else:  # a change of price is over when it is told
        return []
    return [str(item) for item in pairs.to_series().drop_nulls().unique()]

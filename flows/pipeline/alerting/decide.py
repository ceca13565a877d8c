"""What of the findings is told today. Pure: findings and yesterday's alerts in, today's out.

A thing is told when it is new, and again when it still stands after the rule's cool-down. What
ended is remembered until the cool-down is over, so that a price that flickers around its threshold
is told once. What is told together is a group: one notice with a count, were it 300 products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from flows.pipeline.alerting.findings import Finding, threshold_of
from flows.pipeline.direction import isolated
from flows.pipeline.mart_schema import ALERT_RULES, ALERTS
from flows.pipeline.schema import conform, empty

EXAMPLES = 5
"""Things that a notice names; all of them are on the page and in the alerts' table."""


def decide(findings: Sequence[Finding], before: pl.DataFrame, day: date) -> pl.DataFrame:
    """Return the day's alerts.

    Args:
        findings: one for each rule.
        before: ALERTS of the latest earlier day that has any.
        day: the day.

    Returns:
        ALERTS, sorted by rule, group and thing; ``told`` is what is said today.
    """
    made = [empty(ALERTS)]
    for finding in findings:
        mine = before.filter(
            (pl.col("rule") == finding.rule.name) & (pl.col("kind") == finding.rule.kind)
        )
        made += [_standing(finding, mine, day), *_ended(finding, mine, day)]
    return pl.concat(made).sort("rule", "group", "item")


def _standing(finding: Finding, before: pl.DataFrame, day: date) -> pl.DataFrame:
    rule = finding.rule
    known = before.select("item", was_first="first_day", was_told="told_day", was_state="state")
    joined = finding.rows.join(known, on="item", how="left")
    cool = (pl.lit(day, pl.Date) - pl.col("was_told")).dt.total_days() < rule.cool_down_days
    cooling = cool.fill_null(False)
    going = pl.col("was_state") != "ended"
    return conform(
        joined.with_columns(
            day=pl.lit(day, pl.Date),
            rule=pl.lit(rule.name),
            kind=pl.lit(rule.kind),
            severity=pl.lit(rule.severity),
            threshold=pl.lit(threshold_of(rule)),
            first_day=pl.when(going.fill_null(False))
            .then("was_first")
            .otherwise(pl.lit(day, pl.Date)),
            told_day=pl.when(cooling).then("was_told").otherwise(pl.lit(day, pl.Date)),
            state=pl.when(cooling).then(pl.lit("cooling")).otherwise(pl.lit("told")),
        ),
        ALERTS,
    )


def _ended(finding: Finding, before: pl.DataFrame, day: date) -> list[pl.DataFrame]:
    gone = before.join(finding.rows.select("item"), on="item", how="anti")
    if finding.note:
        # Nobody could look: what stood yesterday stands until somebody can.
        return [gone.with_columns(day=pl.lit(day, pl.Date), state=_kept())]
    age = (pl.lit(day, pl.Date) - pl.col("told_day")).dt.total_days()
    remembered = gone.filter((age < finding.rule.cool_down_days) | (pl.col("state") != "ended"))
    return [remembered.with_columns(day=pl.lit(day, pl.Date), state=pl.lit("ended"))]


def _kept() -> pl.Expr:
    return pl.col("state").replace("told", "cooling")


def rule_report(findings: Sequence[Finding], alerts: pl.DataFrame, day: date) -> pl.DataFrame:
    """Return what became of each rule, in their order."""
    rows = []
    for finding in findings:
        mine = alerts.filter(pl.col("rule") == finding.rule.name)
        states = {state: mine.filter(pl.col("state") == state).height for state in _STATES}
        rows.append(
            {
                "day": day,
                "rule": finding.rule.name,
                "kind": finding.rule.kind,
                "found": None if finding.note else finding.rows.height,
                **states,
                "note": finding.note or None,
            }
        )
    return pl.DataFrame(rows, schema=ALERT_RULES)


_STATES = ("told", "cooling", "ended")


@dataclass(frozen=True)
class Group:
    """What one notice says.

    Attributes:
        rule: the rule's name.
        group: what is told together.
        severity: how loud.
        told: things that are told now.
        standing: all that stand, those told before included.
        examples: the first of the told ones, the furthest beyond the threshold first.
        over: none of it stands any longer.
    """

    rule: str
    group: str
    severity: str
    told: int
    standing: int
    examples: tuple[str, ...] = ()

    @property
    def over(self) -> bool:
        """Whether nothing of it stands any longer."""
        return self.standing == 0


def groups(alerts: pl.DataFrame) -> list[Group]:
    """Return what is to be said of a day: groups with something new, and those that are over."""
    found = []
    for (rule, group), rows in alerts.group_by("rule", "group", maintain_order=True):
        told = rows.filter(pl.col("state") == "told").sort(-pl.col("value").abs(), "item")
        named = pl.coalesce(pl.col("name").replace("", None), "item")
        standing = rows.filter(pl.col("state") != "ended").height
        if told.height or not standing:
            found.append(
                Group(
                    rule=str(rule),
                    group=str(group),
                    severity=str(rows["severity"][0]),
                    told=told.height,
                    standing=standing,
                    examples=tuple(
                        f"{name} — {text}"
                        for name, text in told.head(EXAMPLES)
                        .select(isolated(named), "text")
                        .iter_rows()
                    ),
                )
            )
    return found

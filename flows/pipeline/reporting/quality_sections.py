"""The sections about the data itself: alerts, quality, and every figure with what it stands on."""

from __future__ import annotations

import polars as pl

from flows.pipeline.insights.position import WHOLE_MARKET
from flows.pipeline.reporting import wording
from flows.pipeline.reporting.price_sections import EVERYONE
from flows.pipeline.reporting.report import Report
from flows.pipeline.reporting.sections import Section
from flows.pipeline.reporting.tables import Column, Table


def alerts(report: Report) -> Section | None:
    """Return the section about the customer's alerts; None where nobody asked for any."""
    if report.alerts is None or report.alert_rules is None:
        return None
    standing = report.alerts.filter(pl.col("state") != "ended")
    return Section(
        "alerts",
        "Alerts",
        "What the customer's own rules found. A thing is told once, and again after its rule's"
        " cool-down if it still stands.",
        parts=(
            Table(
                "alert_rules",
                report.alert_rules,
                (
                    Column("Rule", "rule", "name"),
                    Column("Found", "found", "count", tone="bad"),
                    Column("Told today", "told", "count"),
                    Column("Told before", "cooling", "count"),
                    Column("Ended", "ended", "count"),
                    Column("Note", "note", "sentence"),
                ),
                lacking="No alert rules are configured.",
            ),
            Table(
                "alerts",
                standing.sort(pl.col("state") != "told", "rule", -pl.col("value").abs(), "item"),
                (
                    Column("Product", "name", "product", code=("gtin", "item")),
                    Column("What", "text", "sentence"),
                    Column("Seller", "seller", "name", role="seller"),
                    Column("Rule", "rule", "name", filtered=True),
                    Column("Since", "first_day", "date"),
                    Column("Told on", "told_day", "date"),
                    Column("State", "state", "word", words=wording.ALERT_STATES, filtered=True),
                ),
                title="What stands",
                lacking="Nothing: no rule found anything.",
                explored=True,
            ),
        ),
    )


def quality(report: Report) -> Section:
    """Return the section about the data behind the figures."""
    marts = report.marts
    checks = pl.DataFrame(
        [(c.step, c.name, c.level, c.detail) for c in report.checks if not c.passed],
        schema=dict.fromkeys(("step", "name", "level", "detail"), pl.String()),
        orient="row",
    )
    passed = sum(check.passed for check in report.checks)
    return Section(
        "quality",
        "Data quality",
        "Who is in the figures and how completely, how good the matches are, and what was wrong"
        " with the input.",
        cards=(
            ("matched_products_over_own", WHOLE_MARKET),
            ("match_precision_audited", WHOLE_MARKET),
        ),
        parts=(
            Table(
                "coverage",
                marts["coverage"],
                (
                    Column("Seller", "seller", "name", role="seller"),
                    Column(
                        "Today", "status", "word", words=wording.STATUSES, bad=wording.BAD_STATUSES
                    ),
                    Column("Offers", "offers", "count"),
                    Column("Usual", "baseline_offers", "count"),
                    Column("With GTIN", "offers_with_gtin", "count"),
                    Column("Days seen", "days_seen", "count"),
                    Column("Of", "days_expected", "count"),
                    Column("Last seen", "last_seen", "date"),
                    Column("Latest price of", "latest_price_update", "date"),
                    Column("Note", "note", "sentence"),
                ),
                title="Sellers",
                about="Own first. Usual is the median of the earlier days on which it was seen.",
                lacking="Not enough data: there are no offers.",
                strong="is_own",
            ),
            Table(
                "match_quality",
                marts["match_quality"].with_columns(whole=pl.col("method") == WHOLE_MARKET),
                (
                    Column("Method", "method", "name", words={WHOLE_MARKET: "all methods"}),
                    Column("Accepted pairs", "accepted", "count"),
                    Column("For review", "review", "count"),
                    Column("Audited", "audited", "count"),
                    Column("Right", "correct", "count"),
                    Column("Precision", "precision", "share"),
                    Column("At least", "precision_low", "share"),
                    Column("At most", "precision_high", "share"),
                    Column("Note", "note", "sentence"),
                ),
                title="Match quality",
                about="Precision of accepted pairs drawn at random and looked at by people, with"
                " its 95 % Wilson interval.",
                lacking="Not enough data: there are no matches.",
                strong="whole",
            ),
            Table(
                "reviews",
                report.reviews(),
                (
                    Column("Own product", "own_name", "product", code=("gtin", "own_sku")),
                    Column("Competitor's product", "seller_product", "name"),
                    Column("Competitor", "seller", "name", role="seller"),
                    Column("Own", "own_price", "money"),
                    Column("Theirs", "seller_price", "money"),
                    Column("Why", "reason", "sentence"),
                ),
                title="Pairs that are not compared",
                about="They look wrong, or wait for a person. They count in no figure.",
                lacking="Nothing: every matched pair is compared.",
                explored=True,
            ),
            Table(
                "faults",
                report.fault_groups().with_columns(
                    where=pl.Series(_where(report), dtype=pl.String)
                ),
                (
                    Column("File", "source_file", "name"),
                    Column("Count", "count", "count"),
                    Column("Where", "where", "word"),
                    Column("What", "problem", "sentence"),
                    Column("Example", "example", "name"),
                    Column("What to do", "action", "sentence"),
                ),
                title="Faults in the day's files",
                about="Everything else in these files was read.",
                lacking="None: every file was read whole.",
            ),
            Table(
                "rejected",
                report.rejected_groups(),
                (
                    Column("Seller", "seller", "name"),
                    Column("Rows", "count", "count"),
                    Column("Reasons", "reasons", "sentence"),
                    Column("Example", "example", "name"),
                ),
                title="Rows that became no offer",
                about="Each is in the workbook with its file and row.",
                lacking="None: every row became an offer.",
            ),
            Table(
                "checks",
                checks,
                (
                    Column("Step", "step", "word"),
                    Column("Check", "name", "word"),
                    Column("Level", "level", "word"),
                    Column("What was found", "detail", "sentence"),
                ),
                title="Checks that did not hold",
                about=f"{passed} of {len(report.checks)} checks passed.",
                lacking=f"None: {passed} of {len(report.checks)} checks passed.",
            ),
        ),
        notes=report.earlier,
    )


def _where(report: Report) -> list[str]:
    """Write which rows each fault is about: the first few, and how many more."""
    found = []
    for group in report.fault_groups().iter_rows(named=True):
        rows = [str(row) for row in group["rows"]]
        more = group["count"] - len(rows)
        also = f" and {more:,} more" if more > 0 else ""
        found.append(f"row {', '.join(rows)}{also}" if rows else "the file")
    return found


def figures(report: Report) -> Section:
    """Return the section of every figure with what it stands on."""
    shown = wording.with_titles(report.marts["figures"])
    return Section(
        "figures",
        "Every figure",
        "Each figure of the day with its numerator, denominator, number of cases, coverage, date"
        " and rule version. Where there is no value the note says why.",
        parts=(
            Table(
                "figures",
                shown,
                (
                    Column("Figure", "title", "word", filtered=True),
                    Column(
                        "Market", "market", "name", words={WHOLE_MARKET: EVERYONE}, role="seller"
                    ),
                    Column("Value", "shown", "word"),
                    Column("Numerator", "numerator", "number"),
                    Column("Denominator", "denominator", "number"),
                    Column("n", "n", "count"),
                    Column("Coverage", "coverage", "share", bar=True),
                    Column("As of", "as_of", "date"),
                    Column("Rules", "rule_version", "word"),
                    Column("Note", "note", "sentence"),
                ),
                lacking="There are no figures.",
                explored=True,
            ),
        ),
    )

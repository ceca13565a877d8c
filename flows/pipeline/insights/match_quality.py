"""Match quality: how often a match that the machine accepted is right, by what people found.

Precision comes from pairs drawn at random from the accepted ones. It is given with its Wilson
interval, since 20 right of 20 do not prove 100 %.
"""

from __future__ import annotations

from math import sqrt

import polars as pl

from flows.pipeline.insights.exact import DECIMALS
from flows.pipeline.insights.position import WHOLE_MARKET
from flows.pipeline.mart_schema import MATCH_QUALITY
from flows.pipeline.schema import conform

Z_95 = 1.959963984540054
"""Of the normal distribution: 95 % lie within."""


def wilson(right: int, total: int, z: float = Z_95) -> tuple[float, float] | None:
    """Return the Wilson score interval of a share; None where nothing was counted.

    Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference",
    Journal of the American Statistical Association 22 (1927), 209-212.
    """
    if total <= 0:
        return None
    share, weight = right / total, z * z / total
    middle = (share + weight / 2) / (1 + weight)
    half = z * sqrt(share * (1 - share) / total + weight / (4 * total)) / (1 + weight)
    return max(0.0, middle - half), min(1.0, middle + half)


def match_quality(matches: pl.DataFrame, audits: pl.DataFrame) -> pl.DataFrame:
    """Return the audited precision of each method, and of all together.

    Args:
        matches: MATCHES of the day.
        audits: AUDITS: accepted pairs that people looked at; of a pair the latest counts.

    Returns:
        MATCH_QUALITY, ``all`` first, then by method; a row for each method of the day.
    """
    pair = ["own_seller", "own_sku", "seller", "sku"]
    latest = audits.sort("at", "correct").unique(pair, keep="last", maintain_order=True)
    counted = _with_all(matches).agg(
        day=pl.col("day").first(),
        accepted=(pl.col("decision") == "accept").sum(),
        review=(pl.col("decision") == "review").sum(),
    )
    looked_at = _with_all(latest).agg(audited=pl.len(), correct=pl.col("correct").sum())
    joined = counted.join(looked_at, on="method", how="left").with_columns(
        pl.col("audited", "correct").fill_null(0)
    )
    rows = []
    for row in joined.iter_rows(named=True):
        right, total = int(row["correct"]), int(row["audited"])
        bounds = wilson(right, total)
        rows.append(
            {
                **row,
                "precision": round(right / total, DECIMALS) if total else None,
                "precision_low": round(bounds[0], DECIMALS) if bounds else None,
                "precision_high": round(bounds[1], DECIMALS) if bounds else None,
                "note": None if total else "not enough data: no accepted pair was audited",
            }
        )
    columns = {name: [row[name] for row in rows] for name in MATCH_QUALITY}
    return conform(pl.DataFrame(columns, schema=MATCH_QUALITY), MATCH_QUALITY).sort(
        pl.col("method") != WHOLE_MARKET, "method"
    )


def _with_all(frame: pl.DataFrame) -> pl.dataframe.group_by.GroupBy:
    named = frame.with_columns(method=pl.col("method").fill_null("not named"))
    return pl.concat([named, named.with_columns(method=pl.lit(WHOLE_MARKET))]).group_by("method")

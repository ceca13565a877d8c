"""Combine: the sites of a day are put together, with how each of them went."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from flows.pipeline.capture.captured import CAPTURED, SITES
from flows.pipeline.capture.summary import answered_share, site_row, sites_table
from flows.pipeline.schema import FAULTS, empty
from sdk import Dataset, checks, record, task


@task(
    dataset="captured",
    checks={
        "prices": [checks.columns(CAPTURED), checks.history("rows")],
        "sites": [
            checks.columns(SITES),
            checks.holds(
                "every site healthy",
                pl.col("decision") == "publish",
                otherwise="warn",
                columns=("site", "decision", "reason"),
            ),
        ],
    },
)
def combine_sites(
    read: dict[str, Dataset],
    *,
    failed: dict[str, str],
    faults: Sequence[dict[str, Any]],
    day: date,
) -> dict[str, pl.DataFrame]:
    """Put the sites of a day together.

    Args:
        read: the dataset of each site that delivered one.
        failed: sites and batches that did not, and why.
        faults: what was wrong with site files.
        day: of the data.
    """
    prices = {
        name: dataset.frame("prices").with_columns(
            stale=pl.col("stale") | pl.lit(dataset.source != "fresh")
        )
        for name, dataset in read.items()
    }
    rows = [
        site_row(
            name,
            dataset.statistics,
            source=dataset.source,
            age_days=dataset.age_days,
            reason=dataset.degraded[0].reason if dataset.degraded else "",
            stale=int(prices[name]["stale"].sum()),
            day=day,
        )
        for name, dataset in read.items()
    ]
    rows += [
        site_row(name, {}, source="", age_days=0, reason=reason, stale=0, day=day)
        for name, reason in failed.items()
    ]
    made = sites_table(rows).sort("site")
    record(coverage=answered_share(made), stale=int(made["stale"].sum()))
    told = pl.DataFrame(list(faults), schema=FAULTS)
    return {
        "prices": pl.concat([empty(CAPTURED), *prices.values()]),
        "sites": made,
        "faults": pl.concat([told, *(dataset.frame("faults") for dataset in read.values())]),
    }

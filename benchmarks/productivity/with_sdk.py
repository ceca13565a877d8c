"""Harbor's day with the SDK: fetch the supplier's prices, clean them, list the dearest."""

from datetime import date

import httpx
import polars as pl

from sdk import NETWORK, Dataset, checks, flow, last_good, task


@task(dataset="feed", retry=NETWORK, fallback=last_good("3d"), checks=[checks.rows(1)])
def fetch_feed(url: str, day: date) -> pl.DataFrame:
    answer = httpx.get(url, params={"day": str(day)}, timeout=10)
    return pl.DataFrame(answer.raise_for_status().json())


@task(
    dataset="clean",
    checks=[
        checks.unique("sku", otherwise="quarantine", at_most=0.2),
        checks.between("price", 0.01, 10_000, otherwise="quarantine", at_most=0.2),
    ],
)
def clean_feed(feed: Dataset) -> pl.DataFrame:
    return feed.frame().with_columns(pl.col("price").cast(pl.Float64)).sort("sku")


@task(dataset="dearest")
def list_dearest(clean: Dataset, top: int = 3) -> pl.DataFrame:
    return clean.frame().sort("price", "sku", descending=[True, False]).head(top)


@flow(customer="harbor", owner="grocery")
def harbor_daily(day: date | None = None, url: str = "http://127.0.0.1/prices") -> Dataset:
    return list_dearest(clean_feed(fetch_feed(url, day)))

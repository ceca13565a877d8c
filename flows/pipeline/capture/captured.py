"""The tables of a capture: what a site's answers become, and what is carried from the day before.

Blocked, failed and gone are not the same: a page that was not seen says nothing of its product,
so the last values are carried, marked stale, for at most `LONGEST_UNSEEN` runs; a page that is
gone takes its product off the list when it is gone for `RUNS_TO_DELIST` runs in a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from flows.pipeline.capture.answers import Answer
from flows.pipeline.capture.page_verdict import RUNS_TO_DELIST, Verdict
from flows.pipeline.capture.product import Product
from flows.pipeline.capture.site import Site
from flows.pipeline.schema import RAW_PRICES, WEB_PRICES, Schema, conform, empty

LONGEST_UNSEEN: Final = 7
"""Runs in a row on which a page may be unseen before its last values are too old to carry."""

CAPTURED: Final[Schema] = {**RAW_PRICES, **WEB_PRICES}
PAGES: Final[Schema] = {
    # One row for each address of a site that may be a product.
    "address": pl.String(),
    "verdict": pl.String(),
    "status": pl.Int64(),
    "problem": pl.String(),
    "page": pl.String(),  # the archive's name of the body
    "gone_runs": pl.Int64(),  # in a row up to this one
    "unseen_runs": pl.Int64(),
}
SITES: Final[Schema] = {
    # One row for each site of a capture.
    "site": pl.String(),
    "decision": pl.String(),  # publish | warn | carry | quarantine
    "reason": pl.String(),
    "coverage": pl.Float64(),  # products over the median of the runs before
    "products": pl.Int64(),
    "pages": pl.Int64(),
    "blocked": pl.Int64(),
    "stale": pl.Int64(),  # rows that are carried from an earlier day
    "ended": pl.String(),  # how its crawl ended
    "as_of": pl.Date(),
}
_GONE: Final = (Verdict.GONE.value, Verdict.SOFT_404.value)


@dataclass(frozen=True)
class Tables:
    """What a site's day is.

    Attributes:
        prices: CAPTURED.
        pages: PAGES.
    """

    prices: pl.DataFrame
    pages: pl.DataFrame


def tables_of(site: Site, answers: Iterable[Answer], before: Tables | None = None) -> Tables:
    """Return the tables of a site's answers.

    Args:
        site: whose they are.
        answers: of today.
        before: the tables of the run before, if there was one.
    """
    past = _past(before)
    pages, rows = [], []
    seen = set()
    for answer in answers:
        seen.add(answer.url)
        pages.append(_page(answer, past.get(answer.url)))
        if answer.product is not None:
            rows.append(_row(site, answer.product, answer.url))
    # An address that nothing led to any more is as good as gone.
    pages += [_page(Answer(url, Verdict.GONE, 0), past[url]) for url in past if url not in seen]
    pages = [page for page in pages if page["gone_runs"] < RUNS_TO_DELIST]
    table = pl.DataFrame(pages, schema=PAGES) if pages else empty(PAGES)
    fresh = pl.DataFrame(rows, schema=CAPTURED) if rows else empty(CAPTURED)
    prices = fresh
    if before is not None:
        prices = pl.concat([fresh, _carried(before.prices, table)])
    ordered = prices.sort("sku", "address", "stale", maintain_order=True)
    numbered = ordered.with_columns(source_row=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
    return Tables(conform(numbered, CAPTURED), conform(table.sort("address"), PAGES))


def _past(before: Tables | None) -> Mapping[str, Mapping[str, Any]]:
    if before is None:
        return {}
    return {row["address"]: row for row in before.pages.iter_rows(named=True)}


def _page(answer: Answer, past: Mapping[str, Any] | None) -> dict[str, Any]:
    gone = answer.verdict.value in _GONE
    unseen = answer.verdict in (Verdict.BLOCKED, Verdict.ERROR)
    earlier_gone = int(past["gone_runs"]) if past else 0
    # A run on which nothing was seen neither adds to the runs that a page is gone nor ends them.
    gone_runs = earlier_gone + 1 if gone else earlier_gone if unseen else 0
    was_product = past is not None or answer.verdict is Verdict.PRODUCT
    return {
        "address": answer.url,
        "verdict": answer.verdict.value,
        "status": answer.status,
        "problem": answer.problem or None,
        "page": answer.page,
        # A page that never was a product cannot be missed.
        "gone_runs": gone_runs if was_product or not gone else RUNS_TO_DELIST,
        "unseen_runs": (int(past["unseen_runs"]) if past else 0) + 1 if unseen else 0,
    }


def _carried(prices: pl.DataFrame, pages: pl.DataFrame) -> pl.DataFrame:
    """Return yesterday's rows of the pages that were not seen today, or are gone for once."""
    missing = pages.filter(
        pl.col("verdict").is_in([Verdict.BLOCKED.value, Verdict.ERROR.value, *_GONE]),
        pl.col("unseen_runs") <= LONGEST_UNSEEN,
    ).select("address", "verdict")
    carried = prices.join(missing, on="address", how="inner", maintain_order="left")
    blocked = pl.col("verdict") == Verdict.BLOCKED.value
    return carried.with_columns(
        availability=pl.when(blocked).then(pl.lit("blocked")).otherwise(pl.lit("unknown")),
        stale=pl.lit(True),
    ).drop("verdict")


def _row(site: Site, product: Product, url: str) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(CAPTURED)
    own = product.url if product.url.startswith("http") else url
    row.update(
        seller=site.name,
        seller_id=site.name,
        sku=product.sku or product.gtin or own,
        name=product.name,
        brand=product.brand,
        price=None if product.price is None else format(product.price, "f"),
        currency=product.currency or site.currency,
        source_file=site.name,
        gtin=product.gtin,
        mpn=product.mpn,
        category=" > ".join(product.breadcrumbs) or None,
        regular_price=None if product.regular_price is None else format(product.regular_price, "f"),
        availability=product.availability.value,
        url=known_address(site, own),
        image=known_address(site, product.images[0]) if product.images else None,
        stale=False,
        address=url,
    )
    return row


def known_address(site: Site, url: str) -> str:
    """Return the address under which people know a page that was captured elsewhere."""
    if site.known_as is None:
        return url
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    own = {address.split("://", 1)[-1].partition("/")[0] for address in site.addresses}
    return f"{site.known_as.rstrip('/')}{slash}{path}" if scheme and host in own else url

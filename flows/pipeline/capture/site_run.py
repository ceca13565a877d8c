"""A run of a site, counted: from its pages' verdicts and products to the figures of its health."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from decimal import Decimal
from statistics import median
from typing import Any

from flows.pipeline.capture.health import SiteRun
from flows.pipeline.capture.page_verdict import Verdict
from flows.pipeline.capture.product import Availability, Product


def count_run(answers: Iterable[tuple[Verdict, Product | None]], zero: int = 0) -> SiteRun:
    """Return the figures of a run.

    Args:
        answers: for each page that was asked for, what it is and, for a product, what it says.
        zero: products whose page states a price of nought (extraction gives those no price).
    """
    listed = list(answers)
    verdicts = Counter(verdict for verdict, _ in listed)
    products = [
        product for verdict, product in listed if verdict is Verdict.PRODUCT and product is not None
    ]
    prices = [product.price for product in products if product.price is not None]
    out = (Availability.OUT_OF_STOCK, Availability.DISCONTINUED)
    return SiteRun(
        pages=len(listed),
        products=len(products),
        priced=len(prices),
        zero=zero,
        distinct_prices=len(set(prices)),
        out_of_stock=sum(p.price is None and p.availability in out for p in products),
        sold_out=sum(product.availability in out for product in products),
        discounted=sum(product.regular_price is not None for product in products),
        median_price=Decimal(median(prices)) if prices else None,
        currencies=dict(sorted(Counter(p.currency for p in products if p.currency).items())),
        blocked=verdicts[Verdict.BLOCKED],
        soft_404=verdicts[Verdict.SOFT_404],
        prices_hash=_prices_hash(products),
    )


def _prices_hash(products: Iterable[Product]) -> str:
    rows = sorted(
        f"{product.url}\t{product.sku}\t{product.price}\t{product.currency}" for product in products
    )
    return hashlib.sha256("\n".join(rows).encode("utf-8", "replace")).hexdigest() if rows else ""


def to_record(run: SiteRun) -> dict[str, Any]:
    """Return a run as plain JSON values."""
    price = None if run.median_price is None else str(run.median_price)
    return {**asdict(run), "median_price": price}


def from_record(values: Mapping[str, Any]) -> SiteRun:
    """Return the run of which `to_record` made these values.

    Raises:
        TypeError: they are of another age's format.
    """
    price = values.get("median_price")
    return SiteRun(**{**values, "median_price": None if price is None else Decimal(price)})

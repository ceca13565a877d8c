"""What the shops' pages state, as a frame: what a capture is compared with."""

from __future__ import annotations

from datetime import date

import polars as pl

from flows.sample.storefront.answer import Street

TRUTH = {
    "shop": pl.String(),
    "url": pl.String(),
    "name": pl.String(),
    "price": pl.Decimal(18, 4),
    "regular_price": pl.Decimal(18, 4),
    "currency": pl.String(),
    "availability": pl.String(),
    "gtin": pl.String(),
    "brand": pl.String(),
    "sku": pl.String(),
    "category": pl.String(),
}


def truth_of(street: Street, day: date) -> pl.DataFrame:
    """Return what every product page states on a day, in the order of shops and articles.

    What a page states with the shop's faults of content in it (frozen prices, another currency)
    is true of the page. Faults of transport hide pages and change nothing.
    """
    rows = []
    for shop in street.shops.values():
        kinds = {one.kind for one in street.misbehaviours(shop, day)}
        bare = "layout_change" in kinds and not shop.is_feed
        for article in shop.articles:
            now = street.standing(shop, article, day)
            if not now.listed:
                continue
            rows.append(
                {
                    "shop": shop.name,
                    "url": street.bases[shop.name] + article.path,
                    "name": article.name,
                    "price": now.price,
                    "regular_price": None if bare else now.regular,
                    "currency": now.locale.currency if now.price is not None else None,
                    "availability": now.availability,
                    "gtin": article.gtin.zfill(14) if article.gtin and not bare else None,
                    "brand": None if bare else article.brand,
                    "sku": article.sku,
                    "category": " > ".join(article.shelf),
                }
            )
    return pl.DataFrame(rows, schema=TRUTH)

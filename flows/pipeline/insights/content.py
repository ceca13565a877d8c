"""Content: do the offers say what the customer's rules ask of them?

A rule asks a field for a number of characters. It is put to the offers of a source that carries
the field at all: a price file without a column of pictures does not fail 5,000 products, it is
named as silent on pictures.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from flows.pipeline.insights.exact import share
from flows.pipeline.insights.position import ONE_SELLER
from flows.pipeline.mart_schema import CONTENT, CONTENT_PRODUCTS
from flows.pipeline.rules import ContentField
from flows.pipeline.schema import conform


def _met(field: str, least: int) -> pl.Expr:
    length = pl.col(field).str.strip_chars().str.len_chars().fill_null(0)
    return length >= least


def content(
    offers: pl.DataFrame, rules: Mapping[ContentField, int], *, own_seller: str
) -> pl.DataFrame:
    """Return how many offers of each seller meet each rule.

    ``share`` = met / checked, null where the source does not carry the field.

    Returns:
        CONTENT, the own seller first, then by name and rule.
    """
    made = [pl.DataFrame(schema=CONTENT)]
    for field, least in sorted(rules.items()):
        carried = pl.col(field).is_not_null().any()
        counted = offers.group_by("day", seller=ONE_SELLER).agg(
            is_own=(pl.col("seller") == own_seller).first(),
            checked=pl.when(carried).then(pl.len()).otherwise(0),
            met=_met(field, least).sum(),
        )
        silent = pl.lit(f"not enough data: the source carries no {wording(field)}")
        made.append(
            conform(
                counted.with_columns(
                    rule=pl.lit(in_words(field, least)),
                    share=share(pl.col("met"), pl.col("checked")),
                    note=pl.when(pl.col("checked") == 0).then(silent),
                ),
                CONTENT,
            )
        )
    return pl.concat(made).sort(~pl.col("is_own"), "seller", "rule")


def content_products(own: pl.DataFrame, rules: Mapping[ContentField, int]) -> pl.DataFrame:
    """Return the own offers that miss a rule, and which.

    ``score`` = rules met / rules that apply.

    Returns:
        CONTENT_PRODUCTS, the lowest scores first.
    """
    carried = [
        (field, least) for field, least in sorted(rules.items()) if own[field].is_not_null().any()
    ]
    if not carried:
        return pl.DataFrame(schema=CONTENT_PRODUCTS)
    misses = [
        pl.when(~_met(field, least)).then(pl.lit(in_words(field, least)))
        for field, least in carried
    ]
    made = own.with_columns(
        met=pl.sum_horizontal(_met(field, least).cast(pl.Int64) for field, least in carried),
        checked=pl.lit(len(carried), pl.Int64),
        missing=pl.concat_str(misses, separator="; ", ignore_nulls=True),
    ).with_columns(score=share(pl.col("met"), pl.col("checked")))
    return conform(made.filter(pl.col("met") < pl.col("checked")), CONTENT_PRODUCTS).sort(
        "score", "store_id", "sku"
    )


def wording(field: str) -> str:
    """Return a field's name for people."""
    return {"gtin": "GTIN", "url": "address", "pack_unit": "pack size"}.get(field, field)


def in_words(field: str, least: int) -> str:
    """Return a rule for people."""
    return wording(field) if least == 1 else f"{wording(field)} of {least} characters or more"

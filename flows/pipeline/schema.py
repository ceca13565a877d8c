"""The tables that move between the stages: column names, types and meaning, in one place.

A stage's pure functions take and return polars frames of these shapes; the contracts that
the SDK enforces when a dataset is published are built from the same constants, so that a
column is described once.

Conventions: money is ``Decimal(18, 4)`` in the currency of the column ``currency``; shares
and ratios are plain fractions (0.25, never 25); a percentage carries ``_pct`` in its name
(25.0 for a quarter); a column that compares says its direction (``own_over_market``,
``own_minus_seller``); days are calendar dates of the market, instants are UTC.
"""

from __future__ import annotations

from typing import TypeAlias

import polars as pl

Schema: TypeAlias = dict[str, pl.DataType]

MONEY = pl.Decimal(18, 4)
"""Four decimals: three for the dinars of ISO 4217, one more for unit prices."""

RAW_PRICES: Schema = {
    # What a price file says, row by row, still as text: ingest renames, it does not judge.
    "seller": pl.String(),
    "seller_id": pl.String(),
    "store_id": pl.String(),
    "sku": pl.String(),  # the seller's code for the article; often a barcode
    "name": pl.String(),
    "brand": pl.String(),
    "country": pl.String(),
    "quantity": pl.String(),
    "quantity_unit": pl.String(),
    "price": pl.String(),
    "unit_price": pl.String(),
    "unit_basis": pl.String(),  # what unit_price refers to, such as "100 g"
    "currency": pl.String(),
    "weighable": pl.String(),
    "pack_size": pl.String(),
    "updated_at": pl.String(),
    "source_file": pl.String(),
    "source_row": pl.Int64(),  # 1 is the first row below the header
}

WEB_PRICES: Schema = {
    # What capture says of a row beyond RAW_PRICES, still as text where it is a number.
    "gtin": pl.String(),
    "mpn": pl.String(),
    "category": pl.String(),
    "regular_price": pl.String(),
    "availability": pl.String(),
    "url": pl.String(),
    "image": pl.String(),
    "stale": pl.Boolean(),
    "address": pl.String(),  # of the page that was visited, which names it from day to day
}

FAULTS: Schema = {
    # One row for each thing that was wrong with an input, in words a customer can act on.
    "source_file": pl.String(),
    "source_row": pl.Int64(),  # null where the fault is of the file, not of a row
    "field": pl.String(),
    "value": pl.String(),
    "problem": pl.String(),
    "action": pl.String(),  # what was done with it, and what to do about it
}

OFFERS: Schema = {
    # One row for each (seller, store_id, sku) of a day, typed and cleaned.
    "day": pl.Date(),
    "seller": pl.String(),
    "seller_id": pl.String(),
    "store_id": pl.String(),
    "sku": pl.String(),
    "gtin": pl.String(),  # 14 digits where gtin_status is "valid", else null
    "gtin_status": pl.String(),  # valid | in_store | bad_check_digit | not_a_gtin | missing
    "name": pl.String(),
    "brand": pl.String(),
    "country": pl.String(),
    "price": MONEY,
    "currency": pl.String(),  # ISO 4217
    "weighable": pl.Boolean(),
    "pack_quantity": pl.Float64(),  # in pack_unit
    "pack_unit": pl.String(),  # kg | l | m | piece
    "unit_price": MONEY,  # price / pack_quantity, recomputed: sources get it wrong
    "updated_at": pl.Datetime("us"),  # as the seller wrote it, no zone
    "source_file": pl.String(),
    "source_row": pl.Int64(),
    # What a web shop says beyond a price file; null where the source has no such thing.
    "category": pl.String(),  # from the widest to the narrowest: "Food > Dairy > Milk"
    "regular_price": MONEY,  # the struck price that the seller sets against its price
    "availability": pl.String(),  # one of AVAILABILITIES
    "url": pl.String(),
    "image": pl.String(),
    "stale": pl.Boolean(),  # carried from an earlier day, since today's could not be had
}

AVAILABILITIES = (
    "in_stock",
    "out_of_stock",
    "preorder",
    "backorder",
    "discontinued",
    "blocked",  # the site did not let us look: says nothing of the product
    "unknown",  # nobody said, as in every price file
)

OFFER_KEY = ("seller", "store_id", "sku")

MATCHES: Schema = {
    # One row for each pair (own offer, competitor offer) held to be the same product.
    "day": pl.Date(),
    "own_seller": pl.String(),
    "own_store_id": pl.String(),
    "own_sku": pl.String(),
    "seller": pl.String(),
    "store_id": pl.String(),
    "sku": pl.String(),
    "gtin": pl.String(),
    "method": pl.String(),  # gtin | model | decision (of a person)
    "kind": pl.String(),  # exact | variant | different_pack | equivalent
    "probability": pl.Float64(),
    "decision": pl.String(),  # accept | review | reject (by a person)
    "reason": pl.String(),  # why it is not accepted, in words; null when accepted
    "reasons": pl.String(),  # what speaks for and against the pair, for reviewers
}

DECISIONS: Schema = {
    # What people decided of pairs; the latest decision on a pair counts, whatever the store.
    "own_seller": pl.String(),
    "own_sku": pl.String(),
    "seller": pl.String(),
    "sku": pl.String(),
    "verdict": pl.String(),  # exact | variant | different_pack | equivalent | no_match
    "factor": pl.Float64(),  # competitor's packs in one of ours; null but for different_pack
    "by": pl.String(),
    "at": pl.Datetime("us"),  # UTC
}


def empty(schema: Schema) -> pl.DataFrame:
    """Return a frame of the schema with no rows."""
    return pl.DataFrame(schema=schema)


def conform(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Return the frame with exactly the schema's columns, in its order and types.

    Raises:
        polars.exceptions.ColumnNotFoundError: a column of the schema is not in the frame.
        polars.exceptions.InvalidOperationError: a value does not fit its column's type.
    """
    return frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())

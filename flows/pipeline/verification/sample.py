"""A sample for the desk: questions from the generated market, so that a newcomer sees the page.

The market's sellers carry the same articles under one trade item number. The sample looks at them
as if they had none: for each own product the likeliest offers of one competitor become a task, and
the numbers, which nobody sees, say what the right answer is. They make the known pairs, too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from rapidfuzz import fuzz, process

from flows.pipeline.ingest.discover import discover, files_for
from flows.pipeline.ingest.layout_files import load_layouts
from flows.pipeline.ingest.read import read_day
from flows.pipeline.normalise.offers import to_offers
from flows.pipeline.schema import MATCHES, conform
from flows.pipeline.verification.content import CANDIDATES
from flows.pipeline.verification.database import Clock, Database, utc_now
from flows.pipeline.verification.drafting import Draft, draft
from flows.pipeline.verification.intake import Intake
from flows.pipeline.verification.pictures import picture, picture_name
from flows.sample import OWN_SELLER, generate

CUSTOMER: Final = "sample"
DAY: Final = date(2026, 8, 15)
SELLERS: Final = ("Green Basket", "Blue Gate")
GOLD: Final = 12


@dataclass(frozen=True)
class Question:
    """A task and the code of the candidate that is the same product; None where none is."""

    draft: Draft
    right: str | None


def questions(
    base_url: str, *, tasks: int = 160, seed: int = 7
) -> tuple[list[Question], dict[str, bytes]]:
    """Return questions of the generated market, and their pictures by name.

    Args:
        base_url: under which the pictures will be served.
        tasks: how many questions.
        seed: of the market.
    """
    offers = _offers(seed)
    own = offers.filter(pl.col("seller") == OWN_SELLER).sort("sku").head(tasks)
    pairs: list[pl.DataFrame] = []
    right: dict[str, str] = {}
    for place, seller in enumerate(SELLERS):
        mine = own.filter(pl.int_range(pl.len()) % len(SELLERS) == place)
        theirs = offers.filter(pl.col("seller") == seller).sort("sku")
        pairs.append(_likeliest(mine, theirs))
        known = theirs.drop_nulls("gtin").unique("gtin", keep="first", maintain_order=True)
        same = mine.drop_nulls("gtin").join(known, on="gtin", suffix="_theirs")
        right |= dict(same.select("sku", "sku_theirs").iter_rows())
    pictures = {
        picture_name(name, seller): picture(name, seller)
        for name, seller in offers.select("name", "seller").unique().iter_rows()
        if name
    }
    shown = offers.with_columns(
        # What would give the answer away is not shown.
        gtin=pl.lit(None, pl.String),
        image=pl.struct("name", "seller").map_elements(
            lambda row: f"{base_url}/sample/{picture_name(row['name'], row['seller'])}.svg",
            return_dtype=pl.String,
        ),
    )
    drafts = draft(pl.concat(pairs), shown, DAY)
    made = [Question(item, _right(item, right.get(item.content.own.sku))) for item in drafts]
    return made, pictures


def _right(item: Draft, sku: str | None) -> str | None:
    return sku if sku is not None and sku in item.content.skus else None


def fill(
    database: Database, base_url: str, *, tasks: int = 160, clock: Clock = utc_now
) -> dict[str, bytes]:
    """Write the sample's questions and known pairs; return the pictures to be served."""
    asked, pictures = questions(base_url, tasks=tasks)
    intake = Intake(database, clock=clock)
    for item in asked[:GOLD]:
        verdict = "exact" if item.right else "no_match"
        intake.add_gold(CUSTOMER, item.draft, verdict, item.right, None)
    drafts = [item.draft for item in asked[GOLD:]]
    intake.open_batch(CUSTOMER, DAY, "sample", drafts)
    return pictures


def _offers(seed: int) -> pl.DataFrame:
    with tempfile.TemporaryDirectory(prefix="sample-") as folder:
        generate(Path(folder), seed=seed, days=[DAY], products=400, faults=False)
        read = read_day(files_for(discover(folder), DAY, folder), load_layouts())
    offers = to_offers(read.prices, day=DAY, currency="ILS").offers
    return offers.filter(pl.col("name").is_not_null())


def _likeliest(own: pl.DataFrame, market: pl.DataFrame) -> pl.DataFrame:
    """Return the likeliest offers of a competitor for each own one, as MATCHES under review."""
    scores = process.cdist(
        own["name"].to_list(), market["name"].to_list(), scorer=fuzz.token_sort_ratio
    )
    return conform(
        pl.DataFrame(
            [
                {
                    **_pair(own.row(i, named=True), market.row(j, named=True)),
                    "probability": float(np.clip(scores[i, j] / 100, 0.02, 0.97)) ** 2,
                }
                for i, j in _best(scores)
            ],
            infer_schema_length=None,
        ).with_columns(pl.lit(None).alias(name) for name in _ABSENT),
        MATCHES,
    )


_PAIR: Final = (
    *("day", "own_seller", "own_store_id", "own_sku", "seller", "store_id", "sku"),
    *("method", "kind", "decision", "reason", "reasons", "probability"),
)
_ABSENT: Final = tuple(name for name in MATCHES if name not in _PAIR)


def _best(scores: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> Iterator[tuple[int, int]]:
    for i, row in enumerate(scores):
        # One to five of them, so that every shape of the page is seen.
        for j in np.argsort(-row, kind="stable")[: 1 + i % CANDIDATES]:
            yield i, int(j)


def _pair(own: dict[str, object], other: dict[str, object]) -> dict[str, object]:
    same_brand = own["brand"] is not None and own["brand"] == other["brand"]
    same_pack = (own["pack_quantity"], own["pack_unit"]) == (
        other["pack_quantity"],
        other["pack_unit"],
    )
    said = [
        "same brand" if same_brand else "another brand, or none said",
        "same pack" if same_pack else "another pack",
    ]
    return {
        "day": DAY,
        "own_seller": own["seller"],
        "own_store_id": own["store_id"],
        "own_sku": own["sku"],
        "seller": other["seller"],
        "store_id": other["store_id"],
        "sku": other["sku"],
        "method": "sample",
        "kind": "exact",
        "decision": "review",
        "reason": "names alike, no barcode to go by",
        "reasons": "; ".join(said),
    }

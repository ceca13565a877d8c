"""Matching the offers that no barcode matches: by a matcher that the day's barcodes have taught.

Each seller is matched for itself: its offers are rivals of each other, not of another seller's.
What two valid numbers, packs and currencies say stands above the score.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from flows.pipeline.matching.arrays import Ints
from flows.pipeline.matching.candidates import Index, find
from flows.pipeline.matching.decision import FAR_TITLES, NEVER, Thresholds, decide
from flows.pipeline.matching.encode import encode
from flows.pipeline.matching.ledger import labels_of, latest
from flows.pipeline.matching.lessons import learn
from flows.pipeline.matching.matcher import Matcher
from flows.pipeline.matching.matching import present
from flows.pipeline.matching.standing import StandingIndex
from flows.pipeline.matching.tables import canonical
from flows.pipeline.matching.two_tables import Tables, unite
from flows.pipeline.schema import MATCHES, conform, empty

LEAST: Final = 0.5
"""Probability from which a pair is worth a person's time."""
SAME_PACK: Final = 0.03
"""Distance of the logarithms of two packs up to which they are one."""


def by_model(
    own: pl.DataFrame,
    market: pl.DataFrame,
    exact: pl.DataFrame,
    decided: pl.DataFrame,
    matcher: Matcher | None,
    equivalents: bool,
    standing: Path | None,
) -> tuple[pl.DataFrame, float | None, tuple[int, int] | None]:
    """MATCHES of the offers that no GTIN has matched, the threshold used, and the work done."""
    ours, theirs = _one_each(own, "own_sku"), _one_each(market, "seller", "sku")
    rest = theirs.join(exact, on=["seller", "store_id", "sku"], how="anti")
    # Who asks: whoever has no GTIN, on either side.
    asking_own = pl.col("id").is_not_null() if equivalents else pl.col("gtin").is_null()
    if ours.filter(asking_own).is_empty():
        rest = rest.filter(pl.col("gtin").is_null())
    if ours.is_empty() or rest.is_empty():
        return empty(MATCHES), None, None
    shared = exact.select("seller", "own_sku", "sku")
    lessons = theirs.filter((pl.col("seller") == _teacher(shared)) & pl.col("gtin").is_not_null())
    verdicts = labels_of(decided, theirs, ours)
    told = theirs.join(verdicts, left_on="id", right_on="a_id", how="semi")
    asked = pl.concat([rest, lessons, told]).unique("id", keep="first").sort("id")
    left, right = canonical(_records(asked)), canonical(_records(ours))
    lessons_there = latest(decided, own).height
    index = StandingIndex.of_today(standing, right, lessons_there) if standing else None
    if index is None:
        tables = replace(Tables.of_records(left, right), both=False)
    else:
        known, kept = index.known, index.index.records
        tables = Tables(left, right, encode(left, known), kept, known, both=False)
        matcher = index.matcher
    if matcher is None:
        common = lessons.join(shared, on=["seller", "sku"])
        pairs = common.select(a_id="id", b_id=pl.concat_str(pl.lit("own|"), "own_sku"))
        alone = lessons.join(common, on="id", how="anti").select(a_id="id")
        matcher = learn(tables, pairs, alone, verdicts) or Matcher()
    if standing and index is None:
        index = StandingIndex.write(
            standing, right, Index.of(tables.b), tables.known, matcher, lessons_there
        )
    thresholds = matcher.thresholds or Thresholds(NEVER, LEAST, float("nan"), 0.0)
    askers = np.flatnonzero(ours.select(asking_own).to_series().to_numpy())
    place = asked.with_row_index("row").join(rest, on="id", how="semi")
    asks = place.select(asking_own).to_series()
    parts = [
        _of_seller(
            tables,
            place.filter(pl.col("seller") == seller)["row"].to_numpy().astype(np.int64),
            np.flatnonzero(asks.filter(place["seller"] == seller).to_numpy()),
            askers,
            matcher,
            thresholds,
            index,
        )
        for seller in place["seller"].unique().sort()
    ]
    found = _matches(pl.concat(parts), ours, theirs, exact, equivalents)
    anew = None
    if index is not None:
        anew = index.recall.asked, index.recall.compared
        index.recall.save()
    return found, thresholds.accept if thresholds.accept <= 1 else None, anew


def _teacher(shared: pl.DataFrame) -> str:
    """The seller with which most barcodes are common."""
    counts = shared.group_by("seller").len().sort("len", "seller", descending=[True, False])
    return str(counts["seller"].first()) if counts.height else ""


def _one_each(offers: pl.DataFrame, *key: str) -> pl.DataFrame:
    """One offer, the cheapest, for each code of a seller, with an id of its own."""
    names = ["seller", "sku"] if "seller" in key else ["sku"]
    first = offers.sort(*names, "price", "store_id").unique(
        names, keep="first", maintain_order=True
    )
    who = pl.col("seller") if "seller" in key else pl.lit("own")
    return first.with_columns(id=pl.concat_str(who, "sku", separator="|"))


def _records(offers: pl.DataFrame) -> pl.DataFrame:
    """What the matcher reads: no GTIN, so that it learns the names and nothing else."""
    return offers.select(
        "id", "brand", "category", title="name", price=pl.col("price").cast(pl.String)
    )


def _of_seller(
    tables: Tables,
    rows: Ints,
    asking: Ints,
    asking_own: Ints,
    matcher: Matcher,
    thresholds: Thresholds,
    index: StandingIndex | None,
) -> pl.DataFrame:
    """Decided pairs of one seller: ``rows`` of A, of which ``asking`` ask, and own offers too."""
    part = replace(tables, a_records=tables.a_records[rows], a=tables.a.take(rows))
    if index is None:
        i, j = find(part.a.take(asking), Index.of(part.b))
    else:
        i, j = index.recall.find(part.a_records[asking], part.a.take(asking), index.index)
    pairs = asking[i], j
    if len(asking_own):
        j, i = find(part.b.take(asking_own), Index.of(part.a))
        pairs = unite(pairs, (i, asking_own[j]), len(part.b))
    if index is None:
        scored = matcher.contenders(part, *pairs)
    else:
        scored = index.recall.contenders(matcher, part, *pairs)
    scored = matcher.in_context(scored)
    found = present(
        part, scored, one_to_one=True, least=LEAST, evidence=True, sides=("theirs", "ours")
    )
    return decide(found, thresholds)


def _matches(
    found: pl.DataFrame,
    ours: pl.DataFrame,
    theirs: pl.DataFrame,
    exact: pl.DataFrame,
    equivalents: bool,
) -> pl.DataFrame:
    """The matcher's pairs as MATCHES; packs, currencies and GTINs of the offers have their say."""
    pairs = (
        found.filter((pl.col("decision") != "reject") & (pl.col("words_found") >= FAR_TITLES))
        .join(theirs, left_on="a_id", right_on="id")
        .join(ours, left_on="b_id", right_on="id", suffix="_own")
        .filter((pl.col("currency") == pl.col("currency_own")).fill_null(False))
        .join(exact, left_on=["sku_own", "seller"], right_on=["own_sku", "seller"], how="anti")
    )
    two_gtins = (pl.col("gtin") != pl.col("gtin_own")).fill_null(False)
    if not equivalents:
        pairs = pairs.filter(~two_gtins)
    pack = (pl.col("pack_quantity").log() - pl.col("pack_quantity_own").log()).abs() > SAME_PACK
    pack = pack | (pl.col("pack_unit") != pl.col("pack_unit_own"))
    other_pack = pack.fill_null(False) | (pl.col("kind") == "different_pack")
    conflict = pl.coalesce(
        pl.when(two_gtins).then(pl.lit("different GTINs: at best another maker's equal product")),
        pl.when(other_pack).then(pl.lit("another pack")),
        "conflict",
        pl.when(pl.col("decision") == "review").then(pl.lit("not sure enough")),
    )
    return conform(
        pairs.with_columns(
            own_seller="seller_own",
            own_store_id="store_id_own",
            own_sku="sku_own",
            gtin=pl.coalesce("gtin_own", "gtin"),
            method=pl.lit("model"),
            kind=pl.when(two_gtins)
            .then(pl.lit("equivalent"))
            .when(other_pack)
            .then(pl.lit("different_pack"))
            .otherwise("kind"),
            reason=conflict,
            decision=pl.when(conflict.is_null()).then(pl.lit("accept")).otherwise(pl.lit("review")),
        ),
        MATCHES,
    )

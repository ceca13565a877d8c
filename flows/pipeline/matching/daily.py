"""A day's matching: exact keys first, then the matcher for what has none, then what people decided.

Order of proof. A common GTIN is proof, unless prices or titles contradict (``by_gtin``). Offers
without a GTIN, such as fruit, cheese from the counter and shops' own codes, are scored by a
matcher that the day's barcodes have taught (``lessons``), each seller for itself. What a person
decided stands above both.

Two offers with two different valid GTINs are two trade items by their makers' own word, and are
not proposed by themselves: on a real grocery day the best of them, looked at one by one, were
equals of other makers. Whoever wants to compare those asks for ``equivalents``: they go to review,
never further.

With a folder for a standing index (``standing``), the own offers stay encoded there, with the
matcher that the day of its making has taught, and only offers that are new or changed are searched
and scored again, until the own offers' texts change.

Promised: the same frames, and the same index if there is one, give the same bytes, whatever is
remembered of earlier days; at most one accepted partner at a seller for an own
offer, unless a common GTIN or a person says otherwise. Not done: comparing sellers with each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from flows.pipeline.matching.arrays import Ints
from flows.pipeline.matching.by_gtin import match_by_gtin
from flows.pipeline.matching.candidates import Index, find
from flows.pipeline.matching.conflicts import far_titles
from flows.pipeline.matching.decision import FAR_TITLES, NEVER, Thresholds, decide
from flows.pipeline.matching.encode import encode
from flows.pipeline.matching.ledger import apply, labels_of, latest
from flows.pipeline.matching.lessons import learn
from flows.pipeline.matching.matcher import Matcher, Tables, unite
from flows.pipeline.matching.matching import present
from flows.pipeline.matching.standing import StandingIndex
from flows.pipeline.matching.tables import canonical
from flows.pipeline.schema import DECISIONS, MATCHES, conform, empty

MOST_REVIEWS: Final = 300
"""Uncertain pairs of a day that people are asked about: the most probable; an hour's work."""
LEAST: Final = 0.5
"""Probability from which a pair is worth a person's time."""
SAME_PACK: Final = 0.03
"""Distance of the logarithms of two packs up to which they are one."""
KEY: Final = ("own_store_id", "own_sku", "seller", "store_id", "sku")


@dataclass(frozen=True)
class DayOfMatching:
    """What was found, and how.

    Attributes:
        matches: MATCHES.
        by_model: pairs that the matcher found.
        left_out: uncertain pairs beyond the day's reviews.
        accept: probability from which the matcher's pairs were accepted; None when never.
        anew: offers searched, and pairs scored, that no standing index remembered; None without.
    """

    matches: pl.DataFrame
    by_model: int
    left_out: int
    accept: float | None
    anew: tuple[int, int] | None = None


def match_day(
    own: pl.DataFrame,
    market: pl.DataFrame,
    decided: pl.DataFrame | None = None,
    *,
    matcher: Matcher | None = None,
    most_reviews: int = MOST_REVIEWS,
    equivalents: bool = False,
    standing: Path | None = None,
) -> DayOfMatching:
    """Match the customer's offers with its competitors'.

    Args:
        own: OFFERS of the customer's own seller.
        market: OFFERS of its competitors.
        decided: DECISIONS of people; None when there are none.
        matcher: trained; None to learn from the day.
        most_reviews: uncertain pairs to ask people about.
        equivalents: also propose pairs whose GTINs differ, for review.
        standing: folder of a standing index, made where there is none; None to compute everything.
            A given ``matcher`` is not kept in it.
    """
    decided = empty(DECISIONS) if decided is None else decided
    market = market.join(own.select("seller").unique(), on="seller", how="anti")
    exact = far_titles(match_by_gtin(own, market), own, market)
    found, accept, anew = _by_model(own, market, exact, decided, matcher, equivalents, standing)
    pairs = pl.concat([exact, found])
    settled = apply(pairs, decided, own, market)
    kept, left_out = _affordable(settled, most_reviews)
    return DayOfMatching(kept, found.height, left_out, accept, anew)


def _affordable(matches: pl.DataFrame, most: int) -> tuple[pl.DataFrame, int]:
    """Leave out the least probable of the matcher's uncertain pairs."""
    asked = (pl.col("method") == "model") & (pl.col("decision") == "review")
    rank = pl.col("probability").rank("ordinal", descending=True).over(asked)
    kept = matches.sort("probability", *KEY, descending=[True, *[False] * len(KEY)]).filter(
        ~asked | (rank <= most)
    )
    order = ("gtin", "seller", "own_seller", "own_sku", "sku", "own_store_id", "store_id")
    return kept.sort(*order), matches.height - kept.height


def _by_model(
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

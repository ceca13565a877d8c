"""Decision: what is accepted, what a person looks at, what is thrown away.

Thresholds come from held-out probabilities: accept from where the accepted pairs have the target
precision, reject up to where next to no match is lost. Between them, and wherever something does
not fit, a person decides: two candidates of one record above accept; the same trade item number
under titles with nothing in common; a price ratio outside 0.4 to 2.5; another pack.

What was decided by a person stays decided: it wins over any later score, and a pair once rejected
does not come back by itself.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import polars as pl

from flows.pipeline.matching.arrays import Floats, Ints
from flows.pipeline.matching.by_gtin import PRICE_RATIO_HIGH, PRICE_RATIO_LOW
from flows.pipeline.matching.errors import PairsError

LOST: Final = 0.01
"""Share of true matches that may fall below reject."""
LEAST_ACCEPT: Final = 0.5
"""Easy training data would let anything in; less likely than not is never accepted."""
NEVER: Final = 2.0
"""A threshold that no probability reaches: the target precision is not to be had."""
FAR_TITLES: Final = 0.15
"""Share of rare words found on the other side, below which two titles have nothing in common."""
DECISIONS: Final = {
    "a_id": pl.String(),
    "b_id": pl.String(),
    "decision": pl.String(),  # accept | reject
    "by": pl.String(),
    "at": pl.Datetime("us"),
}
"""What people decided: the ledger that is kept from day to day."""


@dataclass(frozen=True)
class Thresholds:
    """Probabilities from which pairs are accepted, and below which they are rejected.

    Attributes:
        accept: inclusive; above 1 where the target precision was not reached.
        reject: exclusive.
        precision: of the held-out pairs at or above accept.
        accepted: share of the held-out matches at or above accept.
    """

    accept: float
    reject: float
    precision: float
    accepted: float

    def asdict(self) -> dict[str, float]:
        """Return the fields by name."""
        return asdict(self)


def choose_thresholds(probability: Floats, labels: Ints, target: float = 0.99) -> Thresholds:
    """Return the thresholds for a target precision.

    Accept is the lowest threshold at which the accepted set, as a whole, has the target precision;
    reject the highest below which at most ``LOST`` of the matches lie.

    Args:
        probability: held out, calibrated.
        labels: 0 or 1.
        target: precision of accepted pairs, 0 to 1.
    """
    matches = max(int(labels.sum()), 1)
    values, where = np.unique(-probability, return_inverse=True)
    hits = np.cumsum(np.bincount(where, labels, minlength=len(values)))
    taken = np.cumsum(np.bincount(where, minlength=len(values)))
    good = np.flatnonzero((hits / np.maximum(taken, 1) >= target) & (-values >= LEAST_ACCEPT))
    lost = hits[-1] - hits if len(hits) else hits
    keep = np.flatnonzero(lost <= LOST * matches)
    reject = float(-values[keep[0]]) if len(keep) else 0.0
    if not len(good):
        return Thresholds(NEVER, reject, float("nan"), 0.0)
    last = good[-1]
    accept = float(-values[last])
    return Thresholds(
        accept, min(reject, accept), float(hits[last] / taken[last]), float(hits[last] / matches)
    )


def decide(matches: pl.DataFrame, thresholds: Thresholds) -> pl.DataFrame:
    """Return the matches with ``decision`` and, where a person is asked, ``conflict``.

    Args:
        matches: a_id, b_id, probability, kind, and, where known, ``price_ratio`` (A over B),
            ``gtin_same`` (boolean) and ``words_found`` (share of rare words, 0 to 1).
        thresholds: of the matcher.
    """
    for name, dtype in (
        ("price_ratio", pl.Float64),
        ("gtin_same", pl.Boolean),
        ("words_found", pl.Float64),
    ):
        if name not in matches.columns:
            matches = matches.with_columns(pl.lit(None, dtype).alias(name))
    accepted = pl.col("probability") >= thresholds.accept
    several = accepted & ((accepted.sum().over("a_id") > 1) | (accepted.sum().over("b_id") > 1))
    ratio = pl.col("price_ratio")
    live = pl.col("probability") >= thresholds.reject
    conflict = (
        pl.when(pl.col("gtin_same") & (pl.col("words_found") < FAR_TITLES))
        .then(pl.lit("same GTIN under titles with nothing in common"))
        .when(pl.col("gtin_same").not_() & accepted)
        .then(pl.lit("different GTINs"))
        .when(live & ~ratio.is_between(PRICE_RATIO_LOW, PRICE_RATIO_HIGH))
        .then(pl.lit("prices too far apart for one product"))
        .when(accepted & (pl.col("kind") == "different_pack"))
        .then(pl.lit("another pack"))
        .when(several)
        .then(pl.lit("more than one candidate is good enough"))
    )
    return matches.with_columns(conflict=conflict).with_columns(
        decision=pl.when(pl.col("conflict").is_not_null())
        .then(pl.lit("review"))
        .when(accepted)
        .then(pl.lit("accept"))
        .when(live)
        .then(pl.lit("review"))
        .otherwise(pl.lit("reject"))
    )


def remember(matches: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """Return decided matches in which what people decided stands.

    The latest decision on a pair counts. A pair accepted by a person is there even where today's
    candidates do not hold it; every other pair of its two records that would be accepted goes to
    review.

    Args:
        matches: from ``decide``.
        decided: DECISIONS.

    Raises:
        PairsError: a decision is neither accept nor reject.
    """
    wrong = decided.filter(~pl.col("decision").is_in(["accept", "reject"]))
    if wrong.height:
        raise PairsError(
            f"the decision {wrong['decision'][0]!r} of {wrong['a_id'][0]!r}, {wrong['b_id'][0]!r}",
            "A decision is accept or reject.",
        )
    latest = (
        decided.sort("a_id", "b_id", "at", "decision", "by")
        .unique(["a_id", "b_id"], keep="last", maintain_order=True)
        .select("a_id", "b_id", person="decision")
    )
    joined = matches.join(latest, on=["a_id", "b_id"], how="left", maintain_order="left")
    absent = latest.filter(pl.col("person") == "accept").join(
        matches, on=["a_id", "b_id"], how="anti"
    )
    joined = pl.concat([joined, absent.sort("a_id", "b_id")], how="diagonal_relaxed")
    taken_a = set(latest.filter(pl.col("person") == "accept")["a_id"])
    taken_b = set(latest.filter(pl.col("person") == "accept")["b_id"])
    rival = (
        pl.col("person").is_null()
        & (pl.col("decision") == "accept")
        & (pl.col("a_id").is_in(sorted(taken_a)) | pl.col("b_id").is_in(sorted(taken_b)))
    )
    return joined.with_columns(
        decision=pl.when(rival).then(pl.lit("review")).otherwise(pl.coalesce("person", "decision")),
        conflict=pl.when(rival)
        .then(pl.lit("another pair of this record was accepted by a person"))
        .when(pl.col("person").is_null())
        .then("conflict"),
        decided_by_person=pl.col("person").is_not_null(),
    ).drop("person")

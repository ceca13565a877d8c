"""Applying: what people decided of a day's pairs, and what becomes of the pairs nobody decided.

* ``exact`` is accepted. ``variant``, ``different_pack`` and ``equivalent`` are matches of another
  kind: their prices are not prices of one product, so they are not accepted unless the customer
  asks for that kind. Another pack never is: its price would have to be divided first.
* A pair accepted by a person is there even if today's matcher did not find it, and another offer
  of that seller for the same product, accepted by the machine, stands back.
* What is under review and undecided is carried from the last day that decided it, if the customer
  wants that and there is one; else it is held: it counts in no figure. It is never accepted
  because nobody looked.

The result has the columns of MATCHES and no row under review. Why a row is as it is stands in its
``reason``: ``held: …``, ``carried from 2026-08-14: …``, ``variant: decided by …``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import polars as pl

from flows.pipeline.schema import MATCHES, conform
from flows.pipeline.verification.drafting import PAIR
from flows.pipeline.verification.errors import BadAnswer
from flows.pipeline.verification.verdicts import BY_NAME

Otherwise = Literal["exclude", "carry_last"]
OTHERWISE: Final = ("exclude", "carry_last")
ACCEPTABLE: Final = ("exact", "variant", "equivalent")
HELD, CARRIED = "held: ", "carried from "
BY_PERSON: Final = "decision"
"""`MATCHES.method` of a pair that only a person found."""


def check_accepts(accepts: Sequence[str]) -> None:
    """Make sure that these verdicts can be accepted.

    Raises:
        BadAnswer: one cannot.
    """
    for verdict in accepts:
        if verdict not in ACCEPTABLE:
            raise BadAnswer(
                f"pairs of verdict {verdict!r} cannot be accepted",
                f"Accept some of {', '.join(ACCEPTABLE)}; the price of another pack is no price"
                " of the product.",
            )


def apply_decisions(
    matches: pl.DataFrame,
    decisions: pl.DataFrame,
    offers: pl.DataFrame,
    *,
    before: Sequence[pl.DataFrame] = (),
    otherwise: Otherwise = "exclude",
    accepts: Sequence[str] = ("exact",),
) -> pl.DataFrame:
    """Return a day's matches with nothing left under review.

    Args:
        matches: MATCHES of the day.
        decisions: DECISIONS, each pair once.
        offers: OFFERS of the day; only pairs of offers that are there are added.
        before: the results of earlier days, the latest first, for ``carry_last``.
        otherwise: what becomes of undecided pairs.
        accepts: verdicts that are accepted.

    Returns:
        MATCHES, sorted by GTIN, seller and the two codes.
    """
    check_accepts(accepts)
    said = decisions.select(*PAIR, "verdict", "by", "at")
    joined = pl.concat([matches, _found(matches, said, offers)], how="diagonal_relaxed").join(
        said, on=list(PAIR), how="left"
    )
    carried = _carried(before) if otherwise == "carry_last" else _carried(())
    joined = joined.join(carried, on=list(PAIR), how="left").with_columns(
        decided=pl.col("verdict").is_not_null(),
        taken=pl.col("verdict").is_in(list(accepts)).fill_null(False),
    )
    rival = (
        ~pl.col("decided")
        & (pl.col("decision") != "reject")
        & pl.col("taken").any().over("own_seller", "own_sku", "seller")
    )
    open_ = ~pl.col("decided") & (pl.col("decision") == "review")
    carry = open_ & pl.col("last").is_not_null()
    why = pl.col("reason").fill_null("nobody has decided it")
    words = {name: verdict.label.lower() for name, verdict in BY_NAME.items()}
    kind = pl.col("verdict").replace_strict(
        {name: verdict.kind for name, verdict in BY_NAME.items()}, return_dtype=pl.String
    )
    return conform(
        joined.with_columns(
            decision=pl.when("taken")
            .then(pl.lit("accept"))
            .when(pl.col("decided") | rival)
            .then(pl.lit("reject"))
            .when(carry)
            .then("last")
            .when(open_)
            .then(pl.lit("reject"))
            .otherwise("decision"),
            reason=pl.when("taken")
            .then(pl.lit(None, pl.String))
            .when("decided")
            .then(
                pl.format(
                    "{}: decided by {}",
                    pl.col("verdict").replace_strict(words, return_dtype=pl.String),
                    "by",
                )
            )
            .when(rival)
            .then(pl.lit("another offer of this seller was chosen by a person"))
            .when(carry)
            .then(pl.format(f"{CARRIED}{{}}: {{}}", "last_day", why))
            .when(open_)
            .then(pl.format(f"{HELD}{{}}", why))
            .otherwise("reason"),
            kind=pl.when(kind.str.len_chars() > 0).then(kind).otherwise("kind"),
        ),
        {name: MATCHES[name] for name in MATCHES},
    ).sort("gtin", "seller", "own_seller", "own_sku", "sku", "own_store_id", "store_id")


def counted(decided: pl.DataFrame) -> dict[str, int]:
    """Return how many pairs are accepted, held and carried."""
    reason = pl.col("reason").fill_null("")
    row = decided.select(
        accepted=(pl.col("decision") == "accept").sum(),
        held=reason.str.starts_with(HELD).sum(),
        carried=reason.str.starts_with(CARRIED).sum(),
    ).row(0, named=True)
    return {name: int(count) for name, count in row.items()}


def _carried(before: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the latest decision of each pair on earlier days: ``last``, ``last_day``.

    What was itself carried or held on a day was not decided on it.
    """
    shape = {**{name: pl.String() for name in PAIR}, "last": pl.String(), "last_day": pl.Date()}
    reason = pl.col("reason").fill_null("")
    frames = [
        frame.filter(~reason.str.starts_with(HELD), ~reason.str.starts_with(CARRIED)).select(
            *PAIR, last="decision", last_day="day"
        )
        for frame in before
    ]
    return pl.concat([pl.DataFrame(schema=shape), *frames]).unique(
        list(PAIR), keep="first", maintain_order=True
    )


def _found(matches: pl.DataFrame, said: pl.DataFrame, offers: pl.DataFrame) -> pl.DataFrame:
    """Return pairs that a person called exact, whose offers are there, and no matcher found."""
    new = said.filter(pl.col("verdict") == "exact").join(matches, on=list(PAIR), how="anti")
    if new.is_empty():
        return matches.clear()
    cheapest = offers.sort("seller", "sku", "price", "store_id").unique(
        ["seller", "sku"], keep="first", maintain_order=True
    )
    own = cheapest.select(
        "day", "gtin", own_seller="seller", own_sku="sku", own_store_id="store_id"
    )
    other = cheapest.select("seller", "sku", "store_id")
    found = new.join(own, on=["own_seller", "own_sku"]).join(other, on=["seller", "sku"])
    shaped = found.with_columns(
        method=pl.lit(BY_PERSON),
        kind=pl.lit("exact"),
        probability=pl.lit(1.0),
        decision=pl.lit("review"),
    )
    absent = [name for name in matches.columns if name not in shaped.columns]
    return conform(
        shaped.with_columns(pl.lit(None).alias(name) for name in absent), dict(matches.schema)
    )

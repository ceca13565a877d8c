"""Drafting: the pairs of a day that nobody may accept alone become tasks.

The undecided pairs of one own product with one competitor are one task: a reviewer compares the
product once with everything that this seller has for it, the likeliest first. A pair that was
decided before, or that stands on the blacklist, is asked no more.

A task's key is made of what would be decided (the own product, the seller, the candidates), not
of the day: the same question is asked once, and its age goes on counting.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import polars as pl

from flows.pipeline.verification import order
from flows.pipeline.verification.content import CANDIDATES, Candidate, Content, product

OWN_KEY: Final = ("own_seller", "own_store_id", "own_sku")
MARKET_KEY: Final = ("seller", "store_id", "sku")
PAIR: Final = ("own_seller", "own_sku", "seller", "sku")
"""What a decision is about: a store's offer stands for the seller's."""

GONE_FOR: Final = timedelta(days=7)
"""How long an offer whose page was gone is not asked for again."""


@dataclass(frozen=True)
class Draft:
    """A task to be opened.

    Attributes:
        key: what is asked; the same for the same question.
        content: what is shown.
        weight: value × uncertainty.
    """

    key: str
    content: Content
    weight: float


def task_key(own_seller: str, own_sku: str, seller: str, skus: Iterable[str]) -> str:
    """Return the key of a question."""
    text = "\x1f".join((own_seller, own_sku, seller, *sorted(skus)))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def undecided(matches: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs under review that nobody has decided.

    Args:
        matches: MATCHES.
        decided: at least the columns of `PAIR`: what is not asked again.
    """
    known = decided.select(PAIR).unique()
    return matches.filter(pl.col("decision") == "review").join(known, on=PAIR, how="anti")


def draft(pairs: pl.DataFrame, offers: pl.DataFrame, day: date) -> list[Draft]:
    """Return the tasks of some pairs.

    Args:
        pairs: of MATCHES.
        offers: OFFERS of the day; a pair one of whose offers is not there is left out.
        day: the day.

    Returns:
        One for each own product and seller, sorted by key.
    """
    if pairs.is_empty():
        return []
    own = {name: f"own_{name}" for name in ("seller", "store_id", "sku")}
    mine = offers.join(
        pairs.select(OWN_KEY).unique().rename({v: k for k, v in own.items()}),
        on=list(own),
        how="semi",
    )
    theirs = offers.join(pairs.select(MARKET_KEY).unique(), on=MARKET_KEY, how="semi")
    left = {_at(row, "seller", "store_id", "sku"): row for row in mine.iter_rows(named=True)}
    right = {_at(row, *MARKET_KEY): row for row in theirs.iter_rows(named=True)}
    sellers = pairs["own_seller"].unique().implode()
    middle = offers.filter(pl.col("seller").is_in(sellers))["price"].cast(pl.Float64).median()
    median = middle if isinstance(middle, float) else None
    ordered = pairs.sort(
        *OWN_KEY, "seller", -pl.col("probability").fill_null(-1.0), "store_id", "sku"
    )
    made = [
        _draft(group, left, right, median, day)
        for _, group in ordered.group_by("own_seller", "own_sku", "seller", maintain_order=True)
    ]
    return sorted((item for item in made if item is not None), key=lambda item: item.key)


def _draft(
    group: pl.DataFrame,
    left: dict[tuple[Any, ...], dict[str, Any]],
    right: dict[tuple[Any, ...], dict[str, Any]],
    median: float | None,
    day: date,
) -> Draft | None:
    mine = None
    chosen: dict[str, Candidate] = {}
    doubt = 0.0
    for row in group.iter_rows(named=True):
        own, other = left.get(_at(row, *OWN_KEY)), right.get(_at(row, *MARKET_KEY))
        if own is None or other is None or row["sku"] in chosen:
            continue
        if len(chosen) == CANDIDATES:
            break
        mine = mine or own
        doubt = max(doubt, order.uncertainty(row["probability"]))
        chosen[row["sku"]] = Candidate(
            product=product(other),
            probability=row["probability"],
            kind=row["kind"],
            reasons=tuple(_reasons(row)),
        )
    if mine is None or not chosen:
        return None
    content = Content(day=day, own=product(mine), candidates=tuple(chosen.values()))
    price = None if mine["price"] is None else float(mine["price"])
    key = task_key(mine["seller"], mine["sku"], next(iter(chosen.values())).product.seller, chosen)
    return Draft(key, content, order.value(price, median) * doubt)


def _reasons(row: dict[str, Any]) -> Iterator[str]:
    """Yield why a pair is under review, then what speaks for and against it."""
    if row.get("reason"):
        yield str(row["reason"])
    for text in (row.get("reasons") or "").split("; "):
        if text:
            yield text


def _at(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)

"""Lessons: what reviewers decided, as the labelled pairs from which the matcher learns.

``exact`` is a pair of one product (label 1). ``no_match`` and ``variant`` are pairs of two (label
0), and so are the other candidates of a task whose answer was ``exact``. ``different_pack`` and
``equivalent`` are neither: the one is the same product in another pack, and the other candidates
of such a task were not the question. They teach nothing, wrongly labelled they would teach harm.
Known pairs and audits teach, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from flows.pipeline.verification.content import Content, Product
from flows.pipeline.verification.database import Database
from flows.pipeline.verification.ledger import CLOSED_GATES
from flows.pipeline.verification.tables import batches, decisions, tasks

RECORD: Final = {
    "id": pl.String(),
    "title": pl.String(),
    "brand": pl.String(),
    "gtin": pl.String(),
    "category": pl.String(),
    "price": pl.Float64(),
}
PAIRS: Final = {"a_id": pl.String(), "b_id": pl.String(), "label": pl.Int64()}


def lessons(database: Database, customer: str) -> dict[str, pl.DataFrame]:
    """Return what there is to learn from a customer's decisions.

    Returns:
        ``own`` and ``market`` (tables of products, as they were when they were decided) and
        ``pairs`` (their ids, and ``label``): what `flows.pipeline.matching.train` takes.
    """
    query = (
        sa.select(
            tasks.c.content, tasks.c.kind, tasks.c.expected, decisions.c.verdict, decisions.c.sku
        )
        .join(decisions, decisions.c.id == tasks.c.answer, isouter=True)
        .join(batches, batches.c.id == tasks.c.batch, isouter=True)
        .where(
            tasks.c.customer == customer,
            sa.or_(tasks.c.kind == "gold", tasks.c.answer.is_not(None)),
            sa.or_(batches.c.gate.is_(None), batches.c.gate.not_in(CLOSED_GATES)),
        )
        .order_by(tasks.c.id)
    )
    own: dict[str, Product] = {}
    market: dict[str, Product] = {}
    labels: dict[tuple[str, str], int] = {}
    with database.reading() as connection:
        for row in connection.execute(query):
            content = Content.unpack(row.content)
            expected = json.loads(row.expected) if row.kind == "gold" else None
            verdict = expected["verdict"] if expected else row.verdict
            chosen = expected["sku"] if expected else row.sku
            for product, label in labelled(content, verdict, chosen):
                a, b = record_id(content.own), record_id(product)
                own[a], market[b], labels[a, b] = content.own, product, label
    return {
        "own": _records(own),
        "market": _records(market),
        "pairs": pl.DataFrame(
            [(a, b, label) for (a, b), label in sorted(labels.items())], PAIRS, orient="row"
        ),
    }


def labelled(content: Content, verdict: str, sku: str | None) -> Iterator[tuple[Product, int]]:
    """Yield the candidates that an answer says something of, and the label."""
    for candidate in content.candidates:
        chosen = candidate.product.sku == sku
        if verdict == "exact":
            yield candidate.product, int(chosen)
        elif verdict == "no_match" or (verdict == "variant" and chosen):
            yield candidate.product, 0


def record_id(product: Product) -> str:
    """Return a product's id: a code alone is one seller's."""
    return json.dumps([product.seller, product.sku], ensure_ascii=False)


def _records(products: dict[str, Product]) -> pl.DataFrame:
    rows: list[dict[str, Any]] = [
        {
            "id": id_,
            "title": product.name,
            "brand": product.brand,
            "gtin": product.gtin,
            "category": product.category,
            "price": None if product.price is None else float(product.price),
        }
        for id_, product in sorted(products.items())
    ]
    return pl.DataFrame(rows, RECORD)

"""The desk on both databases, a clock that can be set, and made-up questions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from flows.pipeline.verification.answers import Given
from flows.pipeline.verification.content import Candidate, Content, Product
from flows.pipeline.verification.database import Database
from flows.pipeline.verification.drafting import Draft, task_key
from tests.support import postgres

DAY = date(2026, 8, 15)
_names = itertools.count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    if postgres.found() is None:
        pytest.skip("no PostgreSQL on this machine")
    with postgres.server() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'review.db'}"
    server: postgres.Server = request.getfixturevalue("postgres_server")
    return server.create(f"review_{next(_names)}")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(Database(database_url)) as opened:
        yield opened


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 8, 15, 9, 0)

    def __call__(self) -> datetime:
        return self.now

    def jump(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def made(number: int, *, candidates: int = 2, weight: float = 1.0, name: str = "") -> Draft:
    """A question about product `number`."""
    own = _product("Own", f"own-{number}", name or f"Milk 3% no. {number}", "6.90")
    others = tuple(
        Candidate(
            product=_product("Shop", f"shop-{number}-{place}", f"Milk 3 % no. {place}", "7.10"),
            probability=0.8 - place / 10,
            reasons=("same brand",),
        )
        for place in range(candidates)
    )
    content = Content(day=DAY, own=own, candidates=others)
    return Draft(task_key("Own", own.sku, "Shop", content.skus), content, weight)


def _product(seller: str, sku: str, name: str, price: str) -> Product:
    return Product(
        seller=seller,
        store_id="1",
        sku=sku,
        name=name,
        price=Decimal(price),
        currency="ILS",
        pack_quantity=1.0,
        pack_unit="l",
        unit_price=Decimal(price),
    )


_ids = itertools.count()


def answer(verdict: str = "no_match", sku: str | None = None, factor: float | None = None) -> Given:
    """An answer with an id of its own."""
    return Given(f"answer-{next(_ids):08}", verdict, sku, factor)

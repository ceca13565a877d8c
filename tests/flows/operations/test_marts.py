"""Marts in a DuckDB file and in a real PostgreSQL: the same rows as in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest
from pydantic import SecretStr

from flows.operations.marts import duckdb_file
from flows.operations.marts.flow import load_marts
from flows.operations.marts.postgres import load
from flows.operations.marts.postgres_plan import change, named, type_of
from flows.pipeline.insights.marts import compute
from flows.pipeline.mart_schema import MARTS
from flows.pipeline.matching.by_gtin import match_by_gtin
from flows.pipeline.schema import OFFERS
from sdk import ConfigurationError, DatasetKey, Permanent, Store, Transient
from sdk.testing.postgres import Postgres, programs

TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)


def marts(day: date, price: str) -> dict[str, pl.DataFrame]:
    offers = pl.DataFrame(
        [
            {
                "day": day,
                "seller": seller,
                "store_id": "1",
                "sku": str(product),
                "gtin": f"{product:014}",
                "gtin_status": "valid",
                "name": f'it\'s "{product}"\0 שלום',
                "price": Decimal(price) + product,
                "currency": "ILS",
                "availability": "out_of_stock" if product % 2 else "in_stock",
                "regular_price": Decimal("99.9"),
                "updated_at": datetime(2026, 8, 1, 5),
                "stale": False,
            }
            for seller in ("Own", "A", "B")
            for product in range(5)
        ],
        schema=OFFERS,
    )
    own = pl.col("seller") == "Own"
    matches = match_by_gtin(offers.filter(own), offers.filter(~own))
    return compute(offers, matches, {}, day=day, own_seller="Own")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    url = str(tmp_path / "it's a store")
    monkeypatch.setenv("DATAWEAVE_STORAGE", url)
    made = Store(url)
    for day, price in ((YESTERDAY, "5"), (TODAY, "6")):
        made.publish(key(day), marts(day, price), fingerprint=f"{day}")
    return made


def key(day: date) -> DatasetKey:
    return DatasetKey(customer="orchard", name="marts", day=day)


def all_days(store: Store, name: str) -> pl.DataFrame:
    frames = []
    for day in (YESTERDAY, TODAY):
        dataset = store.dataset(key(day))
        assert dataset is not None
        frames.append(dataset.frame(name))
    return pl.concat(frames)


def test_a_duckdb_file_shows_the_newest_version_of_every_day(store: Store) -> None:
    path = duckdb_file.write(store, "orchard")
    assert path == Path(store.url) / "_marts" / "orchard.duckdb"
    store.publish(key(TODAY), marts(TODAY, "7"), fingerprint="again")
    assert duckdb_file.write(store, "orchard") == path
    with duckdb.connect(str(path), read_only=True) as asked:
        for name in MARTS:
            theirs = asked.sql(f'select * from "{name}"').pl()
            ours = all_days(store, name)
            assert theirs.columns == ours.columns
            assert theirs.rows() == ours.rows(), name
        days = asked.sql("select day, version, source from days").fetchall()
    assert days == [(YESTERDAY, 1, "fresh"), (TODAY, 2, "fresh")]
    assert not list(path.parent.glob(".making-*"))


def test_a_store_that_is_no_folder_is_copied(tmp_path: Path) -> None:
    store = Store("memory://marts-of-a-test")
    store.publish(key(TODAY), marts(TODAY, "6"), fingerprint="x")
    path = duckdb_file.write(store, "orchard", tmp_path / "copy.duckdb")
    with duckdb.connect(str(path), read_only=True) as asked:
        found = asked.sql("select * from product_position").pl()
    dataset = store.dataset(key(TODAY))
    assert dataset is not None
    assert found.rows() == dataset.frame("product_position").rows()


def test_a_customer_without_marts_is_told(store: Store) -> None:
    with pytest.raises(ConfigurationError, match="has no marts"):
        duckdb_file.write(store, "nobody")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    if programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with Postgres("warehouse") as server:
        yield server


def rows_of(postgres: Postgres, sql: str) -> list[list[str]]:
    return [line.split("|") for line in postgres.execute(sql).splitlines()]


def test_the_marts_in_postgresql_are_those_of_the_store(
    store: Store, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAWEAVE_MARTS_DATABASE", postgres.url)
    total = sum(all_days(store, name).height for name in MARTS)
    assert load_marts("orchard") == {"orchard": total}
    for name in MARTS:
        ours = all_days(store, name)
        (found,) = rows_of(postgres, f"select count(*), min(customer) from marts.{name}")
        assert found[0] == str(ours.height), name
        for column, kind in ours.schema.items():
            if isinstance(kind, pl.Decimal):
                (there,) = rows_of(
                    postgres, f"select coalesce(sum({column})::text, ''), 1 from marts.{name}"
                )
                total_here = ours[column].sum()
                assert there[0] == ("" if ours[column].is_null().all() else str(total_here)), column
    index = rows_of(
        postgres,
        "select index_own_over_market_mean from marts.price_index_latest where market = 'all'",
    )
    dataset = store.dataset(key(TODAY))
    assert dataset is not None
    expected = dataset.frame("price_index").filter(market="all")["index_own_over_market_mean"]
    assert [float(value) for (value,) in index] == expected.to_list()
    (name,) = rows_of(postgres, "select min(own_name) from marts.product_position")
    assert name == ['it\'s "0" שלום']


def test_loading_again_and_anew_leaves_one_of_each_day(
    store: Store, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAWEAVE_MARTS_DATABASE", postgres.url)
    monkeypatch.setenv("DATAWEAVE_MARTS_SCHEMA", "twice")
    load_marts("orchard")
    load_marts("orchard")
    store.publish(key(TODAY), marts(TODAY, "8"), fingerprint="again")
    load_marts("orchard")
    ours = all_days(store, "product_position")
    listed = rows_of(postgres, "select own_price from twice.product_position order by day, own_sku")
    assert [Decimal(price) for (price,) in listed] == ours.sort("day", "own_sku")[
        "own_price"
    ].to_list()
    versions = rows_of(postgres, "select day, version, rows from twice.loads order by day")
    assert [row[:2] for row in versions] == [[str(YESTERDAY), "1"], [str(TODAY), "2"]]


def test_a_day_that_cannot_be_loaded_leaves_what_is_there(store: Store, postgres: Postgres) -> None:
    today = store.dataset(key(TODAY))
    assert today is not None
    asyncio.run(load(postgres.url, "kept", today))
    before = postgres.execute("select count(*), sum(own_price) from kept.product_position")
    postgres.execute("drop view kept.search_share_latest")
    postgres.execute("alter table kept.search_share alter column site type integer using 1")
    store.publish(key(TODAY), marts(TODAY, "9"), fingerprint="later")
    newer = store.dataset(key(TODAY))
    assert newer is not None
    with pytest.raises(Permanent, match=r"kept.search_share.site is integer there and text"):
        asyncio.run(load(postgres.url, "kept", newer))
    assert postgres.execute("select count(*), sum(own_price) from kept.product_position") == before
    assert postgres.execute("select version from kept.loads") == "1"


def test_loads_at_once_do_not_tread_on_each_other(store: Store, postgres: Postgres) -> None:
    today = store.dataset(key(TODAY))
    assert today is not None

    async def both() -> None:
        await asyncio.gather(*(load(postgres.url, "crowd", today) for _ in range(4)))

    asyncio.run(both())
    assert postgres.execute("select count(*) from crowd.loads") == "1"
    count = postgres.execute("select count(*) from crowd.product_position")
    assert count == str(today.frame("product_position").height)


def test_an_address_is_never_said_and_who_must_act_is(store: Store) -> None:
    today = store.dataset(key(TODAY))
    assert today is not None
    secret = SecretStr("postgresql://user:hunter2-secret@127.0.0.1:1/none")
    with pytest.raises(Transient) as unreachable:
        asyncio.run(load(secret.get_secret_value(), "marts", today))
    with pytest.raises(ConfigurationError) as wrong:
        asyncio.run(load("mysql://user:hunter2-secret@x/y", "marts", today))
    for error in (unreachable.value, wrong.value):
        assert "hunter2" not in str(error)
        assert error.__cause__ is None


def test_without_a_database_it_says_what_to_set(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATAWEAVE_MARTS_DATABASE", raising=False)
    with pytest.raises(ConfigurationError, match="no database is named"):
        load_marts("orchard")


def test_what_a_table_needs() -> None:
    columns = {"day": pl.Date(), "price": pl.Decimal(18, 4)}
    first = change("marts", "offers", columns, {})
    assert any(statement.startswith("create table") for statement in first.statements)
    there = {"customer": "text", "day": "date"}
    assert '"price" numeric(18,4)' in " ".join(change("marts", "offers", columns, there).statements)
    there |= {"price": "numeric(18,4)"}
    assert change("marts", "offers", columns, there).statements == ()
    there["price"] = "integer"
    assert change("marts", "offers", columns, there).refused == (
        ("price", "integer", "numeric(18,4)"),
    )
    with pytest.raises(ValueError, match="no name"):
        named('x"; drop table y')
    with pytest.raises(ValueError, match="no place"):
        type_of(pl.List(pl.String()))

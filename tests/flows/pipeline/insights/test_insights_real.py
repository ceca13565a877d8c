"""Real prices: the main figures again, in SQL written from their definitions alone."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

import duckdb
import polars as pl
import pytest

from flows.pipeline.ingest.discover import discover
from flows.pipeline.ingest.layout import load_layouts
from flows.pipeline.ingest.read import read_day
from flows.pipeline.insights.marts import compute
from flows.pipeline.matching.by_gtin import PRICE_RATIO_HIGH, PRICE_RATIO_LOW, match_by_gtin
from flows.pipeline.normalise.offers import to_offers

OWN = "שופרסל"
DAY = date(2026, 8, 15)

SQL = f"""
create table cheapest as
    select seller, gtin, min(price)::double as price from offers
    where gtin is not null group by all;
create table pairs as
    select m.seller, gtin, o.price as own, m.price as other
    from cheapest o join cheapest m using (gtin)
    where o.seller = '{OWN}' and m.seller <> '{OWN}'
      and o.price / m.price between {PRICE_RATIO_LOW} and {PRICE_RATIO_HIGH};
create table cases as
    select 'all' as market, gtin, any_value(own) as own, avg(other) as other, min(other) as lowest,
           median(other) as middle
    from pairs group by gtin
    union all
    select seller, gtin, own, other, other, other from pairs;
create table earlier as
    select seller, store_id, sku, arg_max(price, day) as previous, max(day) as previous_day
    from history group by all;
"""


class Day(NamedTuple):
    """Both ways to the figures of the day."""

    marts: dict[str, pl.DataFrame]
    sql: duckdb.DuckDBPyConnection


@pytest.fixture(scope="module")
def real(il_prices: str) -> Iterator[Day]:
    found = discover(il_prices)
    made = {
        day: to_offers(read_day(files, load_layouts()).prices, day=day, currency="ILS").offers
        for day, files in found.items()
        if DAY - timedelta(days=4) <= day <= DAY
    }
    offers = made.pop(DAY)
    history = pl.concat(made.values())
    connection = duckdb.connect()
    connection.register("offers", offers.to_arrow())
    connection.register("history", history.to_arrow())
    connection.execute(SQL)
    own = pl.col("seller") == OWN
    marts = compute(
        offers,
        match_by_gtin(offers.filter(own), offers.filter(~own)),
        made,
        day=DAY,
        own_seller=OWN,
        days_expected=list(made),
    )
    yield Day(marts, connection)
    connection.close()


def close(ours: list[tuple[object, ...]], theirs: list[tuple[object, ...]]) -> None:
    """Equal but for the rounding of floats."""
    assert len(ours) == len(theirs) > 0
    for one, other in zip(ours, theirs, strict=True):
        for left, right in zip(one, other, strict=True):
            if isinstance(left, float) and right is not None:
                assert left == pytest.approx(float(right), abs=2e-6, rel=1e-9), (one, other)
            else:
                assert left == right, (one, other)


ORDER = "order by market <> 'all', market"


def test_the_price_index(real: Day) -> None:
    theirs = real.sql.execute(
        f"""
        select market, count(*), 100 * avg(own / other), 100 * median(own / other),
            100 * exp(avg(ln(own / other))), 100 * sum(own) / sum(other),
            count(*) / (select count(distinct gtin) from offers where seller = '{OWN}')
        from cases group by market {ORDER}
        """
    ).fetchall()
    names = [f"index_own_over_market_{way}" for way in ("mean", "median", "geometric", "basket")]
    ours = real.marts["price_index"].select("market", "products", *names, "coverage")
    close(ours.rows(), theirs)
    assert ours.height > 2


def test_outcomes(real: Day) -> None:
    theirs = real.sql.execute(
        f"""
        select market, count(*), count_if(own < lowest), count_if(own = lowest),
            count_if(own > lowest), avg((own < lowest)::int), avg((own = lowest)::int),
            avg((own > lowest)::int)
        from cases group by market {ORDER}
        """
    ).fetchall()
    close(real.marts["outcomes"].drop("day").rows(), theirs)


def test_positions(real: Day) -> None:
    theirs = real.sql.execute(
        """
        select gtin, own, lowest, middle, other, 100 * own / other, own - lowest,
            100 * (own - lowest) / lowest, 100 * (own - middle) / middle
        from cases where market = 'all' order by gtin
        """
    ).fetchall()
    ours = real.marts["product_position"].select(
        "gtin",
        pl.col("own_price", "market_lowest").cast(pl.Float64),
        "market_median",
        "market_mean",
        "index_own_over_market",
        pl.col("gap_own_minus_lowest").cast(pl.Float64),
        "gap_own_minus_lowest_pct",
        "gap_own_minus_median_pct",
    )
    close(ours.rows(), theirs)


def test_pairs_that_are_not_used_are_those_of_far_prices(real: Day) -> None:
    used, listed = real.sql.execute(
        f"""
        select (select count(*) from pairs), count(*)
        from cheapest o join cheapest m using (gtin)
        where o.seller = '{OWN}' and m.seller <> '{OWN}'
        """
    ).fetchall()[0]
    compared = real.marts["comparisons"]
    assert (compared["used"].sum(), compared.height) == (used, listed)
    assert compared.filter(~pl.col("used"))["reason"].is_not_null().all()


def test_price_changes(real: Day) -> None:
    theirs = real.sql.execute(
        """
        select seller, count(previous), count(*) filter (where price <> previous),
            count(*) filter (where price > previous), count(*) filter (where price < previous),
            avg((price <> previous)::int),
            median(100 * (price - previous)::double / previous::double)
                filter (where price <> previous)
        from offers left join earlier using (seller, store_id, sku)
        group by seller order by seller
        """
    ).fetchall()
    ours = real.marts["change_summary"].select(
        "seller",
        "compared",
        "changed",
        "raised",
        "lowered",
        "changed_share",
        "median_change_new_over_previous_pct",
    )
    close(ours.rows(), theirs)
    days = real.sql.execute(
        "select distinct previous_day from offers join earlier using (seller, store_id, sku)"
        " where price <> previous order by 1"
    ).fetchall()
    assert real.marts["price_changes"]["previous_day"].unique().sort().to_list() == [
        d for (d,) in days
    ]


def test_assortments(real: Day) -> None:
    theirs = real.sql.execute(
        f"""
        with own as (select distinct gtin from offers where seller = '{OWN}' and gtin is not null)
        select seller, (select count(*) from own), count(distinct o.gtin), count(distinct own.gtin)
        from offers o left join own using (gtin) where seller <> '{OWN}'
        group by seller order by seller
        """
    ).fetchall()
    ours = real.marts["assortment"]
    close(
        ours.select("seller", "own_products", "seller_products", "shared_products").rows(), theirs
    )
    (gaps,) = real.sql.execute(
        f"""
        select count(*) from (
            select gtin from offers where seller <> '{OWN}' and gtin is not null
            except select gtin from offers where seller = '{OWN}')
        """
    ).fetchall()[0]
    assert real.marts["assortment_gaps"]["gtin"].n_unique() == gaps


def test_coverage(real: Day) -> None:
    theirs = real.sql.execute(
        f"""
        with days as (select seller, day, count(*) as offers from history group by all),
        past as (select seller, median(offers) as usual, count(*) as seen, min(day) as first,
                 max(day) as last from days group by seller),
        now as (select seller, count(*) as offers, count(gtin) as gtins from offers group by seller)
        select coalesce(now.seller, past.seller) as seller, coalesce(now.offers, 0),
            coalesce(gtins, 0), usual, coalesce(seen, 0), coalesce(first, date '{DAY}'),
            case when now.seller is null then last else date '{DAY}' end
        from now full join past on now.seller = past.seller
        order by coalesce(now.seller, past.seller) <> '{OWN}', 1
        """
    ).fetchall()
    ours = real.marts["coverage"].select(
        "seller",
        "offers",
        "offers_with_gtin",
        "baseline_offers",
        "days_seen",
        "first_seen",
        "last_seen",
    )
    close(ours.rows(), theirs)


def test_figures_say_what_the_marts_say(real: Day) -> None:
    figures = real.marts["figures"]
    for row in figures.iter_rows(named=True):
        assert (row["value"] is None) == (row["note"] is not None)
        if row["numerator"] is not None and row["value"] is not None:
            scale = 100 if row["unit"] == "index" else 1
            assert row["value"] == pytest.approx(
                scale * row["numerator"] / row["denominator"], abs=2e-6
            )
        assert row["coverage"] is None or 0 <= row["coverage"] <= 1
    assert not figures.select("figure", "market").is_duplicated().any()

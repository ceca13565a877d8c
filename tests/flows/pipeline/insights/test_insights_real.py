"""Real prices: the main figures again, in SQL written from their definitions alone."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

import duckdb
import polars as pl
import pytest

from flows.pipeline.ingest.discover import discover
from flows.pipeline.ingest.layout_files import load_layouts
from flows.pipeline.ingest.read import read_day
from flows.pipeline.insights.marts import compute
from flows.pipeline.matching.by_gtin import PRICE_RATIO_HIGH, PRICE_RATIO_LOW, match_by_gtin
from flows.pipeline.normalise.offers import to_offers
from flows.pipeline.rules import ChangeGuards, Rules

OWN = "שופרסל"
GUARDS = ChangeGuards()
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
    select seller, store_id, sku, arg_max(price, day) as previous, max(day) as previous_day,
        list(price order by day desc)[2] as price_before,
        arg_max({{'quantity': pack_quantity, 'unit': pack_unit}}, day)
            filter (where pack_quantity is not null and pack_unit is not null) as pack
    from history group by all;
create table moved as
    with compared as (
        select *, price::double / previous::double as factor,
            count(*) over (partition by seller, store_id) as compared
        from offers join earlier using (seller, store_id, sku)),
    changed as (
        select *, count(*) over (partition by seller, store_id, round(factor, 3)) as alike
        from compared where price <> previous)
    select *,
        coalesce(pack.quantity <> pack_quantity or pack.unit <> pack_unit, false)
        or greatest(factor, 1 / factor) >= {GUARDS.factor}
        or (compared >= {GUARDS.shift_least} and alike >= {GUARDS.shift_share} * compared)
        or (abs(factor - 1) >= {GUARDS.bounce_pct} / 100 and coalesce(price_before = price, false))
        as doubted
    from changed;
"""


MINIMUM = f"""
    select gtin, round(0.9 * min(price), 2)::decimal(18, 4) as minimum from offers
    where seller = '{OWN}' and gtin is not null group by gtin order by gtin limit 500
"""


class Day(NamedTuple):
    """Both ways to the figures of the day."""

    marts: dict[str, pl.DataFrame]
    sql: duckdb.DuckDBPyConnection
    rules: Rules


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
    rules = Rules(
        minimum_prices=dict(connection.execute(MINIMUM).fetchall()),
        content={"name": 12, "brand": 1, "image": 1},
    )
    marts = compute(
        offers,
        match_by_gtin(offers.filter(own), offers.filter(~own)),
        made,
        day=DAY,
        own_seller=OWN,
        days_expected=list(made),
        rules=rules,
    )
    yield Day(marts, connection, rules)
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
        select seller, any_value(n), count(m.sku) filter (where not doubted),
            count(m.sku) filter (where doubted),
            count(m.sku) filter (where not doubted and m.price > previous),
            count(m.sku) filter (where not doubted and m.price < previous),
            case when any_value(n) > 0
                then count(m.sku) filter (where not doubted) / any_value(n) end,
            median(100 * (m.price - previous)::double / previous::double)
                filter (where not doubted)
        from (select o.seller, count(previous) as n
              from offers o left join earlier using (seller, store_id, sku) group by 1) s
        left join moved m using (seller)
        group by seller order by seller
        """
    ).fetchall()
    ours = real.marts["change_summary"].select(
        "seller",
        "compared",
        "changed",
        "doubted",
        "raised",
        "lowered",
        "changed_share",
        "median_change_new_over_previous_pct",
    )
    close(ours.rows(), theirs)
    changes = real.marts["price_changes"]
    keys = ["seller", "store_id", "sku", "previous_day"]
    listed = real.sql.execute(
        f"select {', '.join(keys)}, not doubted from moved order by 1, 2, 3"
    ).fetchall()
    assert changes.select(*keys, "believed").rows() == listed
    assert 0 < (~changes["believed"]).sum() < changes.height


def test_groups_of_the_assortment(real: Day) -> None:
    theirs = real.sql.execute(
        f"""
        with said as (
            select gtin, trim(brand) as brand, count(*) as times from offers
            where gtin is not null and trim(brand) <> '' group by all),
        usual as (select gtin, arg_min(brand, (-times, brand)) as brand from said group by gtin),
        products as (
            select gtin, bool_or(seller = '{OWN}') as own, bool_or(seller <> '{OWN}') as market,
                min(price) as lowest
            from offers where gtin is not null group by gtin),
        ranked as (
            select *, floor(3 * (rank() over (order by lowest) - 1) / count(*) over ()) as third
            from products left join usual using (gtin)),
        grouped as (
            select 'brand' as dimension, brand as value, * exclude (brand) from ranked
            union all by name
            select 'price tier' as dimension, ['low', 'middle', 'high'][third::int + 1] as value,
                * exclude (brand) from ranked)
        select dimension, value, count_if(own), count_if(market), count_if(own and market),
            count_if(own and not market), count_if(market and not own)
        from grouped group by all order by all
        """
    ).fetchall()
    groups = real.marts["assortment_groups"].with_columns(
        # A tier's bounds stand behind its name.
        value=pl.when(pl.col("dimension") == "price tier")
        .then(pl.col("value").str.split(":").list.first())
        .otherwise("value")
    )
    counts = ["own_products", "market_products", "shared_products", "own_only", "gaps"]
    ours = groups.select("dimension", "value", *counts).sort("dimension", "value", nulls_last=True)
    key = lambda row: (row[0], row[1] is None, row[1] or "")  # noqa: E731
    assert sorted(ours.rows(), key=key) == sorted(theirs, key=key)
    assert ours.height > 100


def test_minimum_prices(real: Day) -> None:
    broken, watched, offered = real.sql.execute(
        f"""
        with rules as ({MINIMUM})
        select count_if(o.price < r.minimum), count(*), count(distinct gtin)
        from offers o join rules r using (gtin) where o.seller <> '{OWN}'
        """
    ).fetchall()[0]
    (row,) = (
        real.marts["figures"].filter(pl.col("figure") == "map_violation_share").rows(named=True)
    )
    assert (row["numerator"], row["denominator"]) == (broken, watched)
    assert broken > 0
    assert row["coverage"] == pytest.approx(offered / len(real.rules.minimum_prices), abs=1e-6)


def test_content(real: Day) -> None:
    theirs = real.sql.execute(
        f"""
        select count(*) filter (where length(trim(name)) >= 12)
                + count(*) filter (where length(trim(brand)) >= 1),
            count(*) * ((count(name) > 0)::int + (count(brand) > 0)::int)
        from offers where seller = '{OWN}'
        """
    ).fetchall()
    (row,) = real.marts["figures"].filter(pl.col("figure") == "content_score_own").rows(named=True)
    assert (row["numerator"], row["denominator"]) == theirs[0]


def test_what_price_files_do_not_tell_is_not_zero(real: Day) -> None:
    for name in ("out_of_stock_rate_own", "promotion_share_market", "discounts_market_valid_share"):
        (row,) = (
            real.marts["figures"]
            .filter((pl.col("figure") == name) & (pl.col("market") == "all"))
            .rows(named=True)
        )
        assert row["value"] is None
        assert row["note"].startswith("not enough data: ")


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

"""From a site's answers to rows, and what is carried from the day before."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.capture.answers import Answer
from flows.pipeline.capture.captured import (
    CAPTURED,
    LONGEST_UNSEEN,
    PAGES,
    Tables,
    known_address,
    tables_of,
)
from flows.pipeline.capture.page_verdict import RUNS_TO_DELIST, Verdict
from flows.pipeline.capture.product import Availability, Product
from flows.pipeline.capture.site import Site

SITE = Site(name="shop", start_urls=("https://shop.example/",), currency="EUR")
UNSEEN = (Verdict.BLOCKED, Verdict.ERROR)
GONE = (Verdict.GONE, Verdict.SOFT_404)


def _answer(number: int, verdict: Verdict, price: str = "1.50") -> Answer:
    url = f"https://shop.example/p/{number}"
    product = Product(
        url=url,
        name=f"Milk {number}",
        sku=str(number),
        price=Decimal(price),
        currency="EUR",
        regular_price=Decimal("2.00"),
        availability=Availability.IN_STOCK,
        breadcrumbs=("Food", "Dairy"),
        images=(f"https://shop.example/{number}.jpg",),
    )
    return Answer(url, verdict, product=product if verdict is Verdict.PRODUCT else None)


def _run(*days: list[Answer]) -> Tables:
    tables: Tables | None = None
    for answers in days:
        tables = tables_of(SITE, answers, tables)
    assert tables is not None
    return tables


def _rows(tables: Tables) -> dict[str, tuple[str, str, bool]]:
    found = tables.prices.select("sku", "price", "availability", "stale").rows()
    return {sku: (price, availability, stale) for sku, price, availability, stale in found}


def test_a_product_is_a_row_with_what_its_page_says() -> None:
    row = _run([_answer(1, Verdict.PRODUCT)]).prices.row(0, named=True)
    assert row["seller"] == "shop"
    assert (row["price"], row["regular_price"], row["currency"]) == ("1.50", "2.00", "EUR")
    assert row["category"] == "Food > Dairy"
    assert row["availability"] == "in_stock"
    assert row["url"] == row["address"] == "https://shop.example/p/1"
    assert row["stale"] is False


def test_blocked_failed_and_gone_for_once_are_carried_each_in_its_way() -> None:
    first = [_answer(n, Verdict.PRODUCT) for n in range(4)]
    second = [
        _answer(0, Verdict.PRODUCT, "1.70"),
        _answer(1, Verdict.BLOCKED),
        _answer(2, Verdict.ERROR),
        _answer(3, Verdict.GONE),
    ]
    assert _rows(_run(first, second)) == {
        "0": ("1.70", "in_stock", False),
        "1": ("1.50", "blocked", True),
        "2": ("1.50", "unknown", True),
        "3": ("1.50", "unknown", True),
    }


def test_a_page_that_nothing_led_to_is_as_good_as_gone() -> None:
    both, one = (
        [_answer(0, Verdict.PRODUCT), _answer(1, Verdict.PRODUCT)],
        [_answer(0, Verdict.PRODUCT)],
    )
    assert _rows(_run(both, one))["1"][2] is True
    assert "1" not in _rows(_run(both, one, one))


def test_a_page_that_comes_back_is_fresh_again() -> None:
    seen, gone = [_answer(0, Verdict.PRODUCT)], [_answer(0, Verdict.GONE)]
    assert _rows(_run(seen, gone, seen, gone)) == {"0": ("1.50", "unknown", True)}
    assert _rows(_run(seen, gone, gone)) == {}


@given(st.lists(st.sampled_from([*Verdict]), min_size=1, max_size=20))
def test_a_row_is_there_as_long_as_something_speaks_for_it(verdicts: list[Verdict]) -> None:
    tables = _run([_answer(0, Verdict.PRODUCT)], *[[_answer(0, one)] for one in verdicts])
    rows = _rows(tables)
    seen = [one for one in verdicts if one not in UNSEEN]
    gone = 0
    for one in reversed(seen):
        if one not in GONE:
            break
        gone += 1
    unseen = 0
    for one in reversed(verdicts):
        if one not in UNSEEN:
            break
        unseen += 1
    if verdicts[-1] is Verdict.PRODUCT:
        assert rows == {"0": ("1.50", "in_stock", False)}
    elif gone >= RUNS_TO_DELIST or unseen > LONGEST_UNSEEN or Verdict.EMPTY in verdicts[-1:]:
        assert rows == {}
    elif rows:
        assert rows["0"][2] is True


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 5), st.sampled_from([*Verdict])), max_size=6), max_size=6
    )
)
def test_tables_are_whole_whatever_happens(days: list[list[tuple[int, Verdict]]]) -> None:
    tables: Tables | None = None
    for day in days:
        answers = [_answer(number, verdict) for number, verdict in dict(day).items()]
        tables = tables_of(SITE, answers, tables)
        assert tables.prices.schema == CAPTURED
        assert tables.pages.schema == PAGES
        assert tables.pages["address"].is_unique().all()
        assert tables.prices["address"].is_unique().all()
        fresh = {str(number) for number, verdict in dict(day).items() if verdict is Verdict.PRODUCT}
        assert set(tables.prices.filter(~pl.col("stale"))["sku"]) == fresh
        assert tables.prices["source_row"].to_list() == list(range(1, tables.prices.height + 1))


def test_a_page_is_known_by_its_public_address() -> None:
    site = Site(
        name="shop",
        start_urls=("http://127.0.0.1:8080/",),
        known_as="https://shop.example",
        allow_private=True,
    )
    assert known_address(site, "http://127.0.0.1:8080/p/1?a=2") == "https://shop.example/p/1?a=2"
    assert known_address(site, "http://cdn.example/1.jpg") == "http://cdn.example/1.jpg"
    assert known_address(SITE, "https://shop.example/p") == "https://shop.example/p"

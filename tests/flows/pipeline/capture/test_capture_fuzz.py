"""A sample of the long fuzz run, over pages of our own and, where they are, real ones."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.capture.fuzz import fuzz_page, fuzz_text
from benchmarks.capture.hostile import is_on_page
from benchmarks.capture.pages import KnownPage, load_pages
from tests.conftest import SHARED

OWN = KnownPage(
    "own",
    "own",
    "https://shop.example.de/p/lamp-4711",
    (
        '<html lang="de"><head><title>Lamp</title><script type="application/ld+json">'
        '{"@type":"Product","name":"Lamp","offers":[{"price":"12.90","priceCurrency":"EUR"}]}'
        '</script><meta property="og:price:amount" content="12.90"></head><body><h1>Lamp</h1>'
        '<div itemscope itemtype="http://schema.org/Product"><b itemprop="name">Lamp</b>'
        '<span itemprop="offers" itemscope><i itemprop="price" content="12.90">12,90 €</i></span>'
        "</div><del>19,90 €</del><p class='price'>12<sup>90</sup> €</p>"
        '<script>window.__S__ = {"name":"Lamp","price":1290}</script></body></html>'
    ).encode(),
    {},
)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6))
def test_a_broken_page_gives_no_crash_and_no_invented_price(number: int) -> None:
    assert fuzz_page(OWN, number)[0] == ""


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6))
def test_a_hostile_text_gives_no_crash_and_no_invented_amount(number: int) -> None:
    assert fuzz_text(number)[0] == ""


def test_broken_real_pages() -> None:
    folder: Path = SHARED / "pages"
    if not folder.exists():
        pytest.skip(f"no real data at {folder}")
    pages = load_pages(folder)
    problems = {n: fuzz_page(pages[n % len(pages)], n)[0] for n in range(130)}
    assert {n: problem for n, problem in problems.items() if problem} == {}


def test_the_judge_of_invented_prices_can_say_no() -> None:
    from decimal import Decimal

    for text in ("<b>12</b><sup>90</sup>", "12,90", "1 2.90 12.9", "1290", "\u0661\u0662,90"):
        assert is_on_page(Decimal("12.90"), text), text
    for text in ("", "12", "112.90", "12.901", "129", "90 12", "12.80"):
        assert not is_on_page(Decimal("12.90"), text), text

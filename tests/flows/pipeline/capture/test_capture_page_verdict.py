"""Product, gone, soft 404, blocked: by structure and comparison, whatever the words."""

import pytest

from flows.pipeline.capture.extract import extract_product
from flows.pipeline.capture.page import Page
from flows.pipeline.capture.page_verdict import (
    Baseline,
    Listing,
    Shape,
    Verdict,
    baseline_of,
    judge,
    likeness,
    listing,
    shape_of,
)
from flows.pipeline.capture.product import Availability, Product

MENU = "".join(f'<li class="entry{n}"><a class="link">Menu</a></li>' for n in range(30))


def shop_page(main: str) -> bytes:
    return (
        f'<html><body><header class="top"><ul class="menu">{MENU}</ul></header>'
        f'<main class="main">{main}</main><footer class="foot"><p class="legal">x</p></footer>'
        f"</body></html>"
    ).encode()


def product_page(number: int) -> bytes:
    return shop_page(
        f'<h1 class="name">Lamp {number}</h1><p class="price">{number},90 €</p>'
        f'<div class="text">Our captcha lamp. {"Very bright. " * number}</div>'
    )


BLOCK = b"<html><body><div id=a>Checking your browser</div><script>x</script></body></html>"
SORRY = shop_page('<h1 class="name">Sorry</h1><p class="text">We looked everywhere.</p>')


def seen(body: bytes) -> tuple[Product, Shape]:
    url = "https://shop.example.de/p/1"
    return extract_product(body, url), shape_of(Page(body, url))


@pytest.fixture
def baseline() -> Baseline:
    return baseline_of([seen(product_page(n))[1] for n in range(10, 15)])


def test_product_pages_share_their_skeleton(baseline: Baseline) -> None:
    assert likeness(seen(product_page(99))[1], baseline) > 0.9
    assert likeness(seen(BLOCK)[1], baseline) < 0.1


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, product_page(20), Verdict.PRODUCT),
        (404, SORRY, Verdict.GONE),
        (410, b"", Verdict.GONE),
        (403, BLOCK, Verdict.BLOCKED),
        (429, BLOCK, Verdict.BLOCKED),
        (200, BLOCK, Verdict.BLOCKED),
        (200, SORRY, Verdict.SOFT_404),
        (503, SORRY, Verdict.ERROR),
        (0, b"", Verdict.ERROR),
        (200, shop_page('<h1 class="name">Guide</h1>' + "A long text. " * 100), Verdict.EMPTY),
    ],
)
def test_answers(baseline: Baseline, status: int, body: bytes, verdict: Verdict) -> None:
    assert judge(status, *seen(body), baseline) is verdict


def test_no_body_is_an_error(baseline: Baseline) -> None:
    assert judge(200, None, None, baseline) is Verdict.ERROR


def test_the_same_text_under_several_addresses_is_no_product(baseline: Baseline) -> None:
    product, shape = seen(product_page(20))
    assert judge(200, product, shape, baseline, repeated={shape.text}) is Verdict.SOFT_404
    probed = Baseline(baseline.parts, shape.text)
    assert judge(200, product, shape, probed) is Verdict.SOFT_404


def test_nothing_is_held_against_a_site_of_which_nothing_is_known() -> None:
    assert judge(200, *seen(product_page(20)), Baseline()) is Verdict.PRODUCT
    assert judge(200, *seen(BLOCK), Baseline()) is Verdict.EMPTY
    assert baseline_of([]) == Baseline()


@pytest.mark.parametrize(
    ("verdicts", "availability", "state"),
    [
        ("P", Availability.IN_STOCK, Listing.LISTED),
        ("P", Availability.UNKNOWN, Listing.LISTED),
        ("GGP", Availability.OUT_OF_STOCK, Listing.OUT_OF_STOCK),
        ("PG", Availability.UNKNOWN, Listing.MISSING),
        ("PGS", Availability.UNKNOWN, Listing.DELISTED),
        ("GPG", Availability.UNKNOWN, Listing.MISSING),
        ("PGBG", Availability.UNKNOWN, Listing.DELISTED),  # a block says nothing
        ("PB", Availability.UNKNOWN, Listing.UNSEEN),
        ("GGB", Availability.UNKNOWN, Listing.UNSEEN),
        ("G", Availability.UNKNOWN, Listing.MISSING),
        ("E", Availability.OUT_OF_STOCK, Listing.UNSEEN),
    ],
)
def test_blocked_out_of_stock_and_delisted_are_three(
    verdicts: str, availability: Availability, state: Listing
) -> None:
    kinds = {"P": Verdict.PRODUCT, "G": Verdict.GONE, "S": Verdict.SOFT_404,
             "B": Verdict.BLOCKED, "E": Verdict.ERROR}  # fmt: skip
    assert listing([kinds[one] for one in verdicts], availability) is state

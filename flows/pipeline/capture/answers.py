"""From the pages of a site's run to what each of them is and says; nothing is fetched for it.

Pages are judged against each other (`page_verdict`), so a run is read twice: a few pages first,
for what the site's products have in common, then each page once. Only what judging needs is kept
of a page's shape, so that a site of ten thousand pages fits beside others in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from flows.pipeline.capture.decode import decode_page
from flows.pipeline.capture.errors import BadFeed, BadRow
from flows.pipeline.capture.extract import extract_product
from flows.pipeline.capture.feeds import read_feed
from flows.pipeline.capture.fetching.body import BadEncoding, TooLarge, unzip
from flows.pipeline.capture.fetching.visit import Visit
from flows.pipeline.capture.page import Page
from flows.pipeline.capture.page_verdict import (
    Baseline,
    Shape,
    Verdict,
    baseline_of,
    judge,
    shape_of,
)
from flows.pipeline.capture.product import Product
from flows.pipeline.capture.site import Feed, Site

SAMPLED: Final = 30
"""Pages from which it is learnt what the site's products look like."""
REPEATED: Final = 3
"""Addresses with the same text from which it is no product's text."""
MOST_UNZIPPED: Final = 200_000_000
_BLOCKING: Final = (401, 403, 407, 429, 451)


@dataclass(frozen=True)
class Answer:
    """What one address is and says.

    Attributes:
        url: names it: the address of a page, or of a feed's row.
        product: what it says; None where it is no product.
        page: the archive's name of the body.
        problem: of the visit, in words, "" without one.
    """

    url: str
    verdict: Verdict
    status: int = 200
    product: Product | None = None
    page: str | None = None
    problem: str = ""


@dataclass
class Answers:
    """What a site answered on a day.

    Attributes:
        answers: in the order of their addresses.
        faults: rows of a feed, or items, that could not be used.
        baseline: what the site's product pages have in common.
        problem: why a feed, or the lines of a spider, could not be read at all.
    """

    answers: list[Answer] = field(default_factory=list)
    faults: list[BadRow] = field(default_factory=list)
    baseline: Baseline = field(default_factory=Baseline)
    problem: str = ""


Body = Callable[[str], bytes | None]


def read_answers(
    site: Site, visits: Iterable[Visit], body_of: Body, known: Baseline | None = None
) -> Answers:
    """Return what a site's visits brought.

    Args:
        site: with its rules.
        visits: of one day.
        body_of: the archive: page → body, None where it is gone.
        known: the baseline of the run before.
    """
    by_url = {visit.url: visit for visit in visits}
    of_kind: dict[str, list[Visit]] = {}
    for url in sorted(by_url):
        of_kind.setdefault(by_url[url].kind, []).append(by_url[url])
    if site.driver == "html":
        return _pages(site, of_kind.get("page", []), of_kind.get("probe", []), body_of, known)
    kind = "feed" if site.driver == "feed" else "items"
    return _rows(site, of_kind.get(kind, []), body_of)


def _pages(
    site: Site,
    pages: Sequence[Visit],
    probes: Sequence[Visit],
    body_of: Body,
    known: Baseline | None,
) -> Answers:
    baseline = replace(_learnt(site, pages, body_of, known), probe=_probe(site, probes, body_of))
    read = [(visit, *_read(site, visit, body_of, baseline)) for visit in pages]
    texts = Counter(shape.text for _, _, shape in read if shape is not None)
    priced = {shape.text for _, one, shape in read if one and shape and one.price is not None}
    # Variants of one product may have one text: with a price it takes far more of them.
    repeated = frozenset(
        text
        for text, count in texts.items()
        if count >= (max(REPEATED, len(read) // 10) if text in priced else REPEATED)
    )
    answers = []
    for visit, product, shape in read:
        verdict = _verdict(visit, product, shape, baseline, repeated)
        answers.append(
            Answer(
                url=visit.url,
                verdict=verdict,
                status=visit.status,
                product=product if verdict is Verdict.PRODUCT else None,
                page=visit.page,
                problem=visit.detail or visit.problem or "",
            )
        )
    return Answers(answers, [], baseline)


def _verdict(
    visit: Visit,
    product: Product | None,
    shape: Shape | None,
    baseline: Baseline,
    repeated: frozenset[str],
) -> Verdict:
    if visit.problem == "busy":
        return Verdict.BLOCKED
    if visit.problem == "off_site":
        return Verdict.GONE  # a product's address that leads out of the site
    if visit.problem is not None and visit.status not in _BLOCKING:
        return Verdict.ERROR
    return judge(visit.status, product, shape, baseline, repeated)


def _read(
    site: Site, visit: Visit, body_of: Body, baseline: Baseline | None = None
) -> tuple[Product | None, Shape | None]:
    body = body_of(visit.page) if visit.page else None
    if body is None:
        return None, None
    product = extract_product(body, visit.url, visit.content_type, site)
    shape = shape_of(Page(decode_page(body, visit.content_type), visit.url, site))
    if baseline is not None:
        # Judging asks only what is shared with the baseline.
        shape = Shape(shape.parts & baseline.parts, shape.text, shape.words)
    return product, shape


def _learnt(site: Site, pages: Sequence[Visit], body_of: Body, known: Baseline | None) -> Baseline:
    """Return what the site's product pages share: as of the run before, else as of today."""
    if known is not None and known.parts:
        return known
    with_body = [visit for visit in pages if visit.page]
    step = max(1, len(with_body) // SAMPLED)
    shapes: list[Shape] = []
    for visit in with_body[::step][:SAMPLED]:
        product, shape = _read(site, visit, body_of)
        if product is not None and shape is not None and product.price is not None:
            shapes.append(shape)
    return baseline_of(shapes) if len(shapes) >= REPEATED else Baseline()


def _probe(site: Site, probes: Sequence[Visit], body_of: Body) -> str | None:
    for visit in probes:
        if visit.status == 200 and visit.page:
            _, shape = _read(site, visit, body_of)
            if shape is not None:
                return shape.text
    return None


def _rows(site: Site, visits: Sequence[Visit], body_of: Body) -> Answers:
    found = Answers()
    for visit in visits:
        found.problem = found.problem or visit.detail
        body = body_of(visit.page) if visit.page else None
        if body is None:
            found.problem = found.problem or f"status {visit.status}"
            continue
        try:
            feed = site.feed or Feed(url="https://items.invalid/", format="json")
            read = read_feed(_unzipped(body), feed, site, visit.content_type)
        except (BadFeed, TooLarge, BadEncoding) as error:
            found.problem = str(error).splitlines()[0]
            continue
        found.faults.extend(read.faults)
        found.answers.extend(_products(read.products, feed.url, visit.page))
    found.answers.sort(key=lambda answer: answer.url)
    return found


def _products(products: Iterable[Product], feed: str, page: str | None) -> Iterator[Answer]:
    for product in products:
        # A row without an address of its own is named by its code.
        own = product.url if product.url != feed else f"{feed}#{product.sku or product.gtin}"
        yield Answer(own, Verdict.PRODUCT, product=product, page=page)


def _unzipped(body: bytes) -> bytes:
    return unzip(body, MOST_UNZIPPED) if body.startswith(b"\x1f\x8b") else body

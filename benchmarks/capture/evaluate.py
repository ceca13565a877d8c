"""How right the extraction is, field by field, on pages whose truth is known.

    python benchmarks/capture/evaluate.py [PAGES_DIR] [--json FILE] [--errors]

Precision, recall and F1 as the benchmark's own evaluation counts them: a wrong value where there
is a right one counts as both a false positive and a false negative. Prices are compared as
decimals. Availability is in or out of stock; unknown counts as in stock, as published, and the
class that matters, out of stock, is scored apart.

Two tables of the price, never mixed:

- **as annotated**: the truth as it stands. It was written by cutting the digits out of the shown
  text, so ``$24.990`` (Chilean pesos, which have no cents) is annotated as 24.99, and the right
  answer, 24990, counts as wrong.
- **thousands read**: the same, but where the page itself settles that the annotated text is
  grouped thousands (its currency has no cents, or another place on the page writes the same
  amount without the sign), the truth is taken times a thousand. This is decided from the page's
  bytes and the truth, without asking the extractor; the pages concerned are listed.

Then the price again (thousands read) with the structured data cut out of the same pages step by
step (``stripped``): what is left is what the layout tells, and what pages without any will show.

The rules know no shop: ``hosts_in_code`` looks for the evaluated hosts in the extractor's source
and must find none. Scores by shop show how evenly the rules hold; pages of the same shops are not
independent, so the interval is made by drawing shops, not pages, with replacement.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.capture.pages import DEFAULT, ROOT, KnownPage, load_pages
from benchmarks.capture.stripped import CUTS
from flows.pipeline.capture import Product, extract_product
from flows.pipeline.normalise.gtin import gtin14
from flows.pipeline.normalise.price import decimals_of

DRAWS = 1_000
Counts = tuple[int, int, int]
Values = Callable[[KnownPage], set[Any]]


def counts(truth: set[Any], found: Any) -> Counts:
    """Return true positives, false positives and false negatives of one page."""
    if found is None:
        return 0, 0, int(bool(truth))
    return (1, 0, 0) if found in truth else (0, 1, int(bool(truth)))


def scores(each: Iterable[Counts]) -> dict[str, float]:
    """Return precision, recall and F1 of summed counts."""
    tp, fp, fn = map(sum, zip(*each, strict=True))
    precision = tp / (tp + fp) if tp + fp else float(fn == 0)
    recall = tp / (tp + fn) if tp + fn else float(fp == 0)
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"precision": precision, "recall": recall, "f1": f1, "support": tp + fn}


def stated(page: KnownPage, field: str) -> set[str]:
    """Return the accepted values of a field."""
    return {value.strip().casefold() for value in page.truth[field].split("|") if value.strip()}


def price_as_annotated(page: KnownPage) -> set[Decimal]:
    """Return the accepted prices as they stand."""
    return {Decimal(value) for value in stated(page, "price")}


def price_thousands_read(page: KnownPage) -> set[Decimal]:
    """Return the accepted prices, those read with a group sign for a decimal sign corrected."""
    return {
        value * 1000 if is_thousands(page, value) else value for value in price_as_annotated(page)
    }


def is_thousands(page: KnownPage, value: Decimal) -> bool:
    """Say whether the page itself settles that an annotated price is grouped thousands.

    The page must show the annotated digits with one sign and three digits behind it, and must
    write the same amount as a plain number, with a currency that has no cents or with the word
    price before it.
    """
    whole, _, rest = f"{value.quantize(Decimal('0.001')):f}".partition(".")
    text = page.body
    shown = rf"(?<![\d.,]){whole}[.,]{rest}(?![\d.,]\d|\d)".encode()
    plain = f"{whole}{rest}"
    priced = rf"price[^0-9<>]{{1,24}}{plain}(?:\.0{{1,2}})?(?!\d)".encode()
    if not re.search(shown, text) or not re.search(priced, text, re.IGNORECASE):
        return False
    codes = {code.decode() for code in re.findall(rb"\b[A-Z]{3}\b", text)}
    cents = rf"(?<![\d.,]){whole}[.,]{rest[:2]}(?!\d)".encode()
    return any(decimals_of(code) == 0 for code in codes) or not re.search(cents, text)


def availability(product: Product) -> str:
    """Return the two-valued availability of the published evaluation."""
    out = product.availability.value in ("out_of_stock", "discontinued")
    return "outofstock" if out else "instock"


def evaluate(pages: list[KnownPage]) -> tuple[dict[str, Any], dict[str, Product]]:
    """Return the scores by field and the products by page id."""
    products = {page.page_id: extract_product(page.body, page.url) for page in pages}
    results: dict[str, Any] = {}
    for name, truth_of in (
        ("price (as annotated)", price_as_annotated),
        ("price (thousands read)", price_thousands_read),
    ):
        results[name] = _field(pages, truth_of, lambda page: products[page.page_id].price)
    results["availability"] = _field(
        pages, lambda p: stated(p, "availability"), lambda p: availability(products[p.page_id])
    )
    results["out of stock"] = _field(
        pages,
        lambda p: stated(p, "availability") & {"outofstock"},
        lambda p: "outofstock" if availability(products[p.page_id]) == "outofstock" else None,
    )
    for name in ("sku", "brand", "mpn"):
        results[name] = _field(
            pages,
            lambda p, name=name: stated(p, name),  # type: ignore[misc]
            lambda p, name=name: _folded(getattr(products[p.page_id], name)),  # type: ignore[misc]
        )
    results["gtin"] = _field(
        pages,
        lambda p: {gtin14(value) or value for value in stated(p, "gtin")},
        lambda p: products[p.page_id].gtin,
    )
    for name, cut in CUTS.items():
        found = {page.page_id: extract_product(cut(page.body), page.url).price for page in pages}
        results[f"price, {name}"] = _field(
            pages,
            price_thousands_read,
            lambda page, found=found: found[page.page_id],  # type: ignore[misc]
        )
    return results, products


def _folded(value: str | None) -> str | None:
    return None if value is None else value.strip().casefold()


def _field(pages: list[KnownPage], truth_of: Values, found_of: Callable[[KnownPage], Any]) -> Any:
    by_shop: dict[str, list[Counts]] = defaultdict(list)
    for page in pages:
        by_shop[page.site].append(counts(truth_of(page), found_of(page)))
    result = scores(count for shop in by_shop.values() for count in shop)
    chance = random.Random(7)
    shops = sorted(by_shop)
    drawn = []
    for _ in range(DRAWS):
        sample = chance.choices(shops, k=len(shops))
        drawn.append(scores(count for shop in sample for count in by_shop[shop])["f1"])
    result["f1_deviation_by_shop"] = statistics.stdev(drawn)
    result["shops_without_error"] = sum(not any(c[1] or c[2] for c in by_shop[s]) for s in shops)
    result["shops"] = len(shops)
    return {name: round(value, 4) for name, value in result.items()}


def hosts_in_code(pages: list[KnownPage]) -> list[str]:
    """Return the evaluated hosts that stand in the extractor's source: there must be none."""
    folder = ROOT / "flows" / "pipeline" / "capture"
    source = "\n".join(path.read_text("utf-8") for path in sorted(folder.glob("*.py"))).lower()
    return sorted({page.truth["host"] for page in pages if page.truth["host"].lower() in source})


def show(results: dict[str, Any]) -> None:
    """Print the table."""
    print(f"{'field':26}{'precision':>10}{'recall':>8}{'F1':>8}{'±':>7}{'support':>9}  shops right")
    for name, one in results.items():
        print(
            f"{name:26}{one['precision']:10.3f}{one['recall']:8.3f}{one['f1']:8.3f}"
            f"{one['f1_deviation_by_shop']:7.3f}{one['support']:9.0f}"
            f"  {one['shops_without_error']}/{one['shops']}"
        )


def main() -> None:
    """Read the command line, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    parser.add_argument("--errors", action="store_true", help="list the wrong and missing prices")
    options = parser.parse_args()
    pages = load_pages(options.pages)
    results, products = evaluate(pages)
    print(f"{len(pages)} pages of {len({page.site for page in pages})} shops")
    show(results)
    corrected = [p for p in pages if price_thousands_read(p) != price_as_annotated(p)]
    print(f"\nannotated prices that are grouped thousands: {len(corrected)}")
    for page in corrected:
        print(f"  {page.page_id[:12]} annotated {page.truth['price']}")
    hosts = hosts_in_code(pages)
    print(f"evaluated hosts named in the extractor's source: {', '.join(hosts) or 'none'}")
    if options.errors:
        for page in pages:
            product = products[page.page_id]
            truth = price_thousands_read(page)
            if counts(truth, product.price)[1:] != (0, 0):
                wanted = ", ".join(map(str, sorted(truth))) or "none"
                print(f"  {page.page_id[:12]} {page.site:18} is {wanted}: found {product.price} "
                      f"at {product.source('price')}")  # fmt: skip
    if options.json:
        record = {"pages": len(pages), "fields": results, "hosts_in_code": hosts,
                  "grouped_thousands": [page.page_id for page in corrected]}  # fmt: skip
        options.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

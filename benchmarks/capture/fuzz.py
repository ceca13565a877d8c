"""Broken pages and hostile texts by the thousand: no crash, no hang, no invented price.

    python benchmarks/capture/fuzz.py [PAGES_DIR] [--pages 20000] [--texts 20000] [--json FILE]

Each page is a real one with one to four things done to it (``hostile``); each text is made of the
signs that prices are made of. What counts as a failure: an exception, more than two seconds for
one page or text, and a price whose digits do not stand on the page. The number of each failure is
shown, and ``--only NUMBER`` runs it again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.capture.hostile import hostile_text, is_on_page, mutated
from benchmarks.capture.pages import DEFAULT, KnownPage, load_pages
from flows.pipeline.capture import extract_product
from flows.pipeline.capture.currency import Place
from flows.pipeline.capture.decode import decode_page
from flows.pipeline.capture.price_text import price_texts

LONGEST = 2.0
"""Seconds of processor time for one page or one text."""
PLACES = (Place(), Place("EUR", "EUR", ","), Place("USD", None, "."), Place("CLP"))


def fuzz_page(page: KnownPage, number: int) -> tuple[str, float, bool]:
    """Return what went wrong ("" if nothing), the seconds, and whether a price was found."""
    body = mutated(page.body, number)
    start = time.process_time()
    try:
        product = extract_product(body, page.url)
    except Exception:
        return "crash: " + traceback.format_exc(limit=-2), 0.0, False
    seconds = time.process_time() - start
    if seconds > LONGEST:
        return f"hang: {seconds:.1f} s", seconds, False
    if product.price is not None:
        text = decode_page(body).decode()
        for amount in filter(None, (product.price, product.regular_price)):
            if not is_on_page(amount, text):
                return f"invented: {amount} from {product.source('price')}", seconds, True
    return "", seconds, product.price is not None


def fuzz_text(number: int) -> tuple[str, float]:
    """Return what went wrong ("" if nothing) and the seconds."""
    text = hostile_text(number)
    start = time.process_time()
    try:
        found = [one for place in PLACES for one in price_texts(text, place)]
    except Exception:
        return "crash: " + traceback.format_exc(limit=-2), 0.0
    seconds = time.process_time() - start
    if seconds > LONGEST:
        return f"hang: {seconds:.1f} s", seconds
    for one in found:
        if not all(is_on_page(amount, text) for amount in one.readings):
            return f"invented: {one.readings} in {text[:60]!r}", seconds
    return "", seconds


def main() -> None:
    """Read the command line, fuzz, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--pages", type=int, default=20_000)
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--only", type=int, help="one number again")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    pages = load_pages(options.folder)
    numbers = range(options.pages) if options.only is None else [options.only]
    failures: Counter[str] = Counter()
    slowest = found = 0.0
    for number in numbers:
        problem, seconds, priced = fuzz_page(pages[number % len(pages)], number)
        slowest, found = max(slowest, seconds), found + priced
        if problem:
            failures[f"page {problem.partition(':')[0]}"] += 1
            print(f"page {number}: {problem}")
    slowest_text = 0.0
    for number in range(options.texts) if options.only is None else []:
        problem, seconds = fuzz_text(number)
        slowest_text = max(slowest_text, seconds)
        if problem:
            failures[f"text {problem.partition(':')[0]}"] += 1
            print(f"text {number}: {problem}")
    record = {
        "pages": len(numbers),
        "pages_with_price": int(found),
        "slowest_page_seconds": round(slowest, 3),
        "texts": options.texts,
        "slowest_text_seconds": round(slowest_text, 3),
        "failures": dict(sorted(failures.items())),
    }
    print(json.dumps(record, indent=2))
    if options.json:
        options.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    raise SystemExit(bool(failures))


if __name__ == "__main__":
    main()

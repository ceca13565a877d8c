"""How many pages a second one core extracts, against extruct on the same pages in the same run.

    python benchmarks/capture/speed.py [PAGES_DIR] [--json FILE] [--rounds 3]

Each round times both on all pages, one after the other, the order turned round from round to
round; the figures are medians of the rounds. extruct is given what it needs for a fair race: three
syntaxes (JSON-LD, microdata, OpenGraph) instead of its default six, and text decoded for it
outside the clock, while our time includes decoding, the reading of prices and the layout. Both run
in this one process; a first, untimed round warms both.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import extruct
from w3lib.encoding import html_to_unicode

from benchmarks.capture.pages import DEFAULT, KnownPage, load_pages
from flows.pipeline.capture import extract_product

SYNTAXES = ["json-ld", "microdata", "opengraph"]


def with_extruct(pages: list[tuple[KnownPage, str]]) -> int:
    """Read three syntaxes of each page; returns how many gave an error."""
    errors = 0
    for page, text in pages:
        try:
            extruct.extract(text, base_url=page.url, syntaxes=SYNTAXES)
        except Exception:  # it fails as a whole on broken JSON: that is a result, not a stop
            errors += 1
    return errors


def with_ours(pages: list[tuple[KnownPage, str]]) -> int:
    """Extract each page; returns how many gave no price."""
    return sum(extract_product(page.body, page.url).price is None for page, _ in pages)


def timed(
    work: Callable[[list[tuple[KnownPage, str]]], int], pages: list[tuple[KnownPage, str]]
) -> float:
    """Return pages a second of processor time in this process."""
    start = time.process_time()
    work(pages)
    return len(pages) / (time.process_time() - start)


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # extruct logs every broken object
    pages = [(page, html_to_unicode(None, page.body)[1]) for page in load_pages(options.pages)]
    size = statistics.mean(len(page.body) for page, _ in pages)
    with_ours(pages)
    failed = with_extruct(pages)
    ours, theirs = [], []
    for number in range(options.rounds):
        race = [(ours, with_ours), (theirs, with_extruct)]
        for results, work in race if number % 2 == 0 else race[::-1]:
            results.append(timed(work, pages))
    record = {
        "pages": len(pages),
        "mean_page_bytes": round(size),
        "rounds": options.rounds,
        "ours_pages_per_second": round(statistics.median(ours), 1),
        "ours_all": [round(one, 1) for one in ours],
        "extruct_pages_per_second": round(statistics.median(theirs), 1),
        "extruct_all": [round(one, 1) for one in theirs],
        "extruct_failed_pages": failed,
        "ours_over_extruct": round(statistics.median(ours) / statistics.median(theirs), 2),
        "load_average": round(os.getloadavg()[0], 1),
    }
    for name, value in record.items():
        print(f"{name:28}{value}")
    if options.json:
        options.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

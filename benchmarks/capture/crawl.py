"""How fast one worker process visits 130 sites, how politely, and in how much memory.

    python benchmarks/capture/crawl.py [--shops 130] [--products 385] [--rate 2] [--json FILE]

The shops are the storefront's, in a process of their own; the worker is another. Shops that offer
a feed are visited by their lists instead, so that all 130 are asked page by page; shops whose
robots.txt asks for a delay get it. Nothing is taken from the worker's word: pages, speed and
politeness come from the shops' own log, memory from the kernel.

- *sustained*: pages a second, over the time in which no shop was done yet (later, fewer shops
  than 130 are left to ask) and over all windows of ten seconds in it, the slowest of them.
- *most*: requests that any shop saw within any second, against the rate of its site file.
- *memory*: the resident set when a fifth of the pages was done, and at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import yaml

from benchmarks.measuring import machine
from flows.pipeline.capture.fetching.batch import Order, SiteCapture, capture_batch
from flows.pipeline.capture.fetching.pace import Pace
from flows.pipeline.capture.settings import CaptureSettings
from flows.pipeline.capture.site_file import load_sites
from flows.sample.storefront import Front, Request, serve
from flows.sample.storefront.articles import DEPARTMENTS, slug_of
from sdk.storage import storage

WINDOW = 10.0
SECOND = 1.0


def site_files(front: Front, folder: Path, rate: float) -> None:
    """Write the site files, those of feeds made to be visited page by page."""
    for path in front.site_files(folder, rate=rate):
        site = yaml.safe_load(path.read_text("utf-8"))
        if site.get("driver") == "feed":
            base = front.urls[site["name"]]
            site = {name: value for name, value in site.items() if name not in ("driver", "feed")}
            site["start_urls"] = [f"{base}/c/{slug_of(shelf)}" for _, shelf in DEPARTMENTS]
            path.write_text(yaml.safe_dump(site, allow_unicode=True, sort_keys=False), "utf-8")


def visit(folder: str, store: str, day: date, told: Any) -> None:
    """The worker: visit all sites of a folder, and tell memory and processor time."""
    samples: list[tuple[int, float]] = []

    def tell(captures: Sequence[SiteCapture]) -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        size = pages * resource.getpagesize() / 1e6
        samples.append((sum(one.done for one in captures), round(size, 1)))

    gaps: list[float] = [float("inf")]
    before: dict[int, float] = {}
    note = Pace.sent

    def sent(pace: Pace, now: float) -> None:
        gaps[0] = min(gaps[0], now - before.get(id(pace), float("-inf")))
        before[id(pace)] = now
        note(pace, now)

    Pace.sent = sent  # type: ignore[method-assign]
    settings = CaptureSettings(private_networks=("127.0.0.0/8",))
    order = Order(storage(store), "bench", day, site_folder=Path(folder))
    began = time.process_time()
    done = asyncio.run(capture_batch(load_sites(Path(folder)), order, settings, tell))
    told.send(
        {
            "samples": samples,
            "cpu": time.process_time() - began,
            "closest": gaps[0],
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
            "ended": sorted({one.ended.how if one.ended else str(one.error) for one in done}),
        }
    )


def sustained(requests: Sequence[Request]) -> tuple[float, float, float]:
    """Return the speed while every shop was busy.

    Returns:
        Requests a second overall, those in the slowest window, and how many seconds that was.
    """
    last: dict[str, float] = {}
    for one in requests:
        last[one.shop] = one.instant
    instants = sorted(one.instant for one in requests)
    start, end = instants[0], min(last.values())
    within = instants[: bisect_left(instants, end)]
    edges = [start + WINDOW * step for step in range(int((end - start) / WINDOW))]
    counts = [bisect_left(within, edge + WINDOW) - bisect_left(within, edge) for edge in edges] or [
        len(within)
    ]
    return len(within) / (end - start), min(counts) / WINDOW, end - start


def closest(requests: Sequence[Request]) -> float:
    """Return the least seconds between two requests of one shop, as it noted them."""
    before: dict[str, float] = {}
    least = float("inf")
    for one in sorted(requests, key=lambda request: request.instant):
        least = min(least, one.instant - before.get(one.shop, float("-inf")))
        before[one.shop] = one.instant
    return least


def memory_at(samples: Sequence[tuple[int, float]], share: float) -> float:
    """Return the resident set when a share of the pages was done, in 10^6 bytes."""
    total = samples[-1][0]
    return next(size for done, size in samples if done >= share * total)


def page(record: dict[str, Any]) -> str:
    """Return the figures as a page."""
    over = record["shops_that_saw_more_than_their_rate"]
    return f"""# Visiting {record["shops"]} sites with one worker

`make bench-capture` (its second part, `benchmarks/capture/crawl.py`): {record["shops"]} shops of
the storefront in one process, one worker in another, {record["cores"]} cores in all. Pages, speed
and politeness are read from the shops' own log, memory from the kernel.

| | measured | goal |
|---|---:|---:|
| pages a second, while all shops were busy ({record["seconds_with_all_shops_busy"]:.0f} s) \
| {record["pages_per_second"]:.0f} | 130 |
| in the slowest ten seconds of it | {record["pages_per_second_in_the_slowest_ten_seconds"]:.0f} | |
| requests in all | {record["requests"]:,} | 50,000 |
| rate of each shop, requests a second | {record["rate_of_each_shop"]:g} | |
| most that a shop saw in any second | {record["most_requests_of_one_shop_in_a_second"]} \
| {record["rate_of_each_shop"]:g} |
| shops that saw more than their rate | {over} | 0 |
| least time between two requests of one shop | {record["closest_requests_of_one_shop_ms"]} ms | |
| the same as the worker sent them | {record["closest_requests_as_the_worker_sent_them_ms"]} ms | |
| memory when a fifth was done | {record["memory_mb_at_a_fifth"]:.0f} MB | |
| memory at the end | {record["memory_mb_at_the_end"]:.0f} MB | as before |
| peak | {record["memory_mb_peak"]:.0f} MB | 600 MB |
| the worker's processor time for a page | {record["worker_cpu_ms_per_page"]} ms | |

The speed is what {record["shops"]} shops at their rates allow, less the tenth that the worker keeps
as a margin, and less for the shops whose robots.txt asks for a delay; the worker itself has time
left. A shop that is kept from its processor for a moment notes requests later than they came, and
then closer together: on a busy machine its log may show more than its rate in a second though no
request was sent early. So the least time between two requests stands here twice, by the shops'
clock and by the worker's; measure on a quiet machine.

Visiting is not extracting: pages are read afterwards, from the archive, by as many processes as
there are cores ([extraction](capture.md)).
"""


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shops", type=int, default=130)
    parser.add_argument("--products", type=int, default=385)
    parser.add_argument("--rate", type=float, default=2.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(prefix="crawl-") as scratch,
        serve(shops=options.shops, products=options.products, own_process=True) as front,
    ):
        folder = Path(scratch) / "sites"
        site_files(front, folder, options.rate)
        here, there = context.Pipe()
        arguments = (str(folder), f"{scratch}/store", front.day, there)
        worker = context.Process(target=visit, args=arguments)
        worker.start()
        there.close()
        told = here.recv()
        worker.join()
        requests = list(front.log)
        most = front.log.most_within(SECOND)
    overall, slowest, seconds = sustained(requests)
    record = {
        "shops": options.shops,
        "rate_of_each_shop": options.rate,
        "requests": len(requests),
        "pages": sum(one.status == 200 for one in requests),
        "ended": told["ended"],
        "seconds_with_all_shops_busy": round(seconds, 1),
        "pages_per_second": round(overall, 1),
        "pages_per_second_in_the_slowest_ten_seconds": round(slowest, 1),
        "most_requests_of_one_shop_in_a_second": max(most.values()),
        "shops_that_saw_more_than_their_rate": sum(one > options.rate for one in most.values()),
        "closest_requests_of_one_shop_ms": round(1000 * closest(requests)),
        "closest_requests_as_the_worker_sent_them_ms": round(1000 * told["closest"]),
        "worker_cpu_ms_per_page": round(1000 * told["cpu"] / len(requests), 2),
        "memory_mb_at_a_fifth": memory_at(told["samples"], 0.2),
        "memory_mb_at_the_end": memory_at(told["samples"], 1.0),
        "memory_mb_peak": round(told["peak_mb"], 1),
        "load_average": round(os.getloadavg()[0], 1),
        **machine(),
    }
    for name, value in record.items():
        print(f"{name:46}{value}")
    if options.json:
        options.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        options.json.with_suffix(".md").write_text(page(record), encoding="utf-8")


if __name__ == "__main__":
    main()

"""The review page with 20 reviewers and 100,000 tasks: ``make bench-review``.

The server is a process of its own on SQLite, as a newcomer has it. Each reviewer is a client of
its own that reads, thinks for about a second (a fast one: people take several) and decides; what
is measured is the time from a request to its whole answer, the next task included. Three runs.
"""

from __future__ import annotations

import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from benchmarks.measuring import machine, write
from flows.pipeline.verification.content import Candidate, Content, Product
from flows.pipeline.verification.database import Database
from flows.pipeline.verification.drafting import Draft, task_key
from flows.pipeline.verification.intake import Intake

TASKS, REVIEWERS, SECONDS, RUNS = 100_000, 20, 30.0, 3
GOAL_MS = 100
DAY = date(2026, 8, 15)
SEED = 7


def main() -> None:
    """Measure and write ``docs/benchmarks/review``."""
    print(f"seed {SEED}")
    with tempfile.TemporaryDirectory(prefix="bench-review-") as folder:
        url = f"sqlite:///{Path(folder) / 'review.db'}"
        with closing(Database(url)) as database:
            Intake(database).open_batch("acme", DAY, "h", [_draft(n) for n in range(TASKS)])
        runs = [_run(url, number) for number in range(RUNS)]
    medians = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    write(
        "review",
        {"tasks": TASKS, "reviewers": REVIEWERS, "seconds": SECONDS, "runs": runs,
         "medians": medians, "machine": machine(), "goal_p95_ms": GOAL_MS},
        _page(medians),
    )  # fmt: skip


def _draft(number: int) -> Draft:
    own = _product("Own", f"own-{number}", number)
    others = tuple(
        Candidate(
            product=_product("Shop", f"shop-{number}-{place}", number),
            probability=0.8 - place / 10,
            reasons=("names alike", "same pack"),
        )
        for place in range(3)
    )
    content = Content(day=DAY, own=own, candidates=others)
    return Draft(task_key("Own", own.sku, "Shop", content.skus), content, 1 + number % 97)


def _product(seller: str, sku: str, number: int) -> Product:
    return Product(
        seller=seller,
        store_id="1",
        sku=sku,
        name=f"Wheatline Cream Cheese Goat {100 + number % 900} g",
        price=Decimal(690 + number % 500) / 100,
        currency="ILS",
        pack_quantity=0.2,
        pack_unit="kg",
        unit_price=Decimal("34.50"),
    )


def _run(url: str, number: int) -> dict[str, float]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    tokens = {f"reviewer{n}": f"token-of-reviewer-{n:04}" for n in range(REVIEWERS)}
    env = {
        **os.environ,
        "DATAWEAVE_REVIEW_DATABASE": url,
        "DATAWEAVE_REVIEW_TOKENS": ",".join(f"{n}:reviewer:{t}" for n, t in tokens.items()),
    }
    command = [sys.executable, "-m", "flows.pipeline.verification", "serve", "--port", str(port)]
    server = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    taken: list[float] = []
    try:
        _until_up(base, server)
        until = time.monotonic() + SECONDS
        threads = [
            threading.Thread(
                target=_review, args=(base, token, until, taken, SEED + n + 100 * number)
            )
            for n, token in enumerate(tokens.values())
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        server.terminate()
        server.wait(20)
    cuts = statistics.quantiles(taken, n=100)
    found = {
        "answers": float(len(taken)),
        "p50_ms": cuts[49],
        "p95_ms": cuts[94],
        "p99_ms": cuts[98],
    }
    print(f"run {number + 1}/{RUNS}: {found}", flush=True)
    return {name: round(value, 1) for name, value in found.items()}


def _until_up(base: str, server: subprocess.Popen[Any]) -> None:
    for _ in range(300):
        try:
            httpx.get(f"{base}/sign-in", timeout=2)
        except httpx.HTTPError:
            if server.poll() is not None:
                raise RuntimeError("the server ended") from None
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the server does not answer")


def _review(base: str, token: str, until: float, taken: list[float], seed: int) -> None:
    draw = random.Random(seed)
    with httpx.Client(base_url=base, follow_redirects=True, timeout=30) as client:
        client.post("/sign-in", data={"token": token}, headers={"Origin": base}).raise_for_status()
        page = client.get("/").text
        while time.monotonic() < until:
            time.sleep(draw.uniform(0.5, 1.5))
            sent = _fields(page) | {"verdict": draw.choice(["exact", "variant", "no_match"])}
            began = time.perf_counter()
            answer = client.post("/decide", data=sent)
            taken.append(1000 * (time.perf_counter() - began))
            answer.raise_for_status()
            page = answer.text


def _fields(page: str) -> dict[str, str]:
    form = page[page.index('id="answer"') :]
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    chosen = re.search(r'name="sku" id="c1" value="([^"]*)"', form)
    return found | ({"sku": chosen.group(1)} if chosen else {})


def _page(medians: dict[str, float]) -> str:
    return "\n".join(
        [
            "# The review page under load",
            "",
            f"`make bench-review`: {REVIEWERS} reviewers who decide about once a second each, over"
            f" {TASKS:,} open tasks in SQLite; from the request to the whole answer with the next"
            f" task. Medians of {RUNS} runs of {SECONDS:.0f} s; server and reviewers share the"
            " machine.",
            "",
            "| | measured | goal |",
            "|---|---:|---|",
            f"| answers | {medians['answers']:,.0f} | |",
            f"| median | {medians['p50_ms']:.0f} ms | |",
            f"| 95th percentile | {medians['p95_ms']:.0f} ms | < {GOAL_MS} ms |",
            f"| 99th percentile | {medians['p99_ms']:.0f} ms | |",
            "",
        ]
    )


if __name__ == "__main__":
    main()

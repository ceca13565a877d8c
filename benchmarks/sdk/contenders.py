"""The contenders of the SDK's benchmark; each runs in a process of its own and prints seconds.

Usage: ``python -m benchmarks.sdk.contenders NAME``. Prefect's database is made, and a first flow
is run, before the clock starts: what is measured is the running of flows, not starting up.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

ITEMS = 200
MANY = 20_000
ITEM_SECONDS = 0.001


def burn(seconds: float = ITEM_SECONDS) -> float:
    """Compute in Python for so long, of this process's own time."""
    began, x = time.thread_time(), 0.0
    while time.thread_time() - began < seconds:
        x = (x * 1.0001 + 1.0) % 7.0
    return x


def timed(run: Callable[[], Any]) -> float:
    """Return the wall seconds of a call."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def warmed(flow: Any) -> None:
    """Run a first flow: the in-process API starts, its database is made."""

    @flow
    def first() -> None:
        pass

    first()


def mapped(kind: str) -> float:
    """200 mapped no-op tasks with Prefect's decorators, or the SDK's."""
    flow, task = _decorators(kind)
    warmed(flow)

    @task
    def no_op(item: int) -> int:
        return item

    @flow
    def spread() -> None:
        assert len([f.result() for f in no_op.map(list(range(ITEMS)))]) == ITEMS

    return timed(spread)


def pipeline(kind: str) -> float:
    """Five subflows of four tasks each."""
    flow, task = _decorators(kind)
    warmed(flow)

    @task
    def step(value: int) -> int:
        return value + 1

    @flow
    def stage(value: int) -> int:
        for _ in range(4):
            value = step(value)
        return value

    @flow
    def day() -> None:
        value = 0
        for _ in range(5):
            value = stage(value)
        assert value == 20

    return timed(day)


def fanned() -> float:
    """The same 200 items through `fanout`."""
    from sdk import fanout, flow

    warmed(flow)

    def no_op(item: int) -> int:
        return item

    @flow(customer="bench")
    def spread() -> None:
        assert len(fanout(no_op, range(ITEMS))) == ITEMS

    return timed(spread)


def computed() -> float:
    """20,000 items of 1 ms through `fanout` in two processes."""
    from sdk import fanout, flow

    warmed(flow)

    @flow(customer="bench")
    def spread() -> None:
        result = fanout(_burn_item, range(MANY), how="processes", concurrency=2)
        assert result.counts == {"fresh": MANY}

    return timed(spread)


def _burn_item(item: int) -> int:
    burn()
    return item


def pure() -> float:
    """The same 20,000 computations in two plain processes: a half each."""
    code = f"from benchmarks.sdk.contenders import burn\nfor _ in range({MANY // 2}): burn()"
    command = [sys.executable, "-c", code]
    return timed(lambda: [p.wait() for p in [subprocess.Popen(command) for _ in range(2)]])


def published() -> float:
    """Publish a dataset with its manifest: the median of 200, of 1,000 rows."""
    import polars as pl

    from sdk import DatasetKey, Store

    store = Store(tempfile.mkdtemp())
    frame = pl.DataFrame({"sku": [str(n) for n in range(1000)], "price": [1.5] * 1000})
    times = []
    for number in range(ITEMS):
        key = DatasetKey(customer="bench", name=f"d{number}", day=date(2026, 8, 15))
        times.append(timed(lambda key=key: store.publish(key, frame, fingerprint="x")))  # type: ignore[misc]
    return sorted(times)[len(times) // 2]


def checked() -> float:
    """One pass of ten row checks over a million rows."""
    import polars as pl

    from sdk import checks
    from sdk.checks import run_checks

    rows = 1_000_000
    frame = pl.DataFrame(
        {
            "sku": pl.int_range(rows, eager=True).cast(pl.String),
            "price": pl.int_range(rows, eager=True) % 997 + 1.0,
            "currency": ["ILS"] * rows,
            "stock": pl.int_range(rows, eager=True) % 5,
        }
    )
    ten = [
        checks.not_null("sku"),
        checks.unique("sku"),
        checks.not_null("price"),
        checks.between("price", 0.01, 100_000),
        checks.is_in("currency", ["ILS", "EUR"]),
        checks.matches("currency", "^[A-Z]{3}$"),
        checks.between("stock", 0, 10),
        checks.not_null("stock"),
        checks.holds("cheap or there", (pl.col("price") < 900) | (pl.col("stock") >= 0)),
        checks.matches("sku", "^[0-9]+$"),
    ]
    run_checks(frame.head(10), ten)
    return timed(lambda: run_checks(frame, ten))


def imported(what: str) -> float:
    """Import in a fresh interpreter."""
    return timed(lambda: subprocess.run([sys.executable, "-c", what], check=True))


def _decorators(kind: str) -> tuple[Any, Any]:
    if kind == "plain":
        from prefect import flow, task
    else:
        from sdk import flow, task  # type: ignore[assignment]
    return flow, task


CONTENDERS: dict[str, Callable[[], float]] = {
    "mapped-plain": lambda: mapped("plain"),
    "mapped-sdk": lambda: mapped("sdk"),
    "pipeline-plain": lambda: pipeline("plain"),
    "pipeline-sdk": lambda: pipeline("sdk"),
    "fanout-200": fanned,
    "pure-20000": pure,
    "fanout-20000": computed,
    "publication": published,
    "checks": checked,
    "import-prefect": lambda: imported("import prefect"),
    "import-both": lambda: imported("import prefect, sdk; sdk.flow, sdk.task, sdk.Dataset"),
}


if __name__ == "__main__":
    from sdk.embedding import embed

    home = Path(tempfile.mkdtemp(prefix="bench-sdk-"))
    embed(home / "prefect")
    import os

    os.environ["DATAWEAVE_STORAGE"] = str(home / "store")
    print(f"seconds {CONTENDERS[sys.argv[1]]():.6f}")

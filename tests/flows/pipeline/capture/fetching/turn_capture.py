"""A capture in a process of its own: folder of site files, store, day, customer, turn's seconds."""

from __future__ import annotations

import asyncio
import sys
from datetime import date
from pathlib import Path

from flows.pipeline.capture.fetching.batch import Order, capture_batch
from flows.pipeline.capture.site_file import load_sites
from sdk.storage import storage
from tests.flows.pipeline.capture.fetching.capturing import LOOPBACK

if __name__ == "__main__":
    folder, root, day, customer, seconds = sys.argv[1:]
    settings = LOOPBACK.model_copy(
        update={"contact": f"https://{customer}.example", "turn_seconds": float(seconds)}
    )
    order = Order(storage(root), customer, date.fromisoformat(day), run="run-1")
    print("begun", flush=True)
    done = asyncio.run(capture_batch(load_sites(Path(folder)), order, settings))
    print(*sorted({str(one.ended and one.ended.how) for one in done}), flush=True)

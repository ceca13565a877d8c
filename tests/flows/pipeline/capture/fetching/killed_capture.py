"""A capture in a process of its own, to be killed: folder of site files, store, day, run."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from flows.pipeline.capture.site_file import load_sites
from tests.flows.pipeline.capture.fetching.capturing import capture

if __name__ == "__main__":
    folder, root, day, run = sys.argv[1:]
    print("begun", flush=True)
    done = capture(load_sites(Path(folder)), Path(root), date.fromisoformat(day), run=run)
    print(*sorted({str(one.ended and one.ended.how) for one in done.values()}), flush=True)

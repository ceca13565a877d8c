"""The watch as a process.

    python -m canary.watch [--config watch.yaml]

It ends only when it is told to: whatever goes wrong in a look is itself worth a line.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

from canary.page import write_page
from canary.watch.heartbeat import Pulse
from canary.watch.look import Look
from canary.watch.loop import Watch
from canary.watch.settings import Heartbeat, WatchSettings, read
from canary.watch.tell import Teller
from sdk.api import Api
from sdk.errors import PlatformError
from sdk.storage import storage

PAGE_EVERY = 600.0
"""Seconds between pages: a canary comes every half hour."""

log = logging.getLogger("canary")


def main() -> None:
    """Watch for ever."""
    parser = argparse.ArgumentParser(description="Watch a platform from outside.")
    parser.add_argument("--config", type=Path, help="the file of configuration")
    given = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO, stream=sys.stdout)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = read(given.config)
        webhook = settings.webhook(os.environ)
    except PlatformError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(1) from None
    root = storage(settings.storage)
    with Api(settings.server, settings.key(os.environ), timeout=10) as api:
        watch = Watch(
            Look(api, root),
            settings.expected,
            Teller(settings.environment, webhook),
            Pulse(settings.heartbeat, _cloudwatch(settings.heartbeat)),
        )
        _watch(watch, settings)


def _watch(watch: Watch, settings: WatchSettings) -> None:
    next_page = 0.0
    while True:
        try:
            watch.cycle()
            if settings.page is not None and time.monotonic() >= next_page:
                write_page(settings.page, watch.look.storage, watch.found, settings.environment)
                next_page = time.monotonic() + PAGE_EVERY
        except Exception:
            log.exception("a look failed")
        time.sleep(settings.seconds)


def _cloudwatch(heartbeat: Heartbeat) -> Any:
    if heartbeat.cloudwatch is None:
        return None
    import boto3

    return boto3.client("cloudwatch")


if __name__ == "__main__":
    main()

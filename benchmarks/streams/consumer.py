"""A consumer as a process of its own, without Prefect around it: it starts in two seconds."""

from __future__ import annotations

import logging
import sys

from flows.streams.flow import consume, stopping


def main(queue: str) -> int:
    """Consume the sample customer's stream until SIGTERM."""
    logging.basicConfig(format="%(asctime)s %(message)s")
    logging.getLogger("flows.streams").setLevel(logging.INFO)
    with stopping() as stop:
        consume(
            "orchard", "Orchard Market", "ILS", queue, "prices",
            owner=None, until_idle=False, stop=stop,
        )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

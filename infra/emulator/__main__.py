"""The command line: `python -m infra.emulator [--cdk out/cdk] [--report FILE]`."""

from __future__ import annotations

import argparse
import importlib.metadata
import logging
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from infra.emulator.account import server
from infra.emulator.assembly import AssemblyError, environments
from infra.emulator.report import page
from infra.emulator.walk import Outcome, walk


def main(arguments: Sequence[str] | None = None) -> int:
    """Create everything and write the report.

    Returns:
        0; 1 if a service denies what was created; 2 if nothing has been synthesised.
    """
    parser = argparse.ArgumentParser(prog="python -m infra.emulator")
    parser.add_argument("--cdk", type=Path, default=Path("out/cdk"))
    parser.add_argument("--report", type=Path, default=Path("docs/infra-emulated.md"))
    options = parser.parse_args(arguments)
    # The emulator says by its answers what it does not know, and every request on stderr.
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    logging.getLogger("moto").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    try:
        found = environments(options.cdk)
    except AssemblyError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    outcomes: list[Outcome] = []
    with server() as url:
        for name, stacks in found.items():
            own = list(walk(name, stacks, url))
            outcomes += own
            created = sum(outcome.created for outcome in own)
            sys.stdout.write(f"{name}: {created} of {len(own)} resources\n")
    version = f"moto {importlib.metadata.version('moto')}"
    options.report.write_text(page(outcomes, version), encoding="utf-8")
    sys.stdout.write(f"{options.report}\n")
    return int(any(outcome.read is False for outcome in outcomes))


if __name__ == "__main__":
    raise SystemExit(main())

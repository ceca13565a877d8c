"""Packs the autoscaler for Lambda: this folder without the simulator, and httpx with what it needs.

python -m infra.autoscaler.package out/autoscaler
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from infra import packing


def pack(target: Path) -> list[Path]:
    """Write the package into a folder, made anew; return its files, sorted.

    Raises:
        ValueError: a distribution has compiled parts, which would be this machine's.
    """
    here = Path(__file__)
    own = [path for path in here.parent.glob("*.py") if path != here]
    return packing.pack(target, [packing.ROOT / "infra" / "__init__.py", *own], ["httpx"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Pack into the folder that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m infra.autoscaler.package")
    parser.add_argument("target", type=Path)
    options = parser.parse_args(arguments)
    pack(options.target)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

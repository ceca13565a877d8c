"""Packs the release's functions for Lambda: the hooks, and the store that they write to.

python -m infra.release.aws.package out/hooks
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from infra import packing

PARTS: Final = (
    "__init__.py",
    "release/__init__.py",
    "release/store.py",
    "release/dynamo.py",
    "release/aws/__init__.py",
    "release/aws/appspec.py",
    "release/aws/hooks.py",
)
"""Of infra: what the hooks import, and no more; boto3 is the runtime's."""


def pack(target: Path) -> list[Path]:
    """Write the package into a folder, made anew; return its files, sorted."""
    return packing.pack(target, [packing.ROOT / "infra" / part for part in PARTS])


def main(arguments: Sequence[str] | None = None) -> int:
    """Pack into the folder that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m infra.release.aws.package")
    parser.add_argument("target", type=Path)
    options = parser.parse_args(arguments)
    pack(options.target)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

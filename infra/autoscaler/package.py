"""Packs the autoscaler for Lambda: this folder without the simulator, and httpx with what it needs.

    python -m infra.autoscaler.package out/autoscaler

The distributions are copied from the environment that runs this, so that what is packed is what was
locked and tested. boto3 comes with the Lambda runtime. The same input gives the same files with the
same times: a package that did not change is not deployed again.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
NEEDED: Final = ("httpx",)
PROVIDED: Final = frozenset({"boto3", "botocore"})
EPOCH: Final = 315532800
"""1980-01-01, the earliest time that a zip file can say."""


def needed(names: Sequence[str] = NEEDED) -> list[Distribution]:
    """Return the distributions that are packed: the named ones and what they require, sorted."""
    found: dict[str, Distribution] = {}
    waiting = list(names)
    while waiting:
        name = _normal(waiting.pop())
        if name in found or name in PROVIDED:
            continue
        found[name] = distribution(name)
        for requirement in found[name].requires or ():
            wanted, _, condition = requirement.partition(";")
            wanted = re.split(r"[\s<>=!~\[(]", wanted.strip(), maxsplit=1)[0]
            # What another Python needs is packed where it is installed, and harms no other.
            if "extra" not in condition and (not condition or _installed(wanted)):
                waiting.append(wanted)
    return [found[name] for name in sorted(found)]


def pack(target: Path) -> list[Path]:
    """Write the package into a folder, made anew; return its files, sorted.

    Raises:
        ValueError: a distribution has compiled parts, which would be this machine's.
    """
    shutil.rmtree(target, ignore_errors=True)
    for one in needed():
        for source, name in _files(one):
            if source.suffix in (".so", ".pyd"):
                raise ValueError(f"{one.name} has a compiled part, {name}: it cannot be packed")
            _copy(source, target / name)
    for source in (ROOT / "infra" / "__init__.py", *(Path(__file__).parent).glob("*.py")):
        if source != Path(__file__):
            _copy(source, target / source.relative_to(ROOT))
    return sorted(path for path in target.rglob("*") if path.is_file())


def archive(folder: Path, path: Path) -> int:
    """Write a folder as a zip file, the same bytes for the same content; return its size."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for source in sorted(one for one in folder.rglob("*") if one.is_file()):
            entry = zipfile.ZipInfo(str(source.relative_to(folder)), (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, source.read_bytes())
    return path.stat().st_size


def _files(one: Distribution) -> Iterator[tuple[Path, str]]:
    for file in one.files or ():
        outside = file.parts[0] in ("..", "/")
        if not outside and "__pycache__" not in file.parts and "dist-info" not in file.parts[0]:
            yield Path(str(file.locate())), str(file)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o644)
    os.utime(target, (EPOCH, EPOCH))


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(arguments: Sequence[str] | None = None) -> int:
    """Pack into the folder that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m infra.autoscaler.package")
    parser.add_argument("target", type=Path)
    options = parser.parse_args(arguments)
    pack(options.target)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

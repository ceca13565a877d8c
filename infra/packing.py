"""Packs functions for Lambda: files of this repository, and the distributions that they need.

The distributions are copied from the environment that runs this, so that what is packed is what was
locked and tested. boto3 comes with the Lambda runtime. The same input gives the same files with the
same times: a package that did not change is not deployed again.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PROVIDED: Final = frozenset({"boto3", "botocore"})
EPOCH: Final = 315532800
"""1980-01-01, the earliest time that a zip file can say."""


def needed(names: Sequence[str]) -> list[Distribution]:
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


def pack(target: Path, sources: Iterable[Path], distributions: Sequence[str] = ()) -> list[Path]:
    """Write a package into a folder, made anew; return its files, sorted.

    Args:
        target: the folder.
        sources: files of this repository.
        distributions: names of those that are packed with what they require.

    Raises:
        ValueError: a distribution has compiled parts, which would be this machine's.
    """
    shutil.rmtree(target, ignore_errors=True)
    for one in needed(distributions):
        for source, name in _files(one):
            if source.suffix in (".so", ".pyd"):
                raise ValueError(f"{one.name} has a compiled part, {name}: it cannot be packed")
            _copy(source, target / name)
    for source in sources:
        _copy(source, target / source.relative_to(ROOT))
    return sorted(path for path in target.rglob("*") if path.is_file())


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

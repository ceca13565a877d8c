"""A developer's platform in containers, several of them side by side on one machine.

    python -m infra.controller.compose [--offset N] NAME up --detach
    python -m infra.controller.compose NAME down

Whoever starts it owns what it writes. A name is a compose project: its containers, network, built
image and folder are its own. An offset moves all its ports. POSTGRES_IMAGE, MOTO_IMAGE and
BASE_IMAGE, each by digest, are the environment's or stand in the file ``images.env`` of the folder.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from infra.controller.layout import ROOT

FILE: Final = Path(__file__).with_name("compose.yaml")

PORTS: Final = {"SERVER_PORT": 4200, "MOTO_PORT": 5000, "POSTGRES_PORT": 5432}
"""At offset 0."""

FURTHEST: Final = 199
"""Offset: the ports of two projects lie apart as long as no offset spans two services' ports."""

IMAGES: Final = ("POSTGRES_IMAGE", "MOTO_IMAGE", "BASE_IMAGE")
BY_DIGEST: Final = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")
NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")


class ComposeError(ValueError):
    """What is wrong with what was asked for, and what to do."""


def variables(
    name: str, offset: int, folder: Path, owner: tuple[int, int], given: Mapping[str, str]
) -> dict[str, str]:
    """Return what the compose file asks for.

    Args:
        name: of the project.
        offset: of its ports, 0 to `FURTHEST`.
        folder: of all projects.
        owner: user and group id of whoever starts it.
        given: names the images.

    Raises:
        ComposeError: a name, an offset, an owner or an image is wrong.
    """
    if not NAME.fullmatch(name):
        raise ComposeError(f"{name!r} is no project's name: small letters, digits, - and _")
    if not 0 <= offset <= FURTHEST:
        raise ComposeError(f"offset {offset} is not between 0 and {FURTHEST}")
    if not owner[0]:
        raise ComposeError("the containers would be root's: start it as yourself")
    wrong = [one for one in IMAGES if not BY_DIGEST.fullmatch(given.get(one, ""))]
    if wrong:
        raise ComposeError(
            f"{', '.join(wrong)}: name each by digest, name:tag@sha256:…, in the environment or "
            f"in {folder / 'images.env'}\nA digest: docker buildx imagetools inspect NAME:TAG"
        )
    return {
        "PROJECT": name,
        "OWNER": f"{owner[0]}:{owner[1]}",
        "FOLDER": str(folder / name),
        **{port: str(base + offset) for port, base in PORTS.items()},
        **{one: given[one] for one in IMAGES},
    }


def prepare(found: Mapping[str, str]) -> None:
    """Make a project's folders: those that the engine makes are root's."""
    for part in ("postgres", "data"):
        (Path(found["FOLDER"]) / part).mkdir(parents=True, exist_ok=True)


def kept_images(folder: Path) -> dict[str, str]:
    """Return what ``images.env`` says; nothing where it is not there."""
    path = folder / "images.env"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    pairs = (line.partition("=") for line in lines if line.strip() and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def main(arguments: Sequence[str] | None = None) -> int:
    """Have docker compose do what the command line says; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.controller.compose")
    parser.add_argument("--offset", type=int, default=0, help="added to every port")
    parser.add_argument("--folder", type=Path, default=ROOT / ".dataweave" / "compose")
    parser.add_argument("name")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="of docker compose")
    options = parser.parse_args(arguments)
    folder = options.folder.resolve()
    given = {**kept_images(folder), **os.environ}
    try:
        owner = (os.getuid(), os.getgid())
        found = variables(options.name, options.offset, folder, owner, given)
    except ComposeError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    prepare(found)
    command = ["docker", "compose", "--project-name", options.name, "--file", str(FILE)]
    try:
        done = subprocess.run(  # noqa: S603
            [*command, *(options.command or ["up", "--detach"])],
            env={**os.environ, **found},
            check=False,
        )
    except FileNotFoundError:
        sys.stderr.write("error: docker is not installed\nWithout it: make up\n")
        return 2
    return done.returncode


if __name__ == "__main__":
    raise SystemExit(main())

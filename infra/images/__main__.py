"""The command line of images, called by prefect.yaml and by a release.

    python -m infra.images build      # DATAWEAVE_IMAGE, unless it is there
    DATAWEAVE_TARGET=controller python -m infra.images build
    python -m infra.images push
    python -m infra.images register   # prints the task definition's ARN

DATAWEAVE_BASE names the base image, by digest where a release must be repeatable. Without
DATAWEAVE_IMAGE there is nothing to build or push: flows run from the code that is there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def main(arguments: list[str]) -> int:
    """Do what the command line says; return the exit code."""
    commands = {"build": _build, "push": _push, "register": _register}
    if len(arguments) != 1 or arguments[0] not in commands:
        sys.stderr.write(f"error: say one of {', '.join(commands)}\n")
        return 2
    return commands[arguments[0]]()


def _build() -> int:
    image = os.environ.get("DATAWEAVE_IMAGE")
    if not image:
        return _say("no image is named: flows run from the code that is there")
    known = subprocess.run(  # noqa: S603
        ["docker", "image", "inspect", image],  # noqa: S607
        capture_output=True,
        check=False,
    )
    if known.returncode == 0:  # deployments ask one after the other
        return _say(f"{image} is there")
    return subprocess.run(_command(image, os.environ), check=False).returncode  # noqa: S603


def _command(image: str, given: Mapping[str, str]) -> list[str]:
    """Return the command that builds an image: DATAWEAVE_TARGET of it, from DATAWEAVE_BASE."""
    dockerfile = str(ROOT / "infra" / "images" / "Dockerfile")
    target = given.get("DATAWEAVE_TARGET") or "worker"
    command = ["docker", "build", "--file", dockerfile, "--target", target, "--tag", image]
    if base := given.get("DATAWEAVE_BASE"):
        command += ["--build-arg", f"BASE={base}"]
    return [*command, str(ROOT)]


def _push() -> int:
    image = os.environ.get("DATAWEAVE_IMAGE")
    if not image:
        return _say("no image is named: nothing to push")
    return subprocess.run(["docker", "push", image], check=False).returncode  # noqa: S603, S607


def _register() -> int:
    import boto3

    from infra.images.task_definition import MissingValueError, declared, register

    try:
        definition = declared(os.environ)
    except MissingValueError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    arn, new = register(boto3.client("ecs"), definition)
    sys.stderr.write(f"{'registered' if new else 'unchanged'}\n")
    return _say(arn)


def _say(line: str) -> int:
    sys.stdout.write(f"{line}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""The command line of work pools: make a server's pools those that are declared.

    python -m sdk.pools apply --environment production [--dry-run]

The server is the one that PREFECT_API_URL names. It shows what differs; without ``--dry-run`` it
then changes that. Run again, it finds nothing to do.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from blocks.registration.problems import DeclarationError
from sdk.api import Api
from sdk.errors import PlatformError
from sdk.pools import server
from sdk.pools.declarations import FOLDER

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def main() -> None:
    """Make a server's work pools those that are declared."""


@app.command()
def apply(
    environment: Annotated[str, typer.Option(help="development, staging or production")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show, change nothing")] = False,
    folder: Annotated[Path, typer.Option(help="where the pools are declared")] = FOLDER,
) -> None:
    """Create and update pools, queues, limits and the variables that name the pools."""
    try:
        with Api.of_environment(patience=60) as api:
            server.apply(
                api, environment, dict(os.environ), dry_run=dry_run, say=_say, folder=folder
            )
    except (DeclarationError, PlatformError) as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(1) from None


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    app()

"""The command line of blocks: write types, documents and automations to a Prefect server.

    python -m blocks check --environment production
    python -m blocks apply --environment production [--dry-run]

`apply` writes types, documents and automations; `register` and `automations apply` are its parts,
for a server without events and for who has no secrets. The server is the one that PREFECT_API_URL
names. Everything is checked before anything is written; errors name the document, the field and
what to do, and the exit code is 1.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from httpx import HTTPError

from blocks.errors import DeliveryError
from blocks.registration.declarations import DOCUMENTS
from blocks.registration.problems import DeclarationError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
automations = typer.Typer(no_args_is_help=True, help="Automations, as they are declared.")
app.add_typer(automations, name="automations")

Environment = Annotated[str, typer.Option(help="development, staging or production")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would change, change nothing")]
Root = Annotated[Path, typer.Option(help="folder with a folder of documents per environment")]


@app.callback()
def main() -> None:
    """Write block types, documents and automations to a Prefect server."""


@app.command("apply")
def apply_all(environment: Environment, dry_run: DryRun = False, root: Root = DOCUMENTS) -> None:
    """Write block types, documents and automations, as they are declared."""
    from blocks.automations.commands import apply
    from blocks.registration.commands import register

    async def both() -> None:
        refs = await register(environment, root, os.environ, dry_run=dry_run, say=_say)
        await apply(environment, dry_run=dry_run, say=_say, coming=refs if dry_run else ())

    _run(both())


@app.command()
def register(environment: Environment, dry_run: DryRun = False, root: Root = DOCUMENTS) -> None:
    """Register block types and write an environment's block documents."""
    from blocks.registration.commands import register as run

    _run(run(environment, root, os.environ, dry_run=dry_run, say=_say))


@app.command()
def check(environment: Environment, root: Root = DOCUMENTS) -> None:
    """Ask Slack and Jira whether an environment's documents do; nothing is written anywhere."""
    from blocks.registration.commands import check as run

    _run(run(environment, root, os.environ, say=_say))


@automations.command()
def apply(environment: Environment, dry_run: DryRun = False) -> None:
    """Create, update and remove automations until they are those that are declared."""
    from blocks.automations.commands import apply as run

    _run(run(environment, dry_run=dry_run, say=_say))


def _run(work: Coroutine[Any, Any, object]) -> None:
    try:
        asyncio.run(work)
    except (DeclarationError, DeliveryError) as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(1) from None
    except HTTPError as error:
        sys.stderr.write(
            f"error: the Prefect server does not answer as it should: {error!r}\n"
            "Check PREFECT_API_URL and that the server is up.\n"
        )
        raise SystemExit(1) from None


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    app()

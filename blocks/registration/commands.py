"""The commands on documents: register them, check them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from prefect.blocks.core import Block
from prefect.client.orchestration import get_client

from blocks import collection
from blocks.connectors.base import Access
from blocks.errors import DeliveryError
from blocks.registration import declarations, server
from blocks.registration.desired import Desired, desired
from blocks.registration.plan import plan
from blocks.registration.problems import DeclarationError, Problem
from blocks.registration.references import SecretsManager, Sources

Say = Callable[[str], None]


async def register(
    environment: str, root: Path, environ: Mapping[str, str], *, dry_run: bool, say: Say
) -> list[str]:
    """Register block types and write documents; say what changes.

    Args:
        environment: whose documents.
        root: folder with a folder of documents per environment.
        environ: environment variables that documents refer to.
        dry_run: change nothing.
        say: takes a line of the account.

    Returns:
        The declared documents, as ``type/name``.

    Raises:
        DeclarationError: nothing was written.
    """
    declared = _declared(environment, root, environ)
    kinds = {one.kind for one in declared} | _own_types()
    async with get_client() as client:
        say(f"{client.api_url}{' (dry run)' if dry_run else ''}")
        changes = await server.types_to_register(client, kinds)
        if not dry_run:
            await server.register_types(client, kinds)
        documents = plan(declared, await server.existing(client, declared))
        for change in (*changes, *documents):
            say(str(change))
        if not dry_run:
            await server.write(client, declared, documents)
    return [one.ref for one in declared]


async def check(environment: str, root: Path, environ: Mapping[str, str], *, say: Say) -> None:
    """Ask the systems behind the documents whether they do.

    Raises:
        DeclarationError: which do not, each with its reason.
    """
    problems = []
    for one in _declared(environment, root, environ):
        asked = getattr(one.block, "check", None)
        if asked is None:
            say(f"? {one.ref}: cannot be asked")
            continue
        try:
            found = await asyncio.to_thread(asked)
            if isinstance(found, Access) and not found:
                problem, _, action = found.reason.partition("\n")
                problems.append(Problem(one.ref, "", problem, action))
                continue
            say(f"= {one.ref}{f': {found.reason}' if isinstance(found, Access) else ''}")
        except DeliveryError as error:
            problems.append(Problem(one.ref, "", error.problem, error.action))
    if problems:
        raise DeclarationError(problems)


def _declared(environment: str, root: Path, environ: Mapping[str, str]) -> list[Desired]:
    sources = Sources(environ, SecretsManager())
    return desired(declarations.read(environment, root), sources)


def _own_types() -> set[type[Block]]:
    return {getattr(collection, name) for name in collection.__all__}

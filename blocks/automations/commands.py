"""The command on automations: apply what is declared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from uuid import UUID

from prefect.client.orchestration import get_client

from blocks.automations import server
from blocks.automations.declarations import DECLARED, prefix, read
from blocks.automations.plan import plan, wanted


async def apply(
    environment: str,
    *,
    dry_run: bool,
    say: Callable[[str], None],
    folder: Path = DECLARED,
    coming: Iterable[str] = (),
) -> None:
    """Create, update and remove automations until they are those that are declared.

    Args:
        environment: whose automations; those of others are left.
        dry_run: change nothing.
        say: takes a line of the account.
        folder: where they are declared.
        coming: documents that a dry run takes to be there, since they would be by then.

    Raises:
        DeclarationError: a declaration that cannot be carried out.
    """
    declared = read(environment, folder)
    async with get_client() as client:
        say(f"{client.api_url}{' (dry run)' if dry_run else ''}")
        there = await server.existing(client)
        there_by_then = dict.fromkeys(coming, UUID(int=0))
        documents = there_by_then | await server.documents(
            client, (ref for one in declared for ref in one.notify)
        )
        switched = [one.name for one in declared if one.enabled is not None]
        steps = plan(wanted(declared, documents), there, prefix(environment), switched)
        for step in steps:
            say(str(step.change))
        if not dry_run:
            await server.carry_out(client, steps)

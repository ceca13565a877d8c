"""Pools, queues and variables on a Prefect server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from sdk.api import Api
from sdk.errors import ConfigurationError
from sdk.pools.declarations import FOLDER, Declared, read
from sdk.pools.plan import Step, There, plan


def there(api: Api, declared: Declared) -> There:
    """Return what a server has of what is declared."""
    pools = {pool["name"]: pool for pool in api.pages("/work_pools/filter", {})}
    queues = {
        (pool.name, queue["name"]): queue
        for pool in declared.pools
        if pool.name in pools
        for queue in api.pages(f"/work_pools/{pool.name}/queues/filter", {})
    }
    variables = {found["name"]: found for found in api.pages("/variables/filter", {})}
    return There(pools, queues, variables)


def apply(
    api: Api,
    environment: str,
    given: dict[str, str],
    *,
    dry_run: bool,
    say: Callable[[str], None],
    folder: Path = FOLDER,
) -> None:
    """Create and update pools, queues and variables until they are those that are declared.

    Args:
        api: the server's.
        environment: whose pools.
        given: what declarations take from the environment.
        dry_run: change nothing.
        say: takes a line of the account.
        folder: where they are declared.

    Raises:
        DeclarationError: what cannot be carried out; nothing was written.
        ConfigurationError: a pool is there with another type.
    """
    declared = read(environment, given, folder)
    steps = plan(declared, there(api, declared))
    say(f"{api.url}, {environment}{' (dry run)' if dry_run else ''}")
    for step in steps:
        say(str(step.change))
    in_the_way = [step.change.name for step in steps if step.change.kind == "remove"]
    if in_the_way and not dry_run:
        raise ConfigurationError(
            f"of another type on the server: {', '.join(in_the_way)}",
            "Remove it by hand once it holds no runs (prefect work-pool delete), and apply again.",
        )
    if not dry_run:
        _carry_out(api, steps)


def _carry_out(api: Api, steps: Iterable[Step]) -> None:
    for step in steps:
        if step.method:
            api.send(step.method, step.path, step.body)

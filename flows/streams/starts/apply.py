"""Apply starts: the server's automations become those that are declared.

Once per object holds twice over: the watch remembers what it told, and the automation, which
counts by the resource, starts nothing more for an object within its time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flows.streams.starts.declarations import Start, prefix
from sdk.api import Api, Refused
from sdk.errors import ConfigurationError


def apply(
    api: Api, starts: Iterable[Start], environment: str, *, say: Callable[[str], None]
) -> None:
    """Create, update and remove the automations of an environment's starts.

    Args:
        api: of the server.
        starts: that are declared.
        environment: whose.
        say: takes a line of the account.

    Raises:
        ConfigurationError: a deployment is not there, or the server runs without events.
    """
    wanted = [start.automation(_deployment(api, start), environment) for start in starts]
    there = _there(api, prefix(environment))
    for automation in wanted:
        old = there.pop(automation["name"], None)
        if old is None:
            api.post("/automations/", automation)
            say(f"+ {automation['name']}")
        elif _differs(automation, old):
            # Whoever switched it off in the UI had a reason.
            kept = {**automation, "enabled": old["enabled"]}
            api.send("PUT", f"/automations/{old['id']}", kept)
            say(f"~ {automation['name']}")
        else:
            say(f"= {automation['name']}")
    for name, old in sorted(there.items()):
        api.send("DELETE", f"/automations/{old['id']}")
        say(f"- {name}")


def _deployment(api: Api, start: Start) -> str:
    flow, _, name = start.deployment.partition("/")
    try:
        return str(api.get(f"/deployments/name/{flow}/{name}")["id"])
    except Refused as error:
        raise ConfigurationError(
            f"start {start.name!r}: the server has no deployment {start.deployment}",
            "Deploy it first (prefect deploy), or correct the declaration.",
        ) from error


def _there(api: Api, begins: str) -> dict[str, dict[str, Any]]:
    try:
        found = list(api.pages("/automations/filter", {}))
    except Refused as error:
        raise ConfigurationError(
            f"the server at {api.url} has no automations",
            "Start it with PREFECT_EXPERIMENTAL_EVENTS=true.",
        ) from error
    return {one["name"]: one for one in found if one["name"].startswith(begins)}


def _differs(wanted: dict[str, Any], there: dict[str, Any]) -> bool:
    """Compare what is declared; the server adds fields of its own."""
    trigger, action = there["trigger"], there["actions"][0]
    return (
        wanted["description"] != there["description"]
        or any(_plain(v) != _plain(trigger.get(k)) for k, v in wanted["trigger"].items())
        or any(_plain(v) != _plain(action.get(k)) for k, v in wanted["actions"][0].items())
    )


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, int | float) else value

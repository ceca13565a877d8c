"""Automations on a Prefect server, through REST: its client reads one page of them only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from httpx import HTTPStatusError, Response
from prefect.client.orchestration import PrefectClient
from prefect.events.schemas.automations import Automation, AutomationCore
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from pydantic.v1 import parse_obj_as

from blocks.automations.plan import Step
from blocks.registration.problems import DeclarationError, Problem

PAGE = 200
"""Automations asked for at a time: the most that Prefect's API gives."""


async def existing(client: PrefectClient) -> list[Automation]:
    """Return every automation of a server.

    Raises:
        DeclarationError: the server runs without events.
    """
    found: list[Automation] = []
    while True:
        try:
            page = await _send(
                client, "POST", "/automations/filter", {"limit": PAGE, "offset": len(found)}
            )
        except ObjectNotFound as error:
            advice = "Start it with PREFECT_EXPERIMENTAL_EVENTS=true."
            problem = Problem(str(client.api_url), "", "the server has no automations", advice)
            raise DeclarationError([problem]) from error
        read = parse_obj_as(list[Automation], page.json())
        found.extend(read)
        if len(read) < PAGE:
            return found


async def documents(client: PrefectClient, refs: Iterable[str]) -> dict[str, UUID]:
    """Return the ids of those block documents that a server has."""
    found = {}
    for ref in sorted(set(refs)):
        kind, _, name = ref.partition("/")
        try:
            document = await client.read_block_document_by_name(name, kind, include_secrets=False)
        except ObjectNotFound:
            continue
        found[ref] = document.id
    return found


async def carry_out(client: PrefectClient, steps: Iterable[Step]) -> None:
    """Create, update and remove.

    Raises:
        DeclarationError: the server refuses an automation, such as for its template.
    """
    for step in steps:
        if step.change.kind == "same":
            continue
        body = None if step.automation is None else _body(step.automation)
        method = {"create": "POST", "update": "PUT", "remove": "DELETE"}[step.change.kind]
        path = "/automations/" if step.id is None else f"/automations/{step.id}"
        try:
            await _send(client, method, path, body)
        except PrefectHTTPStatusError as error:
            told = " ".join(error.response.text.split())[:1000]
            advice = f"Correct the declaration: {told}"
            problem = Problem(step.change.name, "", "the server refuses it", advice)
            raise DeclarationError([problem]) from error


def _body(automation: AutomationCore) -> dict[str, Any]:
    # The owner is not ours to set, and an update may not name one.
    return dict(automation.dict(json_compatible=True, exclude={"owner_resource"}))


async def _send(client: PrefectClient, method: str, path: str, body: Any) -> Response:
    try:
        return await client._client.request(method, path, json=body)
    except HTTPStatusError as error:
        if error.response.status_code == 404:
            raise ObjectNotFound(http_exc=error) from error
        raise

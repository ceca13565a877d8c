"""Block types and documents on a Prefect server: reading what is there, writing what is planned.

Writing is idempotent, and in an order in which a document finds what it refers to. Nothing is
removed: documents that nobody declared may be somebody's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound

from blocks.registration.desired import Desired, slug
from blocks.registration.plan import Change, Existing


async def types_to_register(client: PrefectClient, kinds: Iterable[type[Block]]) -> list[Change]:
    """Say which block types a server lacks or knows in another version."""
    changes = []
    for kind in sorted(kinds, key=slug):
        name = f"type {slug(kind)}"
        try:
            await client.read_block_type_by_slug(slug(kind))
        except ObjectNotFound:
            changes.append(Change("create", name))
            continue
        try:
            await client.read_block_schema_by_checksum(
                kind._calculate_schema_checksum(), version=kind.get_block_schema_version()
            )
            changes.append(Change("same", name))
        except ObjectNotFound:
            changes.append(Change("update", name, ("schema: a newer one",)))
    return changes


async def register_types(client: PrefectClient, kinds: Iterable[type[Block]]) -> None:
    """Register block types; those that are registered stay as they are."""
    for kind in sorted(kinds, key=slug):
        await _awaited(kind.register_type_and_schema(client=client))


async def existing(client: PrefectClient, desired: Iterable[Desired]) -> dict[str, Existing]:
    """Return those of the declared documents that a server has."""
    found = {}
    for one in desired:
        try:
            document = await client.read_block_document_by_name(
                one.declaration.name, one.declaration.type, include_secrets=True
            )
        except ObjectNotFound:
            continue
        references = {
            field: _ref(held["block_document"])
            for field, held in document.block_document_references.items()
        }
        data = {name: value for name, value in document.data.items() if name not in references}
        schema = document.block_schema.checksum if document.block_schema else ""
        found[one.ref] = Existing(data, references, schema)
    return found


async def write(
    client: PrefectClient, desired: Sequence[Desired], changes: Sequence[Change]
) -> None:
    """Write the documents that differ."""
    differing = {change.name for change in changes if change.kind in ("create", "update")}
    saved: dict[str, Block] = {}
    for one in desired:
        if one.ref in differing:
            block = one.built(saved)
            await _awaited(block.save(one.declaration.name, overwrite=True, client=client))
        else:
            block = await _awaited(one.kind.load(one.declaration.name, client=client))
        saved[one.ref] = block


async def _awaited(result: Any) -> Any:
    """Wait for what Prefect's calls return inside an event loop, which they type as a value."""
    return await result


def _ref(document: Mapping[str, Any]) -> str:
    return f"{document['block_type']['slug']}/{document['name']}"

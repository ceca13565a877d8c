"""Declared documents made into blocks: checked against their types, in the order of dependence.

Everything that can be known without a server is checked here, and all of it is told at once:
unknown types and fields, missing fields, values of the wrong kind, secrets written into a file,
documents that refer to each other in a circle.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from typing import Any

from prefect.blocks.core import Block
from prefect.plugins import load_prefect_collections
from prefect.utilities.dispatch import get_registry_for_type
from pydantic.v1 import BaseModel, SecretBytes, SecretStr, ValidationError

from blocks.registration.declarations import Declaration
from blocks.registration.problems import DeclarationError, Problem
from blocks.registration.references import ReferenceFault, Sources, document, hidden


@dataclass(frozen=True, slots=True)
class Desired:
    """A document as it is to be.

    Attributes:
        declaration: where it comes from.
        kind: its block type.
        values: its fields' values, those that are documents left out.
        documents: field to the document that it refers to.
        block: the block, with what it refers to in it.
        secrets: names of its secret fields.
    """

    declaration: Declaration
    kind: type[Block]
    values: Mapping[str, Any]
    documents: Mapping[str, str]
    block: Block
    secrets: frozenset[str]

    @property
    def ref(self) -> str:
        """How others refer to it: ``type/name``."""
        return self.declaration.ref

    @property
    def data(self) -> dict[str, Any]:
        """What the server is to hold, as JSON, secrets in the clear, documents left out."""
        names = set(self.kind.__fields__) - set(self.documents)
        return {name: plain(getattr(self.block, name)) for name in sorted(names)}

    def built(self, documents: Mapping[str, Block]) -> Block:
        """Return the block anew, around saved blocks for what it refers to."""
        nested = {name: documents[ref] for name, ref in self.documents.items()}
        return self.kind(**self.values, **nested)


def desired(declarations: Iterable[Declaration], sources: Sources) -> list[Desired]:
    """Make blocks of declarations; what others refer to comes first, then by type and name.

    Raises:
        DeclarationError: something does not fit; all of it is told.
    """
    by_ref = {declaration.ref: declaration for declaration in declarations}
    load_prefect_collections()
    kinds: dict[str, type[Block]] = get_registry_for_type(Block) or {}
    problems: list[Problem] = []
    made: dict[str, Desired] = {}
    for ref in _ordered(by_ref):
        one = _desired(by_ref[ref], by_ref, made, sources, kinds, problems)
        if one is not None:
            made[ref] = one
    if problems:
        raise DeclarationError(problems)
    return list(made.values())


def slug(kind: type[Block]) -> str:
    """Return a block type's slug, by which documents name it."""
    return str(kind.get_block_type_slug())  # type: ignore[no-untyped-call]


def plain(value: Any) -> Any:
    """Return a field's value as JSON holds it, secrets in the clear."""
    if isinstance(value, SecretStr | SecretBytes):
        secret = value.get_secret_value()
        return secret.decode() if isinstance(secret, bytes) else secret
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in value.__fields__}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return json.loads(json.dumps(value, default=str))


def _ordered(by_ref: Mapping[str, Declaration]) -> list[str]:
    graph = TopologicalSorter[str]()
    for ref in sorted(by_ref):
        needed = {str(document(value)) for value in by_ref[ref].fields.values()}
        graph.add(ref, *sorted(needed & set(by_ref)))
    try:
        return list(graph.static_order())
    except CycleError as error:
        circle = " → ".join(error.args[1])
        problem = Problem(error.args[1][0], "", f"refers to itself: {circle}", "Break the circle.")
        raise DeclarationError([problem]) from error


def _desired(
    declaration: Declaration,
    declared: Mapping[str, Declaration],
    made: Mapping[str, Desired],
    sources: Sources,
    kinds: Mapping[str, type[Block]],
    problems: list[Problem],
) -> Desired | None:
    before = len(problems)

    def wrong(field: str, problem: str, advice: str) -> None:
        problems.append(Problem(declaration.ref, field, problem, advice))

    kind = kinds.get(declaration.type)
    if kind is None:
        wrong("type", f"{declaration.type} is no block type", _nearest(declaration.type, kinds))
        return None
    secrets = frozenset(kind.schema()["secret_fields"])
    values: dict[str, Any] = {}
    documents: dict[str, str] = {}
    for name, value in declaration.fields.items():
        if name not in kind.__fields__:
            wrong(name, "is no field of the type", _nearest(name, kind.__fields__))
            continue
        if name in secrets and not hidden(value):
            wrong(name, "is a secret written into the file", "Use {env: NAME} or {secret: NAME}.")
            continue
        ref = document(value)
        if ref is not None:
            if ref not in declared:
                wrong(name, f"refers to {ref}, which nobody declares", _nearest(ref, declared))
            documents[name] = ref
            continue
        try:
            values[name] = sources.resolve(value)
        except ReferenceFault as fault:
            wrong(name, fault.problem, fault.advice)
    if len(problems) > before or any(ref not in made for ref in documents.values()):
        return None
    try:
        block = kind(**values, **{name: made[ref].block for name, ref in documents.items()})
    except ValidationError as error:
        for found in error.errors():
            # A missing field is told with its meaning; a value is never told, it may be secret.
            name = ".".join(str(part) for part in found["loc"])
            field = kind.__fields__.get(str(found["loc"][0]))
            meaning = field.field_info.description if field is not None else None
            wrong(name, str(found["msg"]), meaning or "Correct the value.")
        return None
    return Desired(declaration, kind, values, documents, block, secrets)


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), 3, 0.5)
    return f"Known and near: {', '.join(near)}." if near else "Nothing known has such a name."

"""Block documents as they are declared: YAML files in a folder for each environment.

    type: slack-channel          # slug of the block type
    name: operations             # the document's name: lower case, digits, hyphens
    fields:
      credentials: {document: slack-credentials/notices}
      channel: dataweave-operations

A file may hold several, parted by ``---``. Reading says nothing about whether they make sense to
a server: that is `desired`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from blocks.registration.problems import DeclarationError, Problem

DOCUMENTS = Path(__file__).parent.parent / "documents"
"""Where the documents are, a folder for each environment."""

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_KEYS = frozenset({"type", "name", "fields"})


@dataclass(frozen=True, slots=True)
class Declaration:
    """A declared document: its type's slug, its name, its fields as written, and the file."""

    type: str
    name: str
    fields: Mapping[str, Any]
    source: str

    @property
    def ref(self) -> str:
        """How others refer to it: ``type/name``."""
        return f"{self.type}/{self.name}"


def environments(root: Path = DOCUMENTS) -> list[str]:
    """Return the names of the environments that have documents."""
    if not root.is_dir():
        return []
    return sorted(folder.name for folder in root.iterdir() if any(folder.glob("*.yaml")))


def read(environment: str, root: Path = DOCUMENTS) -> list[Declaration]:
    """Return an environment's declarations, by type and name.

    Raises:
        DeclarationError: no such environment, or files that are no declarations.
    """
    if environment not in environments(root):
        known = ", ".join(environments(root)) or f"none in {root}"
        raise DeclarationError(
            [Problem(environment, "", "is no environment with documents", f"Known: {known}.")]
        )
    problems: list[Problem] = []
    found: dict[str, Declaration] = {}
    for path in sorted((root / environment).glob("*.yaml")):
        for declaration in _read_file(path, problems):
            twice = found.setdefault(declaration.ref, declaration)
            if twice is not declaration:
                problem = f"is declared in {twice.source} and in {declaration.source}"
                problems.append(Problem(declaration.ref, "name", problem, "Keep one of them."))
    if problems:
        raise DeclarationError(problems)
    return [found[ref] for ref in sorted(found)]


def _read_file(path: Path, problems: list[Problem]) -> Iterator[Declaration]:
    source = path.name
    try:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        advice = f"Correct the YAML: {' '.join(str(error).split())}"
        problems.append(Problem(source, "", "cannot be read", advice))
        return
    for number, raw in enumerate((d for d in documents if d is not None), 1):
        where = f"{source}, document {number}"
        before = len(problems)
        problems.extend(_faults(raw, where))
        if len(problems) == before:
            yield Declaration(raw["type"], raw["name"], raw.get("fields") or {}, source)


def _faults(raw: object, where: str) -> Iterator[Problem]:
    if not isinstance(raw, dict):
        yield Problem(where, "", "is no mapping", "Write type, name and fields.")
        return
    for key in sorted(map(str, set(raw) - _KEYS)):
        yield Problem(where, key, "is not known", "Put it under fields, or drop it.")
    for key in ("type", "name"):
        value = raw.get(key)
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            problem = f"{value!r} is no {key}"
            yield Problem(where, key, problem, "Use lower-case letters, digits and hyphens.")
    fields = raw.get("fields") or {}
    if not isinstance(fields, dict) or not all(isinstance(name, str) for name in fields):
        yield Problem(where, "fields", "is no mapping", "Write a field's name and its value.")

"""Which migrations a release may bring: those that can be taken back, and that the old can bear.

During a release two versions work on one schema, and either may be the one that stays. So a
release expands (new tables, new columns that may be empty), a later one contracts what no version
needs any more. Refused before anything starts: a migration without a real ``downgrade``, and one
that contracts unless it says what it contracts (``contracts = "<revision>"``) and that revision was
there before this release. Scripts are read, not run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = "migrations"

_CONTRACTING: Final = frozenset(
    {"drop_table", "drop_column", "drop_constraint", "rename_table", "drop_table_comment"}
)
_SQL: Final = re.compile(
    r"\b(drop\s+(table|column|schema|view|type)|rename\s+(to|column)|truncate|"
    r"set\s+not\s+null|alter\s+column\s+\w+\s+(set\s+data\s+)?type)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Migration:
    """A script.

    Attributes:
        name: its file.
        revision: its own.
        parent: the one before it; None for the first.
        contracts: the revision whose leftovers it takes away.
        taken_back: whether its downgrade does something.
        contracting: what of its upgrade an older version cannot bear.
    """

    name: str
    revision: str
    parent: str | None
    contracts: str | None
    taken_back: bool
    contracting: tuple[str, ...]


def read(folder: Path) -> list[Migration]:
    """Return a version's migrations, the first one first.

    Args:
        folder: of the version.

    Raises:
        ValueError: they are not one line, or a script cannot be read.
    """
    found = [_migration(path) for path in sorted((folder / FOLDER).glob("*.py"))]
    following = {one.parent: one for one in found}
    if len(following) != len(found):
        raise ValueError(f"{folder / FOLDER}: two migrations follow the same one")
    line: list[Migration] = []
    while (one := following.get(line[-1].revision if line else None)) is not None:
        line.append(one)
        if len(line) > len(found):
            break
    if len(line) != len(found):
        raise ValueError(f"{folder / FOLDER}: the migrations are not one line from a first one")
    return line


def problems(new: Path, old: Path | None) -> list[str]:
    """Return why a version's migrations cannot be released over another's; empty if they can."""
    try:
        coming, there = read(new), read(old) if old else []
    except ValueError as error:
        return [str(error)]
    known = [one.revision for one in there]
    revisions = [one.revision for one in coming]
    if revisions[: len(known)] != known:
        return [
            f"{FOLDER}: the released ones ({', '.join(known)}) are not the beginning of the new "
            "ones. A migration that was released is never changed or taken out."
        ]
    return [problem for one in coming[len(known) :] for problem in _problems(one, set(known))]


def _problems(one: Migration, known: set[str]) -> Iterator[str]:
    if not one.taken_back:
        yield (
            f"{one.name}: migration {one.revision} has no downgrade, so the release could not go "
            "back. Write one."
        )
    if one.contracting and one.contracts not in known:
        yield (
            f"{one.name}: migration {one.revision} contracts ({', '.join(one.contracting)}) what "
            "the version that it replaces may still use. Release what no longer needs it first; "
            'then this one, with contracts = "<the revision that replaced it>".'
        )


def _migration(path: Path) -> Migration:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise ValueError(f"{path.name}: line {error.lineno}: {error.msg}") from None
    names = dict(_assignments(tree))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    revision = names.get("revision")
    if revision is None or "upgrade" not in functions:
        raise ValueError(f"{path.name}: a migration has a revision and an upgrade")
    down = functions.get("downgrade")
    return Migration(
        name=path.name,
        revision=revision,
        parent=names.get("down_revision"),
        contracts=names.get("contracts"),
        taken_back=down is not None and _does_something(down),
        contracting=tuple(sorted(set(_contracting(functions["upgrade"])))),
    )


def _assignments(tree: ast.Module) -> Iterator[tuple[str, str | None]]:
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        target = node.target if isinstance(node, ast.AnnAssign) else target
        value = getattr(node, "value", None)
        if not isinstance(target, ast.Name) or not isinstance(value, ast.Constant):
            continue
        if value.value is None or isinstance(value.value, str):
            yield target.id, value.value


def _does_something(function: ast.FunctionDef) -> bool:
    """Say whether a function has an effect: more than a docstring, `pass`, or an error at once."""
    body = [node for node in function.body
            if not isinstance(node, ast.Pass)
            and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
            and not (isinstance(node, ast.Return) and node.value is None)]  # fmt: skip
    return bool(body) and not isinstance(body[0], ast.Raise)


def _contracting(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in _CONTRACTING:
                yield node.func.attr
            elif node.func.attr == "alter_column":
                given = {word.arg: word.value for word in node.keywords}
                empty = given.get("nullable")
                if "new_column_name" in given or "type_" in given:
                    yield "alter_column"
                elif isinstance(empty, ast.Constant) and empty.value is False:
                    yield "alter_column to not null"
        said = node.value if isinstance(node, ast.Constant) else None
        if isinstance(said, str) and (match := _SQL.search(said)):
            yield match[0].lower()

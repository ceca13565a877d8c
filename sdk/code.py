"""Code versions: which sources a step's result depends on, as one hash.

The version of a step is the hash of every source file that its module can reach through
imports within this distribution. So a changed comparison rule makes the insights of the day
anew, while a changed customer file leaves every other customer's datasets as they are.

What it does not see: imports that are computed at run time, and releases of other libraries; a
release sets ``DATAWEAVE_CODE_VERSION`` to its image digest where both must count.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOMS = frozenset({"sdk", "blocks", "flows", "canary"})
"""The top-level packages of this distribution whose sources can matter to a step."""

_DATA_SUFFIXES = frozenset({".yaml", ".yml", ".html", ".j2", ".css", ".sql", ".json", ".csv"})


def code_version(function: Callable[..., Any]) -> str:
    """Return the version of a step's code, 12 hex digits.

    A function from elsewhere (a notebook, a script, a customer's own package) counts with the
    source of its file, or its own source where it has none.
    """
    module = inspect.getmodule(function)
    name = module.__name__ if module else "__main__"
    if name.partition(".")[0] in ROOMS:
        return _reachable_hash(name)
    try:
        source = inspect.getsource(module) if module and name != "__main__" else None
        text = source or inspect.getsource(function)
    except (OSError, TypeError):
        code = getattr(function, "__code__", None)
        text = code.co_code.hex() + repr(code.co_consts) if code else repr(function)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@lru_cache(maxsize=256)
def _reachable_hash(name: str) -> str:
    total = hashlib.sha256()
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        path = _source_file(current)
        if path is not None and path.suffix == ".py":
            waiting.extend(_imports(current, path))
    files: set[Path] = set()
    for current in sorted(seen):
        path = _source_file(current)
        if path is not None:
            total.update(current.encode() + b"\0" + path.read_bytes())
            files.update(_package_data(path))
    for data in sorted(files, key=lambda file: (file.parent.name, file.name)):
        total.update(data.name.encode() + b"\0" + data.read_bytes())
    return total.hexdigest()[:12]


def _package_data(path: Path) -> Iterator[Path]:
    """Yield the templates, layouts and queries beside a module: they decide as code does.

    Its own folder counts, and folders below that are not packages themselves.
    """
    folders = [path.parent, *sorted(child for child in path.parent.iterdir() if child.is_dir())]
    for folder in folders:
        if folder is path.parent or not (folder / "__init__.py").exists():
            yield from sorted(file for file in folder.iterdir() if file.suffix in _DATA_SUFFIXES)


def _imports(module: str, path: Path) -> Iterator[str]:
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            # `from package import name` may mean a module of that name, or something inside.
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            if name.partition(".")[0] in ROOMS and _source_file(name) is not None:
                yield name


@lru_cache(maxsize=1024)
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes(), filename=str(path))


@lru_cache(maxsize=2048)
def _source_file(name: str) -> Path | None:
    loaded = sys.modules.get(name)
    origin = getattr(loaded, "__file__", None) if loaded else None
    if origin is None:
        try:
            spec = find_spec(name)
        except (ImportError, ValueError, AttributeError):
            return None
        origin = spec.origin if spec else None
    if not origin or not Path(origin).exists():
        return None
    return Path(origin)

"""Matching: which competitor offer is which own product."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {
    "Matcher": "matcher",
    "StandingIndex": "standing",
    "connect": "cluster",
    "decide": "decision",
    "load": "store",
    "match": "matching",
    "remember": "decision",
    "save": "store",
    "train": "training",
}
"""Public names and their modules: imported when asked for, since the trees' library is heavy."""


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)

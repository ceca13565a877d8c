"""Paths into JSON values: keys and places joined by points, ``props.product.offers.0.price``.

A leading ``$.`` and brackets (``offers[0]``) are allowed, ``*`` takes the first element or value
under which the rest of the path leads to something. No filters: a site that needs one is better
served by a rule on another place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def parts(path: str) -> list[str]:
    """Return the keys and places of a path."""
    plain = path.strip().removeprefix("$").replace("[", ".").replace("]", "")
    return [part.strip("\"'") for part in plain.split(".") if part]


def follow(value: Any, path: list[str]) -> Any:
    """Return what a path leads to, None where it leads nowhere."""
    for place, part in enumerate(path):
        if part == "*":
            inner: Iterable[Any] = value.values() if isinstance(value, dict) else value
            if not isinstance(value, dict | list):
                return None
            rest = path[place + 1 :]
            return next((found for one in inner if (found := follow(one, rest)) is not None), None)
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value

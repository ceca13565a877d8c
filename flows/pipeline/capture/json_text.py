"""JSON as shops write it: read strictly where it is JSON, tolerantly where it nearly is.

In scripts of real pages stand control characters inside strings, trailing commas, comments,
CDATA marks, HTML entities, several objects one after the other, JavaScript around the object, and
objects cut off in the middle. The readers go from the strict and fast to the tolerant and slow;
each is tried only where the one before failed.

Promised: hostile text gives fewer objects, never an exception and never a long wait (the tolerant
reader is not given texts beyond ``MOST_TOLERANT``).
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import chompjs
import orjson

MOST_OBJECTS: Final = 64
"""Objects read out of one script: more is no product's own data."""
MOST_TOLERANT: Final = 600_000
"""Characters given to the tolerant reader, which is some fifty times slower than the strict."""
MOST_DEPTH: Final = 60
"""Nesting that is walked; deeper is an attack or a linked list."""

_LONG: Final = re.compile(r"\d{19}")
_WRAPPING: Final = re.compile(
    r"^\s*(?:/\*\s*)?<!\[CDATA\[\s*(?:\*/)?|(?:/\*\s*)?\]\]>\s*(?:\*/)?\s*$"
)
_COMMENT: Final = re.compile(r"^\s*(?:<!--|//[^\n]*\n)|(?://\s*)?-->\s*$")


def loads(text: str) -> Any:
    """Return the value of a text that is one JSON value, None if it is not."""
    # The fast reader makes a binary fraction of an integer beyond 64 bits; codes can be so long.
    if not _LONG.search(text):
        try:
            return orjson.loads(text)
        except ValueError:
            pass
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def read_objects(text: str) -> list[Any]:
    """Return the JSON objects and arrays of a script, in their order.

    Args:
        text: a script's text; blanks, comments and CDATA marks around the data do not count.
    """
    text = text.strip().strip(";").strip("\ufeff")
    if not text:
        return []
    value = loads(text)
    if value is None:
        text = _COMMENT.sub("", _WRAPPING.sub("", text)).strip()
        value = loads(text)
    if value is None and "&quot;" in text:
        value = loads(html.unescape(text))
    if value is not None:
        return [value] if isinstance(value, dict | list) else []
    return list(_several(text))


def _several(text: str) -> Iterator[Any]:
    """Yield objects that stand one after the other, by the strict reader as far as it goes."""
    decoder = json.JSONDecoder(strict=False)
    place, found = 0, 0
    while found < MOST_OBJECTS:
        start = _next_start(text, place)
        if start < 0:
            return
        try:
            value, place = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            break
        found += 1
        yield value
    if found < MOST_OBJECTS and len(text) - place <= MOST_TOLERANT:
        yield from _tolerant(text[place:], MOST_OBJECTS - found)


def _next_start(text: str, place: int) -> int:
    starts = [found for found in (text.find("{", place), text.find("[", place)) if found >= 0]
    return min(starts, default=-1)


def _tolerant(text: str, most: int) -> Iterator[Any]:
    found = 0
    try:
        values: Iterable[Any] = chompjs.parse_js_objects(text, loader_kwargs={"strict": False})
        for value in values:
            if isinstance(value, dict | list) and value:
                yield value
                found += 1
                if found >= most:
                    return
    except (ValueError, RecursionError, AttributeError, TypeError):
        return

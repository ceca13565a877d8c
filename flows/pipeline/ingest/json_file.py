"""JSON: a list of products, somewhere in one value or one on each line.

Numbers are kept as they are written, so that 4.90 stays 4.90 and a barcode of fourteen digits is
no floating point number. A file that breaks off gives the records before; a line of JSON lines
that is no JSON costs that line.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

from flows.pipeline.ingest.errors import UnreadableFile
from flows.pipeline.ingest.records import Records, records_of, text_of
from flows.pipeline.ingest.rows import SHOWN, BadRow

_DEEPEST_LIST: Final = 6
"""Levels at which the list of products is looked for."""
_LEAST_KEYED: Final = 3
"""Mappings under keys of their own that are taken for a list: ``{"71035": {…}, "71036": {…}}``."""

_ITEM: Final = re.compile(r"[ \t\r\n,]*")
"""What stands before an item of a list."""

_decoder = json.JSONDecoder(strict=False, parse_float=str, parse_int=str, parse_constant=str)


def read_json(
    text: str, name: str, *, items: str | None = None, cut_short: bool = False
) -> Records:
    """Return the records of a JSON file.

    Args:
        text: of the file.
        name: of the file.
        items: the path to the list; None for the longest one.
        cut_short: the file is known to end early.

    Raises:
        UnreadableFile: it is no JSON, or there is no list of records at the path.
    """
    text = text.lstrip("\ufeff \t\r\n")
    try:
        value, end = _decoder.raw_decode(text)
    except (ValueError, RecursionError) as error:
        return _broken(text, name, error)
    if isinstance(value, Mapping) and text[end:].strip():
        return read_lines(text, cut_short)
    found, context = _list_in(value, items, name)
    good, numbers, bad = records_of(found)
    return Records(good, numbers, context, bad)


def read_lines(text: str, cut_short: bool) -> Records:
    """Read one value on each line."""
    good: list[Mapping[str, Any]] = []
    numbers: list[int] = []
    bad: list[BadRow] = []
    lines = [line for line in text.split("\n") if line.strip()]
    for number, line in enumerate(lines, 1):
        try:
            value = json.loads(
                line, strict=False, parse_float=str, parse_int=str, parse_constant=str
            )
        except (ValueError, RecursionError) as error:
            last = cut_short and number == len(lines)
            problem = "the file ends in this row" if last else f"it is no JSON ({str(error)[:80]})"
            bad.append(BadRow(number, line[:SHOWN], problem))
            continue
        if isinstance(value, Mapping):
            good.append(value)
            numbers.append(number)
        else:
            bad.append(BadRow(number, line[:SHOWN], "it is no record with names"))
    return Records(good, numbers, {}, bad)


def _broken(text: str, name: str, error: Exception) -> Records:
    """Return the records before the place where a file is no JSON any more."""
    if isinstance(error, RecursionError):
        raise UnreadableFile(
            f"file {name} is nested too deeply", "Have it written as a list of records.", file=name
        ) from error
    if "\n" in text and text.startswith("{"):
        first = text.split("\n", 1)[0]
        try:
            json.loads(first, strict=False)
        except ValueError:
            pass
        else:
            return read_lines(text, cut_short=True)
    place = text.find("[")
    values: list[Any] = []
    while 0 <= place < len(text) - 1:
        found = _ITEM.match(text, place + 1)
        start = len(text) if found is None else found.end()
        try:
            value, place = _decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            break
        place -= 1
        values.append(value)
        after = text[place + 1 : place + 200].lstrip()
        if not after.startswith(","):
            break
    line = getattr(error, "lineno", 1)
    problem = f"it is no JSON from line {line} on ({getattr(error, 'msg', error)})"
    if not any(isinstance(value, Mapping) for value in values):
        raise UnreadableFile(
            f"file {name}: {problem}",
            "Ask for the file again: it was not written whole.",
            file=name,
        ) from error
    good, numbers, bad = records_of(values)
    return Records(good, numbers, {}, bad, damage=problem)


def _list_in(value: Any, items: str | None, name: str) -> tuple[Sequence[Any], dict[str, str]]:
    """Return the list of products, and what stands above it."""
    if items is not None:
        return _list_at(value, items, name)
    if isinstance(value, list):
        return value, {}
    best: Sequence[Any] = ()
    context: dict[str, str] = {}
    queue: deque[tuple[Any, str, dict[str, str], int]] = deque([(value, "", {}, 0)])
    while queue:
        one, path, above, depth = queue.popleft()
        listed = _as_list(one)
        if len(listed) > len(best):
            best, context = listed, above
        if isinstance(one, Mapping) and depth < _DEEPEST_LIST:
            here = above | _texts(one, path)
            queue.extend(
                (inner, f"{path}/{key}", here, depth + 1)
                for key, inner in one.items()
                if isinstance(inner, Mapping | list)
            )
    if not best:
        # One record alone is a list of one.
        return ([value] if isinstance(value, Mapping) else []), {}
    return best, context


def _as_list(value: Any) -> Sequence[Any]:
    if isinstance(value, list):
        return value if any(isinstance(one, Mapping) for one in value) else ()
    if isinstance(value, Mapping) and len(value) >= _LEAST_KEYED:
        inner = list(value.values())
        if all(isinstance(one, Mapping) for one in inner):
            keys = set.intersection(*(set(one) for one in inner))
            return inner if keys else ()
    return ()


def _list_at(value: Any, items: str, name: str) -> tuple[Sequence[Any], dict[str, str]]:
    context: dict[str, str] = {}
    path = ""
    for part in [part for part in items.strip("/$.").replace("/", ".").split(".") if part]:
        if not isinstance(value, Mapping) or part not in value:
            raise UnreadableFile(
                f"file {name} has no {part!r} on the path {items!r} to its products",
                "Correct `items` in its layout, or ask why the file changed.",
                file=name,
                field=items,
            )
        context |= _texts(value, path)
        value, path = value[part], f"{path}/{part}"
    listed = value if isinstance(value, list) else _as_list(value)
    return listed, context


def _texts(value: Mapping[str, Any], path: str) -> dict[str, str]:
    """Return what a mapping above the list says itself, under paths that begin with a slash."""
    return {
        f"{path}/{key}": text_of(one)
        for key, one in value.items()
        if one is not None and not isinstance(one, Mapping | list)
    }

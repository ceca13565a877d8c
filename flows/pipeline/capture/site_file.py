"""Site files: one YAML file for each site, read with errors that name the line.

Whoever writes a site file is told everything that is wrong with it at once, each fault with its
file, line and field and with what to do. Keys that stand twice are refused: YAML takes the last
without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from flows.pipeline.capture.errors import BadSite
from flows.pipeline.capture.site import Feed, Site

_ADVICE: Final = {
    "missing": "Add it.",
    "extra_forbidden": "Remove it, or correct its name",
    "string_pattern_mismatch": "Write it in the form that the field wants",
    "literal_error": "Give one of the values named.",
    "greater_than": "Give a larger number.",
    "less_than_equal": "Give a smaller number.",
    "greater_than_equal": "Give a larger number.",
}
_PATTERNS: Final = {
    "name": "Use lower-case letters, digits and dashes, such as green-basket.",
    "locale": "Write language and country, such as de-AT.",
}
_MODELS: Final[Mapping[str, Iterable[str]]] = {
    "": Site.model_fields,
    "feed": Feed.model_fields,
    "rules": ("css", "attribute", "json", "script"),
}
Lines = dict[tuple[str | int, ...], int]


def load_site(path: Path) -> Site:
    """Return the site that a file describes.

    Raises:
        BadSite: the file is no YAML, or does not say what it must; every fault with its line.
    """
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise BadSite(
            f"site file {path.name} is not UTF-8", "Save it as UTF-8.", file=path.name
        ) from error
    return parse_site(text, path.name)


def load_sites(folder: Path) -> list[Site]:
    """Return the sites of all ``*.yaml`` files of a folder, by name.

    Raises:
        BadSite: a file is wrong, or two sites have one name.
    """
    sites, wrong = load_each(folder)
    if wrong:
        raise wrong[0]
    return sites


def load_each(folder: Path) -> tuple[list[Site], list[BadSite]]:
    """Return the sites of a folder by name, and what is wrong with the files of others.

    Of two files that name one site, the first in the alphabet counts.
    """
    sites: dict[str, tuple[Site, str]] = {}
    wrong: list[BadSite] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            site = load_site(path)
        except BadSite as error:
            wrong.append(error)
            continue
        if site.name not in sites:
            sites[site.name] = (site, path.name)
            continue
        wrong.append(
            BadSite(
                f"site files {sites[site.name][1]} and {path.name} both name {site.name!r}",
                "Give each site a name of its own.",
                file=path.name,
                field="name",
            )
        )
    return [site for _, (site, _) in sorted(sites.items())], wrong


def parse_site(text: str, file: str) -> Site:
    """Return the site that the text of a site file describes.

    Args:
        text: YAML.
        file: named in errors.

    Raises:
        BadSite: as ``load_site``.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines: Lines = {}
        _number(node, (), lines, file)
        value = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        # A bracket that is never closed is a fault of the line that opens it.
        opened = error.context_mark if "flow" in (error.context or "") else None
        mark = opened or error.problem_mark
        line = mark.line + 1 if mark else 0
        raise BadSite(
            f"site file {file}, line {line}: no YAML: {error.problem or error.context}",
            "Correct that line; a colon in a value needs quotes around the value.",
            file=file,
            line=line,
        ) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, BadSite):
            raise
        raise BadSite(
            f"site file {file} is no YAML: {' '.join(str(error).split())[:200]}",
            "Correct it; control characters and endless nesting are not allowed.",
            file=file,
        ) from error
    if not isinstance(value, dict):
        raise BadSite(
            f"site file {file} holds no fields",
            "Write one field on each line, such as name: green-basket.",
            file=file,
            line=1,
        )
    try:
        return Site.model_validate(value)
    except ValidationError as error:
        raise _bad_site(error, lines, file) from error


def _number(node: yaml.Node | None, path: tuple[str | int, ...], lines: Lines, file: str) -> None:
    """Note the line of every field of a document."""
    if node is None:
        return
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, str(key.value))
            line = key.start_mark.line + 1
            if inner in lines:
                raise BadSite(
                    f"site file {file}, line {line}: {_dotted(inner)} stands twice "
                    f"(first on line {lines[inner]})",
                    "Keep one of them.",
                    file=file,
                    line=line,
                    field=_dotted(inner),
                )
            lines[inner] = line
            _number(value, inner, lines, file)
    elif isinstance(node, yaml.SequenceNode):
        for place, value in enumerate(node.value):
            _number(value, (*path, place), lines, file)


def _bad_site(error: ValidationError, lines: Lines, file: str) -> BadSite:
    problems, actions = [], []
    first_line, first_field = 0, ""
    for fault in error.errors():
        path = tuple(part for part in fault["loc"] if part != "[key]")
        line = next(
            (lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in lines), 1
        )
        field = _dotted(path)
        message = fault["msg"].removeprefix("Value error, ")
        problems.append(f"line {line}: {field + ': ' if field else ''}{message}")
        actions.append(_advice(fault, path))
        if not first_line:
            first_line, first_field = line, field
    return BadSite(
        f"site file {file}, " + "; ".join(problems),
        " ".join(dict.fromkeys(action for action in actions if action)),
        file=file,
        line=first_line,
        field=first_field,
    )


def _advice(fault: Any, path: tuple[str | int, ...]) -> str:
    kind = fault["type"]
    last = str(path[-1]) if path else ""
    if kind == "extra_forbidden":
        group = str(path[0]) if len(path) > 1 else ""
        close = get_close_matches(last, list(_MODELS.get(group, Site.model_fields)), n=1)
        return f"{_ADVICE[kind]}: did you mean {close[0]!r}?" if close else f"{_ADVICE[kind]}."
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(last, f"{_ADVICE[kind]}.")
    return _ADVICE.get(
        kind, "Correct that field; flows/pipeline/capture/site.py says what it means."
    )


def _dotted(path: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in path)

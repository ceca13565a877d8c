"""Redaction: secrets stay out of everything that is written down.

Two nets: the values of every ``SecretStr`` that a step or flow was given, wherever they turn up
in a text; and the shapes in which credentials commonly stand in error messages (the user part
of a URL, ``password=…``, ``Authorization: …``), for secrets that the SDK was never shown.

A secret that a step or flow was given is remembered for the life of the process, because the
engine logs an error, and stores its message, after the step has ended and elsewhere than in it.
"""

from __future__ import annotations

import dataclasses
import json
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, SecretStr

MASK = "********"
SHORTEST = 4
"""Shorter secrets are not searched for: replacing every "1" would hide the message instead."""
REMEMBERED = 1000
"""Secrets kept for masking; a process that was given more of them forgets the oldest."""

_SHAPES = (
    (re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"), MASK),
    (
        re.compile(
            r"(?i)\b(password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|signature)"
            r"(\"?'?\s*[=:]\s*\"?'?)([^\s\"'&;,]+)"
        ),
        rf"\1\2{MASK}",
    ),
    (re.compile(r"(?i)\b(authorization\"?'?\s*[=:]\s*\"?'?)(\w+\s+)?[^\s\"',]+"), rf"\1{MASK}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}"), rf"\1 {MASK}"),
)


_lock = threading.Lock()
_remembered: dict[str, None] = {}


def secrets_in(value: Any) -> Iterator[str]:
    """Yield the plain text of every secret in a parameter, however it is nested."""
    if isinstance(value, str | int | float | bool) or value is None:
        return
    if isinstance(value, Mapping):
        for item in value.values():
            yield from secrets_in(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from secrets_in(item)
    elif callable(reveal := getattr(value, "get_secret_value", None)):
        # SecretStr and SecretBytes of Pydantic 2, and those of version 1 in Prefect's blocks.
        plain = reveal()
        yield plain.decode(errors="replace") if isinstance(plain, bytes) else str(plain)
    else:
        for name in _fields(value):
            yield from secrets_in(getattr(value, name, None))


def _fields(value: Any) -> Iterator[str]:
    """Yield the names of what a model or dataclass holds; a block is a model of Pydantic 1."""
    if isinstance(value, BaseModel):
        yield from type(value).model_fields
    elif isinstance(getattr(type(value), "__fields__", None), Mapping):
        yield from type(value).__fields__
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from (field.name for field in dataclasses.fields(value))


def remember(value: Any) -> None:
    """Mask the secrets in a value from now on, wherever this process writes something down."""
    found = [secret for secret in secrets_in(value) if len(secret) >= SHORTEST]
    if not found:
        return
    with _lock:
        for secret in found:
            _remembered.pop(secret, None)
            _remembered[secret] = None
        while len(_remembered) > REMEMBERED:
            del _remembered[next(iter(_remembered))]


def remembered() -> list[SecretStr]:
    """Return what this process masks, for another that does a part of its work."""
    with _lock:
        return [SecretStr(secret) for secret in _remembered]


def redacted(text: str, parameters: Any = None) -> str:
    """Return a text without secrets: those of the parameters, those remembered, and shapes."""
    text = without_known(text, parameters)
    for shape, mask in _SHAPES:
        text = shape.sub(mask, text)
    return text


def without_known(text: str, parameters: Any = None) -> str:
    """Return a text without the secrets of the parameters and those remembered."""
    for form in written_forms(parameters):
        text = text.replace(form, MASK)
    return text


def written_forms(parameters: Any = None) -> list[str]:
    """Return every way in which a known secret may be written, longest first."""
    known = {secret for secret in secrets_in(parameters) if len(secret) >= SHORTEST}
    with _lock:
        known.update(_remembered)
    forms = set(known)
    for secret in known:
        # As part of a URL, of another object's repr, and of JSON.
        forms.update((quote(secret, safe=""), repr(secret)[1:-1], json.dumps(secret)[1:-1]))
    return sorted(forms, key=lambda form: (-len(form), form))

"""Redaction: secrets stay out of everything that is written down.

Two nets: the values of every ``SecretStr`` that a step or flow was given, wherever they turn up
in a text; and the shapes in which credentials commonly stand in error messages (the user part
of a URL, ``password=…``, ``Authorization: …``), for secrets that the SDK was never shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr

MASK = "********"
SHORTEST = 4
"""Shorter secrets are not searched for: replacing every "1" would hide the message instead."""

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


def secrets_in(value: Any) -> Iterator[str]:
    """Yield the plain text of every secret in a parameter, however it is nested."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, SecretBytes):
        yield value.get_secret_value().decode(errors="replace")
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_in(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secrets_in(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from secrets_in(item)


def redacted(text: str, parameters: Any = None) -> str:
    """Return a text without the secrets of the parameters and without credential shapes."""
    known = sorted(set(secrets_in(parameters)), key=len, reverse=True)
    for secret in known:
        if len(secret) >= SHORTEST:
            text = text.replace(secret, MASK)
    for shape, mask in _SHAPES:
        text = shape.sub(mask, text)
    return text

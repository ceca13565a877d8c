"""A request and its answer, as plain values between the shops and the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Delivery: TypeAlias = Literal["whole", "never", "trickle", "reset", "reset_midway", "cut_short"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as answers depend on it.

    Attributes:
        target: path and query.
        headers: names in lower case.
        times: how often this address was asked for on this day, with this script, before.
        lately: how often the shop was asked within the last second, this request included.
    """

    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int = 0
    lately: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent, and how much of it arrives.

    Attributes:
        wait: seconds before the first byte.
        delivery: ``never`` sends nothing, ``trickle`` a few bytes at a time, ``reset`` resets the
            connection, ``reset_midway`` does so after half, ``cut_short`` closes after half.
    """

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    wait: float = 0.0
    delivery: Delivery = "whole"

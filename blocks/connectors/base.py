"""What all connectors have in common: a block that says where it leads, and whether one may go.

A connector is a Prefect block for one kind of other system. It holds addresses, credentials
(``SecretStr``) and limits, keeps no connection and no state, and offers a few typed verbs that do
one thing each. Every one of them promises:

- errors are `blocks.connectors.errors`, in words, with no secret in them;
- `timeout` bounds the wait for an answer, `time_limit` the whole of a query, job or transfer;
- what goes on over there is stopped when the wait for it ends (`blocks.connectors.running`);
- a file that it writes appears whole or not at all (`blocks.connectors.parquet`);
- `check` says whether the system is reachable and lets us in, without changing anything.

Connectors do not retry a verb: `policy` names the SDK's retry policy that a step around them
takes. Client libraries are imported when a verb is used, so that importing blocks stays cheap.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar, Literal

from prefect.blocks.core import Block
from pydantic.v1 import Field, SecretStr

from blocks.connectors.errors import ConnectorError, Refused, Unreachable

MASK = "********"
BLIND_LOOKS = 5
"""With growing waits between them these are half a minute at least: a restart over there."""


@dataclass(frozen=True, slots=True)
class Access:
    """What `check` found.

    Attributes:
        reachable: the system answers.
        permitted: it lets us do what the connector is for.
        reason: in words; what was tried, or what is wrong.
    """

    reachable: bool
    permitted: bool
    reason: str

    def __bool__(self) -> bool:
        return self.reachable and self.permitted


class Connector(Block):
    """A connector; subclasses name their type, fields, `where` and `_check`.

    Args:
        timeout: seconds to wait for an answer.
        time_limit: seconds that one query, job or transfer may take in all.
    """

    policy: ClassVar[Literal["network", "warehouse"]] = "network"

    timeout: float = Field(default=30.0, gt=0, description="Seconds to wait for an answer.")
    time_limit: float = Field(
        default=3600.0, gt=0, description="Seconds that a query, job or transfer may take."
    )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Keep calls out of the events: each would cost a request, and steps record them."""
        super().__init_subclass__(**kwargs)
        kinds = [kind for kind in cls.__mro__ if issubclass(kind, Connector)]
        own = {name for kind in kinds for name in vars(kind) if not name.startswith("_")}
        cls._events_excluded_methods = sorted({*Block._events_excluded_methods, *own})

    def where(self) -> str:
        """Return what is connected to, for logs and errors; no secrets."""
        raise NotImplementedError

    def check(self) -> Access:
        """Say whether the system is reachable and lets us in; changes nothing over there."""
        try:
            return Access(True, True, self._check())
        except Refused as error:
            return Access(True, False, str(error))
        except ConnectorError as error:
            return Access(False, False, str(error))

    def _check(self) -> str:
        """Do the least that shows that it works; return what was done, in words."""
        raise NotImplementedError

    def cleaned(self, text: object) -> str:
        """Return a text on one line without the block's secrets."""
        plain = " ".join(str(text).split())
        for secret in sorted(_secrets(self), key=len, reverse=True):
            plain = plain.replace(secret, MASK)
        return plain


def _secrets(block: Block) -> Iterator[str]:
    for name in block.__fields__:
        value = getattr(block, name)
        held = value.values() if isinstance(value, dict) else [value]
        for item in held:
            if isinstance(item, SecretStr) and (plain := item.get_secret_value()):
                yield plain


def library(name: str) -> ModuleType:
    """Import a client library.

    Raises:
        Refused: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise Refused(
            f"the library {name} is not installed",
            "Install the project with the extra 'connectors'.",
        ) from error


def follow(
    look: Callable[[], bool],
    *,
    what: str,
    limit: float,
    interval: float,
    longest: float = 15.0,
) -> None:
    """Look at something that goes on elsewhere until it has ended.

    A look that finds nobody there is no end: what goes on over there goes on. Only after
    `BLIND_LOOKS` in a row is it given up.

    Args:
        look: says whether it has.
        what: it is, for the error.
        limit: seconds that it may take.
        interval: seconds between the first two looks; half as much again each time.
        longest: seconds between two looks at the most.

    Raises:
        Unreachable: it has not ended within the limit, or cannot be looked at any more.
    """
    end, blind = time.monotonic() + limit, 0
    while True:
        try:
            if look():
                return
            blind = 0
        except Unreachable:
            blind += 1
            if blind >= BLIND_LOOKS:
                raise
        if time.monotonic() >= end:
            raise Unreachable(
                f"{what} has not ended within {limit:g} s and is stopped",
                "Give the connector's time_limit more, or ask for less at a time.",
            )
        time.sleep(min(interval, longest, max(0.0, end - time.monotonic())))
        interval *= 1.5

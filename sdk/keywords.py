"""Keywords: which of a decorator's arguments are Prefect's, and which are ours.

Prefect's are taken as its own decorators take them, their defaults included: the classes below
have others (`prefect.task` leaves ``log_prints`` to the flow, `prefect.Task` says no).
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import prefect

# Read once: these names may be given to the SDK's decorators later.
TASK, FLOW = inspect.signature(prefect.task), inspect.signature(prefect.flow)
"""What Prefect's decorators take."""


def split(
    decorator: inspect.Signature, ours: frozenset[str], options: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return our keywords, and Prefect's completed with its defaults.

    Args:
        decorator: `TASK` or `FLOW`.
        ours: the names of our keywords.
        options: what the decorator was given.

    Raises:
        TypeError: neither of the two takes such a keyword.
    """
    own = {name: value for name, value in options.items() if name in ours}
    rest = {name: value for name, value in options.items() if name not in ours}
    try:
        bound = decorator.bind_partial(**rest)
    except TypeError as error:
        raise TypeError(f"{'task' if decorator is TASK else 'flow'}() {error}") from None
    bound.apply_defaults()
    return own, {name: value for name, value in bound.arguments.items() if name != "__fn"}

"""What the authors of customer flows test with: rules of conformance, and a platform for a test.

The fixtures are taken from the modules that define them (`platform`, `server`), which also bring
what a fixture needs; HTTP stand-ins for Slack and Jira are in `receivers`. Nothing is loaded
before it is asked for: a run in production carries none of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdk.testing.conformance import assert_flow_conforms

__all__ = ["assert_flow_conforms"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'sdk.testing' has no attribute {name!r}")
    return getattr(import_module("sdk.testing.conformance"), name)

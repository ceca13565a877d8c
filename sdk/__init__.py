"""The SDK: what every flow of the platform is written with.

Everything here can be imported from ``sdk`` itself; modules are loaded when they are asked for,
so that importing the SDK costs little more than importing Prefect.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdk import checks
    from sdk.branching import branch
    from sdk.dataset import Dataset, DatasetKey
    from sdk.delegation import elsewhere
    from sdk.errors import (
        CheckFailed,
        ConfigurationError,
        Permanent,
        PlatformError,
        StorageError,
        Transient,
    )
    from sdk.fallback import alternative, default, last_good
    from sdk.fanning import FanoutFailed, FanoutResult, fanout
    from sdk.flows import flow
    from sdk.manifest import Input
    from sdk.policy import COMPUTE, NETWORK, NONE, WAREHOUSE, RetryPolicy
    from sdk.run import Run, current_run
    from sdk.scripting import script
    from sdk.settings import Settings
    from sdk.statistics import record
    from sdk.store import Store
    from sdk.tasks import task

_HOMES = {
    "branch": "sdk.branching",
    "Dataset": "sdk.dataset",
    "DatasetKey": "sdk.dataset",
    "elsewhere": "sdk.delegation",
    "CheckFailed": "sdk.errors",
    "ConfigurationError": "sdk.errors",
    "Permanent": "sdk.errors",
    "PlatformError": "sdk.errors",
    "StorageError": "sdk.errors",
    "Transient": "sdk.errors",
    "alternative": "sdk.fallback",
    "default": "sdk.fallback",
    "last_good": "sdk.fallback",
    "FanoutFailed": "sdk.fanning",
    "FanoutResult": "sdk.fanning",
    "fanout": "sdk.fanning",
    "flow": "sdk.flows",
    "Input": "sdk.manifest",
    "COMPUTE": "sdk.policy",
    "NETWORK": "sdk.policy",
    "NONE": "sdk.policy",
    "WAREHOUSE": "sdk.policy",
    "RetryPolicy": "sdk.policy",
    "Run": "sdk.run",
    "current_run": "sdk.run",
    "script": "sdk.scripting",
    "Settings": "sdk.settings",
    "record": "sdk.statistics",
    "Store": "sdk.store",
    "task": "sdk.tasks",
}

__all__ = [
    "COMPUTE",
    "NETWORK",
    "NONE",
    "WAREHOUSE",
    "CheckFailed",
    "ConfigurationError",
    "Dataset",
    "DatasetKey",
    "FanoutFailed",
    "FanoutResult",
    "Input",
    "Permanent",
    "PlatformError",
    "RetryPolicy",
    "Run",
    "Settings",
    "StorageError",
    "Store",
    "Transient",
    "alternative",
    "branch",
    "checks",
    "current_run",
    "default",
    "elsewhere",
    "fanout",
    "flow",
    "last_good",
    "record",
    "script",
    "task",
]


def __getattr__(name: str) -> Any:
    if name == "checks":
        return import_module("sdk.checks")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'sdk' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value

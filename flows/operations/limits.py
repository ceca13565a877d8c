"""What the flows are held to, as their decorators say: the watch reads it here."""

from __future__ import annotations

import logging
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import flows.customers
import flows.operations
from sdk.fallback import duration
from sdk.flows import CustomerFlow
from sdk.notices.deadlines import Limits

log = logging.getLogger(__name__)


def declared_limits() -> dict[str, Limits]:
    """Return what each customer's flows, and the platform's own, are held to, by flow name."""
    return {flow.name: _limits(flow) for flow in _flows()}


def _limits(flow: CustomerFlow[..., object]) -> Limits:
    options = flow.options
    assert options is not None
    return Limits(
        deadline=duration(options.deadline) if options.deadline else None,
        start_within=(
            duration(options.start_within) if options.start_within else Limits.start_within
        ),
        cancel=options.cancel_overdue,
        owner=options.owner,
        tier=options.tier,
        customer=options.customer,
    )


def _flows() -> Iterator[CustomerFlow[..., object]]:
    for package in (flows.customers, flows.operations):
        for module in _modules(package):
            for value in vars(module).values():
                if isinstance(value, CustomerFlow) and value.options is not None:
                    yield value


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        try:
            yield import_module(found.name)
        except Exception as error:
            # A customer's file that is broken is that customer's own failure.
            log.warning("the flows of %s are not watched: %s", found.name, error)

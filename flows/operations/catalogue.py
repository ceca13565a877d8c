"""The catalogue of customers: which there are, found by their files."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import flows.customers
from sdk.errors import ConfigurationError
from sdk.flows import CustomerFlow


def customers() -> list[str]:
    """Return the names of all customers, sorted; nothing of theirs is imported."""
    return sorted(module.name for module in pkgutil.iter_modules(flows.customers.__path__))


def daily_flow(customer: str) -> CustomerFlow[..., object]:
    """Return a customer's daily flow.

    Raises:
        ConfigurationError: there is no such customer, or its file holds no daily flow.
    """
    known = customers()
    if customer not in known:
        raise ConfigurationError(
            f"unknown customer {customer!r}",
            f"Known are: {', '.join(known)}. A new one is a file in flows/customers/.",
        )
    module = import_module(f"flows.customers.{customer}")
    for value in vars(module).values():
        if isinstance(value, CustomerFlow) and value.options and value.options.customer == customer:
            return value
    raise ConfigurationError(
        f"flows/customers/{customer}.py holds no flow of customer {customer!r}",
        f'Decorate its daily flow with @flow(customer="{customer}").',
    )

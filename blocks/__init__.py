"""Blocks: what the platform knows of other systems, as Prefect stores and shows it.

What is named here is loaded when it is asked for: the libraries of Slack and Jira take longer to
load than the SDK, and most processes speak to neither. Prefect itself loads `blocks.collection`,
which registers all block types. ``python -m blocks register`` writes types and documents to a
server.

Blocks know neither the SDK nor a flow.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from blocks.errors import DeliveryError, RateLimited, Rejected, Unavailable
    from blocks.jira import JiraProject
    from blocks.slack import Posted, SlackChannel, SlackWebhookChannel
    from blocks.ticket import Opened, Ticket
    from blocks.tickets import Tickets

_HOMES = {
    "DeliveryError": "blocks.errors",
    "JiraProject": "blocks.jira",
    "Opened": "blocks.ticket",
    "Posted": "blocks.slack",
    "RateLimited": "blocks.errors",
    "Rejected": "blocks.errors",
    "SlackChannel": "blocks.slack",
    "SlackWebhookChannel": "blocks.slack",
    "Ticket": "blocks.ticket",
    "Tickets": "blocks.tickets",
    "Unavailable": "blocks.errors",
}

__all__ = [
    "DeliveryError",
    "JiraProject",
    "Opened",
    "Posted",
    "RateLimited",
    "Rejected",
    "SlackChannel",
    "SlackWebhookChannel",
    "Ticket",
    "Tickets",
    "Unavailable",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'blocks' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value

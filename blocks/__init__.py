"""Blocks: what the platform knows of other systems, as Prefect stores and shows it.

Importing this package registers the block types with Prefect; it is the package's entry point in
the group ``prefect.collections``, so the server (for its automations), workers and notebooks know
them too. ``python -m blocks register`` writes types and documents to a server.

Blocks know neither the SDK nor a flow.
"""

from blocks.errors import DeliveryError, RateLimited, Rejected, Unavailable
from blocks.jira import JiraProject
from blocks.slack import Posted, SlackChannel, SlackWebhookChannel
from blocks.ticket import Opened, Ticket
from blocks.tickets import Tickets

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

"""Connectors: blocks for the systems that customers' data comes from and goes to.

One module or package for each, all built on `base`. Importing them imports no client library.
"""

from blocks.connectors.base import Access, Connector
from blocks.connectors.errors import ConnectorError, Interrupted, Refused, Unreachable
from blocks.connectors.sql import SqlDatabase

__all__ = [
    "Access",
    "Connector",
    "ConnectorError",
    "Interrupted",
    "Refused",
    "SqlDatabase",
    "Unreachable",
]

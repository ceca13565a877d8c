"""Connectors: blocks for the systems that customers' data comes from and goes to.

One module or package for each, all built on `base`. Importing them imports no client library.
"""

from blocks.connectors.athena import Athena, Queried
from blocks.connectors.base import Access, Connector
from blocks.connectors.dynamodb import DynamoDbTable
from blocks.connectors.emr import Emr, EmrServerless, Job
from blocks.connectors.errors import ConnectorError, Interrupted, Refused, Unreachable
from blocks.connectors.http_api import HttpApi
from blocks.connectors.http_paging import Paging
from blocks.connectors.object_store import Found, ObjectStore
from blocks.connectors.parquet import Exported
from blocks.connectors.qubole import Command, Qubole
from blocks.connectors.sftp import SftpServer
from blocks.connectors.sql import SqlDatabase

__all__ = [
    "Access",
    "Athena",
    "Command",
    "Connector",
    "ConnectorError",
    "DynamoDbTable",
    "Emr",
    "EmrServerless",
    "Exported",
    "Found",
    "HttpApi",
    "Interrupted",
    "Job",
    "ObjectStore",
    "Paging",
    "Qubole",
    "Queried",
    "Refused",
    "SftpServer",
    "SqlDatabase",
    "Unreachable",
]

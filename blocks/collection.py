"""What Prefect loads of this package: the entry point in the group ``prefect.collections``.

Loading it registers every block type, so that the server (for its automations), workers and
notebooks know them without importing anything of ours.
"""

from blocks.connectors import (
    Athena,
    DynamoDbTable,
    Emr,
    EmrServerless,
    HttpApi,
    ObjectStore,
    Qubole,
    SftpServer,
    SqlDatabase,
)
from blocks.jira import JiraProject
from blocks.slack import SlackChannel, SlackWebhookChannel

__all__ = [
    "Athena",
    "DynamoDbTable",
    "Emr",
    "EmrServerless",
    "HttpApi",
    "JiraProject",
    "ObjectStore",
    "Qubole",
    "SftpServer",
    "SlackChannel",
    "SlackWebhookChannel",
    "SqlDatabase",
]

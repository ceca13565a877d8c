"""Stand-ins for the systems that notices go to: real HTTP on loopback, the originals' answers.

    with SlackReceiver(channels=["alerts"]) as slack, JiraReceiver(projects=["OPS"]) as jira:
        client = slack_sdk.WebClient(token=slack.token, base_url=slack.api_url)

They keep what a test must see afterwards (messages, threads, tickets, comments, every request
that arrived) and misbehave on demand (`Faults`, `Receiver.down`). They are not the originals: an
endpoint that is not written down in `slack` or `jira` answers as an unknown one would.
"""

from sdk.testing.receivers.faults import Fault, Faults
from sdk.testing.receivers.jira import JiraReceiver
from sdk.testing.receivers.server import Answer, Exchange, Receiver, Request
from sdk.testing.receivers.slack import SlackReceiver

__all__ = [
    "Answer",
    "Exchange",
    "Fault",
    "Faults",
    "JiraReceiver",
    "Receiver",
    "Request",
    "SlackReceiver",
]

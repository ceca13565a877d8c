"""Notices: what is said to people about a run, and when nothing is.

Parts, apart: `decide` (pure: is this worth saying, how loud?), `fault` (what makes two failures
the same one), `build_plain`, `build_slack`, `build_jira` (the words), `outbox` and `book` (nothing
is lost, nothing is said twice), `sender` (Slack and Jira). `deadlines`, `silences` and `digest` say
what no single run can.

Where nothing is configured, notices go to the log alone, and none of the clients is imported.
"""

from sdk.notices.announcement import NOTICES, announce
from sdk.notices.notice import Notice

__all__ = ["NOTICES", "Notice", "announce"]

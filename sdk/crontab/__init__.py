"""Crontab import: an existing crontab becomes deployments of a script flow.

Why it exists: a team that moves to the platform brings years of crontabs. Rewriting them by hand
loses what cron does quietly: the `%` rule, the rule of the two day fields, variables that apply
only to the lines below them.

What it promises: a deployment runs its command at the minutes at which cron ran it (but for the
hours of a clock change, see `docs/how-to/crontab.md`), or the line is refused with the reason and
what to do. A refused line never takes another one with it. The same file gives the same bytes.

What it does not do: it runs nothing, deploys nothing, and does not read `/etc/cron.d` or a spool
folder by itself. Mail (`MAILTO`) is not sent: a failed run gives notice as every flow's does.

- `parse`: text to entries; what a line of a crontab is.
- `schedule`: five fields to one schedule; what cron means by them.
- `translate`: entries to deployments.
- `zones`: which time zones Prefect times correctly; the only part that knows Prefect.
"""

from __future__ import annotations

from sdk.crontab.parse import Crontab, Entry, NotACrontab, decode, parse
from sdk.crontab.problem import CrontabProblem, Refusal
from sdk.crontab.schedule import Schedule, read_schedule
from sdk.crontab.translate import Note, Translation, translate

__all__ = [
    "Crontab",
    "CrontabProblem",
    "Entry",
    "NotACrontab",
    "Note",
    "Refusal",
    "Schedule",
    "Translation",
    "decode",
    "parse",
    "read_schedule",
    "translate",
]

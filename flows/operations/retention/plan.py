"""What is deleted from Prefect's database, table by table, and by which statements. Pure.

Prefect 2 deletes old events by itself and nothing else: a database of a year holds every line of
every run. A delete of a million rows at once holds its locks for minutes and bloats the table; so
each statement takes a batch, by the index on its time, and is a transaction of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Rule:
    """What is old in a table.

    Attributes:
        table: its name.
        age: column by which a row is old.
        keep: for how long a row is kept.
        only: further condition, in SQL.
    """

    table: str
    age: str
    keep: timedelta
    only: str = "true"

    def statement(self) -> str:
        """Return the statement that deletes a batch: $1 is the oldest kept instant, $2 its size."""
        # Names are ours, from below; values are parameters.
        return (
            f"DELETE FROM {self.table} WHERE id IN (SELECT id FROM {self.table} "  # noqa: S608
            f"WHERE {self.age} < $1 AND {self.only} ORDER BY {self.age} LIMIT $2)"
        )

    def vacuum(self) -> str:
        """Return the statement that gives the space back to the table and renews its statistics."""
        return f"VACUUM (ANALYZE) {self.table}"


ENDED = "state_type IN ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')"


def rules(logs: timedelta, runs: timedelta, events: timedelta) -> list[Rule]:
    """Return what is deleted, in order: what refers to a run before the run.

    Args:
        logs: for how long lines of logs are kept in the database; files have them longer.
        runs: for how long runs are kept, with their states, tasks and artifacts.
        events: for how long events are kept.
    """
    return [
        Rule("log", "timestamp", logs),
        Rule("artifact", "created", runs, "key IS NULL OR flow_run_id IS NOT NULL"),
        Rule("task_run", "created", runs, ENDED),
        # Its states and what is left of its task runs go with it.
        Rule("flow_run", "created", runs, ENDED),
        Rule("event_resources", "occurred", events),
        Rule("events", "occurred", events),
    ]

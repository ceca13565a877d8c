"""Steps around connectors: another system's rows in as a dataset, a dataset's rows out.

Each is a step like any other: retries by the connector's policy, checks, fallback and statistics
come with `sdk`'s keywords (``read_table.with_options(checks=[…])``). A step takes the block
itself, ``connector(SqlDatabase, "erp")``; its secrets are masked wherever the run writes.

What a connector reads is as it is now, so a reading step always reads; where nothing changed, its
dataset stays the version that it was.
"""

from flows.connecting.documents import connector
from flows.connecting.engines import query_athena, query_qubole, run_job, run_step
from flows.connecting.files import fetch_files, send_file
from flows.connecting.records import read_api, read_items, write_items
from flows.connecting.tables import read_query, read_table, write_table

__all__ = [
    "connector",
    "fetch_files",
    "query_athena",
    "query_qubole",
    "read_api",
    "read_items",
    "read_query",
    "read_table",
    "run_job",
    "run_step",
    "send_file",
    "write_items",
    "write_table",
]

"""A SQL file as a step: DuckDB over views of the step's datasets, in this process.

Each dataset parameter is a view of its name (``<name>_<table>`` where it has several tables), and
each other parameter a DuckDB variable: ``getvariable('currency')``. Nothing is pasted into the
text. The rows of the last statement are the result. The query may not open files, URLs or
extensions of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import polars as pl

from sdk.dataset import Dataset
from sdk.errors import Permanent, Transient
from sdk.scripting.contract import plain


def run_query(
    text: str,
    parameters: Mapping[str, Any],
    *,
    name: str,
    time_limit: float | None,
    memory: int | None,
) -> pl.DataFrame:
    """Run a SQL text and return the rows of its last statement.

    Raises:
        Permanent: the query is wrong, or has no result; the database's words are in the error.
        Transient: it took longer than it may.
    """
    import duckdb

    with duckdb.connect(config={"threads": 2}) as connection:
        if memory is not None:
            connection.execute(f"set memory_limit = '{int(memory)}B'")
        for parameter, value in parameters.items():
            if not isinstance(value, Dataset):
                quoted = '"' + parameter.replace('"', '""') + '"'
                told = value if isinstance(value, bool | int | float) else plain(value)
                connection.execute(f"set variable {quoted} = ?", [told])
                continue
            for table in value.tables:
                view = parameter if value.tables == (table,) else f"{parameter}_{table}"
                connection.register(view, value.frame(table).to_arrow())
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        timer = threading.Timer(time_limit, connection.interrupt) if time_limit else None
        if timer is not None:
            timer.start()
        try:
            result = connection.execute(text)
            if result.description is None:
                raise Permanent(f"script {name} ends without a result", "End it with a SELECT.")
            return pl.DataFrame(result.to_arrow_table())
        except duckdb.InterruptException as error:
            raise Transient(
                f"script {name} had no result within {time_limit:g} s", "Give it more time."
            ) from error
        except duckdb.Error as error:
            said = " ".join(str(error).split())
            raise Permanent(f"script {name}: {said}", "Correct the query or its inputs.") from error
        finally:
            if timer is not None:
                timer.cancel()

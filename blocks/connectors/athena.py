"""Athena: a query's rows as Parquet, what it cost, and its end when nobody waits any more.

Two ways out. `export` reads the result page by page, typed by what Athena says of its columns:
for results of up to some hundred thousand rows. `unload` has Athena itself write Parquet into a
folder of S3, in parallel: for everything larger.

Athena's price is by bytes scanned, at least 10 MB a query; a cancelled query costs what it had
scanned. What a query scanned and cost is in what both ways return.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic.v1 import Field

from blocks.connectors.aws import AwsConnector
from blocks.connectors.base import follow
from blocks.connectors.errors import Interrupted, Refused, Unreachable
from blocks.connectors.parquet import BATCH, Exported, batch_of, in_batches, parquet_file
from blocks.connectors.running import stoppable

if TYPE_CHECKING:
    import pyarrow as pa

LEAST_BILLED = 10 * 2**20
"""Bytes: Athena bills 10 MB for a query that scans less (Amazon Athena pricing)."""
TERABYTE = 2**40
PAGE = 1000
"""Rows in a page of results: what Athena gives at most."""


@dataclass(frozen=True, slots=True)
class Queried:
    """What a query did.

    Attributes:
        query_id: Athena's.
        scanned: bytes read.
        cost: in the currency of the block's price.
        url: of the file or folder of its rows.
        rows: as far as they are known: None after `unload`, which counts none.
    """

    query_id: str
    scanned: int
    cost: Decimal
    url: str
    rows: int | None


class Athena(AwsConnector):
    """Athena queries in a workgroup.

    Args:
        workgroup: in which queries run; its own limits hold.
        output: folder of S3 for results; none where the workgroup says it.
        database: that names without one belong to.
        price: of a terabyte scanned, for the cost shown.
        poll: seconds between the first looks.
    """

    _block_type_name = "Athena"
    _block_type_slug = "athena"
    policy: ClassVar[Literal["network", "warehouse"]] = "warehouse"

    workgroup: str = Field(default="primary", description="In which queries run.")
    output: str | None = Field(
        default=None, description="Folder of S3 for results; none where the workgroup says it."
    )
    database: str = Field(default="default", description="That names without one belong to.")
    price: Decimal = Field(default=Decimal(5), description="Of a terabyte scanned.")
    poll: float = Field(default=0.5, gt=0, description="Seconds between the first looks.")

    def where(self) -> str:
        """Return what is connected to, for logs and errors; no secrets."""
        return f"Athena {self.workgroup} in {self.region}"

    def export(self, query: str, to: str | Path, *, parameters: Sequence[str] = ()) -> Queried:
        """Write a query's rows to a Parquet file, page by page, whole or not at all.

        Args:
            query: with ``?`` for parameters.
            to: a path, or anything that fsspec opens.
            parameters: values, as Athena takes them: text in quotes, numbers as they are.

        Raises:
            Refused: the query, a table or a right does not do.
            Unreachable: Athena is away, or the query took longer than it may.
            Interrupted: somebody stopped the query.
        """
        done = self._run(query, parameters)
        exported = self._fetch(done["QueryExecutionId"], to)
        return self._queried(done, exported.url, exported.rows)

    def unload(self, query: str, to: str, *, parameters: Sequence[str] = ()) -> Queried:
        """Have Athena write a query's rows as Parquet files into an empty folder of S3.

        Args:
            query: a SELECT, with ``?`` for parameters.
            to: ``s3://bucket/folder/``; Athena refuses one that is not empty.
            parameters: values, as Athena takes them.
        """
        if not to.startswith("s3://") or "'" in to:
            raise Refused(f"{to!r} is no folder of S3", "Write it as s3://bucket/folder/.")
        folder = to if to.endswith("/") else f"{to}/"
        statement = f"UNLOAD ({query.rstrip().rstrip(';')}) TO '{folder}' WITH (format = 'PARQUET')"
        return self._queried(self._run(statement, parameters), folder, None)

    def cost(self, scanned: int) -> Decimal:
        """Return what scanning so many bytes costs, rounded to a millionth."""
        billed = max(scanned, LEAST_BILLED) if scanned else 0
        return (self.price * billed / TERABYTE).quantize(Decimal("0.000001"))

    def _run(self, query: str, parameters: Sequence[str]) -> dict[str, Any]:
        client = self.client("athena")
        request: dict[str, Any] = {
            "QueryString": query,
            "QueryExecutionContext": {"Database": self.database},
            "WorkGroup": self.workgroup,
        }
        if self.output:
            request["ResultConfiguration"] = {"OutputLocation": self.output}
        if parameters:
            request["ExecutionParameters"] = list(parameters)
        with self.explained("start the query"):
            query_id = str(client.start_query_execution(**request)["QueryExecutionId"])
        seen: dict[str, Any] = {}

        def ended() -> bool:
            with self.explained(f"follow query {query_id}"):
                answer = client.get_query_execution(QueryExecutionId=query_id)
            seen.update(answer["QueryExecution"])
            return seen["Status"]["State"] in ("SUCCEEDED", "FAILED", "CANCELLED")

        def stop() -> None:
            client.stop_query_execution(QueryExecutionId=query_id)

        what = f"Athena query {query_id}"
        with stoppable(what, stop):
            follow(ended, what=what, limit=self.time_limit, interval=self.poll)
        return self._succeeded(seen)

    def _succeeded(self, seen: dict[str, Any]) -> dict[str, Any]:
        status, query_id = seen["Status"], seen["QueryExecutionId"]
        if status["State"] == "SUCCEEDED":
            return seen
        said = self.cleaned(status.get("StateChangeReason", ""))
        if status["State"] == "CANCELLED":
            raise Interrupted(f"Athena query {query_id} was cancelled: {said}", "See who did.")
        # Athena says itself whether the same query may do better later.
        if status.get("AthenaError", {}).get("Retryable"):
            raise Unreachable(f"Athena query {query_id} failed: {said}", "It is tried again.")
        raise Refused(f"Athena query {query_id} failed: {said}", "Correct the query.")

    def _fetch(self, query_id: str, to: str | Path) -> Exported:
        client = self.client("athena")
        with self.explained(f"fetch the rows of query {query_id}"):
            pages = client.get_paginator("get_query_results").paginate(
                QueryExecutionId=query_id, PaginationConfig={"PageSize": PAGE}
            )
            first = next(it := iter(pages))
            info = first["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
            schema, readers = _schema(info)
            rows = _rows(first, it, [column["Name"] for column in info])
            with parquet_file(to, schema) as growing:
                for part in in_batches(rows, BATCH):
                    plain = [_read(readers, row) for row in part]
                    growing.write(batch_of(plain, schema, f"Athena query {query_id}"))
        assert growing.exported is not None
        return growing.exported

    def _queried(self, done: dict[str, Any], url: str, rows: int | None) -> Queried:
        scanned = int(done.get("Statistics", {}).get("DataScannedInBytes", 0))
        return Queried(done["QueryExecutionId"], scanned, self.cost(scanned), url, rows)

    def _check(self) -> str:
        client = self.client("athena")
        with self.explained("read the workgroup"):
            found = client.get_work_group(WorkGroup=self.workgroup)["WorkGroup"]
        if found.get("State") == "DISABLED":
            raise Refused(f"{self.where()} is disabled", "Enable the workgroup, or name another.")
        return f"{self.where()}: the workgroup is there and may be read"


def _rows(first: Any, more: Iterator[Any], names: Sequence[str]) -> Iterator[list[str | None]]:
    """Yield the rows of all pages; the first row of a SELECT is its header."""
    for number, page in enumerate([first]):
        rows = [_values(row) for row in page["ResultSet"]["Rows"]]
        yield from rows[1:] if number == 0 and rows and rows[0] == list(names) else rows
    for page in more:
        yield from (_values(row) for row in page["ResultSet"]["Rows"])


def _values(row: Any) -> list[str | None]:
    return [datum.get("VarCharValue") for datum in row["Data"]]


def _read(readers: Sequence[Any], row: Sequence[str | None]) -> list[Any]:
    return [None if v is None else read(v) for read, v in zip(readers, row, strict=True)]


def _schema(info: Sequence[Any]) -> tuple[pa.Schema, list[Any]]:
    """Return the Arrow schema of Athena's columns, and what reads each column's text."""
    import pyarrow as pa

    known: dict[str, tuple[Any, Any]] = {
        "boolean": (pa.bool_(), lambda text: text == "true"),
        "tinyint": (pa.int8(), int),
        "smallint": (pa.int16(), int),
        "integer": (pa.int32(), int),
        "bigint": (pa.int64(), int),
        "float": (pa.float32(), float),
        "real": (pa.float32(), float),
        "double": (pa.float64(), float),
        "date": (pa.date32(), date.fromisoformat),
        "timestamp": (pa.timestamp("us"), datetime.fromisoformat),
    }
    fields, readers = [], []
    for column in info:
        kind, read = known.get(column["Type"], (pa.string(), str))
        if column["Type"] == "decimal":
            kind, read = pa.decimal128(column["Precision"], column["Scale"]), Decimal
        fields.append(pa.field(column["Name"], kind))
        readers.append(read)
    return pa.schema(fields), readers

"""A SQL database as a block: read to Parquet as a stream, load in bulk, all in one transaction.

Reading holds `batch` rows at a time, whatever the table's size: PostgreSQL by a named cursor,
MySQL and MariaDB by an unbuffered one. Loading is one transaction, so that a reader over there
sees the rows before or the rows after. A statement that is not done when the run is cancelled, or
when its time is over, is stopped over there.

Text of queries is the caller's; values belong into parameters (``:name``), never into the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic.v1 import Field, SecretStr

from blocks.connectors.base import Connector
from blocks.connectors.errors import ConnectorError
from blocks.connectors.parquet import BATCH, Exported

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    from sqlalchemy.engine import Connection, Engine

How = Literal["append", "replace", "upsert"]


class SqlDatabase(Connector):
    """A PostgreSQL, MySQL or MariaDB database.

    Args:
        dialect: ``postgresql``, or ``mysql`` (also MariaDB).
        host: of the server.
        port: by default the dialect's own.
        database: name of the database.
        user: who connects.
        password: the user's.
        tls: ``disable``, ``prefer``, ``require`` (whoever answers), or ``verify-full``.
        timeout: seconds to connect.
        time_limit: seconds for a statement.
    """

    _block_type_name = "SQL Database"
    _block_type_slug = "sql-database"
    policy: ClassVar[Literal["network", "warehouse"]] = "warehouse"

    dialect: Literal["postgresql", "mysql"] = Field(default=..., description="Which SQL.")
    host: str = Field(default=..., description="Of the server.")
    port: int | None = Field(default=None, description="By default the dialect's own.")
    database: str = Field(default=..., description="Name of the database.")
    user: str = Field(default=..., description="Who connects.")
    password: SecretStr | None = Field(default=None, description="The user's password.")
    tls: Literal["disable", "prefer", "require", "verify-full"] = Field(
        default="prefer", description="Whether the connection is encrypted, and who is believed."
    )

    def where(self) -> str:
        """Return what is connected to, for logs and errors; no secrets."""
        return f"{self.dialect}://{self.host}/{self.database} as {self.user}"

    def export(
        self,
        query: str,
        to: str | Path,
        *,
        parameters: Mapping[str, Any] | None = None,
        batch: int = BATCH,
        storage_options: Mapping[str, Any] | None = None,
    ) -> Exported:
        """Write a query's rows to a Parquet file, in bounded memory, whole or not at all.

        Args:
            query: SQL, with ``:name`` for parameters.
            to: a path, or anything that fsspec opens.
            parameters: of the query.
            batch: rows held at a time; also the file's row groups.
            storage_options: for fsspec.

        Raises:
            Refused: the query, a table, a right or a type does not do.
            Unreachable: the database is away, broke off, or took too long.
            Interrupted: somebody stopped the statement.
        """
        from blocks.connectors.parquet import parquet_file

        with self._streamed(query, parameters, batch) as (schema, batches):
            with parquet_file(to, schema, storage_options) as growing:
                for one in batches:
                    growing.write(one)
            assert growing.exported is not None
            return growing.exported

    def export_table(
        self,
        table: str,
        to: str | Path,
        *,
        columns: Sequence[str] = (),
        where: Mapping[str, Any] | None = None,
        batch: int = BATCH,
        storage_options: Mapping[str, Any] | None = None,
    ) -> Exported:
        """Write a table's rows to a Parquet file; names are quoted, values are parameters.

        Args:
            table: perhaps with its schema.
            to: a path, or anything that fsspec opens.
            columns: only these; all by default.
            where: column to the value that it must have.
            batch: rows held at a time.
            storage_options: for fsspec.
        """
        preparer = self._engine().dialect.identifier_preparer

        def quote(name: str) -> str:
            return preparer.quote(name).replace(":", r"\:")  # else text() takes it for a parameter

        named = ".".join(quote(part) for part in table.split("."))
        wanted = ", ".join(quote(column) for column in columns) or "*"
        given = dict(where or {})
        condition = " and ".join(f"{quote(name)} = :w{n}" for n, name in enumerate(given))
        query = f"select {wanted} from {named}{f' where {condition}' if given else ''}"  # noqa: S608
        return self.export(
            query,
            to,
            parameters={f"w{n}": value for n, value in enumerate(given.values())},
            batch=batch,
            storage_options=storage_options,
        )

    def batches(
        self, query: str, *, parameters: Mapping[str, Any] | None = None, batch: int = BATCH
    ) -> Iterator[pa.RecordBatch]:
        """Yield a query's rows as Arrow record batches; see `export`."""
        with self._streamed(query, parameters, batch) as (_, batches):
            yield from batches

    def write(
        self,
        table: str,
        rows: pl.DataFrame | Path,
        *,
        how: How = "append",
        keys: Sequence[str] = (),
        where: Mapping[str, Any] | None = None,
    ) -> int:
        """Write rows into a table, in one transaction; return how many.

        Args:
            table: which is there, perhaps with its schema: ``prices.offers``.
            rows: a frame, or a Parquet file, which is read in batches.
            how: ``append``; ``replace`` what `where` names (everything, where it names nothing),
                so that loading a day twice changes nothing; or ``upsert`` by `keys`.
            keys: columns that are unique over there, for ``upsert``.
            where: column to value, of the rows that ``replace`` removes first.

        Raises:
            Refused: the table, a column, a key, a right or a value does not do.
            Unreachable: the database is away, broke off, or took too long.
        """
        from blocks.connectors.sql.loading import write

        with self.connected() as (engine, connection), connection.begin():
            return write(self, engine, connection, table, rows, how, keys, where or {})

    def execute(self, statement: str, *, parameters: Mapping[str, Any] | None = None) -> int:
        """Carry out a statement in a transaction of its own; return how many rows it concerned."""
        from sqlalchemy import text

        with self.connected() as (_, connection), connection.begin():
            return int(connection.execute(text(statement), dict(parameters or {})).rowcount)

    @contextmanager
    def connected(self) -> Iterator[tuple[Engine, Connection]]:
        """Connect; statements on the connection are stopped with the run, and limited.

        Raises:
            ConnectorError: in the body, for everything that the driver raises there.
        """
        from blocks.connectors.running import stoppable
        from blocks.connectors.sql.dialects import DIALECTS

        dialect, engine = DIALECTS[self.dialect], self._engine()
        with self._explained(), engine.connect() as connection:
            dialect.limit(connection, self.time_limit)
            connection.commit()  # a rollback would take the limit back
            stop = dialect.stopper(engine, connection.connection.driver_connection)
            with stoppable(f"statement on {self.where()}", stop):
                yield engine, connection

    @contextmanager
    def _streamed(
        self, query: str, parameters: Mapping[str, Any] | None, batch: int
    ) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
        from blocks.connectors.sql.reading import streamed

        with (
            self.connected() as (_, connection),
            streamed(self, connection, query, parameters or {}, batch) as stream,
        ):
            yield stream

    def _check(self) -> str:
        with self.connected() as (_, connection):
            said = str(connection.exec_driver_sql("select version()").scalar())
        return f"{self.where()}: connected, and asked for the version ({said.split(',')[0]})"

    def _engine(self) -> Engine:
        from sqlalchemy import URL, create_engine
        from sqlalchemy.pool import NullPool

        from blocks.connectors.sql.dialects import DIALECTS, Limits

        dialect = DIALECTS[self.dialect]
        return create_engine(
            URL.create(
                dialect.driver,
                username=self.user,
                password=self.password.get_secret_value() if self.password else None,
                host=self.host,
                port=self.port or dialect.port,
                database=self.database,
            ),
            poolclass=NullPool,
            hide_parameters=True,
            connect_args=dialect.connect_args(self.tls, Limits(self.timeout, self.time_limit)),
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        from sqlalchemy.exc import DBAPIError, SQLAlchemyError

        from blocks.connectors.sql.answers import meaning

        try:
            yield
        except ConnectorError:
            raise
        except DBAPIError as error:
            own = error.orig or error
            raise meaning(own, self.where(), self.cleaned(own), self.time_limit) from error
        except (SQLAlchemyError, OSError) as error:
            raise meaning(error, self.where(), self.cleaned(error), self.time_limit) from error
        except Exception as error:
            # COPY and unbuffered cursors are the driver's own, past SQLAlchemy.
            if type(error).__module__.split(".")[0] not in ("psycopg", "pymysql"):
                raise
            raise meaning(error, self.where(), self.cleaned(error), self.time_limit) from error

"""SQL databases: PostgreSQL, and MySQL or MariaDB; streamed to Parquet, loaded in bulk."""

from blocks.connectors.sql.database import SqlDatabase

__all__ = ["SqlDatabase"]

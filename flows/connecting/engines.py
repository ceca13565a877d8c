"""Queries and jobs of Athena, EMR and Qubole as steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import polars as pl

from blocks.connectors import Athena, Emr, EmrServerless, Qubole
from flows.connecting.landing import landed
from sdk import WAREHOUSE, record, task

QueryKind = Literal["HiveCommand", "PrestoCommand", "SparkCommand"]


@task(dataset="{dataset}", retry=WAREHOUSE)
def query_athena(
    athena: Athena, query: str, dataset: str = "rows", parameters: Sequence[str] = ()
) -> pl.DataFrame:
    """Publish the rows of an Athena query as a dataset; what it scanned and cost is recorded.

    Args:
        athena: which workgroup.
        query: with ``?`` for parameters.
        dataset: name of the dataset.
        parameters: values, as Athena takes them: text in quotes.
    """

    def export(file: Path) -> None:
        done = athena.export(query, file, parameters=parameters)
        record(
            source=athena.where(),
            query_id=done.query_id,
            bytes_scanned=done.scanned,
            cost=float(done.cost),
        )

    return landed(export)


@task(dataset="{dataset}", retry=WAREHOUSE)
def query_qubole(
    qubole: Qubole,
    query: str,
    schema: Mapping[str, str],
    dataset: str = "rows",
    kind: QueryKind = "HiveCommand",
) -> pl.DataFrame:
    """Publish the rows of a Qubole query as a dataset.

    Args:
        qubole: which account.
        query: of Hive, Presto or Spark SQL.
        schema: the query's columns, in order, with their types.
        dataset: name of the dataset.
        kind: Qubole's type of command.
    """
    record(source=qubole.where())
    return landed(lambda file: qubole.export(query, file, schema=schema, kind=kind))


@task(retry=WAREHOUSE)
def run_step(emr: Emr, name: str, arguments: Sequence[str]) -> str:
    """Run a command as a step of an EMR cluster; return the step's id.

    A step that is tried again runs again: let the job write to a place that it replaces.

    Args:
        emr: which cluster.
        name: of the step.
        arguments: ``["spark-submit", "s3://bucket/job.py", …]``.
    """
    record(source=emr.where())
    return emr.run(name, arguments).job_id


@task(retry=WAREHOUSE)
def run_job(
    emr: EmrServerless,
    name: str,
    entry_point: str,
    arguments: Sequence[str] = (),
    spark: Mapping[str, str] | None = None,
) -> str:
    """Run a Spark job on EMR Serverless; return the job run's id.

    Args:
        emr: which application.
        name: of the job run.
        entry_point: ``s3://bucket/job.py`` or a jar.
        arguments: of the program.
        spark: Spark's own settings.
    """
    record(source=emr.where())
    return emr.run(name, entry_point, arguments, spark=spark).job_id

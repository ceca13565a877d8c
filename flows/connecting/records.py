"""Records of an HTTP API or of DynamoDB in as a dataset, and a dataset's rows out to DynamoDB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from blocks.connectors import DynamoDbTable, HttpApi, Paging
from flows.connecting.landing import landed
from sdk import NETWORK, Dataset, record, task


@task(dataset="{dataset}", retry=NETWORK)
def read_api(
    api: HttpApi,
    path: str,
    schema: Mapping[str, str],
    dataset: str = "records",
    parameters: Mapping[str, Any] | None = None,
    paging: Paging | None = None,
    at: str = "",
) -> pl.DataFrame:
    """Publish the records of all pages of an API as a dataset.

    Args:
        api: which.
        path: below the block's address.
        schema: key of a record (joined by dots for nested ones) to the type of its column.
        dataset: name of the dataset.
        parameters: of the query.
        paging: how the API gives its pages.
        at: keys to the list of records in an answer, joined by dots.
    """
    record(source=f"{api.where()}/{path}")
    return landed(
        lambda file: api.export(
            path, file, schema=schema, parameters=parameters, paging=paging, at=at
        )
    )


@task(dataset="{dataset}", retry=NETWORK)
def read_items(
    table: DynamoDbTable, schema: Mapping[str, str], dataset: str = "items"
) -> pl.DataFrame:
    """Publish all items of a DynamoDB table as a dataset.

    Args:
        table: which.
        schema: attribute to the type of its column.
        dataset: name of the dataset.
    """
    record(source=table.where())
    return landed(lambda file: table.export(file, schema=schema))


@task(retry=NETWORK)
def write_items(table: DynamoDbTable, rows: Dataset, part: str | None = None) -> int:
    """Put a dataset's rows as items, each in the place of what has its key; return how many.

    Args:
        table: which.
        rows: the dataset; its columns are attributes, nulls are left out.
        part: which table of the dataset, where it has several.
    """
    record(target=table.where())
    return table.write(rows.frame(part).iter_rows(named=True))

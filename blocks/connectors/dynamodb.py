"""DynamoDB: items written in batches with patience, put on a condition, and scanned to Parquet.

A batch write that DynamoDB takes only in part is no error over there: what it left is in the
answer, and is lost unless somebody sends it again. So it is sent again here, with exponential
back-off and full jitter, until it is taken or the time limit passes.

Writing an item twice gives the same item, so a batch may be tried again as a whole.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic.v1 import Field

from blocks.connectors.aws import AwsConnector
from blocks.connectors.base import library
from blocks.connectors.errors import Refused, Unreachable
from blocks.connectors.parquet import (
    BATCH,
    Exported,
    batch_of,
    columns,
    in_batches,
    parquet_file,
)

BATCH_ITEMS = 25
"""Items in a batch write: what DynamoDB takes at most."""
FIRST_WAIT, LONGEST_WAIT = 0.05, 10.0
"""Seconds, bounds of the wait before what was left is sent again; doubled each time."""


class DynamoDbTable(AwsConnector):
    """A table of DynamoDB.

    Args:
        table: its name.
    """

    _block_type_name = "DynamoDB Table"
    _block_type_slug = "dynamodb-table"
    policy: ClassVar[Literal["network", "warehouse"]] = "network"

    table: str = Field(default=..., description="Name of the table.")

    def where(self) -> str:
        """Return what is connected to, for logs and errors; no secrets."""
        return f"DynamoDB {self.table} in {self.region}"

    def write(self, items: Iterable[Mapping[str, Any]]) -> int:
        """Put items, each whole in the place of what has its key; return how many.

        Args:
            items: plain values; floats become decimals by their shortest text, dates ISO text,
                and what is None is left out.

        Raises:
            Unreachable: the table did not take all of it in time; says how many it took.
            Refused: an item, the table or a right does not do.
        """
        client, end, written = self.client("dynamodb"), time.monotonic() + self.time_limit, 0
        for batch in in_batches(items, BATCH_ITEMS):
            left = [{"PutRequest": {"Item": _typed(item)}} for item in batch]
            attempt = 0
            while left:
                with self.explained("write a batch"):
                    answer = client.batch_write_item(RequestItems={self.table: left})
                before, left = len(left), answer.get("UnprocessedItems", {}).get(self.table, [])
                written += before - len(left)
                if left:
                    self._wait(attempt, end, written)
                    attempt = 0 if len(left) < before else attempt + 1
        return written

    def put_if(
        self,
        item: Mapping[str, Any],
        condition: str,
        *,
        values: Mapping[str, Any] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> bool:
        """Put an item if a condition holds over there; return whether it did.

        Args:
            item: plain values, as for `write`.
            condition: DynamoDB's expression: ``attribute_not_exists(sku)``, ``version = :seen``.
            values: of the expression, by ``:name``.
            names: of the expression, by ``#name``, for words that DynamoDB reserves.
        """
        request: dict[str, Any] = {
            "TableName": self.table,
            "Item": _typed(item),
            "ConditionExpression": condition,
        }
        if values:
            request["ExpressionAttributeValues"] = _typed(values)
        if names:
            request["ExpressionAttributeNames"] = dict(names)
        client = self.client("dynamodb")
        with self.explained("put an item on a condition"):
            try:
                client.put_item(**request)
            except client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def put_new(self, item: Mapping[str, Any], key: str) -> bool:
        """Put an item unless one with its key is there; return whether it was put.

        Args:
            item: plain values, as for `write`.
            key: name of the table's partition key.
        """
        return self.put_if(item, "attribute_not_exists(#key)", names={"#key": key})

    def export(self, to: str | Path, *, schema: Mapping[str, str]) -> Exported:
        """Write all items to a Parquet file, in bounded memory, whole or not at all.

        Args:
            to: a path, or anything that fsspec opens.
            schema: attribute to the type of its column (see `parquet.columns`). Items need not
                have all of them; maps and lists become JSON where the column is a string.

        Raises:
            Refused: an attribute does not fit its column; names it.
            Unreachable: the table is away, or the scan took longer than it may.
        """
        arrow = columns(schema)
        with parquet_file(to, arrow) as growing:
            for part in in_batches(self._scan(schema), BATCH):
                growing.write(batch_of(part, arrow, self.where()))
        assert growing.exported is not None
        return growing.exported

    def _scan(self, schema: Mapping[str, str]) -> Iterator[list[Any]]:
        end = time.monotonic() + self.time_limit
        client = self.client("dynamodb")
        plain = library("boto3.dynamodb.types").TypeDeserializer().deserialize
        aliases = {f"#c{number}": name for number, name in enumerate(schema)}
        pages = iter(
            client.get_paginator("scan").paginate(
                TableName=self.table,
                ProjectionExpression=", ".join(aliases),
                ExpressionAttributeNames=aliases,
            )
        )
        while True:
            with self.explained("scan"):
                page = next(pages, None)
            if page is None:
                return
            if time.monotonic() > end:
                raise Unreachable(
                    f"{self.where()} was not scanned within {self.time_limit:g} s",
                    "Give the connector's time_limit more.",
                )
            for item in page["Items"]:
                row = {name: plain(value) for name, value in item.items()}
                yield [_column(row.get(name), kind) for name, kind in schema.items()]

    def _wait(self, attempt: int, end: float, written: int) -> None:
        bound = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempt, 20))
        wait = random.uniform(0, bound)  # noqa: S311 - jitter
        if time.monotonic() + wait > end:
            raise Unreachable(
                f"{self.where()} took {written} items and no more within {self.time_limit:g} s",
                "Give the table more write capacity, or the connector's time_limit more.",
            )
        time.sleep(wait)

    def _check(self) -> str:
        client = self.client("dynamodb")
        with self.explained("describe the table"):
            found = client.describe_table(TableName=self.table)["Table"]
        if found["TableStatus"] not in ("ACTIVE", "UPDATING"):
            raise Refused(f"{self.where()} is {found['TableStatus']}", "Wait, or see to it.")
        return f"{self.where()}: the table is {found['TableStatus'].lower()} and may be described"


def _typed(item: Mapping[str, Any]) -> dict[str, Any]:
    typed = library("boto3.dynamodb.types").TypeSerializer().serialize
    made = {}
    for name, value in item.items():
        if value is None:
            continue
        try:
            made[name] = typed(_storable(value))
        except (TypeError, ArithmeticError) as error:
            raise Refused(
                f"attribute {name}: DynamoDB cannot hold this {type(value).__name__}",
                "Write text, a number of up to 38 digits, bytes, a list or a map.",
            ) from error
    return made


def _storable(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, Mapping):
        return {str(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def _column(value: Any, kind: str) -> Any:
    text = kind == "string"
    if isinstance(value, Decimal):
        if text:
            return str(value)
        if kind in ("double", "float"):
            return float(value)
        return int(value) if value == value.to_integral_value() else value
    if isinstance(value, set):
        value = sorted(value)
    if text and isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    # Of DynamoDB's binary type, whose bytes are inside.
    return getattr(value, "value", value)

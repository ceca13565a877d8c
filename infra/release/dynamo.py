"""The store in DynamoDB: an item for each document, written on the condition of its revision."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.release.store import ConflictError, Document

KEY: Final = "release"
"""The table's partition key, as `infra.stacks.data` makes it."""


class DynamoStore:
    """Documents in a table.

    Args:
        client: boto3's, of DynamoDB.
        table: its name.
    """

    def __init__(self, client: Any, table: str) -> None:
        self._client, self._table = client, table

    def read(self, key: str) -> Document:
        """Return a document as it is now: a consistent read."""
        found = self._client.get_item(
            TableName=self._table, Key={KEY: {"S": key}}, ConsistentRead=True
        ).get("Item")
        if not found:
            return Document({}, 0)
        return Document(json.loads(found["value"]["S"]), int(found["revision"]["N"]))

    def write(self, key: str, value: dict[str, Any], revision: int) -> int:
        """Write a document if its revision is this one."""
        made = {KEY: {"S": key}, "value": {"S": json.dumps(value)},
                "revision": {"N": str(revision + 1)}}  # fmt: skip
        asked: dict[str, Any] = {
            "ConditionExpression": "attribute_not_exists(#key)",
            "ExpressionAttributeNames": {"#key": KEY},
        }
        if revision:
            asked = {
                "ConditionExpression": "#revision = :revision",
                "ExpressionAttributeNames": {"#revision": "revision"},
                "ExpressionAttributeValues": {":revision": {"N": str(revision)}},
            }
        try:
            self._client.put_item(TableName=self._table, Item=made, **asked)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            # A request that was carried out, and whose answer was lost, is repeated by boto3.
            found = self.read(key)
            if found.revision != revision + 1 or found.value != value:
                raise ConflictError(key) from None
        return revision + 1

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Say that others may be driving: the lease decides."""
        yield False

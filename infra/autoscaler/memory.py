"""What a fleet remembers between invocations, in one DynamoDB item that is claimed to be changed.

The item has a version. A decision is stored *before* it is carried out, on the condition that the
version is still the one that was read: of two invocations at once, one decides and the other finds
the item changed and does nothing. If the winner dies before it acts, nothing is lost but one
decision; the next one starts from what the group and Prefect say, not from what was intended.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.autoscaler.forecast import History
from infra.autoscaler.observation import RunTime
from infra.autoscaler.policy import NEVER, State

FORMAT: Final = 1
"""Of the item's body; another one is forgotten rather than misread."""


class ConflictError(Exception):
    """Another invocation has stored a decision since this one read the item."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The item.

    Attributes:
        version: how often it has been stored; 0 before the first time.
        moment: the scheduled time of the last event that was decided upon.
        state: the policy's.
        run_times: by flow, and when they were read.
        run_times_at: see there.
    """

    version: int = 0
    moment: float = 0.0
    state: State = field(default_factory=State)
    run_times: dict[str, RunTime] = field(default_factory=dict)
    run_times_at: float = 0.0


class Memory:
    """The items of one table, whose partition key is the string ``fleet``."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def load(self, fleet: str) -> Remembered:
        """Read what is remembered of a fleet; nothing, the first time."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key={"fleet": {"S": fleet}}, ConsistentRead=True
        )
        item = answer.get("Item")
        if item is None:
            return Remembered()
        return decode(int(item["version"]["N"]), item["body"]["S"])

    def store(self, fleet: str, remembered: Remembered) -> Remembered:
        """Store the next version; return it.

        Raises:
            ConflictError: the item is no longer the one that was read.
        """
        stored = replace(remembered, version=remembered.version + 1)
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item={
                    "fleet": {"S": fleet},
                    "version": {"N": str(stored.version)},
                    "body": {"S": encode(stored)},
                },
                ConditionExpression="attribute_not_exists(fleet) OR version = :read",
                ExpressionAttributeValues={":read": {"N": str(remembered.version)}},
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
                raise
            raise ConflictError(f"{fleet}: another invocation has decided") from error
        return stored


def encode(remembered: Remembered) -> str:
    """Write what is remembered as JSON."""
    state = remembered.state
    body: dict[str, Any] = {
        "format": FORMAT,
        "moment": remembered.moment,
        "at": None if state.at == NEVER else state.at,
        "launched_at": None if state.launched_at == NEVER else state.launched_at,
        "surplus_since": state.surplus_since,
        "history_at": state.history.at,
        "samples": state.history.samples,
        "run_times_at": remembered.run_times_at,
        "run_times": {
            flow: (found.median, found.spread)
            for flow, found in sorted(remembered.run_times.items())
        },
    }
    return json.dumps(body, separators=(",", ":"))


def decode(version: int, text: str) -> Remembered:
    """Read it again; an unknown format is forgotten, its version kept."""
    body = json.loads(text)
    if body.get("format") != FORMAT:
        return Remembered(version=version)
    state = State(
        at=NEVER if body["at"] is None else body["at"],
        history=History(
            body["history_at"], tuple((seconds, count) for seconds, count in body["samples"])
        ),
        surplus_since=body["surplus_since"],
        launched_at=NEVER if body["launched_at"] is None else body["launched_at"],
    )
    run_times = {flow: RunTime(*pair) for flow, pair in body["run_times"].items()}
    return Remembered(version, body["moment"], state, run_times, body["run_times_at"])

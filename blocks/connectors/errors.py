"""What a connector raises: one class for each next move.

`Refused`: the other side understood and said no; somebody has to act. `Unreachable`: ask again
later, after `retry_after` where it said when. `Interrupted`: the query or job was stopped, by us
or by somebody over there; asking again would undo what they meant.

The SDK reads `retryable` and `retry_after` off the class and the error (`sdk.errors`), so a step
needs no translation of its own.
"""

from __future__ import annotations

from typing import ClassVar


class ConnectorError(Exception):
    """Something asked of another system did not come about: what is wrong, and what to do.

    Args:
        problem: what is wrong, naming the system and the thing; never a secret.
        action: what whoever reads it should do.
        retry_after: seconds that the other side asked to wait, if it did.
    """

    retryable: ClassVar[bool] = False

    def __init__(self, problem: str, action: str = "", retry_after: float | None = None) -> None:
        super().__init__(problem, action, retry_after)
        self.problem = problem
        self.action = action
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.problem}\n{self.action}" if self.action else self.problem


class Refused(ConnectorError):
    """Asking again cannot help: wrong password, no permission, no such table, a wrong query."""


class Unreachable(ConnectorError):
    """No answer, or none within the time limit, or the other side is busy or broke off."""

    retryable = True


class Interrupted(ConnectorError):
    """It was stopped before its end, by us or over there."""

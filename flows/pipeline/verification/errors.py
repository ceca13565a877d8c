"""What can go wrong at the reviewers' desk, in words that say what to do."""

from __future__ import annotations


class ReviewError(ValueError):
    """Something asked of the desk cannot be done.

    Args:
        problem: what is wrong, naming the thing.
        action: what to do about it.
    """

    def __init__(self, problem: str, action: str) -> None:
        super().__init__(f"{problem}\n{action}")
        self.problem = problem
        self.action = action


class BadAnswer(ReviewError):
    """An answer does not fit its task: an unknown verdict, no candidate, a factor of nothing."""


class Refused(ReviewError):
    """It came too late, or to the wrong desk: the task has another holder, or is settled."""


class Unknown(ReviewError):
    """There is no such task, decision or batch."""


class NotAllowed(ReviewError):
    """It takes a lead."""


class DatabaseUnavailable(ReviewError):
    """The database does not answer; a later attempt may succeed."""


class DatabaseUnusable(ReviewError):
    """The database answers and is not ours: a wrong address, or another version's tables."""


class BadSettings(ReviewError):
    """The desk is set up wrongly; what is said quotes no secret."""

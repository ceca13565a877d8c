"""What can be wrong with the input of matching, in words that say what to do.

Purely typed refusals: everything that can be answered sensibly (an empty table, a row of nulls)
is answered; what cannot (no column with names, an id twice) is refused before any work is done.
"""

from __future__ import annotations


class MatchingError(ValueError):
    """A table, a list of pairs or a model cannot be used; the message says what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}. {remedy}")
        self.problem = problem
        self.remedy = remedy


class TableError(MatchingError):
    """A table of products cannot be read as one."""


class PairsError(MatchingError):
    """Labelled or asked pairs do not fit the tables."""


class ModelError(MatchingError):
    """A saved model is missing, damaged, or of another format."""

"""Errors of capture: each names what is wrong and what to do about it, in two lines."""

from __future__ import annotations


class CaptureError(ValueError):
    """Something cannot be used.

    Args:
        problem: what is wrong, naming the thing.
        action: what to do about it.
        file: the file's name, where it is about one.
        line: the line in it, from 1; 0 where it is about no line.
        field: the field, where it is about one.
    """

    def __init__(
        self, problem: str, action: str, *, file: str = "", line: int = 0, field: str = ""
    ) -> None:
        super().__init__(f"{problem}\n{action}")
        self.problem = problem
        self.action = action
        self.file = file
        self.line = line
        self.field = field

    def as_fault(self, source: str = "") -> dict[str, object]:
        """Return it as a row of FAULTS.

        Args:
            source: named where the error names no file.
        """
        return {
            "source_file": self.file or source,
            "source_row": self.line or None,
            "field": self.field or None,
            "value": None,
            "problem": self.problem,
            "action": self.action,
        }


class BadSite(CaptureError):
    """A site file does not say what it must."""


class TurnNotCome(CaptureError):
    """A host is captured by another run all the time."""


class BadFeed(CaptureError):
    """A feed cannot be read at all."""


class BadRow(CaptureError):
    """One row of a feed cannot be used; the others can."""

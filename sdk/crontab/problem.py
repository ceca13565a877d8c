"""What could not be translated, in which line and field, why, and what to do about it.

`Refusal` is raised where a rule is applied, by code that knows no line; whoever goes through the
lines catches it and makes a `CrontabProblem` of it, so that one bad line costs that line alone.
"""

from __future__ import annotations

from dataclasses import dataclass

SHOWN = 100
"""Characters of the file that a message quotes: enough to find the place, one line of a screen."""


class Refusal(Exception):
    """A line that is not translated.

    Args:
        field: which part of the line: ``minute``, ``command``, ``time zone``, …
        reason: why it cannot be translated.
        advice: what whoever moves the crontab should do.
    """

    def __init__(self, field: str, reason: str, advice: str) -> None:
        super().__init__(field, reason, advice)
        self.field = field
        self.reason = reason
        self.advice = advice

    def at(self, line: int, text: str) -> CrontabProblem:
        """Return the problem of the line in which this happened."""
        return CrontabProblem(line, text, self.field, self.reason, self.advice)


@dataclass(frozen=True, slots=True)
class CrontabProblem:
    """One line that was not translated.

    Attributes:
        line: its number in the file, from 1.
        text: the line as it stands in the file.
        field: the part of it that is at fault.
        reason: why it cannot be translated.
        advice: what to do.
    """

    line: int
    text: str
    field: str
    reason: str
    advice: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.field}: {self.reason}\n{self.advice}"


def excerpt(text: str, limit: int = SHOWN) -> str:
    """Return a text fit for one line of a terminal: cut, and without control characters.

    A crontab may hold escape sequences or right-to-left marks that would rewrite the report.
    """
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in cut
    )

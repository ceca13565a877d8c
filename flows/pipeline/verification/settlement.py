"""Settlement: what the answers to a task amount to.

Answers are never changed. A correction is a further answer that names the one it supersedes, an
undo is a correction that says nothing. What stands is what nobody superseded and nobody took back.

* A lead's answer settles a task, whatever others said.
* Otherwise as many reviewers as the task needs must have answered; when they agree, it is settled.
* When they differ, or one of them is unsure, a lead is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flows.pipeline.verification.verdicts import RETRACTED

State = Literal["open", "escalated", "settled"]


@dataclass(frozen=True)
class Answer:
    """One decision, as it was made.

    Attributes:
        id: given by the page, so that a request sent twice is one decision.
        reviewer: who.
        lead: whether it was made as a lead.
        verdict: its name.
        sku: of the candidate that it speaks of.
        factor: of another pack.
        at: UTC, without zone.
        supersedes: the decision that it corrects.
    """

    id: str
    reviewer: str
    lead: bool
    verdict: str
    sku: str | None
    factor: float | None
    at: datetime
    supersedes: str | None = None

    @property
    def said(self) -> tuple[str, str | None, float | None]:
        """What it says: two answers that agree are equal here."""
        return (self.verdict, self.sku, self.factor)


@dataclass(frozen=True)
class Settlement:
    """What became of a task: its state, and the answer that settled it."""

    state: State
    answer: Answer | None = None


def standing(answers: Iterable[Answer]) -> list[Answer]:
    """Return the answers that count, in the order in which they came."""
    listed = list(answers)
    gone = {answer.supersedes for answer in listed}
    return [answer for answer in listed if answer.id not in gone and answer.verdict != RETRACTED]


def settle(answers: Sequence[Answer], needed: int) -> Settlement:
    """Return what a task's answers amount to.

    Args:
        answers: all of them, superseded ones included, in the order in which they came.
        needed: reviewers who must agree.
    """
    valid = standing(answers)
    for answer in reversed(valid):
        if answer.lead and answer.verdict != "unsure":
            return Settlement("settled", answer)
    if any(answer.verdict == "unsure" for answer in valid):
        return Settlement("escalated")
    latest = {answer.reviewer: answer for answer in valid}
    if len(latest) < needed:
        return Settlement("open")
    said = {answer.said for answer in latest.values()}
    if len(said) > 1:
        return Settlement("escalated")
    return Settlement("settled", valid[-1])

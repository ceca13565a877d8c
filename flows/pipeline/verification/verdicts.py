"""Verdicts: what a reviewer can say of a pair, and what follows from it.

Only ``exact`` says that two offers are one product. The others are worth as much: they tell the
matcher what it must not confuse, and a customer what else competes with the product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flows.pipeline.verification.errors import BadAnswer


@dataclass(frozen=True)
class Verdict:
    """One of the answers.

    Attributes:
        name: as it is stored.
        key: that gives it.
        label: on its button.
        meaning: in one line, for the legend.
        of_candidate: it speaks of one candidate, not of all of them.
        kind: what `MATCHES.kind` becomes; empty where the pair is no match of any kind.
    """

    name: str
    key: str
    label: str
    meaning: str
    of_candidate: bool = False
    kind: str = ""


VERDICTS: Final = (
    Verdict("exact", "e", "Exact", "the same product in the same pack", True, "exact"),
    Verdict("variant", "v", "Variant", "another flavour, colour or size of it", True, "variant"),
    Verdict(
        "different_pack",
        "d",
        "Other pack",
        "the same product, packed differently: say how many times",
        True,
        "different_pack",
    ),
    Verdict(
        "equivalent",
        "q",
        "Equivalent",
        "another brand's product for the same use",
        True,
        "equivalent",
    ),
    Verdict("no_match", "n", "None of them", "no candidate is this product"),
    Verdict("unsure", "u", "Unsure", "a lead shall decide"),
    Verdict("page_gone", "g", "Page gone", "the offer is not there any more"),
)
BY_NAME: Final = {verdict.name: verdict for verdict in VERDICTS}

RETRACTED: Final = "retracted"
"""Stands in the place of a decision that was undone; nobody can give it as an answer."""

PUBLISHED: Final = ("exact", "variant", "different_pack", "equivalent", "no_match")
"""What the dataset ``decisions`` may say; the others only say that nobody knows."""

LARGEST_FACTOR: Final = 10_000.0
"""No retail pack holds more of another one; beyond it a finger stayed on a key."""


def check_answer(
    verdict: str, sku: str | None, factor: float | None, candidates: tuple[str, ...]
) -> None:
    """Make sure that an answer fits its task.

    Args:
        verdict: its name.
        sku: of the candidate that it speaks of; None for all of them.
        factor: how many of the competitor's packs make one of ours.
        candidates: the task's.

    Raises:
        BadAnswer: it does not; the message names the field.
    """
    found = BY_NAME.get(verdict)
    if found is None:
        raise BadAnswer(f"verdict {verdict!r} is not known", f"Give one of {', '.join(BY_NAME)}.")
    if found.of_candidate and sku not in candidates:
        raise BadAnswer(
            f"candidate {sku!r} is none of this task", f"Choose one of {', '.join(candidates)}."
        )
    if not found.of_candidate and sku is not None:
        raise BadAnswer(
            f"{found.label.lower()} speaks of the whole task, not of candidate {sku!r}",
            "Leave the candidate out.",
        )
    if verdict != "different_pack":
        if factor is not None:
            raise BadAnswer(f"factor {factor:g} with {verdict}", "Only another pack has a factor.")
    elif factor is None or not 0 < factor <= LARGEST_FACTOR or factor == 1:
        raise BadAnswer(
            f"factor {factor} of another pack",
            "Say how many of the competitor's packs make one of ours: 2, 0.5, 12 … but not 1.",
        )

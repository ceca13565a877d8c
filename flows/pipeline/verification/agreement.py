"""Agreement: do two reviewers, asked the same, say the same more often than by chance?

Cohen's kappa (Cohen 1960, Educ. Psychol. Meas. 20:37–46): ``κ = (p_o − p_e) / (1 − p_e)``, where
``p_o`` is the share of equal answers and ``p_e`` the share that two people with these habits would
reach by chance. Where both always say the same one thing, chance alone explains everything, and κ
is not defined: it is None then, never 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Agreement:
    """How far two raters agree.

    Attributes:
        n: tasks that both answered.
        observed: share of equal answers; None without any task.
        expected: share of equal answers by chance.
        kappa: Cohen's; None where it is not defined.
    """

    n: int
    observed: float | None
    expected: float | None
    kappa: float | None


def cohen(pairs: Iterable[tuple[str, str]]) -> Agreement:
    """Return the agreement of two raters.

    With more than two people, pairs are put in a fixed order (by name), which makes of κ the
    agreement of "the one" and "the other".

    Args:
        pairs: of each task the two answers.
    """
    listed = list(pairs)
    n = len(listed)
    if n == 0:
        return Agreement(0, None, None, None)
    observed = sum(one == other for one, other in listed) / n
    first, second = Counter(one for one, _ in listed), Counter(other for _, other in listed)
    expected = sum(count * second[answer] for answer, count in first.items()) / (n * n)
    # Counted in whole numbers: 1 − p_e is zero exactly where it should be.
    certain = sum(count * second[answer] for answer, count in first.items()) == n * n
    kappa = None if certain else (observed - expected) / (1 - expected)
    return Agreement(n, observed, expected, kappa)

"""A figure: a headline number with everything it stands on, as a row of FIGURES."""

from __future__ import annotations

from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]


def figure(
    name: str,
    market: str,
    unit: str,
    value: float | None,
    *,
    n: int,
    coverage: float | None,
    numerator: float | None = None,
    denominator: float | None = None,
    lacking: str = "",
) -> Row:
    """Return the row of a figure.

    Args:
        name: of the figure.
        market: of which it speaks.
        unit: ``share``, ``index``, ``percent`` or ``count``.
        value: null where there is not enough data.
        n: how many things it is about.
        coverage: the share of what it speaks of that it rests on.
        numerator: of a ratio.
        denominator: of a ratio.
        lacking: why there is no value, where there is none.
    """
    return {
        "figure": name,
        "market": market,
        "unit": unit,
        "value": value,
        "numerator": numerator,
        "denominator": denominator,
        "n": n,
        "coverage": coverage,
        "note": f"not enough data: {lacking}" if value is None else None,
    }

"""How a page writes its decimals, from the amounts that it shows.

``24.990`` is twenty-four and a bit or nearly twenty-five thousand. One amount seldom tells; a page
full of them does.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from decimal import Decimal

from flows.pipeline.capture.currency import Place
from flows.pipeline.capture.price_text import readings
from flows.pipeline.capture.showing import Showing


def settled(showing: Showing, place: Place, claimed: set[Decimal]) -> Place:
    """Return the place with the decimal sign that the page's amounts show, if they settle it.

    An amount with two digits behind its last sign shows the decimal sign. Where none has, a claim
    of structured data that equals one reading settles it, or three different amounts that all
    have three digits behind the same sign: those are thousands.
    """
    if place.decimal is not None:
        return place
    votes: Counter[str] = Counter()
    undecided: dict[str, set[str]] = {}
    for one in showing.amounts:
        raw = one.text.raw
        signs = re.findall(r"[.,]", raw)
        if not signs:
            continue
        tail = len(raw) - 1 - raw.rfind(signs[-1])
        if tail in (1, 2):
            votes[signs[-1]] += 1
        elif len(one.text.readings) == 2:
            undecided.setdefault(signs[-1], set()).add(raw)
            for decimal in ".,":
                if set(readings(raw, one.text.currency, decimal)) & claimed:
                    votes[decimal] += 1
        elif tail == 3 and one.text.amount == one.text.amount:
            undecided.setdefault(signs[-1], set()).add(raw)
    if len(votes) == 1:
        return replace(place, decimal=next(iter(votes)))
    if not votes and len(undecided) == 1:
        sign, raws = next(iter(undecided.items()))
        if len(raws) >= 3:
            return replace(place, decimal="," if sign == "." else ".")
    return place


def reread(showing: Showing, place: Place) -> Showing:
    """Return the same amounts, the undecided read by a settled decimal sign."""
    if place.decimal is None:
        return showing
    amounts = []
    for one in showing.amounts:
        text = one.text
        if len(text.readings) == 2:
            found = readings(text.raw, text.currency, place.decimal)
            one = replace(one, text=replace(text, readings=found or text.readings))
        amounts.append(one)
    return replace(showing, amounts=amounts)

"""The price of a product, chosen from what the page's sources claim and what it shows.

A claim is a price with the currency that was stated with it: they are never taken apart. Sources
that agree strengthen each other; where they disagree, the amount that the page shows as a price
goes before one that it shows struck or not at all. What remains undecided is unknown.

Confidence is an order: 0.97 a rule, about 0.9 structured data that the page confirms, 0.6 a price
known from the layout alone, and nothing below ``LEAST``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from flows.pipeline.capture.identity import matches_query
from flows.pipeline.capture.page import Page
from flows.pipeline.capture.product import Availability, Offer
from flows.pipeline.capture.prominence import STRONG, Prominent, most_prominent, struck_beside
from flows.pipeline.capture.reading import META, RULES, SHOWN, Reading
from flows.pipeline.capture.showing import Showing
from flows.pipeline.capture.stock import is_near

LEAST: Final = 0.5
"""A price that is less sure is not given."""
AGREED: Final = 0.04
CONFIRMED: Final = 0.05
LOWEST: Final = 0.2
"""Taken off for the lowest of several prices that are not listed: someone pays it."""
DISPUTED: Final = 0.25
"""Taken off where another source names another amount and the page does not decide."""
HIGHEST: Final = 0.99


@dataclass(frozen=True)
class Claim:
    """A price as one source states it."""

    offer: Offer
    confidence: float
    reading: Reading | None = None

    @property
    def amount(self) -> Decimal:
        """The price."""
        assert self.offer.price is not None
        return self.offer.price


def claim_of(reading: Reading, showing: Showing, page: Page) -> Claim | None:
    """Return what a reading claims to be the price, None where its offers leave it open.

    Of several offers with different prices: the one whose address is the page's; else those that
    can be bought; else the one amount that the page shows. The lowest of what is left, with less
    confidence.
    """
    offers = reading.priced()
    if not offers:
        return None
    own = [offer for offer in offers if matches_query(offer.url, page)]
    for keep in (own, [offer for offer in offers if offer.availability is Availability.IN_STOCK]):
        if keep and len({offer.price for offer in offers}) > 1:
            offers = keep
    amounts = {offer.price for offer in offers if offer.price is not None}
    confidence = reading.trust
    if len(amounts) > 1:
        shown = {amount for amount in amounts if showing.shows(amount)}
        if len(shown) == 1:
            amounts = shown
        elif (prominent := most_prominent(showing)) and prominent.amount in amounts:
            amounts = {prominent.amount}
        else:
            confidence -= LOWEST
    price = min(amounts)
    chosen = next(offer for offer in offers if offer.price == price)
    if chosen.lowest:
        confidence -= LOWEST
    return Claim(chosen, confidence, reading)


def choose_price(
    readings: list[Reading],
    showing: Showing,
    page: Page,
    more: Callable[[], list[Reading]] = list,
) -> Claim | None:
    """Return the price of the page's product, None where it cannot be told.

    Args:
        readings: of the page's own product, the most trusted first.
        showing: what the page shows.
        page: the page.
        more: gives further readings (the embedded state), asked only where these leave it open.
    """
    claims = [claim for one in readings if (claim := claim_of(one, showing, page))]
    rule = next((claim for claim in claims if claim.confidence >= RULES), None)
    if rule is not None:
        return rule
    claims = [claim for claim in claims if _stands(claim, showing)]
    prominent = most_prominent(showing)
    # An offer that states no price is a statement too: nothing but a price that stands out then
    # counts, or a carousel's would.
    priceless = not claims and any(one.typed and one.offers for one in readings)
    on_request = any(is_near(place, showing) for place in showing.on_request)
    if claims:
        chosen: Claim | None = _among(claims, showing, prominent)
    else:
        chosen = _from_state(more(), showing, page)
        strong = prominent is not None and prominent.weight >= STRONG
        if chosen is not None and prominent and strong and chosen.amount != prominent.amount:
            chosen = None  # the state has other sellers' prices too, and list prices
        if chosen is None and prominent and not on_request and (not priceless or strong):
            chosen = _layout_claim(prominent)
        if chosen is not None and showing.starts_below(chosen.amount):
            return None
    if chosen is None or chosen.confidence < LEAST:
        return None
    return _with_currency(chosen, claims, showing)


def _stands(claim: Claim, showing: Showing) -> bool:
    """Say whether a claim may be used: one of meta tags must stand on a page that shows prices."""
    if claim.reading is None or claim.reading.trust > META:
        return True
    return showing.mentions(claim.amount) or not any(one.is_price() for one in showing.amounts)


def _among(claims: list[Claim], showing: Showing, prominent: Prominent | None) -> Claim:
    """Return the best of the claims, or the price that the page shows against all of them."""
    amounts = {claim.amount for claim in claims}
    best = claims[0]
    agreed = sum(claim.amount == best.amount for claim in claims) - 1
    if len(amounts) > 1:
        shown = [claim for claim in claims if showing.shows(claim.amount)]
        if shown and len({claim.amount for claim in shown}) == 1:
            best, agreed = shown[0], len(shown) - 1
        elif prominent and prominent.amount in amounts:
            best = next(claim for claim in claims if claim.amount == prominent.amount)
        else:
            best = replace(best, confidence=best.confidence - DISPUTED)
    if showing.shows(best.amount):
        raised = best.confidence + CONFIRMED + AGREED * agreed
        return replace(best, confidence=min(HIGHEST, raised))
    refused = showing.shows_struck(best.amount) or not showing.mentions(best.amount)
    if refused and prominent and prominent.weight >= STRONG:
        return _layout_claim(prominent)
    return replace(best, confidence=best.confidence + AGREED * agreed)


def _layout_claim(prominent: Prominent) -> Claim:
    text = prominent.shown.text
    confidence = SHOWN if prominent.weight >= STRONG else SHOWN - 0.1
    offer = Offer(
        price=prominent.amount, currency=text.currency, source=f"page:{prominent.shown.signature}"
    )
    return Claim(offer, confidence)


def _from_state(readings: list[Reading], showing: Showing, page: Page) -> Claim | None:
    """Return a price of the embedded state that the page confirms, in units or in cents."""
    claims = [claim for one in readings if (claim := claim_of(one, showing, page))]
    for claim in claims:
        if showing.shows(claim.amount):
            return replace(claim, confidence=claim.confidence + CONFIRMED)
    for claim in claims:
        cents = claim.amount / 100
        if claim.amount == claim.amount.to_integral_value() and showing.shows(cents):
            offer = replace(claim.offer, price=cents.quantize(Decimal("0.01")), regular_price=None)
            return replace(claim, offer=offer)
    # A page that shows no amount at all is drawn by its program: the state is all there is. An
    # amount with decimals is then no number of cents.
    drawn = not any(one.is_price() for one in showing.amounts)
    fractions = [claim for claim in claims if claim.amount != claim.amount.to_integral_value()]
    amounts = {claim.amount for claim in fractions}
    return fractions[0] if drawn and len(amounts) == 1 else None


def _with_currency(chosen: Claim, claims: list[Claim], showing: Showing) -> Claim:
    """Return the claim, or another statement of the same amount that also names its currency."""
    if chosen.offer.currency is not None:
        return chosen
    for claim in claims:
        if claim.amount == chosen.amount and claim.offer.currency is not None:
            return replace(claim, confidence=chosen.confidence)
    for one in showing.amounts:
        if one.is_price() and one.text.currency and one.text.amount == chosen.amount:
            offer = replace(
                chosen.offer, currency=one.text.currency, source=f"page:{one.signature}"
            )
            return replace(chosen, offer=offer)
    return chosen


def choose_regular(
    chosen: Claim, claims: list[Reading], showing: Showing
) -> tuple[Decimal, str, float] | None:
    """Return the struck price with its source and confidence, None where the page sets none."""
    price, currency = chosen.amount, chosen.offer.currency
    if chosen.offer.regular_price is not None:
        return chosen.offer.regular_price, chosen.offer.source, chosen.confidence
    struck = struck_beside(showing, price, currency)
    if struck is not None and struck.text.amount is not None:
        return struck.text.amount, f"page:{struck.signature}", SHOWN
    for reading in claims:
        for offer in reading.offers:
            same = offer.price == price and offer.currency == currency
            if same and offer.regular_price is not None:
                return offer.regular_price, offer.source, reading.trust
    return None

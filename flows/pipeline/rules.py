"""A customer's rules as data: what is watched, what counts, what is told.

One YAML file for each customer, beside its flow. Everything may be left out: without a rule its
figures say "not enough data" and why, and nothing is told. ::

    key_items: ["07290000000015"]            # GTINs that matter most
    own_brands: [Orchard]                    # for the share of search
    minimum_prices: {"07290000000015": 12.9} # minimum advertised prices
    content: {name: 15, brand: 1, image: 1}  # field: fewest characters
    alerts:
      - name: undercut on key items
        kind: undercut
        at_least_pct: 5
        only: key_items
        cool_down_days: 3
        group_by: seller

A rule that cannot be understood is refused with its place; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

ContentField = Literal["name", "brand", "category", "country", "gtin", "image", "pack_unit", "url"]


class RulesError(ValueError):
    """A customer's rules cannot be used.

    Args:
        problem: what is wrong, naming the field.
        action: what to do about it.
    """

    def __init__(self, problem: str, action: str) -> None:
        super().__init__(f"{problem}\n{action}")
        self.problem = problem
        self.action = action


def _gtin(value: object) -> str:
    text = str(value).strip()
    if isinstance(value, bool | float) or not text.isascii() or not text.isdigit():
        raise ValueError(f"{value!r} is not a GTIN: write its digits in quotes")
    if not 8 <= len(text) <= 14:
        raise ValueError(f"{value!r} is not a GTIN: it has 8 to 14 digits")
    return text.zfill(14)


Gtin = Annotated[str, BeforeValidator(_gtin)]
"""14 digits; fewer are padded, as everywhere."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ChangeGuards(_Frozen):
    """From when on a change of price is held to be something else.

    Attributes:
        factor: a price that many times higher or lower is a shifted decimal point or another
            pack, until somebody has looked: real prices do not move fivefold in a day.
        bounce_pct: a price that leaves by at least so much for one day and comes back is a flicker
            of the source.
        shift_share: that share of a store's compared offers moving by one and the same factor is
            a change of tax or currency, not of prices.
        shift_least: with fewer compared offers nothing is said of a shift.
    """

    factor: Annotated[float, Field(gt=1)] = 5.0
    bounce_pct: Annotated[float, Field(gt=0)] = 30.0
    shift_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    shift_least: Annotated[int, Field(ge=2)] = 20


class DiscountRules(_Frozen):
    """How a struck price is held against the days before.

    Attributes:
        window_days: before the price began; 30 as in Article 6a of Directive 98/6/EC.
        least_days: of the window that must have been observed to call a discount valid. To find
            it overstated, one day with a lower price is enough.
    """

    window_days: Annotated[int, Field(ge=1, le=365)] = 30
    least_days: Annotated[int, Field(ge=1)] = 24


class AlertRule(_Frozen):
    """What is told, from when on, how often and together with what.

    Attributes:
        name: of the rule; the same in every notice, unique within the customer.
        kind: ``undercut``: a competitor's price is that much below own. ``below_minimum``: a
            price is that much below its minimum advertised one. ``out_of_stock``: an offer cannot
            be had since that many days. ``price_change``: a believed change of that size.
        at_least_pct: the threshold, in percent; not of ``out_of_stock``.
        at_least_days: the threshold of ``out_of_stock``.
        only: ``key_items``, or every product.
        whose: offers of ``own``, of the ``market`` or of ``anybody`` (``out_of_stock``,
            ``price_change``).
        sellers: these alone; all if empty.
        group_by: what is told in one notice.
        cool_down_days: the same thing is not told again within so many days.
        severity: how loud.
    """

    name: Annotated[str, Field(min_length=1, max_length=80)]
    kind: Literal["undercut", "below_minimum", "out_of_stock", "price_change"]
    at_least_pct: Annotated[float, Field(ge=0, le=1000)] = 5.0
    at_least_days: Annotated[int, Field(ge=1)] = 1
    only: Literal["key_items", "everything"] = "everything"
    whose: Literal["own", "market", "anybody"] = "anybody"
    sellers: tuple[str, ...] = ()
    group_by: Literal["seller", "brand", "rule"] = "seller"
    cool_down_days: Annotated[int, Field(ge=0, le=365)] = 7
    severity: Literal["info", "warning", "error"] = "warning"


class Rules(_Frozen):
    """Everything that a customer asks for; see the module.

    Attributes:
        key_items: GTINs that matter most.
        own_brands: brands that count as own in search results, besides own products.
        minimum_prices: minimum advertised price of a GTIN, in the currency of the offers.
        content: fewest characters of a field.
        search_positions: results of a search that are looked at.
        changes: when a change of price is not believed.
        discounts: how a struck price is judged.
        alerts: what is told.
    """

    key_items: tuple[Gtin, ...] = ()
    own_brands: tuple[str, ...] = ()
    minimum_prices: Mapping[Gtin, Annotated[Decimal, Field(gt=0)]] = Field(default_factory=dict)
    content: Mapping[ContentField, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    search_positions: Annotated[int, Field(ge=1)] = 10
    changes: ChangeGuards = ChangeGuards()
    discounts: DiscountRules = DiscountRules()
    alerts: tuple[AlertRule, ...] = ()


NO_RULES = Rules()


def read_rules(text: str, name: str = "rules") -> Rules:
    """Return the rules in a YAML text; an empty one has none.

    Args:
        text: the file's.
        name: of the file, for errors.

    Raises:
        RulesError: it is no YAML, or a field does not fit, naming it.
    """
    try:
        given: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RulesError(f"{name} is not YAML: {error}", "Correct the file.") from error
    if given is None:
        return NO_RULES
    if not isinstance(given, dict):
        raise RulesError(f"{name} is no mapping", "Begin with a field such as key_items:.")
    try:
        rules = Rules.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise RulesError(f"{name}, {field}: {first['msg']}", "Correct it there.") from error
    names = [rule.name for rule in rules.alerts]
    twice = sorted({one for one in names if names.count(one) > 1})
    if twice:
        raise RulesError(f"{name}, alerts: {twice[0]!r} is there twice", "Give each its own name.")
    return rules

"""Whether what a site gave today may be published, carried, or must be set apart.

A site that fails seldom fails loudly: it answers with a page that has no prices, with one price
for all, or with yesterday's. So a run is held against the median of the runs before it and against
what no shop does. The decision is pure and of one site: the others go on.

| coverage against the median | decision |
|---|---|
| 0.95 and more | publish |
| 0.80 to 0.95 | publish with a warning |
| 0.50 to 0.80 | carry yesterday's values, marked stale |
| below 0.50 | quarantine: nothing of today is used |

Symptoms can only make the decision stricter. Runs that were quarantined are no part of the
baseline, or a site that stays broken would become its own measure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from statistics import median
from typing import Final

RUNS: Final = 7
"""Runs of the baseline: one week, so that a weekly rhythm is in it whole."""
PUBLISH: Final = 0.95
WARN: Final = 0.80
CARRY: Final = 0.50

ENOUGH: Final = 20
"""Products from which "all of them" means anything."""
ALL: Final = 0.98
MOST_BLOCKED: Final = 0.05
"""Share of blocked answers from which the site has noticed us."""
MOST_SOFT_404: Final = 0.20
JUMP: Final = 1.5
"""Factor between today's median price and the baseline's: no shop raises everything by half."""
BROKEN_SIGN: Final = 5.0
"""From here the decimal sign was misread: factors of ten, a hundred, a thousand."""
DISCOUNTED: Final = 0.05
"""Share of discounted products in the baseline from which their absence is strange."""
FROZEN: Final = 4
"""Runs with the same prices, to the cent, on a site whose prices used to move."""


class Decision(IntEnum):
    """What becomes of a site's run; the larger, the stricter."""

    PUBLISH = 0
    WARN = 1
    CARRY = 2
    QUARANTINE = 3


@dataclass(frozen=True)
class SiteRun:
    """What one run of one site gave, counted.

    Attributes:
        pages: answers, of any kind.
        products: pages that are a product.
        priced: products with a price.
        zero: products whose page states a price of nought.
        distinct_prices: different prices among the priced.
        out_of_stock: products that are out of stock and show no price.
        sold_out: products that are out of stock, whether they show a price or not.
        discounted: products with a regular price above their price.
        median_price: of the priced, None without any.
        currencies: currency to number of prices.
        blocked: answers that are block pages.
        soft_404: answers that are soft 404s.
        prices_hash: of all products with their prices, sorted; "" where not made.
        frozen: whether its prices were found frozen, for runs of the past.
        quarantined: how the run was decided, for runs of the past.
    """

    pages: int
    products: int
    priced: int
    zero: int = 0
    distinct_prices: int = 0
    out_of_stock: int = 0
    sold_out: int = 0
    discounted: int = 0
    median_price: Decimal | None = None
    currencies: Mapping[str, int] | None = None
    blocked: int = 0
    soft_404: int = 0
    prices_hash: str = ""
    frozen: bool = False
    quarantined: bool = False


@dataclass(frozen=True)
class Symptom:
    """One thing that is strange about a run.

    Attributes:
        name: of the symptom, one word.
        at_least: the decision that it asks for.
        says: what was seen, with the numbers.
    """

    name: str
    at_least: Decision
    says: str


@dataclass(frozen=True)
class Health:
    """The decision on a run.

    Attributes:
        coverage: usable products over the baseline's; None on the first run.
        baseline: what it is measured against: usable products.
        symptoms: the strictest first.
    """

    decision: Decision
    coverage: float | None
    baseline: float | None
    symptoms: tuple[Symptom, ...]

    @property
    def reason(self) -> str:
        """The decision in one line."""
        if self.coverage is None:
            seen = "first run, nothing to compare with"
        else:
            seen = f"{self.coverage:.0%} of the usual {self.baseline:g} products"
        return "; ".join([seen, *(symptom.says for symptom in self.symptoms)])


def decide(today: SiteRun, history: Sequence[SiteRun], expected: int | None = None) -> Health:
    """Return what becomes of a site's run.

    Args:
        today: the run.
        history: the runs before it, the oldest first.
        expected: the site file's expected volume, which stands in for a missing history.
    """
    past = [run for run in history if not run.quarantined][-RUNS:]
    baseline = float(median(usable(run) for run in past)) if past else float(expected or 0)
    coverage = usable(today) / baseline if baseline else None
    found = sorted(symptoms(today, past), key=lambda one: (-one.at_least, one.name))
    decision = max([by_coverage(coverage), *(one.at_least for one in found)])
    if decision is Decision.CARRY and not past:
        decision = Decision.QUARANTINE  # there is no yesterday to carry
    return Health(decision, coverage, baseline or None, tuple(found))


def usable(run: SiteRun) -> int:
    """Return the products that say something: a price, or that there is none to buy."""
    return max(run.priced, min(run.products, run.priced + run.out_of_stock))


def by_coverage(coverage: float | None) -> Decision:
    """Return the decision that coverage alone asks for."""
    if coverage is None or coverage >= PUBLISH:
        return Decision.PUBLISH
    if coverage >= WARN:
        return Decision.WARN
    return Decision.CARRY if coverage >= CARRY else Decision.QUARANTINE


def symptoms(today: SiteRun, past: Sequence[SiteRun]) -> list[Symptom]:
    """Return what is strange about a run, in no order."""
    found = [*_of_answers(today)]
    if today.products >= ENOUGH:
        found += _of_products(today, past)
    found += _of_prices(today, past)
    return found


def _of_answers(today: SiteRun) -> list[Symptom]:
    found = []
    if today.pages and today.products == 0:
        found.append(Symptom("nothing", Decision.QUARANTINE, "no page is a product"))
    blocked = today.blocked / today.pages if today.pages else 0.0
    if blocked > MOST_BLOCKED:
        strict = Decision.QUARANTINE if blocked >= CARRY else Decision.WARN
        says = f"{blocked:.0%} of the answers are block pages, which says nothing of the products"
        found.append(Symptom("blocked", strict, says))
    gone = today.soft_404 / today.pages if today.pages else 0.0
    if gone > MOST_SOFT_404:
        says = f"{gone:.0%} of the pages are soft 404s: the site's addresses have changed"
        found.append(Symptom("soft_404", Decision.WARN, says))
    return found


def _of_products(today: SiteRun, past: Sequence[SiteRun]) -> list[Symptom]:
    found = []
    if today.zero >= ALL * today.products:
        found.append(Symptom("all_zero", Decision.QUARANTINE, "all prices are nought"))
    if today.priced >= ENOUGH and today.distinct_prices == 1:
        found.append(Symptom("all_equal", Decision.QUARANTINE, "all prices are the same"))
    usual = _usual([_unavailable(run) / run.products for run in past if run.products])
    if _unavailable(today) >= ALL * today.products and (usual is None or usual < 0.5):
        says = f"all {today.products} products are out of stock"
        found.append(Symptom("all_out_of_stock", Decision.QUARANTINE, says))
    usual = _usual([run.discounted / run.products for run in past if run.products])
    if today.discounted == 0 and usual is not None and usual >= DISCOUNTED:
        says = f"no product is discounted, {usual:.0%} usually are"
        found.append(Symptom("discounts_gone", Decision.WARN, says))
    return found


def _unavailable(run: SiteRun) -> int:
    return max(run.out_of_stock, run.sold_out)


def _of_prices(today: SiteRun, past: Sequence[SiteRun]) -> list[Symptom]:
    found = []
    usual = _usual([float(run.median_price) for run in past if run.median_price])
    if today.median_price and usual:
        factor = float(today.median_price) / usual
        apart = max(factor, 1 / factor)
        if apart >= JUMP:
            strict = Decision.QUARANTINE if apart >= BROKEN_SIGN else Decision.CARRY
            says = f"the median price is {factor:.2g} times the usual"
            found.append(Symptom("median_jump", strict, says))
    now, before = _main_currency(today), _main_currency(past[-1]) if past else None
    if now and before and now != before:
        says = f"prices are in {now}, they were in {before}"
        found.append(Symptom("currency_changed", Decision.QUARANTINE, says))
    hashes = [run.prices_hash for run in past]
    still = hashes[-FROZEN + 1 :] == [today.prices_hash] * (FROZEN - 1)
    # When they last moved is soon further back than the baseline remembers.
    if today.prices_hash and still and (len(set(hashes)) > 1 or past[-1].frozen):
        says = f"not one price has changed for {FROZEN} runs or more: the pages may be frozen"
        found.append(Symptom("frozen", Decision.WARN, says))
    return found


def _usual(values: Sequence[float]) -> float | None:
    return float(median(values)) if values else None


def _main_currency(run: SiteRun) -> str | None:
    counted = run.currencies or {}
    return max(sorted(counted), key=lambda code: counted[code], default=None)

"""Decisions on a site's run, case by case; and that symptoms only make them stricter."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.capture.health import Decision, Health, SiteRun, decide
from flows.pipeline.capture.page_verdict import Verdict
from flows.pipeline.capture.product import Availability, Product
from flows.pipeline.capture.site_run import count_run

USUAL = SiteRun(
    pages=100, products=100, priced=100, distinct_prices=60, out_of_stock=0, discounted=20,
    median_price=Decimal("20"), currencies={"EUR": 100}, prices_hash="a",
)  # fmt: skip
WEEK = [replace(USUAL, prices_hash=str(day)) for day in range(7)]


def named(health: Health) -> set[str]:
    return {symptom.name for symptom in health.symptoms}


@pytest.mark.parametrize(
    ("priced", "decision"),
    [
        (120, Decision.PUBLISH), (100, Decision.PUBLISH), (95, Decision.PUBLISH),
        (94, Decision.WARN), (80, Decision.WARN), (79, Decision.CARRY), (50, Decision.CARRY),
        (49, Decision.QUARANTINE), (0, Decision.QUARANTINE),
    ],
)  # fmt: skip
def test_coverage_against_the_median(priced: int, decision: Decision) -> None:
    today = replace(USUAL, products=priced, priced=priced)
    assert decide(today, WEEK).decision is decision


def test_the_median_of_seven_forgets_one_bad_day_and_skips_quarantined_ones() -> None:
    bad = replace(USUAL, products=10, priced=10)
    assert decide(USUAL, [*WEEK[:6], bad]).baseline == 100
    broken = [replace(bad, quarantined=True)] * 20
    assert decide(bad, [*WEEK, *broken]).decision is Decision.QUARANTINE


def test_out_of_stock_is_no_loss_of_coverage() -> None:
    today = replace(USUAL, priced=60, out_of_stock=40)
    health = decide(today, WEEK)
    assert (health.decision, health.coverage) == (Decision.PUBLISH, 1.0)


@pytest.mark.parametrize(
    ("changes", "symptom", "decision"),
    [
        ({"distinct_prices": 1}, "all_equal", Decision.QUARANTINE),
        ({"priced": 0, "zero": 100, "median_price": None}, "all_zero", Decision.QUARANTINE),
        ({"priced": 0, "out_of_stock": 100}, "all_out_of_stock", Decision.QUARANTINE),
        ({"discounted": 0}, "discounts_gone", Decision.WARN),
        ({"median_price": Decimal("31")}, "median_jump", Decision.CARRY),
        ({"median_price": Decimal("2000")}, "median_jump", Decision.QUARANTINE),
        ({"median_price": Decimal("2")}, "median_jump", Decision.QUARANTINE),
        ({"currencies": {"USD": 90, "EUR": 10}}, "currency_changed", Decision.QUARANTINE),
        ({"pages": 110, "blocked": 10}, "blocked", Decision.WARN),
        ({"pages": 200, "blocked": 100}, "blocked", Decision.QUARANTINE),
        ({"pages": 140, "soft_404": 40}, "soft_404", Decision.WARN),
        ({"products": 0, "priced": 0}, "nothing", Decision.QUARANTINE),
    ],
)
def test_symptoms(changes: dict[str, object], symptom: str, decision: Decision) -> None:
    health = decide(replace(USUAL, **changes), WEEK)  # type: ignore[arg-type]
    assert symptom in named(health)
    assert health.decision is decision
    assert health.reason
    assert decide(USUAL, WEEK).symptoms == ()


def test_frozen_prices_are_strange_only_where_prices_used_to_move() -> None:
    frozen = [*WEEK[:4], *[replace(USUAL, prices_hash="same")] * 3]
    today = replace(USUAL, prices_hash="same")
    assert named(decide(today, frozen)) == {"frozen"}
    assert named(decide(today, frozen[:-1])) == set()
    assert named(decide(today, [today] * 7)) == set()


def test_frozen_prices_stay_strange_until_one_moves() -> None:
    same = replace(USUAL, prices_hash="same", frozen=True)
    assert named(decide(replace(same, frozen=False), [same] * 7)) == {"frozen"}
    assert named(decide(replace(USUAL, prices_hash="other"), [same] * 7)) == set()


def test_a_small_site_may_have_one_price() -> None:
    small = replace(USUAL, pages=3, products=3, priced=3, distinct_prices=1, discounted=0)
    assert decide(small, [small] * 7).decision is Decision.PUBLISH


def test_first_run() -> None:
    assert decide(USUAL, []).decision is Decision.PUBLISH
    assert decide(USUAL, [], expected=110).decision is Decision.WARN
    assert decide(USUAL, [], expected=150).decision is Decision.QUARANTINE  # nothing to carry


@given(
    st.builds(
        SiteRun,
        pages=st.integers(0, 300), products=st.integers(0, 300), priced=st.integers(0, 300),
        zero=st.integers(0, 300), distinct_prices=st.integers(0, 300),
        out_of_stock=st.integers(0, 300), discounted=st.integers(0, 300),
        median_price=st.none() | st.decimals(Decimal("0.01"), 10**6, places=2),
        blocked=st.integers(0, 300), soft_404=st.integers(0, 300),
    ),
    st.integers(0, 9),
)  # fmt: skip
def test_a_decision_is_never_milder_than_coverage_or_any_symptom(run: SiteRun, days: int) -> None:
    health = decide(run, (WEEK * 2)[:days])
    assert all(health.decision >= symptom.at_least for symptom in health.symptoms)
    if health.coverage is not None and health.coverage < 0.5:
        assert health.decision is Decision.QUARANTINE
    assert decide(run, (WEEK * 2)[:days]) == health


def test_a_run_is_counted_from_its_answers() -> None:
    def product(number: int, price: str | None, **properties: object) -> Product:
        amount = None if price is None else Decimal(price)
        currency = "EUR" if price else None
        return Product(url=f"https://x/{number}", price=amount, currency=currency, **properties)  # type: ignore[arg-type]

    answers = [
        (Verdict.PRODUCT, product(1, "10", regular_price=Decimal("12"))),
        (Verdict.PRODUCT, product(2, "20")),
        (Verdict.PRODUCT, product(3, None, availability=Availability.OUT_OF_STOCK)),
        (Verdict.BLOCKED, product(4, "99")),
        (Verdict.SOFT_404, product(5, None)),
        (Verdict.ERROR, None),
    ]
    run = count_run(answers)
    assert (run.pages, run.products, run.priced, run.out_of_stock) == (6, 3, 2, 1)
    assert (run.discounted, run.blocked, run.soft_404) == (1, 1, 1)
    assert (run.median_price, run.currencies) == (Decimal("15"), {"EUR": 2})
    assert count_run(answers[::-1]) == run
    assert count_run(answers[1:]).prices_hash != run.prices_hash
    assert count_run([]).prices_hash == ""

"""The pure rules: order, draws, intervals, agreement, settlement, differences."""

from __future__ import annotations

import itertools
import math
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.verification import agreement, intervals, leases, order, sampling
from flows.pipeline.verification.content import Product, web_address
from flows.pipeline.verification.differences import mark, same_fact
from flows.pipeline.verification.settlement import Answer, settle, standing
from flows.pipeline.verification.web.showing import pack, suggested_factor

NOON = datetime(2026, 8, 15, 12)


def test_uncertainty_is_entropy_and_contradictions_count_most() -> None:
    assert order.uncertainty(0.5) == 1
    assert order.uncertainty(0.9) == pytest.approx(0.4689956)  # H(0.9) in bits, by hand
    assert order.uncertainty(1.0) == order.uncertainty(0.0) == order.uncertainty(None) == 1


@given(st.floats(0.06, 0.94), st.floats(0.06, 0.94))
def test_nearer_to_a_half_is_less_certain(one: float, other: float) -> None:
    nearer, further = sorted((one, other), key=lambda p: abs(p - 0.5))
    assert order.uncertainty(nearer) >= order.uncertainty(further) - 1e-12


def test_value_is_against_the_median_and_bounded() -> None:
    assert order.value(20, 10) == 2
    assert order.value(100_000, 10) == order.VALUE_HIGH
    assert order.value(0.01, 10) == order.VALUE_LOW
    assert order.value(None, 10) == order.value(5, None) == order.value(5, 0) == 1


@given(st.integers(-5, 400), st.integers(1, 9))
def test_nothing_waits_for_ever(days: int, times: int) -> None:
    today = NOON.date() + timedelta(days=days)
    assert order.age(NOON, today) == max(days, 0) + 1
    old = order.score(1.0, NOON, NOON.date() + timedelta(days=times))
    assert old > order.score(float(times), NOON + timedelta(days=times), NOON.date())


@pytest.mark.parametrize("share", [0.05, 0.07, 0.1])
@pytest.mark.parametrize("reviewer", ["ada", "ben", "לאה"])
def test_gold_share_holds_over_a_morning(share: float, reviewer: str) -> None:
    turns = [sampling.is_gold_turn(reviewer, n, share) for n in range(200)]
    assert 0.04 <= sum(turns) / 200 <= 0.11
    places = [n for n, gold in enumerate(turns) if gold]
    gaps = {b - a for a, b in itertools.pairwise(places)}
    assert len(gaps) > 1, "a fixed rhythm would be noticed"


def test_no_gold_where_none_is_wanted() -> None:
    assert not any(sampling.is_gold_turn("ada", n, 0) for n in range(100))


def test_double_review_takes_its_share() -> None:
    twice = sum(sampling.needs_two(f"key-{n}", 0.1) for n in range(5000))
    assert 400 < twice < 600
    assert not any(sampling.needs_two(f"{n}", 0.0) for n in range(100))
    assert all(sampling.needs_two(f"{n}", 1.0) for n in range(100))


@given(st.lists(st.integers(), unique=True, max_size=60), st.integers(0, 70))
def test_audit_sample_is_the_same_in_any_order(numbers: list[int], size: int) -> None:
    pairs = [(str(n), n) for n in numbers]
    drawn = sampling.audit_sample(pairs, "2026-W33", size)
    assert drawn == sampling.audit_sample(reversed(pairs), "2026-W33", size)
    assert len(drawn) == min(size, len(numbers)) and set(drawn) <= set(numbers)


def test_audit_draws_anew_each_week_and_evenly() -> None:
    pairs = [(str(n), n) for n in range(400)]
    weeks = [set(sampling.audit_sample(pairs, f"2026-W{week:02}", 100)) for week in range(1, 41)]
    assert weeks[0] != weeks[1]
    often = [sum(n in week for week in weeks) for n in range(400)]
    assert 9 < sum(often) / 400 < 11
    assert max(often) < 24, "drawn 10 times on average, by binomial spread hardly 24"


def test_iso_weeks() -> None:
    assert sampling.week_of(date(2027, 1, 3)) == "2026-W53"


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        (98, 100, 0.9300, 0.9945),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (1, 2, 0.0945, 0.9055),
    ],
)
def test_wilson_equals_published_values(hits: int, n: int, low: float, high: float) -> None:
    found = intervals.wilson(hits, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 500), st.integers(0, 500))
def test_wilson_holds_the_share_and_is_symmetric(hits: int, misses: int) -> None:
    found, mirrored = intervals.wilson(hits, hits + misses), intervals.wilson(misses, hits + misses)
    assert 0 <= found.low <= found.high <= 1
    if found.value is not None:
        assert found.low <= found.value <= found.high
    assert found.low == pytest.approx(1 - mirrored.high)


def test_nothing_asked_is_not_nothing_right() -> None:
    assert intervals.wilson(0, 0).value is None
    with pytest.raises(ValueError):
        intervals.wilson(3, 2)


def test_kappa_of_the_textbook() -> None:
    # Two readers of 50 proposals: 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: κ = 0.40.
    table = {("y", "y"): 20, ("y", "n"): 5, ("n", "y"): 10, ("n", "n"): 15}
    found = agreement.cohen([pair for pair, count in table.items() for _ in range(count)])
    assert (found.n, found.observed, found.expected) == (50, 0.7, 0.5)
    assert found.kappa == pytest.approx(0.4)


def test_kappa_is_undefined_where_chance_explains_all() -> None:
    assert agreement.cohen([("y", "y")] * 9).kappa is None
    assert agreement.cohen([]).observed is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1))
def test_kappa_does_not_depend_on_who_is_first(pairs: list[tuple[str, str]]) -> None:
    one, other = agreement.cohen(pairs), agreement.cohen([(b, a) for a, b in pairs])
    assert (one.kappa is None) == (other.kappa is None)
    if one.kappa is not None and other.kappa is not None:
        assert one.kappa == pytest.approx(other.kappa)
        assert -1 - 1e-9 <= one.kappa <= 1 + 1e-9


def _answer(
    id_: str, who: str, verdict: str, *, lead: bool = False, over: str | None = None
) -> Answer:
    return Answer(id_, who, lead, verdict, None, None, NOON, over)


@pytest.mark.parametrize(
    ("said", "needed", "state", "by"),
    [
        ([], 1, "open", None),
        ([("ada", "no_match", False)], 1, "settled", "ada"),
        ([("ada", "no_match", False)], 2, "open", None),
        ([("ada", "no_match", False), ("ben", "no_match", False)], 2, "settled", "ben"),
        ([("ada", "no_match", False), ("ben", "page_gone", False)], 2, "escalated", None),
        ([("ada", "unsure", False)], 1, "escalated", None),
        ([("lea", "unsure", True)], 1, "escalated", None),
        ([("ada", "unsure", False), ("lea", "no_match", True)], 1, "settled", "lea"),
        ([("lea", "no_match", True), ("ada", "page_gone", False)], 2, "settled", "lea"),
    ],
)
def test_settlement(
    said: list[tuple[str, str, bool]], needed: int, state: str, by: str | None
) -> None:
    answers = [
        _answer(f"{n}", who, verdict, lead=lead) for n, (who, verdict, lead) in enumerate(said)
    ]
    found = settle(answers, needed)
    assert (found.state, found.answer.reviewer if found.answer else None) == (state, by)


def test_what_is_superseded_or_taken_back_does_not_stand() -> None:
    chain = [
        _answer("1", "ada", "no_match"),
        _answer("2", "ada", "page_gone", over="1"),
        _answer("3", "ada", "retracted", over="2"),
    ]
    assert [a.id for a in standing(chain[:2])] == ["2"]
    assert standing(chain) == []


@given(st.text(max_size=60), st.lists(st.text(max_size=30), max_size=3))
def test_marked_pieces_are_the_text(text: str, others: list[str]) -> None:
    pieces = mark(text, others)
    assert "".join(piece.text for piece in pieces) == text
    assert not any(piece.differs for piece in mark(text, [text]))


def test_marks_what_tells_two_products_apart() -> None:
    pieces = mark("Café Crème 0,50 l decaf", ["CAFE creme 0.5 l strong"])
    assert [piece.text for piece in pieces if piece.differs] == ["decaf"]
    assert same_fact("Nestlé", "NESTLE") is True
    assert same_fact("", "x") is None


@pytest.mark.parametrize(
    "bad",
    [
        "javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,<script>", "file:///etc/passwd",
        "//cdn.example/x.png", "/x.png", "http://", "https://user:pass@shop.example/x.png",
        "http://shop.example/a b.png", "http://shop.example/\n.png", "http://[", "", None, "ftp://a/b",
        "http://shop.example:99999/", "https://a/" + "x" * 3000, " https://a/",
    ],
)  # fmt: skip
def test_addresses_that_no_browser_is_sent_to(bad: str | None) -> None:
    assert web_address(bad) is None


@pytest.mark.parametrize("good", ["http://shop.example/x.png", "https://shop.example:8443/?a=%20b"])
def test_addresses_that_are_kept(good: str) -> None:
    assert web_address(good) == good


def _packed(quantity: float | None, unit: str | None = "kg") -> Product:
    return Product(seller="s", sku="1", pack_quantity=quantity, pack_unit=unit, price=Decimal(1))


def test_packs_as_people_write_them() -> None:
    assert [pack(_packed(q)) for q in (0.5, 1.0, 1.5, None)] == ["500 g", "1 kg", "1.5 kg", ""]
    assert pack(_packed(6, "piece")) == "6 pieces"
    assert suggested_factor(_packed(3.0), _packed(0.5)) == 6
    assert suggested_factor(_packed(1.0), _packed(1.0)) is None
    assert suggested_factor(_packed(1.0), _packed(1.0, "l")) is None
    assert suggested_factor(_packed(math.inf), _packed(1.0)) is None


@given(st.integers(-10_000, 10_000))
def test_lease_window(seconds: int) -> None:
    end = leases.end(NOON)
    now = NOON + timedelta(seconds=seconds)
    length, skew = leases.LENGTH.total_seconds(), leases.SKEW.total_seconds()
    assert leases.window(now).holds(end) == (-skew <= seconds < length)
    assert not leases.window(now).holds(None)

"""A day's matching: exact keys, then what the barcodes teach, and people above both."""

from __future__ import annotations

import random
import shutil
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.pipeline.matching.daily import DayOfMatching, match_day
from flows.pipeline.matching.errors import PairsError
from flows.pipeline.matching.ledger import VERDICTS, apply
from flows.pipeline.normalise.gtin import check_digit, with_gtin
from flows.pipeline.schema import DECISIONS, MATCHES, OFFERS
from tests.flows.pipeline.matching.conftest import shops

DAY = date(2026, 8, 15)
OWN, OTHER = "Own", "Other"
CODED, LOOSE = 360, 40


def gtin(number: int) -> str:
    body = f"729000{number:06}"
    return body + str(check_digit(body))


def offers(rows: list[dict[str, Any]]) -> pl.DataFrame:
    sound = {"day": DAY, "store_id": "1", "price": Decimal("5.0000"), "currency": "ILS"}
    frame = pl.DataFrame([{**sound, **row} for row in rows], schema=OFFERS)
    return with_gtin(frame, "sku").select(*OFFERS)


@pytest.fixture(scope="module")
def market() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Two sellers of the same 400 products; the last forty have no barcode, only shop codes."""
    a, b, _ = shops(CODED + LOOSE, seed=5)
    rows: dict[str, list[dict[str, Any]]] = {OWN: [], OTHER: []}
    for number, (left, right) in enumerate(
        zip(a.iter_rows(named=True), b.iter_rows(named=True), strict=True)
    ):
        for seller, name, price, code in (
            (OWN, left["name"], left["price"], f"o{number}"),
            (OTHER, right["title"], right["preis"], f"t{number}"),
        ):
            rows[seller].append(
                {
                    "seller": seller,
                    "sku": gtin(number) if number < CODED else code,
                    "name": name,
                    "brand": left["manufacturer"] if seller == OWN else None,
                    "price": Decimal(str(round(float(price), 4))),
                }
            )
    return offers(rows[OWN]), offers(rows[OTHER])


@pytest.fixture(scope="module")
def day(market: tuple[pl.DataFrame, pl.DataFrame]) -> DayOfMatching:
    return match_day(*market)


def decisions(*rows: tuple[str, str, str, str]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"own_seller": OWN, "own_sku": own, "seller": OTHER, "sku": sku, "verdict": verdict,
             "by": "ada", "at": datetime.fromisoformat(at)}
            for own, sku, verdict, at in rows
        ],
        schema=DECISIONS,
    )  # fmt: skip


def row_of(frame: pl.DataFrame, own_sku: str, sku: str) -> dict[str, Any]:
    found = frame.filter((pl.col("own_sku") == own_sku) & (pl.col("sku") == sku))
    assert found.height == 1, (own_sku, sku, found.height)
    return found.row(0, named=True)


def test_barcodes_first_and_what_they_teach_for_the_rest(day: DayOfMatching) -> None:
    matches = day.matches
    assert matches.schema == MATCHES
    exact = matches.filter(pl.col("method") == "gtin")
    assert exact.height == CODED
    found = matches.filter(pl.col("method") == "model")
    right = found["own_sku"].str.slice(1) == found["sku"].str.slice(1)
    assert found["gtin"].is_null().all()
    accepted = found["decision"] == "accept"
    assert right.sum() >= 0.9 * LOOSE
    assert (right & accepted).sum() >= 0.6 * LOOSE
    assert right.filter(accepted).mean() >= 0.95
    assert found["reasons"].str.len_chars().min() > 0
    assert found.filter(~accepted)["reason"].null_count() == 0
    assert found.filter(accepted)["reason"].null_count() == accepted.sum()


def test_the_order_of_the_offers_changes_no_byte(
    market: tuple[pl.DataFrame, pl.DataFrame], day: DayOfMatching
) -> None:
    own, other = (frame.sample(fraction=1, shuffle=True, seed=3) for frame in market)
    again = match_day(own, pl.concat([other, own]))
    assert again.matches.write_csv() == day.matches.write_csv()


def test_what_people_decided_stands_above_barcodes_and_scores(
    market: tuple[pl.DataFrame, pl.DataFrame], day: DayOfMatching
) -> None:
    accepted = day.matches.filter(
        (pl.col("method") == "model") & (pl.col("decision") == "accept")
    ).row(0, named=True)
    one, two = gtin(0), gtin(1)
    told = decisions(
        (one, one, "exact", "2026-08-01"),
        (one, one, "no_match", "2026-08-02"),  # the later one counts
        (two, gtin(2), "exact", "2026-08-01"),  # no search would find it
        (accepted["own_sku"], accepted["sku"], "no_match", "2026-08-01"),
        ("gone", "gone", "exact", "2026-08-01"),  # neither offer is there today
    )
    matches = match_day(*market, told).matches
    turned_down = row_of(matches, one, one)
    assert (turned_down["decision"], turned_down["method"]) == ("reject", "decision")
    assert "ada decided on 2026-08-02: no_match" in turned_down["reason"]
    held = row_of(matches, two, gtin(2))
    assert (held["decision"], held["kind"], held["reason"]) == ("accept", "exact", None)
    for rival in (row_of(matches, two, two), row_of(matches, gtin(2), gtin(2))):
        assert rival["decision"] == "review" and "accepted by a person" in rival["reason"]
    again = matches.filter(
        (pl.col("own_sku") == accepted["own_sku"]) & (pl.col("sku") == accepted["sku"])
    )
    assert set(again["decision"]) <= {"reject"}
    assert "gone" not in matches["own_sku"]


def test_two_barcodes_are_two_products(market: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    own, other = market
    twin = own.head(1).with_columns(
        seller=pl.lit(OTHER), sku=pl.lit(gtin(900)), gtin=pl.lit("0" + gtin(900))
    )
    other = pl.concat([other.slice(1), twin])
    first = own["sku"][0]
    assert match_day(own, other).matches.filter(pl.col("own_sku") == first).is_empty()
    proposed = row_of(match_day(own, other, equivalents=True).matches, first, gtin(900))
    assert (proposed["decision"], proposed["kind"]) == ("review", "equivalent")
    assert "different GTINs" in proposed["reason"]


def test_one_barcode_under_far_names_goes_to_review() -> None:
    own = offers([{"seller": OWN, "sku": gtin(1), "name": "Auberginen"}])
    for name, decision in (
        ("Milch", "review"),
        ("auberginen, 1 St", "accept"),
        ("חציל", "accept"),  # another script cannot be compared
        ("", "accept"),
    ):
        found = match_day(own, offers([{"seller": OTHER, "sku": gtin(1), "name": name}])).matches
        assert found["decision"].to_list() == [decision], name
        if decision == "review":
            assert "nothing in common: Auberginen against Milch" in found["reason"].item()


def test_without_barcodes_in_common_people_decide(
    market: tuple[pl.DataFrame, pl.DataFrame],
) -> None:
    own, other = (frame.tail(LOOSE) for frame in market)
    found = match_day(own, other)
    assert found.accept is None
    assert found.matches.height > LOOSE / 2
    assert set(found.matches["decision"]) == {"review"}


def test_people_are_asked_what_they_can_answer(
    market: tuple[pl.DataFrame, pl.DataFrame], day: DayOfMatching
) -> None:
    own, other = (frame.tail(LOOSE) for frame in market)
    every = match_day(own, other)
    few = match_day(own, other, most_reviews=5)
    assert few.matches.height == 5
    assert few.left_out == every.matches.height + every.left_out - 5
    assert few.matches["probability"].min() >= every.matches["probability"].sort(descending=True)[4]


def test_another_pack_and_another_currency_are_not_compared_unseen(
    market: tuple[pl.DataFrame, pl.DataFrame],
) -> None:
    own, other = market
    loose = ~pl.col("gtin").is_not_null()
    packed = [
        frame.with_columns(
            pack_quantity=pl.when(loose).then(pl.lit(quantity)).otherwise("pack_quantity"),
            pack_unit=pl.when(loose).then(pl.lit("kg")).otherwise("pack_unit"),
        )
        for frame, quantity in ((own, 1.0), (other, 0.5))
    ]
    found = match_day(*packed).matches.filter(pl.col("method") == "model")
    assert found.height and set(found["kind"]) == {"different_pack"}
    assert set(found["decision"]) == {"review"}
    foreign = other.with_columns(currency=pl.lit("EUR"))
    assert match_day(own, foreign).matches.is_empty()


@pytest.mark.parametrize("side", ["own", "market", "both"])
def test_nothing_to_match_is_an_empty_answer(
    market: tuple[pl.DataFrame, pl.DataFrame], side: str
) -> None:
    own, other = market
    if side != "market":
        own = own.clear()
    if side != "own":
        other = other.clear()
    assert match_day(own, other).matches.is_empty()


def test_a_verdict_that_is_none_is_refused_with_its_row() -> None:
    own = offers([{"seller": OWN, "sku": gtin(1), "name": "x"}])
    other = offers([{"seller": OTHER, "sku": gtin(1), "name": "x"}])
    with pytest.raises(PairsError, match="verdict 'maybe'"):
        match_day(own, other, decisions((gtin(1), gtin(1), "maybe", "2026-08-01")))


_CODES = st.sampled_from([gtin(n) for n in range(6)])
_TOLD = st.lists(
    st.tuples(_CODES, _CODES, st.sampled_from(VERDICTS), st.dates(date(2026, 1, 1), DAY)),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(told=_TOLD, order=st.randoms(use_true_random=False))
def test_invariants_of_the_ledger(
    told: list[tuple[str, str, str, date]], order: random.Random
) -> None:
    own = offers([{"seller": OWN, "sku": gtin(n), "name": f"n{n}"} for n in range(5)])
    other = offers([{"seller": OTHER, "sku": gtin(n), "name": f"n{n}"} for n in range(1, 6)])
    found = match_day(own, other).matches
    ledger = decisions(*((a, b, verdict, str(day)) for a, b, verdict, day in told))
    shuffled = list(range(ledger.height))
    order.shuffle(shuffled)
    kept = apply(found, ledger, own, other)
    assert apply(found, ledger[shuffled], own, other).equals(kept)
    assert (
        apply(kept, ledger, own, other)
        .select(pl.exclude("reasons"))
        .equals(kept.select(pl.exclude("reasons")))
    )
    pairs = {(row["own_sku"], row["sku"]): row for row in kept.iter_rows(named=True)}
    assert len(pairs) == kept.height
    last: dict[tuple[str, str], tuple[date, str]] = {}
    for a, b, verdict, when in told:
        last[a, b] = max(last.get((a, b), (when, verdict)), (when, verdict))
    here = set(own["sku"]), set(other["sku"])
    for (a, b), (_, verdict) in last.items():
        if a not in here[0] or b not in here[1]:
            assert (a, b) not in pairs
        elif verdict == "no_match":
            assert (a, b) not in pairs or pairs[a, b]["decision"] == "reject"
        else:
            assert (pairs[a, b]["decision"], pairs[a, b]["kind"]) == ("accept", verdict)
    for key, row in pairs.items():
        if row["decision"] != "accept":
            assert row["reason"]
        if key not in last:
            assert row["method"] == "gtin"


def test_a_standing_index_computes_what_changed_and_says_the_same(
    market: tuple[pl.DataFrame, pl.DataFrame], day: DayOfMatching, tmp_path: Path
) -> None:
    own, other = market
    folder = tmp_path / "standing"
    first = match_day(own, other, standing=folder)
    assert first.matches.equals(day.matches)
    assert first.anew is not None and first.anew[0] > 0 and first.anew[1] > 0
    again = match_day(own, other, standing=folder)
    assert again.matches.equals(day.matches)
    assert again.anew == (0, 0)
    # Tomorrow one shop code has another name, and one own price is another.
    renamed = pl.col("sku") == f"t{CODED}"
    tomorrow = other.with_columns(
        name=pl.when(renamed).then(pl.col("name") + " neu").otherwise("name")
    )
    dearer = own.with_columns(
        price=pl.when(pl.col("sku") == f"o{CODED + 1}").then(pl.lit(999)).otherwise("price")
    ).cast({"price": OFFERS["price"]})
    found = match_day(dearer, tomorrow, standing=folder)
    assert found.anew is not None and found.anew[0] == 1
    assert 0 < found.anew[1] < first.anew[1] / 2
    for path in folder.glob("recall*"):  # what is remembered decides nothing
        path.unlink() if path.is_file() else shutil.rmtree(path)
    assert match_day(dearer, tomorrow, standing=folder).matches.equals(found.matches)
    # Another text in the own catalogue: the index is built anew, and is then that day's.
    changed = dearer.with_columns(name=pl.col("name") + " x")
    assert match_day(changed, tomorrow, standing=folder).matches.equals(
        match_day(changed, tomorrow).matches
    )

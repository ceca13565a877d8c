"""A change of price that looks like something else is shown, and counts in no figure."""

from __future__ import annotations

import pytest

from flows.pipeline.rules import ChangeGuards, Rules


def pack(quantity: float, unit: str = "kg") -> dict[str, object]:
    return {"pack_quantity": quantity, "pack_unit": unit}


@pytest.mark.parametrize(
    ("today", "history", "guard"),
    [
        (("A", 1, "12"), {1: [("A", 1, "10")]}, None),
        (("A", 1, "50"), {1: [("A", 1, "10")]}, "5.0 times the price: a shifted"),
        (("A", 1, "1"), {1: [("A", 1, "10")]}, "10.0 times the price: a shifted"),
        (("A", 1, "49.99"), {1: [("A", 1, "10")]}, None),
        (
            ("A", 1, "12", pack(1.5)),
            {1: [("A", 1, "10", pack(1.0))]},
            "another pack: 1.0 kg before, 1.5 kg now",
        ),
        (("A", 1, "12", pack(1.0)), {1: [("A", 1, "10")]}, None),  # nobody knows the earlier pack
        (
            ("A", 1, "12", pack(1.5)),
            {1: [("A", 1, "10")], 2: [("A", 1, "10", pack(1.0))]},
            "another pack",
        ),
        (("A", 1, "10"), {1: [("A", 1, "15")], 2: [("A", 1, "10")]}, "back at 10.0000 after"),
        (("A", 1, "10"), {1: [("A", 1, "12")], 2: [("A", 1, "10")]}, None),  # a small step
        (
            ("A", 1, "10"),
            {1: [("A", 1, "15")], 2: [("A", 1, "15")], 3: [("A", 1, "10")]},
            None,  # it stood for two days
        ),
    ],
)
def test_guards(insights, today, history, guard) -> None:
    marts = insights.marts([today, ("Own", 1, "12")], history)
    (change,) = marts["price_changes"].iter_rows(named=True)
    assert change["believed"] == (guard is None) == (change["guard"] is None)
    assert guard is None or change["guard"].startswith(guard)
    row = insights.row(marts["change_summary"], seller="A")
    assert (row["changed"], row["doubted"]) == ((1, 0) if guard is None else (0, 1))
    share = insights.figure(marts, "price_changes_market_share")
    assert share["value"] == (1 if guard is None else 0)
    assert insights.figure(marts, "price_changes_market_doubted")["value"] == (guard is not None)


def test_a_shift_of_the_whole_store_is_a_tax_and_not_prices(insights) -> None:
    today = [("A", n, "11.7") for n in range(30)] + [("A", 99, "12")]
    history = {1: [("A", n, "10") for n in range(30)] + [("A", 99, "10")]}
    changes = insights.marts(today, history)["price_changes"]
    doubted = changes.filter(~changes["believed"])
    assert doubted.height == 30
    assert doubted["guard"][0].startswith("30 of the store's 31 offers moved by the same factor")
    loose = Rules(changes=ChangeGuards(shift_least=100))
    assert insights.marts(today, history, rules=loose)["price_changes"]["believed"].all()


def test_what_is_carried_over_is_no_price_of_today(insights) -> None:
    marts = insights.marts(
        [("A", 1, "12", {"stale": True}), ("A", 2, "12")],
        {1: [("A", 1, "10"), ("A", 2, "11", {"stale": True})], 2: [("A", 2, "10")]},
    )
    (change,) = marts["price_changes"].iter_rows(named=True)
    # The earlier day's carried price was no price of that day either: the day before counts.
    assert (change["sku"], str(change["previous_price"])) == ("2", "10.0000")


def test_another_currency_is_not_compared(insights) -> None:
    marts = insights.marts([("A", 1, "12", "1", "USD")], {1: [("A", 1, "10", "1", "ILS")]})
    assert marts["price_changes"].is_empty()
    assert insights.row(marts["change_summary"], seller="A")["compared"] == 0

"""Proposed layouts: right for files that nobody described, and never used unseen."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from flows.pipeline.ingest.__main__ import app
from flows.pipeline.ingest.errors import BadLayout
from flows.pipeline.ingest.layout_files import read_layout
from flows.pipeline.ingest.propose import propose
from tests.conftest import SHARED

GERMAN = (
    "Artikelnummer;Bezeichnung;Marke;Preis;UVP;EAN;Inhalt\n"
    "A-1;Vollmilch-Schokolade;Brunnenhof;1,29 €;1,49 €;4006381333931;100 g\n"
    "A-2;Apfelsaft naturtrüb;Brunnenhof;2,09 €;;5901234123457;1,5 L\n"
    "A-3;Bergkäse gerieben;Almhof;3,99 €;;96385074;6 x 330 ml\n"
)


def proposed(data: bytes, name: str) -> dict[str, object]:
    made: dict[str, object] = yaml.safe_load(propose(data, name))
    return made


def test_a_german_price_list(read_bytes) -> None:
    data = GERMAN.encode("windows-1252")
    made = proposed(data, "brunnenhof_2026-08-15.csv")
    assert made["columns"] == {
        "sku": "Artikelnummer", "name": "Bezeichnung", "brand": "Marke", "price": "Preis",
        "regular_price": "UVP", "gtin": "EAN", "quantity": "Inhalt",
    }  # fmt: skip
    assert (made["delimiter"], made["decimal"], made["files"]) == (";", ",", "brunnenhof*")
    assert made["encodings"] == ["windows-1252"]
    assert made["constants"] == {"seller": "?", "currency": "?"}


POLISH = (
    "Nr kat.;Kod EAN;Nazwa towaru;Cena brutto;Cena promocyjna;Stan;Sklep\n"
    "K-1;5901234123457;Karma sucha z wołowiną 2,5 kg;1\u00a0125,55 zł;;dostępny;Psia Łapa\n"
    "K-2;4006381333931;Żwirek dla kota;16,85 zł;13,48 zł;brak;Psia Łapa\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1250"])
def test_a_polish_price_list(encoding: str) -> None:
    text = propose(POLISH.encode(encoding), "cennik_2026-08-15.csv")
    made = yaml.safe_load(text)
    assert made["columns"] == {
        "seller": "Sklep", "sku": "Nr kat.", "name": "Nazwa towaru", "price": "Cena brutto",
        "gtin": "Kod EAN", "availability": "Stan",
    }  # fmt: skip
    assert made["decimal"] == ","
    assert made.get("encodings") == (None if encoding == "utf-8" else ["windows-1250"])
    assert "its prices say PLN" in text
    assert "# not used: Cena promocyjna" in text and "50% filled, such as 13,48 zł" in text


def test_codes_that_are_barcodes_are_not_said_to_be_none() -> None:
    known = "EAN;Bezeichnung;Preis\n4006381333931;Saft;1,29\n5901234123457;Brot;2,09\n"
    own = "Artikelnummer;Bezeichnung;Preis\nA-17;Saft;1,29\nA-18;Brot;2,09\n"
    assert "No column holds barcodes" not in propose(known.encode(), "a_2026-08-15.csv")
    assert "No column holds barcodes" in propose(own.encode(), "a_2026-08-15.csv")


def test_what_is_only_guessed_is_refused_until_a_person_says_it(read_bytes) -> None:
    text = propose(GERMAN.encode(), "brunnenhof_2026-08-15.csv")
    with pytest.raises(BadLayout, match=r"constants: .*currency, seller: still '\?'") as caught:
        read_layout(text.encode(), "brunnenhof.layout.yaml")
    assert caught.value.field == "constants"
    confirmed = text.replace("seller: '?'", "seller: Brunnenhof").replace(
        "currency: '?'", "currency: EUR"
    )
    layout = read_layout(confirmed.encode(), "brunnenhof.layout.yaml")
    prices = read_bytes(GERMAN.encode(), "brunnenhof_2026-08-15.csv", (layout,)).prices
    assert prices.select("seller", "sku", "gtin", "quantity", "currency").rows()[1] == (
        "Brunnenhof", "A-2", "5901234123457", "1,5 L" if layout.decimal == "." else "1.5 L", "EUR",
    )  # fmt: skip


def test_nested_names_and_cents() -> None:
    items = [
        {"sku": f"x-{n}", "title": f"Brot Nummer {n}", "image": {"url": f"https://i.example/{n}.jpg"},
         "pricing": {"crossed": 399, "price": 100 + n, "perUnit": {"value": 5}}}
        for n in range(20)
    ]  # fmt: skip
    text = propose(json.dumps({"items": items}).encode(), "bakery-20260815.json")
    made = yaml.safe_load(text)
    assert made["columns"]["price"] == "pricing.price"
    assert made["columns"]["regular_price"] == "pricing.crossed"
    assert made["columns"]["image"] == "image.url"
    assert "divide: {price: 100}" in text
    assert "delimiter" not in made


def test_real_price_files_are_proposed_as_their_layout_says() -> None:
    folder = SHARED / "il_prices"
    if not folder.exists():
        pytest.skip(f"no real price files at {folder}")
    path = sorted(folder.glob("*.csv.gz"))[0]
    head = b"\n".join(gzip.decompress(path.read_bytes()).split(b"\n")[:800])
    columns = proposed(head, "chains_2026-08-15.csv")["columns"]
    assert isinstance(columns, dict)
    wanted = {"seller": "רשת", "sku": "ברקוד", "name": "שם מוצר", "price": "מחיר (₪)",
              "unit_price": "מחיר ליחידה (₪)", "quantity": "כמות"}  # fmt: skip
    assert {role: columns.get(role) for role in wanted} == wanted


def test_the_command_proposes_tries_and_says_what_is_wrong(tmp_path: Path) -> None:
    runner = CliRunner()
    path = tmp_path / "brunnenhof_2026-08-15.csv"
    path.write_text(GERMAN, "utf-8")
    failed = runner.invoke(app, ["try", str(path)])
    assert failed.exit_code == 1
    assert "no known layout" in failed.stderr
    text = runner.invoke(app, ["propose", str(path)]).stdout
    text = text.replace("seller: '?'", "seller: B").replace("currency: '?'", "currency: EUR")
    (tmp_path / "brunnenhof.layout.yaml").write_text(text, "utf-8")
    tried = runner.invoke(app, ["try", str(path)])
    assert tried.exit_code == 0, tried.stderr
    assert "layout brunnenhof, 3 rows, 0 set aside" in tried.stdout
    assert "Apfelsaft" in tried.stdout
    absent = runner.invoke(app, ["propose", str(tmp_path / "none.csv")])
    assert absent.exit_code == 1 and "Traceback" not in absent.stderr

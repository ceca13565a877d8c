"""The files of the sample: layouts, bytes, and each fault where the record says it is."""

import csv
import gzip
import io
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.sample import COMPETITOR_NAMES, OWN_SELLER, generate
from flows.sample.faults import APPEARED, FORMULA, NONSENSE_PRICES, SCRIPT, VANISHED
from flows.sample.layouts import BUNDLE, CATALOGUE, GREEN_BASKET_FILE, LAYOUTS, SHUK_TOV_FILE

ROOT = Path(__file__).resolve().parents[3]
LAST = date(2026, 8, 15)
BUNDLE_HEADER = (
    "רשת,מזהה רשת,מזהה חנות,ברקוד,שם מוצר,יצרן,ארץ ייצור,כמות,יחידת מידה,יחידת כמות,"
    "מחיר (₪),מחיר ליחידה (₪),שקיל,כמות באריזה,מותר הנחה,סטטוס,עודכן"
)


def days(count):
    return [LAST - timedelta(days=back) for back in reversed(range(count))]


def text(folder, layout, day=LAST):
    data = (folder / layout.file_name(day)).read_bytes()
    if layout.pattern.endswith(".gz"):
        data = gzip.decompress(data)
    return data.decode(layout.encoding)


def rows(folder, layout, day=LAST):
    """The records of a file, header first."""
    return list(csv.reader(io.StringIO(text(folder, layout, day)), delimiter=layout.delimiter))


def column(folder, layout, name, day=LAST):
    header, *records = rows(folder, layout, day)
    return [record[header.index(name)] for record in records]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean")
    return generate(folder, seed=7, days=days(6), products=400, faults=False)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faulty")
    return generate(folder, seed=7, days=days(6), products=400)


def test_the_same_arguments_give_the_same_bytes_and_another_seed_others(tmp_path, faulty):
    generate(tmp_path / "again", seed=7, days=days(6), products=400)
    generate(tmp_path / "other", seed=8, days=days(6), products=400)
    assert contents(tmp_path / "again") == contents(faulty.folder)
    other = contents(tmp_path / "other")
    assert other.keys() == contents(faulty.folder).keys()
    assert all(data != other[name] for name, data in contents(faulty.folder).items())


def test_without_faults_every_file_of_every_day_is_sound(clean):
    assert clean.faults == ()
    assert len(contents(clean.folder)) == 4 * 6
    for day in clean.days:
        for layout in LAYOUTS:
            header, *records = rows(clean.folder, layout, day)
            assert tuple(header) == layout.header
            assert all(len(record) == len(header) for record in records)
            prices = column(clean.folder, layout, layout.price, day)
            assert all(float(price.replace(",", ".")) > 0 for price in prices)
            keys = {(record[0], record[header.index(layout.code)]) for record in records}
            assert len(keys) == len(records)


def test_the_bundle_has_the_transparency_layout_and_four_chains(clean):
    written = gzip.decompress((clean.folder / f"market-prices_{LAST}.csv.gz").read_bytes())
    assert written.startswith(b"\xef\xbb\xbf" + BUNDLE_HEADER.encode() + b"\n")
    assert set(column(clean.folder, BUNDLE, "רשת")) == set(COMPETITOR_NAMES[2:])
    assert {"100 גרם", '100 מ"ל', "0000000000"} <= set(column(clean.folder, BUNDLE, "יחידת מידה"))
    assert {"", "לא ידוע"} <= set(column(clean.folder, BUNDLE, "יצרן"))
    assert {11, 12, 13} <= {len(code) for code in column(clean.folder, BUNDLE, "ברקוד")}


def test_shuk_tov_is_windows_1255_with_decimal_commas(clean):
    written = (clean.folder / f"shuk-tov-prices_{LAST}.csv").read_bytes()
    header = "חנות;ברקוד;שם;מותג;משקל;יחידה;מחיר;מטבע;עודכן\r\n"
    assert written.startswith(header.encode("cp1255"))
    with pytest.raises(UnicodeDecodeError):
        written.decode("utf-8")
    assert all(price[-3] == "," for price in column(clean.folder, SHUK_TOV_FILE, "מחיר"))


def test_green_basket_is_tab_separated_and_writes_contents_as_text(clean):
    assert text(clean.folder, GREEN_BASKET_FILE).startswith("chain\tstore\tgtin\tproduct\t")
    contents = set(column(clean.folder, GREEN_BASKET_FILE, "net_content"))
    assert {"500 g", "6 x 330 ml", "1.5 L"} <= contents
    assert all(len(code) == 13 for code in column(clean.folder, GREEN_BASKET_FILE, "gtin"))


def test_the_catalogue_is_the_customer_s_mostly_english_partly_hebrew(clean):
    assert set(column(clean.folder, CATALOGUE, "seller")) == {OWN_SELLER} == {clean.own_seller}
    titles = column(clean.folder, CATALOGUE, "title")
    assert 0.05 < sum(not title.isascii() for title in titles) / len(titles) < 0.2


def test_the_catalogue_s_unit_prices_are_for_their_basis(clean):
    header, *records = rows(clean.folder, CATALOGUE)
    factors = {"g": 1, "ml": 1, "piece": 1, "kg": 1000, "L": 1000}
    bases = {"100 g": 100, "100 ml": 100, "1 piece": 1, "1 kg": 1000}
    assert set(bases) == set(column(clean.folder, CATALOGUE, "unit_basis"))
    for record in records:
        cells = dict(zip(header, record, strict=True))
        total = float(cells["size"]) * factors[cells["size_unit"]]
        expected = float(cells["price"]) * bases[cells["unit_basis"]] / total
        assert float(cells["unit_price"]) == pytest.approx(expected, abs=0.0051)


def test_one_chain_of_the_bundle_writes_unit_prices_for_another_basis_than_it_says(clean):
    header, *records = rows(clean.folder, BUNDLE)
    wrong = set()
    for record in records:
        cells = dict(zip(header, record, strict=True))
        if cells["יחידת מידה"].startswith("100 "):
            of_hundred = 100 * float(cells["מחיר (₪)"]) / float(cells["כמות"])
            if float(cells["מחיר ליחידה (₪)"]) != pytest.approx(of_hundred, abs=0.00051):
                wrong.add(cells["רשת"])
    assert wrong == {"אלומה מרקט"}


def test_every_kind_of_fault_is_there_and_the_last_day_has_all_its_files(faulty):
    kinds = {fault.kind for fault in faulty.faults}
    assert kinds == {
        "missing_day", "truncated_file", "wrong_encoding", "other_headers", "seller_vanished",
        "seller_appeared", "nonsense_price", "price_ten_times_off", "duplicate_key",
        "too_few_fields", "too_many_fields", "formula_cell", "html_cell",
    }  # fmt: skip
    for layout in LAYOUTS:
        assert tuple(rows(faulty.folder, layout)[0]) == layout.header


def test_faults_of_rows_stand_where_the_record_says(faulty, clean):
    by_name = {layout.file_name(LAST): layout for layout in LAYOUTS}
    seen = 0
    for fault in faulty.faults:
        if fault.row is None:
            continue
        layout = by_name[fault.file]
        header, *records = rows(faulty.folder, layout)
        record = records[fault.row - 1]
        price, name = header.index(layout.price), header.index(layout.name)
        width = len(header) + {"too_few_fields": price - len(header), "too_many_fields": 1}.get(
            fault.kind, 0
        )
        assert len(record) == width
        match fault.kind:
            case "nonsense_price" | "price_ten_times_off":
                assert record[price] == fault.value
            case "formula_cell" | "html_cell":
                assert record[name] == fault.value
            case "too_few_fields" | "too_many_fields":
                assert record[header.index(layout.code)] == fault.value
            case "duplicate_key":
                assert record[price] == fault.value
                code = header.index(layout.code)
                same = [other for other in records if other[: code + 1] == record[: code + 1]]
                assert len({other[price] for other in same}) == len(same) == 2
        seen += 1
    assert seen == 4 * (len(NONSENSE_PRICES) + 3) + 3


def test_rows_without_a_recorded_fault_are_as_in_the_sound_file(faulty, clean):
    for layout in (CATALOGUE, SHUK_TOV_FILE, GREEN_BASKET_FILE):
        spoilt = {fault.row for fault in faulty.faults if fault.file == layout.file_name(LAST)}
        sound = rows(clean.folder, layout)
        for number, record in enumerate(rows(faulty.folder, layout)):
            assert number in spoilt or record == sound[number]


def test_every_file_has_every_nonsense_price_with_its_own_decimal_mark(faulty):
    for layout in LAYOUTS:
        prices = set(column_of_whole_rows(faulty.folder, layout))
        assert {value.replace(".", layout.decimal) for value in NONSENSE_PRICES} <= prices


def column_of_whole_rows(folder, layout):
    header, *records = rows(folder, layout)
    return [record[header.index(layout.price)] for record in records if len(record) == len(header)]


def test_hostile_names_and_the_wrong_price_are_on_products_that_are_compared(faulty):
    own = set(column(faulty.folder, CATALOGUE, "ean"))
    theirs = {row[3].zfill(13) for row in rows(faulty.folder, BUNDLE)}
    theirs |= {row[2] for row in rows(faulty.folder, GREEN_BASKET_FILE)}
    theirs |= {row[1].zfill(13) for row in rows(faulty.folder, SHUK_TOV_FILE)}
    for record in rows(faulty.folder, CATALOGUE):
        if FORMULA in record:
            assert record[2] in theirs
    script = [row for row in rows(faulty.folder, BUNDLE) if SCRIPT in " ".join(row)]
    assert [row[3].zfill(13) in own for row in script] == [True]
    (wrong,) = (fault for fault in faulty.faults if fault.kind == "price_ten_times_off")
    assert rows(faulty.folder, CATALOGUE)[wrong.row][2] in theirs


def test_no_product_is_misleading_twice(faulty):
    by_name = {layout.file_name(LAST): layout for layout in LAYOUTS}
    misleading = ("nonsense_price", "price_ten_times_off", "formula_cell", "html_cell")
    codes = [
        rows(faulty.folder, by_name[fault.file])[fault.row][layout_code(by_name[fault.file])]
        for fault in faulty.faults
        if fault.kind in misleading
    ]
    assert len({code.zfill(13) for code in codes}) == len(codes) == 27


def layout_code(layout):
    return layout.header.index(layout.code)


def test_the_missing_day_has_no_file_and_the_record_names_none(faulty):
    (fault,) = (fault for fault in faulty.faults if fault.kind == "missing_day")
    assert (fault.day, fault.file) == (date(2026, 8, 12), "")
    assert not [name for name in contents(faulty.folder) if "2026-08-12" in name]
    assert len(contents(faulty.folder)) == 4 * 5


def test_the_truncated_file_cannot_be_read_to_its_end(faulty):
    (fault,) = (fault for fault in faulty.faults if fault.kind == "truncated_file")
    with pytest.raises(EOFError):
        gzip.decompress((faulty.folder / fault.file).read_bytes())


def test_the_wrongly_encoded_file_shows_no_header_under_its_usual_encoding(faulty):
    (fault,) = (fault for fault in faulty.faults if fault.kind == "wrong_encoding")
    written = (faulty.folder / fault.file).read_bytes()
    assert "ברקוד" in written.decode("utf-8").splitlines()[0]
    assert "ברקוד" not in written.decode("cp1255", errors="replace").splitlines()[0]


def test_the_file_with_other_headers_shares_none_with_its_layout(faulty):
    (fault,) = (fault for fault in faulty.faults if fault.kind == "other_headers")
    header, *records = rows(faulty.folder, SHUK_TOV_FILE, fault.day)
    assert fault.file == SHUK_TOV_FILE.file_name(fault.day)
    assert not set(header) & set(SHUK_TOV_FILE.header)
    assert {len(record) for record in records} == {len(header)}


def test_one_chain_vanishes_two_days_before_the_last_and_one_appears_on_it(faulty):
    present = {
        day.day: set(column_of_sellers(faulty.folder, day)) & {VANISHED.name, APPEARED.name}
        for day in faulty.days
        if day.day != 12
    }
    before, gone, new = {VANISHED.name}, set(), {APPEARED.name}
    assert present == {10: before, 11: before, 13: before, 14: gone, 15: new}


def column_of_sellers(folder, day):
    return [record[0] for record in rows(folder, BUNDLE, day)[1:]]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 9])
def test_fewer_days_carry_the_faults_that_fit(tmp_path, count):
    sample = generate(tmp_path, seed=1, days=days(count), products=100)
    kinds = {fault.kind for fault in sample.faults}
    assert ("seller_appeared" in kinds) == (count >= 2)
    assert {"seller_vanished", "other_headers"} <= kinds or count < 3
    assert ("missing_day" in kinds) == (count >= 4)
    assert ("truncated_file" in kinds) == (count >= 5)
    assert ("wrong_encoding" in kinds) == (count >= 6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_smallest_sample_has_room_for_every_fault_of_rows(tmp_path_factory, seed):
    sample = generate(tmp_path_factory.mktemp("small"), seed=seed, days=[LAST], products=100)
    places = [(fault.file, fault.row) for fault in sample.faults]
    assert len(places) == len(set(places)) == 4 * (len(NONSENSE_PRICES) + 3) + 3


def test_files_of_an_earlier_call_are_replaced_or_removed_and_others_left(tmp_path):
    generate(tmp_path, seed=1, days=days(6), products=100, faults=False)
    (tmp_path / "notes.txt").write_text("mine")
    generate(tmp_path, seed=1, days=days(6), products=100)
    assert not [name for name in contents(tmp_path) if "2026-08-12" in name]
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"days": []}, "at least one"),
        ({"days": [LAST, LAST]}, "ascending"),
        ({"days": days(2)[::-1]}, "ascending"),
        ({"days": [LAST], "products": 99}, "products must be at least 100, not 99"),
        ({"days": [LAST], "products": 30_000}, "the vocabulary names"),
    ],
)
def test_arguments_that_make_no_market_are_refused_and_nothing_is_written(
    tmp_path, arguments, message
):
    with pytest.raises(ValueError, match=message):
        generate(tmp_path / "out", seed=1, **arguments)
    assert not (tmp_path / "out").exists()


def test_the_command_writes_the_same_files_and_lists_the_faults(tmp_path):
    out = tmp_path / "shell"
    command = f"-m flows.sample {out} --seed 5 --days 2 --last 2026-08-15 --products 120"
    done = subprocess.run(
        [sys.executable, *command.split()], cwd=ROOT, capture_output=True, text=True, check=True
    )
    sample = generate(tmp_path / "call", seed=5, days=days(2), products=120)
    assert contents(out) == contents(sample.folder)
    assert len(done.stdout.splitlines()) == len(sample.faults) + 1
    assert "seller_appeared" in done.stdout

"""Good rows survive whatever stands around them, and each bad one is named."""

import csv
import io

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.pipeline.ingest.rows import MOST_LINES, read_rows

HEADER = ("seller", "ean", "title", "brand", "price", "currency")
NAME = "prices_2026-08-15.csv"
WIDTH = len(HEADER)


def line(*cells: str, delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerow(cells)
    return out.getvalue()


def good(sku: int, name: str = "milk") -> tuple[str, ...]:
    return ("Corner", str(sku), name, "Acme", "12.90", "ILS")


_WORD = st.text("abcשלום é'-&%", min_size=1, max_size=6).map(str.strip).filter(bool)
_NAME = st.one_of(
    _WORD,
    st.builds('{} "{}" {}'.format, _WORD, _WORD, _WORD),
    st.builds("{}, {}".format, _WORD, _WORD),
    st.builds("{}\n{}".format, _WORD, _WORD),
    st.builds('5" {}'.format, _WORD),
)
_GOOD = _NAME.map(lambda name: ("good", name))
_BAD = st.one_of(
    st.tuples(st.just("few"), st.integers(1, WIDTH - 1)),
    st.tuples(st.just("many"), st.integers(1, 3)),
    st.tuples(st.just("quote"), st.integers(0, WIDTH - 2)),
    st.tuples(st.just("bytes"), st.integers(0, WIDTH - 1)),
    st.tuples(st.just("return"), st.integers(0, WIDTH - 2)),
)


def bad_line(kind: str, place: int) -> tuple[bytes, str | None]:
    """A line with a fault in the field of that place, and the header its fault must name."""
    cells = list(good(0, "spoilt"))
    if kind == "few":
        return ",".join(cells[:place]).encode() + b"\n", HEADER[place]
    if kind == "many":
        return ",".join(cells + ["3%"] * place).encode() + b"\n", None
    if kind == "quote":
        cells[place] = f'"{cells[place]}'
    if kind == "return":
        cells[place] += "\rx"
    data = ",".join(cells).encode() + b"\n"
    if kind == "bytes":
        data = ",".join([*cells[:place], "?", *cells[place + 1 :]]).encode() + b"\n"
        data = data.replace(b"?", b"caf\xe9")
    return data, HEADER[place]


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(st.one_of(_GOOD, _BAD), max_size=12), end=st.booleans())
def test_good_rows_survive_and_bad_ones_are_named(read_bytes, rows, end) -> None:
    data = b"\xef\xbb\xbf" + line(*HEADER).encode()
    names, numbers, faults = [], [], []
    for number, (kind, what) in enumerate(rows, 1):
        if kind == "good":
            data += line(*good(number, what)).encode()
            names.append(what)
            numbers.append(number)
        else:
            text, field = bad_line(kind, what)
            data += text
            faults.append((NAME, number, field))
    data += line(*good(99)).encode().rstrip() + b"\n" * end
    names.append("milk")
    numbers.append(len(rows) + 1)

    prices, found, file = read_bytes(data)
    assert prices["name"].to_list() == names
    assert prices["source_row"].to_list() == numbers
    assert prices["price"].to_list() == ["12.90"] * len(names)
    assert found.select("source_file", "source_row", "field").rows() == faults
    assert not found["problem"].is_null().any()
    assert not found["action"].is_null().any()
    assert (file["rows"], file["rows_set_aside"]) == (len(names), len(faults))
    assert file["damage"] is None


def read(text: str, **options: object):
    lines = text.splitlines(keepends=True)
    return read_rows(lines, header=HEADER, delimiter=",", **options)  # type: ignore[arg-type]


def test_a_quote_that_is_never_closed_costs_its_own_row_alone() -> None:
    rows = "".join(line(*good(number)) for number in range(1, 5001))
    broken = rows.replace("Corner,2,milk,", 'Corner,2,"milk,')
    result = read(broken)
    assert [bad.number for bad in result.bad] == [2]
    assert result.bad[0].field == "title"
    assert "not closed" in result.bad[0].problem
    assert result.numbers == [number for number in range(1, 5001) if number != 2]


def test_a_stray_quote_below_an_open_one_hides_nothing() -> None:
    text = 'Corner,1,"milk,Acme,12.90,ILS\n' + 'Corner,2,bar 5",Acme,12.90,ILS\n' + line(*good(3))
    result = read(text)
    assert [bad.number for bad in result.bad] == [1]
    assert [row[1] for row in result.good] == ["2", "3"]


@pytest.mark.parametrize("below", ['"x\ny",2,title,Acme,1,ILS\n', 'Corner,"2\n2",t,Acme,1,ILS\n'])
def test_an_open_quote_above_a_row_of_several_lines(below: str) -> None:
    result = read('Corner,1,milk,Acme,12.90,"ILS\n' + below + line(*good(3)))
    assert [(bad.number, bad.field) for bad in result.bad] == [(1, "currency")]
    assert result.numbers == [2, 3]


def test_a_stray_quote_in_another_column_below_an_open_one() -> None:
    result = read('Corner,1,milk,Acme,12.90,"ILS\nBar 5",2,milk,Acme,1,ILS\n' + line(*good(3)))
    assert [bad.number for bad in result.bad] == [1]
    assert [row[1] for row in result.good] == ["2", "3"]


def test_badly_escaped_quotes_inside_a_name_are_read_as_they_can_be() -> None:
    result = read('Corner,1,"milk 1 "kg" bag",Acme,12.90,ILS\n')
    assert not result.bad
    assert [row[4] for row in result.good] == ["12.90"]


def test_a_file_in_which_every_line_opens_a_quote_is_read_once() -> None:
    # Each line ends the quoted cell of the line above and opens the next: one row without end.
    text = 'a,1",c,"d\n' * 20_000
    result = read(text)
    assert not result.good
    assert len(result.bad) == 20_000


def test_a_cell_of_very_many_lines_is_bounded() -> None:
    name = "\n".join("x" for _ in range(MOST_LINES + 5))
    assert read(line(*good(1, name)) + line(*good(2))).good == [list(good(2))]
    name = "\n".join("x" for _ in range(MOST_LINES - 5))
    assert read(line(*good(1, name)) + line(*good(2))).numbers == [1, 2]


def test_the_last_line_of_a_cut_file_is_set_aside_only_if_it_has_no_end() -> None:
    whole = line(*good(1)) + line(*good(2))
    assert read(whole, cut_short=True).numbers == [1, 2]
    half = read(whole + "Corner,3,mi", cut_short=True)
    assert half.numbers == [1, 2]
    assert [(bad.number, bad.field, bad.text) for bad in half.bad] == [(3, "title", "Corner,3,mi")]
    # It has all its fields, but nothing says that the last is whole.
    assert [bad.number for bad in read(whole + whole[:-2], cut_short=True).bad] == [4]
    assert not read("", cut_short=True).bad


def test_a_row_moved_one_column_on_is_refused_even_if_its_last_field_is_empty() -> None:
    result = read("Corner,1,milk,3%,Acme,12.90,\n" + line(*good(2)))
    assert [row[1] for row in result.good] == ["2"]
    assert [bad.problem for bad in result.bad] == ["it has 7 fields instead of 6"]


def test_a_line_of_a_megabyte_costs_itself_alone(read_bytes) -> None:
    rows = [line(*good(1)), line(*good(2, "x" * (1 << 20))), line(*good(3)), "y" * (1 << 20) + "\n"]
    data = (line(*HEADER) + "".join(rows)).encode()
    prices, faults, _ = read_bytes(data)
    assert prices["sku"].to_list() == ["1", "3"]
    assert faults["source_row"].to_list() == [2, 4]
    assert faults["problem"].str.contains("longer than 131,072 characters").all()
    assert faults["value"].str.len_chars().max() <= 120


def test_nul_bytes_are_dropped_from_cells_and_kept_out_of_faults(read_bytes) -> None:
    rows = [line(*good(1, "mi\0lk")), "\0" * 50 + "\n", "Corner,\0\x01,x\n", line(*good(4))]
    prices, faults, _ = read_bytes((line(*HEADER) + "".join(rows)).encode())
    assert prices.select("source_row", "name").rows() == [(1, "milk"), (4, "milk")]
    assert faults["source_row"].to_list() == [2, 3]
    shown = "".join(faults["value"].fill_null("").to_list())
    assert shown.isprintable()


def test_very_many_bad_rows_are_all_named(read_bytes) -> None:
    data = line(*HEADER) + "Corner,1\n" * 30_000 + line(*good(7))
    prices, faults, file = read_bytes(data.encode())
    assert prices["source_row"].to_list() == [30_001]
    assert faults["source_row"].to_list() == list(range(1, 30_001))
    assert set(faults["field"]) == {"title"}
    assert file["rows_set_aside"] == 30_000


def test_faults_and_prices_have_their_schemas_without_rows(read_bytes) -> None:
    from flows.pipeline.ingest.layout import INGESTED
    from flows.pipeline.schema import FAULTS

    prices, faults, _ = read_bytes(line(*HEADER).encode())
    assert prices.schema == INGESTED
    assert faults.schema == FAULTS
    assert prices.is_empty()
    assert faults["problem"].to_list() == ["the file has no usable rows"]
    assert isinstance(faults, pl.DataFrame)

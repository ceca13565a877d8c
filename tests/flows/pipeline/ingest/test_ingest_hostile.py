"""Whatever the bytes, there are rows and faults, or an error in two lines: never anything else."""

import gzip

from hypothesis import given, settings
from hypothesis import strategies as st

from flows.pipeline.ingest.errors import IngestError
from flows.pipeline.ingest.layout import INGESTED
from flows.pipeline.schema import FAULTS

_CATALOGUE = "seller,ean,title,brand,price,currency\n" + 'A,1,"Crème, 5""",x,1.5,ILS\n' * 8
_SHUK = "חנות;ברקוד;שם;מחיר;מטבע\r\n" + "5;1;חלב;1.299,90;₪\r\n" * 8
_TABS = "chain\tgtin\tproduct\tprice\tcurrency\n" + "A\t1\tKäse\t1.50\tILS\n" * 8
_FILES = [
    text.encode(encoding)
    for text, encodings in (
        (_CATALOGUE, ("utf-8", "utf-8-sig", "cp1252", "utf-16")),
        (_SHUK, ("utf-8", "cp1255", "utf-16-le", "utf-16-be")),
        (_TABS, ("utf-8", "utf-16")),
    )
    for encoding in encodings
]
_FILES += [gzip.compress(data) for data in _FILES]
_SPLICES = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 12),
        st.one_of(
            st.binary(max_size=8),
            st.sampled_from(
                [b'"', b"\n", b"\r", b",", b";", b"\t", b"\0", b"\xff", b'"\n', b"\x1a"]
            ),
        ),
    ),
    max_size=6,
)


@settings(max_examples=400, deadline=None)
@given(data=st.one_of(st.sampled_from(_FILES), st.binary(max_size=300)), splices=_SPLICES)
def test_any_bytes(read_bytes, data: bytes, splices) -> None:
    for where, length, instead in splices:
        place = int(where * len(data))
        data = data[:place] + instead + data[place + length :]
    try:
        prices, faults, file = read_bytes(data, "hostile.csv")
    except IngestError as error:
        assert error.file == "hostile.csv"
        assert "hostile.csv" in error.problem
        assert error.action
        assert all(line.isprintable() for line in str(error).split("\n"))
        assert len(str(error).split("\n")) == 2
        return
    assert prices.schema == INGESTED
    assert faults.schema == FAULTS
    assert file["rows"] == prices.height
    assert file["rows_set_aside"] == faults["source_row"].count()
    numbers = [*prices["source_row"], *faults["source_row"].drop_nulls()]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    for text in faults["problem"].to_list() + faults["action"].to_list():
        assert text.isprintable()
    for column in ("seller", "sku", "name", "price"):
        cells = prices[column].drop_nulls()
        assert not cells.str.contains(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]").any()
        assert (cells.str.strip_chars() != "").all()

"""Character sets: declared, undeclared and declared wrongly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.capture import extract_product
from flows.pipeline.capture.decode import decode_page

GERMAN = "<html><p>Größe für Gefäße: 1\xa0525,00 €</p></html>"
HEBREW = '<html lang="he-IL"><p>הוספה לסל 1,525 ₪</p></html>'
HUNGARIAN = '<html lang="hu"><p>1\xa0525 Ft Kosárba, előrendelés</p></html>'


@pytest.mark.parametrize("said", [None, "text/html", "text/html; charset=utf-8"])
@pytest.mark.parametrize(
    ("text", "charset"),
    [
        (GERMAN, "cp1252"),
        (HEBREW, "cp1255"),
        (HUNGARIAN, "cp1250"),
        (GERMAN, "utf-8"),
        (HEBREW, "utf-8"),
    ],
)
def test_what_is_not_declared_is_known_from_content_and_language(text, charset, said):
    assert decode_page(text.encode(charset), said).decode() == text


@pytest.mark.parametrize("said", ["windows-1252", "iso-8859-1", "windows-1255", "shift_jis"])
def test_utf_8_is_known_whatever_is_declared(said):
    assert decode_page(GERMAN.encode(), f"text/html; charset={said}").decode() == GERMAN


def test_the_site_file_says_the_language_where_the_page_does_not():
    text = "<html><p>הוספה לסל 1,525 ₪</p></html>"
    assert decode_page(text.encode("cp1255"), None, "he-IL").decode() == text
    assert "₪" not in decode_page(text.encode("cp1255"), None, None).decode()


@pytest.mark.parametrize("charset", ["windows-1252", "windows-1255", "shift_jis", "utf-16"])
def test_what_is_declared_rightly_is_believed(charset):
    text = {"windows-1255": HEBREW, "shift_jis": "<html><p>¥1,525 在庫あり</p></html>"}.get(
        charset, GERMAN
    )
    text = text.replace("¥", "") if charset == "shift_jis" else text
    assert decode_page(text.encode(charset), f"text/html; charset={charset}").decode() == text


def test_a_few_broken_bytes_leave_the_rest_as_utf_8():
    body = GERMAN.encode().replace(b"</p>", b"\xff</p>")
    assert decode_page(body).decode() == GERMAN.replace("</p>", "\ufffd</p>")


def test_a_mangled_space_does_not_cut_a_price():
    page = (
        '<html lang="hu"><title>Mosópor</title><h1>Mosópor</h1>'
        '<script type="application/ld+json">{"@type":"Product","name":"Mosópor","offers":'
        '{"@type":"Offer","price":1525,"priceCurrency":"HUF"}}</script>'
        '<span class="price">1\xa0525 Ft</span><button>Kosárba</button></html>'
    )
    product = extract_product(page.encode("cp1250"), "https://bolt.test/p/1")
    assert product.price == 1525


@given(st.binary(max_size=300), st.sampled_from([None, "text/html; charset=utf-7", "x"]))
def test_any_bytes_give_utf_8(body, said):
    assert b"\x00" not in decode_page(body, said)
    decode_page(body, said).decode("utf-8")

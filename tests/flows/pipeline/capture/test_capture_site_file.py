"""Site files: what is right is read, what is wrong is said with its line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.capture import load_site, load_sites
from flows.pipeline.capture.errors import BadSite
from flows.pipeline.capture.site_file import parse_site

RIGHT = """\
name: green-basket
start_urls: [https://green-basket.example/]
sitemap: https://green-basket.example/sitemap.xml
rate: 0.5
concurrency: 1
locale: de-AT
currency: EUR
decimal: ","
expected_pages: 1200
rules:
  price: {css: "span.price", attribute: content}
  sku: {json: "product.sku", script: "#__NEXT_DATA__"}
"""


def test_a_right_file(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(RIGHT, "utf-8")
    (tmp_path / "a.yaml").write_text(RIGHT.replace("green-basket", "shuk"), "utf-8")
    site = load_site(tmp_path / "b.yaml")
    assert (site.name, site.rate, site.decimal, site.driver) == ("green-basket", 0.5, ",", "html")
    assert site.rules["sku"].json_path == "product.sku"
    assert [one.name for one in load_sites(tmp_path)] == ["green-basket", "shuk"]


def test_two_sites_of_one_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(RIGHT, "utf-8")
    with pytest.raises(BadSite, match=r"a\.yaml and b\.yaml both name 'green-basket'"):
        load_sites(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "says", "advice"),
    [
        ("rate: 0.5", "rate: 0", 4, "rate", "greater than 0", "larger"),
        ("rate: 0.5", "rate: fast", 4, "rate", "valid number", "site.py"),
        ("currency: EUR", "currency: EURO", 7, "currency", "ISO 4217", ""),
        ('decimal: ","', "decimal: ;", 8, "decimal", "'.' or ','", "values named"),
        ("locale: de-AT", "locale: german", 6, "locale", "pattern", "de-AT"),
        ("name: green-basket", "name: Green Basket", 1, "name", "pattern", "lower-case"),
        ("expected_pages", "expected_page", 9, "expected_page", "not permitted",
         "'expected_pages'"),
        ("  price: {css:", "  prize: {css:", 11, "rules.prize", "'price'", "values named"),
        ('css: "span.price"', 'css: "span["', 11, "rules.price.css", "no CSS selector", ""),
        ('css: "span.price", ', "", 11, "rules.price", "either css or json", ""),
        ("https://green-basket.example/]", "green-basket.example]", 2, "start_urls.0",
         "https://", ""),
        ("https://green-basket.example/]", "https://me:pw@green-basket.example/]", 2,
         "start_urls.0", "no credentials", ""),
        ("rate: 0.5", 'product_urls: "/p/["', 4, "product_urls", "regular expression", ""),
        ("rate: 0.5", "rate: 0.5\nrate: 2", 5, "rate", "stands twice (first on line 4)", "Keep"),
        ("rate: 0.5", "rate: [", 4, "", "no YAML", "Correct that line"),
        ("rate: 0.5", "driver: feed", 1, "", "driver feed needs feed", ""),
        ("rate: 0.5", "rate: 0.5\n\tx: 1", 5, "", "no YAML", "Correct"),
    ],
)  # fmt: skip
def test_faults_name_line_field_and_advice(
    old: str, new: str, line: int, field: str, says: str, advice: str
) -> None:
    with pytest.raises(BadSite) as caught:
        parse_site(RIGHT.replace(old, new, 1), "shop.yaml")
    error = caught.value
    assert (error.file, error.line, error.field) == ("shop.yaml", line, field)
    assert f"line {line}" in error.problem
    assert says in error.problem
    assert error.action and advice in error.action


def test_all_faults_are_said_at_once() -> None:
    with pytest.raises(BadSite) as caught:
        parse_site(RIGHT.replace("rate: 0.5", "rate: 99").replace("EUR", "XX"), "shop.yaml")
    assert "line 4" in caught.value.problem and "line 7" in caught.value.problem


@pytest.mark.parametrize("text", ["", "- a", "x", "a: &a [*a]", "\x00", "{" * 5_000])
def test_what_is_no_site_file(text: str) -> None:
    with pytest.raises(BadSite):
        parse_site(text, "shop.yaml")


@given(st.text("abc:-[]{}&*!|>'\"\n\t %@`#0", max_size=60))
def test_any_text_is_a_site_or_a_bad_site(text: str) -> None:
    with pytest.raises(BadSite):
        parse_site(text, "shop.yaml")


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"name: caf\xe9")
    with pytest.raises(BadSite, match="not UTF-8"):
        load_site(tmp_path / "x.yaml")

"""What stands on a page beside its label: ``EAN: 4006381333931``, ``Art.-Nr. 4711``, ``Marke: X``.

Used only for what structured data left open, and only where every label near the product names
the same code. A GTIN must have a right check digit, so a wrong label costs nothing.
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

from flows.pipeline.normalise.gtin import gtin14

Labelled: TypeAlias = Literal["gtin", "sku", "mpn", "brand"]

_LABELS: Final[dict[Labelled, str]] = {
    "gtin": "ean|gtin|isbn|isbn-13|isbn13|isbn-10|upc|ean-13|ean13|ean code|ean-code|barcode|"
    "ean kód|kod ean|ean-nummer|штрихкод|條碼|条形码|מק״ט יצרן ean",
    "sku": "sku|art.nr|art.-nr|art. nr|art.nr.|art.-nr.|artikelnr|artikelnr.|artikelnummer|"
    "artikel-nr|artikel-nr.|bestellnummer|bestell-nr|bestell-nr.|item|item #|item number|item no|"
    "item no.|product code|product id|product number|article number|article no|catalogue number|"
    "post id|listing id|ad id|codice|codice prodotto|codice articolo|cod|cod.|cod. prodotto|"
    "référence|réf|réf.|referencia|ref|ref.|código|código de producto|código do produto|"
    "kód|kód produktu|kód tovaru|kód zboží|katalógové číslo|katalogové číslo|kod produktu|nr ref|"
    "nr ref.|cod produs|tootekood|tuotenumero|varenummer|varenr|varenr.|cikkszám|артикул|код|"
    'код товара|מק"ט|מק״ט|קוד מוצר|商品編號|商品编号|商品番号|品番|상품번호|رمز المنتج|رقم المنتج',
    "mpn": "mpn|manufacturer part number|part number|part no|part no.|model number|model no|"
    "model no.|herstellernummer|hersteller-nr|hersteller-nr.|modellnummer|part-nummer|"
    "codice produttore|référence fabricant|kód výrobcu|kód výrobce|kod producenta|"
    "číslo dielu|part number (p/n)|p/n|партномер|код производителя",
    "brand": "brand|marke|marque|marca|merk|märke|varumärke|mærke|merke|merkki|tuotemerkki|"
    "kaubamärk|značka|marka|márka|zīmols|prekės ženklas|prekinis ženklas|brend|бренд|марка|"
    "торговая марка|"
    "brand name|manufacturer|hersteller|fabricante|fabricant|produttore|fabrikant|tillverkare|"
    "valmistaja|tootja|výrobca|výrobce|producent|gyártó|producător|производитель|виробник|"
    "מותג|יצרן|ブランド|メーカー|品牌|브랜드|제조사|الماركة|العلامة التجارية",
}
BY_LABEL: Final[dict[str, Labelled]] = {
    label: name for name, labels in _LABELS.items() for label in labels.split("|")
}
_LONGEST_LABEL: Final = max(map(len, BY_LABEL))
_LONGEST_BRAND: Final = 40
_CODE: Final = re.compile(r"(?=[^ ]*\d)[A-Za-z0-9][A-Za-z0-9/_.-]{2,39}")
_DIVIDED: Final = re.compile(r"^([^:#\d]{2,40}?)\s?[:#]+\s?(\S{3,40})$")


def label_of(text: str) -> Labelled | None:
    """Return the field that a line names, None if the line is no label."""
    if len(text) > _LONGEST_LABEL + 3:
        return None
    return BY_LABEL.get(text.rstrip(" :#").lower())


def labelled(text: str) -> tuple[Labelled, str] | None:
    """Return field and code of a line such as ``EAN: 4006381333931``, None for any other."""
    found = _DIVIDED.match(text)
    if found is None:
        return None
    name = label_of(found[1])
    return None if name is None else (name, found[2])


def is_code(text: str) -> bool:
    """Say whether a text can be a code: one word with a digit in it."""
    return _CODE.fullmatch(text) is not None


def agreed(codes: list[tuple[int, Labelled, str]], known: set[str]) -> dict[str, str]:
    """Return the codes for the fields that are not known, where all labels agree.

    Args:
        codes: place, field and code of each labelled code near the product.
        known: fields that need not be looked for.
    """
    found: dict[str, set[str]] = {}
    for _, name, code in codes:
        is_gtin = name == "gtin"
        value = gtin14(code.replace("-", "").rstrip(".")) if is_gtin else code.strip(" .,-")
        if value and (is_code(value) or (name == "brand" and len(value) <= _LONGEST_BRAND)):
            found.setdefault(name, set()).add(value)
    return {
        name: min(values)
        for name, values in sorted(found.items())
        if name not in known and len({value.casefold() for value in values}) == 1
    }

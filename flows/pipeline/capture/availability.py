"""Words and codes that say whether a product can be bought.

Structured data says it by schema.org's ItemAvailability, or nearly; a page says it in a line of
its own ("Sold out"). Both are read as whole statements: a sentence that merely contains "out of
stock" (in a review, in a filter, in the terms of delivery) is none. Saying "in stock" of
everything is right nineteen times in twenty and worth nothing, so the absence of a statement is
UNKNOWN.
"""

from __future__ import annotations

import re
from typing import Final

from flows.pipeline.capture.product import Availability

_CODES: Final = {
    Availability.IN_STOCK: "instock instoreonly onlineonly limitedavailability lowstock "
    "available availablenow true yes 1 lieferbar auflager inmagazzino notsold purchasable "
    "availablefororder onstock sofortlieferbar",
    Availability.OUT_OF_STOCK: "outofstock soldout oos unavailable notavailable reserved false no "
    "0 outofstockonline sold nichtlieferbar temporarilyoutofstock currentlyunavailable nostock",
    Availability.PREORDER: "preorder presale preorderable comingsoon",
    Availability.BACKORDER: "backorder madetoorder backordered onorder",
    Availability.DISCONTINUED: "discontinued endoflife nolongeravailable",
}
_BY_CODE: Final = {
    code: availability for availability, codes in _CODES.items() for code in codes.split()
}

_LINES: Final = {
    Availability.OUT_OF_STOCK: "out of stock|sold out|currently unavailable|temporarily out of "
    "stock|not available|out-of-stock|no longer in stock|item sold|this item is sold|not in stock|"
    "this item is out of stock|this product is out of stock|this product is currently unavailable|"
    "currently out of stock|sold out online|out of stock online|temporarily unavailable|"
    "product is not available|notify me when available|notify me|email me when available|"
    "ausverkauft|nicht verfügbar|nicht lieferbar|derzeit nicht verfügbar|zurzeit nicht lieferbar|"
    "nicht auf lager|leider ausverkauft|vergriffen|momentan nicht verfügbar|"
    "aktuell nicht verfügbar|artikel ist leider ausverkauft|"
    "rupture de stock|en rupture de stock|épuisé|indisponible|actuellement indisponible|"
    "non disponible|produit indisponible|article épuisé|"
    "non disponibile|esaurito|attualmente non disponibile|prodotto non disponibile|"
    "prodotto esaurito|agotado|sin stock|no disponible|producto agotado|sin existencias|"
    "temporalmente agotado|producto no disponible|esgotado|indisponível|produto indisponível|"
    "produto esgotado|sem stock|sem estoque|uitverkocht|niet op voorraad|niet leverbaar|"
    "tijdelijk uitverkocht|niet beschikbaar|slutsåld|slut i lager|ej i lager|tillfälligt slut|"
    "utsolgt|ikke på lager|udsolgt|ikke på lager|loppu|loppuunmyyty|ei varastossa|"
    "tilapäisesti loppu|otsas|läbi müüdud|laost otsas|nav pieejams|izpārdots|išparduota|"
    "niedostępny|brak w magazynie|produkt niedostępny|wyprzedany|chwilowo niedostępny|"
    "towar niedostępny|vyprodáno|není skladem|nedostupné|momentálně nedostupné|"
    "vypredané|nie je skladom|nedostupný|momentálne nedostupné|dočasne nedostupné|"
    "elfogyott|nincs készleten|nem rendelhető|stoc epuizat|indisponibil|stoc indisponibil|"
    "nu este in stoc|nu este în stoc|изчерпан|няма в наличност|нет в наличии|нет на складе|"
    "распродано|товар закончился|товара нет в наличии|продано|снят с продажи|немає в наявності|"
    "stokta yok|tükendi|εξαντλημένο|μη διαθέσιμο|缺貨|缺货|售完|已售完|售罄|已售罄|補貨中|無庫存|"
    "完売|在庫切れ|在庫なし|売り切れ|품절|일시품절|매진|판매종료|판매 종료|"
    "نفذت الكمية|نفد من المخزون|غير متوفر|غير متوفر حاليا|אזל מהמלאי|אזל המלאי|לא במלאי|חסר במלאי|"
    "המוצר אזל מהמלאי|המוצר אזל|המלאי אזל|"
    "dieser artikel ist derzeit nicht verfügbar|dieses produkt ist derzeit nicht verfügbar|"
    "ce produit est actuellement indisponible|ce produit n'est plus en stock|"
    "this item is currently unavailable|this item is currently out of stock|"
    "this product is currently out of stock and unavailable|"
    "this product is currently out of stock|this product is sold out|"
    "notify me when it's available|notify me when in stock|benachrichtigen sie mich|"
    "powiadom o dostępności|hlídat dostupnost|avísame cuando esté disponible|avise-me",
    Availability.PREORDER: "pre-order|preorder|pre-order now|preorder now|vorbestellen|"
    "jetzt vorbestellen|précommander|preordina|reservar ahora|förboka|forudbestil|預購|予約注文",
    Availability.BACKORDER: "available on backorder|on backorder|backorder|backordered|"
    "auf bestellung|lieferrückstand|sur commande|disponible sur commande|"
    "disponibile su ordinazione|"
    "bajo pedido|disponible bajo pedido|sob encomenda|disponível por encomenda|in nabestelling|"
    "na zamówienie|na objednávku|rendelésre|la comandă|под заказ|取り寄せ|お取り寄せ",
    Availability.DISCONTINUED: "discontinued|this product has been discontinued|"
    "no longer available|this item is no longer available|nicht mehr lieferbar|"
    "nicht mehr verfügbar|nicht mehr erhältlich|produit arrêté|plus disponible|fuori produzione|"
    "descatalogado|producto descatalogado|utgått|wycofany|ukončená výroba|predaj ukončený|"
    "prodej ukončen|снят с производства|停產|停产|生産終了|단종",
    Availability.IN_STOCK: "in stock|available|vorrätig|in stock now|auf lager|"
    "sofort lieferbar|lieferbar|"
    "verfügbar|en stock|disponible|disponibile|disponibilità immediata|em stock|em estoque|"
    "disponível|op voorraad|direct leverbaar|i lager|på lager|varastossa|laos|noliktavā|"
    "dostępny|w magazynie|skladem|skladom|na sklade|na skladě|készleten|raktáron|în stoc|in stoc|"
    "в наличии|есть в наличии|на складе|в наявності|stokta|stokta var|διαθέσιμο|現貨|有現貨|有库存|"
    "在庫あり|재고 있음|متوفر|במלאי|קיים במלאי|add to cart|add to basket|add to bag|buy now|"
    "add to trolley|in den warenkorb|in den einkaufswagen|ajouter au panier|aggiungi al carrello|"
    "añadir al carrito|agregar al carrito|agregar al carro|añadir a la cesta|"
    "adicionar ao carrinho|in winkelwagen|in winkelmand|lägg i varukorgen|læg i kurv|"
    "legg i handlekurv|lisää ostoskoriin|lisa ostukorvi|lisa korvi|do koszyka|dodaj do koszyka|"
    "do košíka|vložiť do košíka|do košíku|vložit do košíku|kosárba|adaugă în coș|adauga in cos|"
    "в корзину|добавить в корзину|купить|sepete ekle|加入購物車|加入购物车|立即購買|立即购买|"
    "カートに入れる|장바구니|구매하기|바로구매|أضف إلى السلة|أضف للسلة|הוסף לסל|הוספה לסל|"
    "קנה עכשיו|הוסף לעגלה",
}
BY_LINE: Final = {
    line: availability for availability, lines in _LINES.items() for line in lines.split("|")
}
LONGEST_LINE: Final = max(map(len, BY_LINE)) + 4


def from_code(value: object) -> Availability:
    """Return the availability that a field of structured data states, UNKNOWN if none.

    Args:
        value: ``http://schema.org/InStock``, ``InStock``, ``in stock``, ``true`` and the like.
    """
    if isinstance(value, bool):
        return Availability.IN_STOCK if value else Availability.OUT_OF_STOCK
    if not isinstance(value, str):
        return Availability.UNKNOWN
    code = re.sub(r"[\s_\-.]", "", value.strip().rstrip("/").rpartition("/")[2]).lower()
    return _BY_CODE.get(code) or from_line(value)


def from_line(text: str) -> Availability:
    """Return the availability that a line of a page states, if it states nothing else."""
    if len(text) > LONGEST_LINE:
        return Availability.UNKNOWN
    return BY_LINE.get(text.strip(" .!:*-–✓✔✕✗×\u00a0").lower(), Availability.UNKNOWN)


def combined(stated: list[Availability]) -> Availability:
    """Return the availability of a product from those of its offers or variants.

    One that can be bought makes the product one that can; of the others, the most hopeful.
    """
    for availability in (
        Availability.IN_STOCK,
        Availability.PREORDER,
        Availability.BACKORDER,
        Availability.OUT_OF_STOCK,
        Availability.DISCONTINUED,
    ):
        if availability in stated:
            return availability
    return Availability.UNKNOWN

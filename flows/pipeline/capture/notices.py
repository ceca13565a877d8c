"""Lines that say what the amounts of a page are not: of other products, or not there at all.

Whole lines, as headings and labels have them. The lists are plain vocabulary; a missing word
leaves a page as it was.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Notice(StrEnum):
    """What a line announces."""

    OTHERS = "others"  # the section below it is of other products
    ON_REQUEST = "on_request"  # the product's price is not shown


_LINES: Final = {
    Notice.OTHERS: "related products|related items|recommended|similar products|similar items|"
    "you may also like|you might also like|you may also be interested in|recommended for you|"
    "recommended products|customers also bought|customers also viewed|"
    "customers who bought this also bought|customers who viewed this also viewed|"
    "people also bought|people also viewed|frequently bought together|recently viewed|"
    "recently viewed products|recently viewed items|goes well with|complete the look|"
    "pairs well with|more from this brand|"
    "ähnliche produkte|ähnliche artikel|das könnte ihnen auch gefallen|"
    "das könnte dir auch gefallen|kunden kauften auch|kunden haben auch gekauft|"
    "kunden haben sich ebenfalls angesehen|zuletzt angesehen|"
    "wird oft zusammen gekauft|produits similaires|produits associés|vous aimerez aussi|"
    "vous aimerez peut-être aussi|les clients ont aussi acheté|vu récemment|"
    "productos relacionados|productos similares|también te puede interesar|"
    "los clientes también compraron|prodotti correlati|prodotti simili|potrebbe interessarti anche|"
    "ti potrebbe interessare|produtos relacionados|produtos similares|você também pode gostar|"
    "quem comprou também comprou|gerelateerde producten|vergelijkbare producten|"
    "klanten kochten ook|anderen bekeken ook|podobne produkty|produkty powiązane|"
    "klienci kupili również|inni klienci kupili|polecane produkty|související produkty|"
    "podobné produkty|súvisiace produkty|mohlo by se vám líbit|zákazníci koupili také|"
    "liknande produkter|relaterade produkter|andra köpte också|kunder köpte även|"
    "relaterede produkter|lignende produkter|samankaltaiset tuotteet|katso myös|"
    "kapcsolódó termékek|hasonló termékek|produse similare|produse asemănătoare|"
    "похожие товары|с этим товаром покупают|вам может понравиться|схожі товари|"
    "benzer ürünler|ilgili ürünler|関連商品|おすすめ商品|この商品を見た人はこちらも見ています|"
    "최근 본 상품|관련 상품|추천 상품|相關商品|相关商品|猜你喜欢|מוצרים דומים|מוצרים קשורים|"
    "אולי יעניין אותך גם|منتجات ذات صلة|منتجات مشابهة",
    Notice.ON_REQUEST: "call for price|call for pricing|price on request|price upon request|"
    "contact us for price|contact us for pricing|request a quote|price on application|poa|"
    "preis auf anfrage|prix sur demande|prezzo su richiesta|precio a consultar|"
    "consultar precio|preço sob consulta|prijs op aanvraag|cena na dotaz|cena na vyžiadanie|"
    "cena na zapytanie|zapytaj o cenę|pris på förfrågan|pris på forespørsel|"
    "hinta pyydettäessä|ár egyeztetés alapján|preț la cerere|цена по запросу|"
    "ціна за запитом|fiyat sorunuz|価格はお問い合わせください|가격문의|價格請洽詢|價格面議|"
    "价格面议|"
    "מחיר לפי פנייה|السعر عند الطلب",
}
BY_NOTICE: Final = {line: notice for notice, lines in _LINES.items() for line in lines.split("|")}
LONGEST_NOTICE: Final = max(map(len, BY_NOTICE)) + 4

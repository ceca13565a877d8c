"""The languages and currencies of the shops: how an amount is written, and the words of a page.

An amount is kept as a Decimal with as many decimals as ISO 4217 gives its currency (none for JPY
and HUF as shops write it, three for KWD) and written as shops of that country write it. The words
are those that a reader of pages must tell apart: the price, the struck price, the price for a
unit, for members, of an instalment.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Words:
    """What a shop's page says, in its language."""

    cart: str
    in_stock: str
    sold_out: str
    preorder: str
    was: str
    brand: str
    sku: str
    related: str
    member: str
    instalments: str  # with places for the number and the amount
    free_delivery: str  # with a place for the amount
    home: str
    following: str
    gone: str
    reviews: str


@dataclass(frozen=True, slots=True)
class Locale:
    """A language, a country and how prices are written there.

    Attributes:
        form: where the sign stands around the amount.
        rate: units of the currency for one ILS, the currency of the sample's market.
        legacy: the character set of the language before UTF-8; empty where there is none.
    """

    tag: str
    currency: str
    digits: int
    decimal: str
    group: str
    form: str
    rate: float
    legacy: str
    words: Words

    @property
    def language(self) -> str:
        """Return such as ``de`` of ``de-AT``."""
        return self.tag[:2]

    def write(self, amount: Decimal) -> str:
        """Return an amount as a shop's page shows it."""
        return self.form.format(self.number(amount))

    def number(self, amount: Decimal) -> str:
        """Return an amount without its sign."""
        whole, _, cents = f"{amount:,.{self.digits}f}".partition(".")
        whole = whole.replace(",", self.group)
        return f"{whole}{self.decimal}{cents}" if cents else whole


_EN = Words(
    "Add to basket", "In stock", "Out of stock", "Pre-order", "Was", "Brand", "Item no.",
    "You may also like", "Members pay", "or {n} payments of {amount}",
    "Free delivery over {amount}", "Home", "Next page", "This page could not be found",
    "Customer reviews",
)  # fmt: skip
_DE = Words(
    "In den Warenkorb", "Auf Lager", "Ausverkauft", "Vorbestellen", "Statt", "Marke",
    "Artikelnummer", "Das könnte Ihnen auch gefallen", "Preis für Mitglieder",
    "oder {n} Raten zu {amount}", "Versandkostenfrei ab {amount}", "Startseite",
    "Nächste Seite", "Diese Seite wurde nicht gefunden", "Bewertungen für größere Gefäße",
)  # fmt: skip
_HE = Words(
    "הוספה לסל", "במלאי", "אזל מהמלאי", "הזמנה מראש", "במקום", "מותג", 'מק"ט',
    "אולי יעניין אותך גם", "מחיר לחברי מועדון", "או {n} תשלומים של {amount}",
    "משלוח חינם מעל {amount}", "דף הבית", "העמוד הבא", "הדף לא נמצא", "חוות דעת של לקוחות",
)  # fmt: skip
_FR = Words(
    "Ajouter au panier", "En stock", "Rupture de stock", "Précommander", "Au lieu de", "Marque",
    "Référence", "Vous aimerez aussi", "Prix réservé aux membres",
    "ou {n} mensualités de {amount}", "Livraison gratuite dès {amount}", "Accueil",
    "Page suivante", "Cette page est introuvable", "Avis vérifiés de nos clientes",
)  # fmt: skip
_ES = Words(
    "Añadir al carrito", "Disponible", "Agotado", "Reservar ahora", "Antes", "Marca", "Referencia",
    "También te puede gustar", "Precio para socios", "o {n} cuotas de {amount}",
    "Envío gratis desde {amount}", "Inicio", "Página siguiente", "No encontramos esta página",
    "Opiniones de los compradores españoles",
)  # fmt: skip
_IT = Words(
    "Aggiungi al carrello", "Disponibile", "Esaurito", "Preordina", "Invece di", "Marca",
    "Codice articolo", "Potrebbe piacerti anche", "Prezzo per i soci", "o {n} rate da {amount}",
    "Spedizione gratuita da {amount}", "Pagina iniziale", "Pagina successiva",
    "Questa pagina non esiste più, cioè è sparita", "Recensioni di chi l'ha già provato",
)  # fmt: skip
_NL = Words(
    "In winkelwagen", "Op voorraad", "Uitverkocht", "Nu reserveren", "Van", "Merk",
    "Artikelnummer", "Misschien ook interessant", "Prijs voor leden",
    "of {n} termijnen van {amount}", "Gratis bezorging vanaf {amount}", "Startpagina",
    "Volgende pagina", "Deze pagina bestaat niet", "Beoordelingen van cliënten",
)  # fmt: skip
_SV = Words(
    "Lägg i varukorgen", "I lager", "Slutsåld", "Förboka", "Tidigare", "Varumärke",
    "Artikelnummer", "Du kanske också gillar", "Medlemspris", "eller {n} delbetalningar à {amount}",
    "Fri frakt över {amount}", "Startsida", "Nästa sida", "Sidan finns inte", "Omdömen från köpare",
)  # fmt: skip
_PL = Words(
    "Do koszyka", "Dostępny", "Produkt niedostępny", "Przedsprzedaż", "Poprzednio", "Marka",
    "Kod produktu", "Może Cię zainteresować", "Cena dla klubowiczów", "lub {n} rat po {amount}",
    "Darmowa dostawa od {amount}", "Strona główna", "Następna strona", "Nie ma takiej strony",
    "Opinie kupujących",
)  # fmt: skip
_CS = Words(
    "Do košíku", "Skladem", "Vyprodáno", "Předobjednat", "Původně", "Značka", "Kód zboží",
    "Mohlo by se vám líbit", "Cena pro členy", "nebo {n} splátek po {amount}",
    "Doprava zdarma od {amount}", "Domů", "Další stránka", "Stránka nenalezena", "Hodnocení",
)  # fmt: skip
_PT = Words(
    "Adicionar ao carrinho", "Em estoque", "Esgotado", "Pré-venda", "De", "Marca", "Código",
    "Você também pode gostar", "Preço para sócios", "ou {n} parcelas de {amount}",
    "Frete grátis acima de {amount}", "Início", "Próxima página", "Página não encontrada",
    "Avaliações de quem já comprou",
)  # fmt: skip
_JA = Words(
    "カートに入れる", "在庫あり", "在庫切れ", "予約注文", "通常価格", "ブランド", "商品コード",
    "おすすめ商品", "会員価格", "または{n}回払い {amount}", "{amount}以上で送料無料", "ホーム",
    "次のページ", "ページが見つかりません", "カスタマーレビュー",
)  # fmt: skip
_AR = Words(
    "أضف إلى السلة", "متوفر", "غير متوفر", "اطلب مسبقا", "بدلا من", "الماركة", "رمز المنتج",
    "قد يعجبك أيضا", "سعر الأعضاء", "أو {n} أقساط بقيمة {amount}", "توصيل مجاني فوق {amount}",
    "الرئيسية", "الصفحة التالية", "الصفحة غير موجودة", "آراء العملاء",
)  # fmt: skip
_HU = Words(
    "Kosárba", "Raktáron", "Elfogyott", "Előrendelés", "Korábban", "Márka", "Cikkszám",
    "Ezek is érdekelhetik", "Klubtagoknak", "vagy {n} részlet: {amount}",
    "Ingyenes szállítás {amount} felett", "Kezdőlap", "Következő oldal", "Az oldal nem található",
    "Vélemények",
)  # fmt: skip

LOCALES: dict[str, Locale] = {
    locale.tag: locale
    for locale in (
        Locale("en-US", "USD", 2, ".", ",", "${}", 0.27, "windows-1252", _EN),
        Locale("en-GB", "GBP", 2, ".", ",", "£{}", 0.21, "windows-1252", _EN),
        Locale("en-IN", "INR", 2, ".", ",", "₹{}", 23.0, "", _EN),
        Locale("en-IL", "ILS", 2, ".", ",", "₪{}", 1.0, "", _EN),
        Locale("he-IL", "ILS", 2, ".", ",", "{} ₪", 1.0, "windows-1255", _HE),
        Locale("de-DE", "EUR", 2, ",", ".", "{} €", 0.25, "windows-1252", _DE),
        Locale("de-AT", "EUR", 2, ",", ".", "€ {}", 0.26, "windows-1252", _DE),
        Locale("de-CH", "CHF", 2, ".", "'", "CHF {}", 0.24, "windows-1252", _DE),
        Locale("fr-FR", "EUR", 2, ",", "\u00a0", "{} €", 0.25, "windows-1252", _FR),
        Locale("es-ES", "EUR", 2, ",", ".", "{} €", 0.24, "windows-1252", _ES),
        Locale("it-IT", "EUR", 2, ",", ".", "€ {}", 0.25, "windows-1252", _IT),
        Locale("nl-NL", "EUR", 2, ",", ".", "€ {}", 0.25, "windows-1252", _NL),
        Locale("sv-SE", "SEK", 2, ",", "\u00a0", "{} kr", 2.8, "windows-1252", _SV),
        Locale("pl-PL", "PLN", 2, ",", "\u00a0", "{} zł", 1.07, "iso-8859-2", _PL),
        Locale("cs-CZ", "CZK", 2, ",", "\u00a0", "{} Kč", 6.1, "windows-1250", _CS),
        Locale("pt-BR", "BRL", 2, ",", ".", "R$ {}", 1.5, "windows-1252", _PT),
        Locale("hu-HU", "HUF", 0, ",", "\u00a0", "{} Ft", 98.0, "windows-1250", _HU),
        Locale("ja-JP", "JPY", 0, ".", ",", "¥{}", 40.0, "shift_jis", _JA),
        Locale("ar-KW", "KWD", 3, ".", ",", "{} KWD", 0.083, "windows-1256", _AR),
    )
}

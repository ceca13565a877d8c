"""What the elements above a text say of it: their tags, class names, styles and links.

The same few elements stand above most texts of a page, so each is read once for a page.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from selectolax.lexbor import LexborNode

from flows.pipeline.capture.price_words import CURRENT_WORDS, Role, class_words, role_in_classes

UNSEEN: Final = frozenset(
    ("script", "style", "noscript", "template", "option", "textarea", "title", "svg")
)
"""Elements whose text nobody sees, or sees only as one choice of many."""
_STRUCK_TAGS: Final = frozenset(("del", "s", "strike"))
_UP: Final = 7
"""Elements above a text that are looked at: beyond them stand the page's own columns."""
_NEAR: Final = 2
"""Elements whose class names say what the amount itself is, not what the box around it is."""
_STRUCK_UP: Final = 4

_PRICE: Final = (
    "price prices pricing preis preise prix precio precios prezzo cena ceny hinta pris preco valor "
    "cijena pret ar kaina fiyat"
)
PRICE_WORDS: Final = frozenset(_PRICE.split())
_OTHERS: Final = (
    "related similar recommend recommended recommendation recommendations carousel slider upsell "
    "crosssell crossselling recently viewed alternatives accessories suggestion suggestions swiper "
    "slick owl teaser tile footer nav navigation menu minicart filter facet bundle others also "
    "bestseller bestsellers sponsored other warranty insurance popup modal"
)
_ELSEWHERE: Final = frozenset(_OTHERS.split())
"""Parts of class names of what surrounds other products, or none."""


_SENT: Final = (
    "courier delivery shipping postage freight versand lieferung livraison dostawa doprava "
    "spedizione envio entrega frakt fragt toimitus"
)
_POSTAGE: Final = frozenset(_SENT.split())
_POSTAGE_UP: Final = 4
_UNSHOWN: Final = frozenset(("hidden", "hide", "d-none", "is-hidden", "u-hidden"))
"""Classes, as they stand, of what the page keeps for another moment: it speaks for nothing."""
_TEST_NAMES: Final = frozenset(
    ("data-testid", "data-test", "data-test-id", "data-auto", "data-qa", "data-cy",
     "data-automation", "data-automation-id", "data-role", "data-name")
)  # fmt: skip
"""Names that shops give to elements for their own tests: where classes are hashes, they remain."""
_OF_THE_PRICE: Final = frozenset(("discount", "total"))
"""Parts of class names that set an amount aside, but not one whose own element says price."""


class _Element(NamedTuple):
    """What one element says."""

    words: tuple[str, ...]
    signature: str
    unseen: bool
    struck: bool
    marked_up: bool
    elsewhere: bool
    labelled: bool
    postage: bool


class Surroundings(NamedTuple):
    """What the elements above a text say of it.

    Attributes:
        role: of an amount there, None where they say nothing.
        elsewhere: other products stand here, or a menu, or a link to another page.
        labelled: they say price.
        current: they say that it is asked now.
        marked_up: microdata says that this is the price.
        signature: their tags and classes.
    """

    role: Role | None
    elsewhere: bool
    labelled: bool
    current: bool
    marked_up: bool
    signature: str


class Elements:
    """The elements of one page, each read once."""

    def __init__(self) -> None:
        self._known: dict[int, _Element] = {}

    def is_labelled(self, element: LexborNode) -> bool:
        """Say whether an element's own class names say price."""
        return self._read(element).labelled

    def around(self, element: LexborNode) -> Surroundings | None:
        """Return what an element and those above it say, None if nobody sees them."""
        chain: list[_Element] = []
        current: LexborNode | None = element
        while current is not None and len(chain) < _UP:
            read = self._read(current)
            if read.unseen:
                return None
            if not read.signature:
                break  # body and html
            chain.append(read)
            current = current.parent
        near: list[str] = []
        struck = elsewhere = labelled = marked_up = postage = False
        for level, read in enumerate(chain):
            if 0 < level < _NEAR and chain[0].labelled:
                near += [word for word in read.words if word not in _OF_THE_PRICE]
            elif level < _NEAR:
                near += read.words
            struck = struck or (level < _STRUCK_UP and read.struck)
            postage = postage or (level < _POSTAGE_UP and read.postage)
            elsewhere = elsewhere or read.elsewhere
            labelled = labelled or read.labelled
            marked_up = marked_up or read.marked_up
        return Surroundings(
            role=Role.STRUCK
            if struck
            else role_in_classes(near) or (Role.OTHER if postage else None),
            elsewhere=elsewhere,
            labelled=labelled,
            current=not CURRENT_WORDS.isdisjoint(near),
            marked_up=marked_up,
            signature="<".join([read.signature for read in chain]),
        )

    def _read(self, element: LexborNode) -> _Element:
        key = element.mem_id
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = _element(element)
        return found


def _element(element: LexborNode) -> _Element:
    tag = element.tag or ""
    attributes = element.attributes
    if not attributes:
        return _bare_element(tag)
    classes = attributes.get("class") or ""
    itemprop = attributes.get("itemprop") or ""
    names = f"{classes} {attributes.get('id') or ''} {itemprop}"
    for key in _TEST_NAMES & attributes.keys():
        names += f" {attributes[key]}"
    words = class_words(names)
    style = attributes.get("style") or ""
    if style:
        style = style.replace(" ", "").lower()
    page = tag in ("body", "html")
    priced = not PRICE_WORDS.isdisjoint(words)
    return _Element(
        words=words,
        signature="" if page else f"{tag}.{classes}" if classes else tag,
        unseen=tag in UNSEEN or (not page and ("hidden" in attributes or "display:none" in style)),
        struck=tag in _STRUCK_TAGS
        or "line-through" in style
        or any("strike" in name for name in attributes),
        marked_up=itemprop == "price",
        elsewhere=tag in ("footer", "nav")
        or (tag == "a" and _leads_away(attributes.get("href")))
        or not _ELSEWHERE.isdisjoint(words)
        or not _UNSHOWN.isdisjoint(classes.split()),
        labelled=priced,
        postage=not priced and not _POSTAGE.isdisjoint(words),
    )


@lru_cache(maxsize=512)
def _bare_element(tag: str) -> _Element:
    """Return what an element without attributes says: only its tag."""
    return _Element(
        words=(),
        signature="" if tag in ("body", "html") else tag,
        unseen=tag in UNSEEN,
        struck=tag in _STRUCK_TAGS,
        marked_up=False,
        elsewhere=tag in ("footer", "nav"),
        labelled=False,
        postage=False,
    )


def _leads_away(href: str | None) -> bool:
    return bool(href) and not (href or "").strip().lower().startswith(("#", "javascript"))

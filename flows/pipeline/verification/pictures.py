"""Pictures for the sample: a pack in the colours of its name, drawn as SVG.

The generated market has no photographs. These are enough to see the page at work: the same product
looks the same at every seller but for the background, another one does not.
"""

from __future__ import annotations

import hashlib
import re
from html import escape
from typing import Final

_SHAPES: Final = (
    # a box, a bottle, a pouch, a jar: path, and where the label is (x, y, width, height)
    ("M60 40h120v200H60z", (60, 110, 120, 78)),
    ("M102 26h36v46q30 14 30 46v124H72V118q0-32 30-46z", (72, 132, 96, 74)),
    ("M64 42q56 14 112 0l8 196q-64 14-128 0z", (66, 104, 108, 84)),
    ("M70 60h100v-22H70zM62 70h116v152q0 18-18 18H80q-18 0-18-18z", (62, 112, 116, 78)),
)
_SIZE: Final = re.compile(
    r"(\d+\s*[x*]\s*)?\d+([.,]\d+)?\s*(kg|g|ml|l|pieces?|pcs|גרם|מ\"ל|ליטר)\b.*$"
)


def picture_name(product: str, seller: str) -> str:
    """Return the name of a product's picture at a seller."""
    return hashlib.sha256(f"{product}\x1f{seller}".encode()).hexdigest()[:16]


def picture(product: str, seller: str) -> bytes:
    """Return a picture as SVG."""
    plain = _SIZE.sub("", product).strip() or product
    size = product[len(plain) :].strip()
    seed = hashlib.sha256(plain.encode()).digest()
    shape, (x, y, width, height) = _SHAPES[seed[0] % len(_SHAPES)]
    hue, tint = seed[1] * 360 // 256, hashlib.sha256(seller.encode()).digest()[0] * 360 // 256
    words = plain.split()
    lines = [" ".join(words[:2]), " ".join(words[2:4]), size]
    text = "".join(
        f'<text x="{x + width / 2}" y="{y + 24 + 22 * place}" font-size="{13 if place else 14}"'
        f' font-weight="{400 if place else 700}">{escape(line[:16])}</text>'
        for place, line in enumerate(lines)
        if line
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 270" width="240" height="270">'
        f'<rect width="240" height="270" fill="hsl({tint} 25% 97%)"/>'
        f'<ellipse cx="120" cy="246" rx="70" ry="9" fill="hsl({tint} 15% 86%)"/>'
        f'<path d="{shape}" fill="hsl({hue} 45% 46%)"/>'
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="hsl({hue} 60% 94%)"/>'
        f'<g text-anchor="middle" font-family="sans-serif" fill="hsl({hue} 50% 22%)">{text}</g>'
        "</svg>"
    ).encode()

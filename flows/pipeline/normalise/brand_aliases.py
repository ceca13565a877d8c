"""Brands and the other names under which price files and shops sell them.

Data, kept as a module so that a change of it changes the version of the code that ran. A customer
adds its own with ``normalise_prices(..., brands={...})``. Only what no rule finds belongs here:
other scripts, makers that stand for their brand, old and short names. Case, accents, hyphens and
the form of the company are no matter (``brands.brand_key``).
"""

from __future__ import annotations

from typing import Final

ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "Barilla": ("ברילה",),
    "Coca-Cola": ("קוקה קולה", "קוקה-קולה", "Coke", "Coca Cola Company"),
    "Colgate": ("קולגייט", "Colgate-Palmolive"),
    "Dove": ("דאב",),
    "Elite": ("עלית",),
    "Evian": ("אוויאן",),
    "Ferrero": ("פררו",),
    "Finish": ("פיניש",),
    "Gillette": ("ג'ילט", "גילט"),
    "Heinz": ("היינץ", "Kraft Heinz"),
    "Henkel": ("הנקל",),
    "Huggies": ("האגיס",),
    "Kellogg's": ("Kellogg", "Kelloggs", "קלוגס"),
    "Kinder": ("קינדר",),
    "Knorr": ("קנור",),
    "L'Oréal": ("לוריאל", "L'Oreal Paris", "Loreal"),
    "Lindt": ("לינדט", "Lindt & Sprüngli"),
    "Loacker": ("לואקר",),
    "Milka": ("מילקה",),
    "Müller": ("מולר", "Mueller"),
    "Nescafé": ("נסקפה",),
    "Nestlé": ("נסטלה",),
    "Nivea": ("ניוואה", "ניויאה"),
    "Nutella": ("נוטלה",),
    "Oral-B": ("אורל בי", "אורל-בי"),
    "Oreo": ("אוראו",),
    "Osem": ("אסם",),
    "Palmolive": ("פלמוליב",),
    "Pampers": ("פמפרס",),
    "Pantene": ("פנטן",),
    "Pepsi": ("פפסי", "PepsiCo"),
    "Philadelphia": ("פילדלפיה",),
    "Pringles": ("פרינגלס",),
    "Procter & Gamble": ("P&G",),
    "Red Bull": ("רד בול",),
    "Sano": ("סנו",),
    "Schweppes": ("שוופס",),
    "Strauss": ("שטראוס", "שטראוס גרופ", "Strauss Group"),
    "Tempo": ("טמפו",),
    "Tnuva": ("תנובה",),
    "Wella": ("וולה",),
    "Wissotzky": ("ויסוצקי",),
    "Yoplait": ("יופלה",),
}

"""The words and price levels that the fictitious products are made of.

Every product is a brand, a kind, a variety and a size of one category, so some 16 brands give
more than 30,000 products that read like a supermarket's. Each word stands in English and in
Hebrew, because sellers of one market name the same article in either. Brands, as all companies
of the sample, are invented.

Price levels are medians in ILS for a middling size of the category; ``sigma`` is the standard
deviation of the natural logarithm of the price, which makes a log-normal spread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Words: TypeAlias = tuple[str, str]
"""English, Hebrew."""

Unit = Literal["g", "ml", "piece"]


@dataclass(frozen=True, slots=True)
class Category:
    """A shelf of similar articles.

    Attributes:
        median: price in ILS of the middle one of ``sizes``.
        sigma: spread of the log price.
        sizes: (articles in the pack, amount of each in ``unit``), small to large.
    """

    median: float
    sigma: float
    unit: Unit
    sizes: tuple[tuple[int, int], ...]
    varieties: tuple[Words, ...]
    kinds: tuple[Words, ...]


PLAIN: Words = ("", "")
ORGANIC: Words = ("Organic", "אורגני")
SUGAR_FREE: Words = ("Sugar Free", "ללא סוכר")

BRANDS: tuple[Words, ...] = (
    ("Two Cedars", "שני ארזים"),
    ("Silver Ladle", "מצקת הכסף"),
    ("Amber Mill", "טחנת הענבר"),
    ("Little Harbour", "נמל קטן"),
    ("Juniper & Rye", "ערער ושיפון"),
    ("Morning Well", "באר הבוקר"),
    ("Wheatline", "קו החיטה"),
    ("Larkspur Lane", "שביל הדרבנית"),
    ("Old Quay", "הרציף הישן"),
    ("Saffron Gate", "שער הזעפרן"),
    ("Bright Pantry", "מזווה בהיר"),
    ("Olive Terrace", "מרפסת הזית"),
    ("Pine & Salt", "אורן ומלח"),
    ("Copper Pot", "סיר הנחושת"),
    ("Moonbeam Hill", "גבעת הירח"),
    ("Clearbrook", "פלג צלול"),
)

COUNTRIES: tuple[tuple[str, str, int], ...] = (
    # ISO 3166 code, Hebrew name, weight: rather more than half is made at home.
    ("IL", "ישראל", 55),
    ("IT", "איטליה", 10),
    ("DE", "גרמניה", 8),
    ("US", "ארצות הברית", 7),
    ("TR", "טורקיה", 7),
    ("ES", "ספרד", 5),
    ("FR", "צרפת", 5),
    ("PL", "פולין", 3),
)

CATEGORIES: tuple[Category, ...] = (
    Category(
        7.9, 0.25, "ml", ((1, 250), (1, 500), (1, 1000), (1, 1500), (1, 2000)),
        (PLAIN, ORGANIC, ("Low Fat", "דל שומן"), ("Enriched", "מועשר")),
        (("Milk", "חלב"), ("Kefir", "קפיר"), ("Oat Drink", "משקה שיבולת שועל"),
         ("Soy Drink", "משקה סויה"), ("Almond Drink", "משקה שקדים"), ("Chocolate Milk", "שוקו"),
         ("Drinking Yoghurt", "יוגורט לשתייה"), ("Rice Drink", "משקה אורז")),
    ),
    Category(
        13.9, 0.4, "g", ((1, 150), (1, 200), (1, 250), (1, 400), (4, 150)),
        (PLAIN, ORGANIC, ("5%", "5%"), ("Goat", "עיזים")),
        (("Yoghurt", "יוגורט"), ("Cottage Cheese", "קוטג'"), ("Feta", "גבינת פטה"),
         ("Yellow Cheese", "גבינה צהובה"), ("Cream Cheese", "גבינת שמנת"), ("Butter", "חמאה"),
         ("Labneh", "לאבנה"), ("Mozzarella", "מוצרלה")),
    ),
    Category(
        9.9, 0.35, "ml", ((1, 330), (1, 500), (1, 1500), (6, 330), (6, 1500)),
        (PLAIN, SUGAR_FREE, ("Lemon", "לימון"), ("Peach", "אפרסק")),
        (("Cola", "קולה"), ("Lemonade", "לימונדה"), ("Orange Juice", "מיץ תפוזים"),
         ("Apple Juice", "מיץ תפוחים"), ("Mineral Water", "מים מינרליים"), ("Soda", "סודה"),
         ("Iced Tea", "תה קר"), ("Grape Drink", "משקה ענבים")),
    ),
    Category(
        8.9, 0.35, "g", ((1, 50), (1, 80), (1, 150), (1, 200), (8, 25)),
        (PLAIN, ("Sea Salt", "מלח ים"), ("Barbecue", "ברביקיו"), ("Wholegrain", "מלא")),
        (("Potato Chips", "צ'יפס"), ("Pretzels", "בייגלה"), ("Peanut Puffs", "חטיף בוטנים"),
         ("Nachos", "נאצ'וס"), ("Crackers", "קרקרים"), ("Popcorn", "פופקורן"),
         ("Rice Cakes", "פריכיות אורז"), ("Granola Bars", "חטיפי גרנולה")),
    ),
    Category(
        11.9, 0.45, "g", ((1, 45), (1, 100), (1, 180), (1, 250), (3, 100)),
        (PLAIN, SUGAR_FREE, ("Hazelnut", "אגוזי לוז"), ("Mint", "מנטה")),
        (("Milk Chocolate", "שוקולד חלב"), ("Dark Chocolate", "שוקולד מריר"), ("Wafers", "ופלים"),
         ("Biscuits", "ביסקוויטים"), ("Toffees", "טופי"), ("Halva", "חלבה"),
         ("Pralines", "פרלינים"), ("Cream Cookies", "עוגיות קרם")),
    ),
    Category(
        9.9, 0.4, "g", ((1, 400), (1, 500), (1, 800), (1, 1000), (1, 5000)),
        (PLAIN, ORGANIC, ("Wholegrain", "מלא"), ("Premium", "מובחר")),
        (("Basmati Rice", "אורז בסמטי"), ("Spaghetti", "ספגטי"), ("Couscous", "קוסקוס"),
         ("Bulgur", "בורגול"), ("Flour", "קמח"), ("Sugar", "סוכר"),
         ("Red Lentils", "עדשים אדומות"), ("Chickpeas", "גרגרי חומוס")),
    ),
    Category(
        21.9, 0.5, "ml", ((1, 250), (1, 350), (1, 500), (1, 750), (1, 1000)),
        (PLAIN, ORGANIC, ("Classic", "קלאסי"), ("Hot", "חריף")),
        (("Olive Oil", "שמן זית"), ("Canola Oil", "שמן קנולה"), ("Wine Vinegar", "חומץ יין"),
         ("Soy Sauce", "רוטב סויה"), ("Ketchup", "קטשופ"), ("Date Syrup", "סילאן"),
         ("Chilli Sauce", "רוטב צ'ילי"), ("Lemon Juice", "מיץ לימון")),
    ),
    Category(
        8.9, 0.35, "g", ((1, 100), (1, 160), (1, 300), (1, 560), (4, 160)),
        (PLAIN, ("In Brine", "במי מלח"), ("Low Salt", "מופחת מלח"), ("Spicy", "פיקנטי")),
        (("Tuna", "טונה"), ("Sweet Corn", "תירס"), ("Pickles", "מלפפונים חמוצים"),
         ("Green Olives", "זיתים ירוקים"), ("Tomato Paste", "רסק עגבניות"),
         ("Baked Beans", "שעועית ברוטב"), ("Mushrooms", "פטריות"), ("Artichokes", "ארטישוק")),
    ),
    Category(
        24.9, 0.45, "g", ((1, 50), (1, 100), (1, 200), (1, 250), (1, 500)),
        (PLAIN, ORGANIC, ("Decaf", "נטול קפאין"), ("Strong", "חזק")),
        (("Ground Coffee", "קפה טחון"), ("Instant Coffee", "קפה נמס"),
         ("Turkish Coffee", "קפה שחור"), ("Espresso Beans", "פולי אספרסו"),
         ("Black Tea", "תה שחור"), ("Green Tea", "תה ירוק"), ("Cocoa", "קקאו"),
         ("Mint Tea", "תה נענע")),
    ),
    Category(
        22.9, 0.4, "g", ((1, 300), (1, 400), (1, 600), (1, 800), (1, 1000)),
        (PLAIN, ORGANIC, ("Family", "משפחתי"), ("Crispy", "פריך")),
        (("Frozen Peas", "אפונה קפואה"), ("Pizza", "פיצה"), ("Burekas", "בורקס"),
         ("Vegetable Schnitzel", "שניצל תירס"), ("Fish Fingers", "אצבעות דג"),
         ("Jachnun", "ג'חנון"), ("Mixed Berries", "פירות יער"), ("Malawach", "מלאווח")),
    ),
    Category(
        17.9, 0.4, "ml", ((1, 500), (1, 750), (1, 1000), (1, 2000), (1, 4000)),
        (PLAIN, ("Lemon", "לימון"), ("Lavender", "לבנדר"), ("Sensitive", "לעור רגיש")),
        (("Dish Soap", "סבון כלים"), ("Floor Cleaner", "נוזל לרצפה"), ("Bleach", "אקונומיקה"),
         ("Fabric Softener", "מרכך כביסה"), ("Laundry Gel", "ג'ל כביסה"),
         ("Glass Cleaner", "תרסיס לחלונות"), ("Degreaser", "מסיר שומנים"),
         ("Toilet Gel", "ג'ל לאסלה")),
    ),
    Category(
        19.9, 0.5, "ml", ((1, 75), (1, 100), (1, 250), (1, 400), (1, 700)),
        (PLAIN, ("Aloe Vera", "אלוורה"), ("Argan", "ארגן"), ("Kids", "לילדים")),
        (("Shampoo", "שמפו"), ("Conditioner", "מרכך שיער"), ("Body Wash", "אל סבון"),
         ("Hand Soap", "סבון ידיים"), ("Toothpaste", "משחת שיניים"), ("Mouthwash", "מי פה"),
         ("Sun Lotion", "קרם הגנה"), ("Body Lotion", "קרם גוף")),
    ),
    Category(
        27.9, 0.4, "piece", ((1, 8), (1, 12), (1, 24), (1, 32), (1, 48)),
        (PLAIN, ("Extra Soft", "רך במיוחד"), ("Economy", "חסכוני"), ("Scented", "מבושם")),
        (("Toilet Paper", "נייר טואלט"), ("Kitchen Towels", "מגבות נייר"), ("Tissues", "טישו"),
         ("Nappies", "חיתולים"), ("Baby Wipes", "מגבונים"), ("Bin Bags", "שקיות אשפה"),
         ("Freezer Bags", "שקיות הקפאה"), ("Candles", "נרות")),
    ),
)  # fmt: skip

PRODUCE: tuple[tuple[str, str, float], ...] = (
    # Sold by weight: English, Hebrew, ILS for a kilogram.
    ("Tomatoes", "עגבניות", 7.9), ("Cucumbers", "מלפפונים", 6.9), ("Onions", "בצל יבש", 4.9),
    ("Potatoes", "תפוחי אדמה", 5.9), ("Carrots", "גזר", 5.9), ("Red Peppers", "פלפל אדום", 9.9),
    ("Aubergines", "חצילים", 6.9), ("Courgettes", "קישואים", 7.9), ("Garlic", "שום", 29.9),
    ("Sweet Potatoes", "בטטה", 8.9), ("Red Cabbage", "כרוב אדום", 6.9), ("Fennel", "שומר", 8.9),
    ("Beetroot", "סלק", 5.9), ("Pumpkin", "דלעת", 6.9), ("Green Beans", "שעועית ירוקה", 19.9),
    ("Lemons", "לימונים", 8.9), ("Oranges", "תפוזים", 6.9), ("Bananas", "בננות", 8.9),
    ("Red Apples", "תפוחים אדומים", 11.9), ("Green Apples", "תפוחים ירוקים", 12.9),
    ("Pears", "אגסים", 13.9), ("Green Grapes", "ענבים ירוקים", 16.9), ("Peaches", "אפרסקים", 14.9),
    ("Plums", "שזיפים", 13.9), ("Watermelon", "אבטיח", 3.9), ("Melon", "מלון", 6.9),
    ("Mangoes", "מנגו", 12.9), ("Avocado", "אבוקדו", 17.9), ("Dates", "תמרים", 34.9),
    ("Almonds", "שקדים", 64.9), ("Walnuts", "אגוזי מלך", 59.9), ("Raisins", "צימוקים", 29.9),
    ("Chicken Breast", "חזה עוף", 39.9), ("Minced Beef", "בשר טחון", 59.9),
    ("Salmon Fillet", "פילה סלמון", 99.9), ("Sea Bream", "דניס", 54.9),
)  # fmt: skip

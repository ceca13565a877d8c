"""A street of fictitious web shops on loopback, to capture from and to be let down by.

130 shops that differ as real ones do (platform, language, currency, feed or sitemap, character
set), serve pages that follow from a seed and a day, know what is true of them, and misbehave by
script. Everything about a shop's day is a pure function; one asyncio loop serves it.

    with serve(shops=130, seed=7) as front: ...       # in a test
    python -m flows.sample.storefront                 # to look at

Articles, barcodes and price levels are those of the sample's market (``flows.sample``).
"""

from flows.sample.storefront.front import FIRST_DAY, Front, serve
from flows.sample.storefront.log import Log, Request
from flows.sample.storefront.misbehaviour import (
    CONTENTS,
    KINDS,
    STRUCTURES,
    TRANSPORTS,
    Kind,
    Misbehaviour,
    standard_script,
)
from flows.sample.storefront.shops import Shop

__all__ = [
    "CONTENTS",
    "FIRST_DAY",
    "KINDS",
    "STRUCTURES",
    "TRANSPORTS",
    "Front",
    "Kind",
    "Log",
    "Misbehaviour",
    "Request",
    "Shop",
    "serve",
    "standard_script",
]

"""A fictitious retail market, generated from a seed, for demonstrations and tests.

It exists so that the pipeline can be run, and its handling of bad input be tested, without
anybody's data. `generate` writes the files and says what it put wrong in them; it knows nothing
of the pipeline that reads them. The market is set in Israel and priced in ILS; companies, brands
and barcodes are invented.
"""

from flows.sample.faults import FaultKind, InjectedFault
from flows.sample.generation import Sample, generate
from flows.sample.market import COMPETITORS, OWN

OWN_SELLER = OWN.name
COMPETITOR_NAMES = tuple(seller.name for seller in COMPETITORS)

__all__ = [
    "COMPETITOR_NAMES",
    "OWN_SELLER",
    "FaultKind",
    "InjectedFault",
    "Sample",
    "generate",
]

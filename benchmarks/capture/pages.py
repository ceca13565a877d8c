"""Real product pages with what is known to be true of them, as the benchmarks read them."""

from __future__ import annotations

import csv
import gzip
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = ROOT.parent / "shared" / "data" / "pages"


@dataclass(frozen=True)
class KnownPage:
    """One page with its ground truth, as annotated.

    Attributes:
        page_id: names its file.
        site: the shop, for counting by shop.
        truth: field to text; several accepted values are divided by ``|``.
    """

    page_id: str
    site: str
    url: str
    body: bytes
    truth: dict[str, str]


def load_pages(folder: Path) -> list[KnownPage]:
    """Return the pages of a folder, by page id.

    Args:
        folder: holds ``truth.csv`` and ``html/<page_id>.html.gz``.
    """
    if not (folder / "truth.csv").is_file():
        sys.stderr.write(f"error: no truth.csv in {folder}\nGive the folder of pages.\n")
        raise SystemExit(1)
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["page_id"])
    pages = []
    for row in rows:
        body = gzip.decompress((folder / "html" / f"{row['page_id']}.html.gz").read_bytes())
        pages.append(KnownPage(row["page_id"], row.get("site", ""), row["url"], body, row))
    return pages

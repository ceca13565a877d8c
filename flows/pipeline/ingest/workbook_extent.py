"""How much an xlsx workbook unpacks to, before it is unpacked.

Its reader makes a whole rectangle of each sheet, from the first cell to the last: one stray cell
in the corner of a sheet of sixteen thousand columns and a million rows is more than any memory,
and what cannot be had ends the process. So the sheets are looked through first, as a stream.
"""

from __future__ import annotations

import re
import zipfile
from typing import BinaryIO, Final

from flows.pipeline.ingest.archive import UNREADABLE
from flows.pipeline.ingest.decompress import LARGEST, too_large, too_many
from flows.pipeline.ingest.errors import IngestError
from flows.pipeline.ingest.members import STEP

MOST_CELLS: Final = 20_000_000
"""Of a sheet, empty ones included: some 50 bytes each. A sheet of a million rows has twenty
columns of them."""
_PLACE: Final = re.compile(rb"""\sr=["']([A-Z]{0,3})([0-9]{1,7})["']""")
"""Where a cell or a row says it is: ``r="AB12"``, ``r="12"``."""
_OVERLAP: Final = 32
"""Bytes that are looked through again with the next block: a place is shorter."""


def refuse_too_large(file: BinaryIO, name: str) -> None:
    """Refuse a workbook that is too large for memory; one that is damaged, its reader refuses.

    Args:
        file: a zip archive.
        name: of the file.

    Raises:
        UnreadableFile: a sheet has more than `MOST_CELLS`, or all is more than `LARGEST` bytes.
    """
    left = LARGEST
    try:
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                rows, columns, tail = 0, {b""}, b""
                with archive.open(entry) as member:
                    while block := member.read(STEP):
                        left -= len(block)
                        if left < 0:
                            raise too_large(name, LARGEST)
                        if "/worksheets/" not in entry.filename:
                            continue
                        found = _PLACE.findall(tail + block)
                        tail = block[-_OVERLAP:]
                        columns.update({letters for letters, _ in found})
                        rows = max(rows, max((int(number) for _, number in found), default=0))
                        if rows * max(map(_number, columns)) > MOST_CELLS:
                            raise too_many(name, MOST_CELLS)
    except IngestError:
        raise
    except UNREADABLE:
        return


def _number(letters: bytes) -> int:
    """Return the number of a column: A is 1, AA is 27."""
    number = 0
    for sign in letters:
        number = 26 * number + sign - ord("A") + 1
    return number

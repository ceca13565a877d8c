"""Propose a layout for a file that none fits, as YAML for a person to read and correct.

What is only guessed says ``?``, and a layout with a ``?`` in it is refused: a proposal cannot be
used unseen.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

import yaml

from flows.pipeline.ingest.archive import MAGIC
from flows.pipeline.ingest.decompress import LARGEST, unpack
from flows.pipeline.ingest.errors import IngestError
from flows.pipeline.ingest.kinds import read_tables
from flows.pipeline.ingest.layout import COLUMNS, UNCONFIRMED, Layout
from flows.pipeline.ingest.roles import Guess, guess_roles
from flows.pipeline.ingest.table import Table
from flows.pipeline.normalise.gtin import classify
from flows.pipeline.normalise.price import CODES, SYMBOLS

_DELIMITERS: Final = ("|", "\t", ";", ",")
"""Of those that separate a header into equally many fields the last counts."""
_HEBREW, _LATIN, _CENTRAL = _ENCODINGS = ("windows-1255", "windows-1252", "windows-1250")
_MIXED: Final = re.compile("[A-Za-z][\u05d0-\u05ea][A-Za-z]")
"""No word has a Hebrew letter between Latin ones: the text is in another encoding."""
_SIGNS_IN_WORDS: Final = re.compile(
    "[a-z][\u00a3\u00a5\u00aa\u00b3\u00b9\u00ba\u00bc\u00be\u00bf][a-z]|[0-9] z\u00b3"
)
"""Nor has it a sign such as ³ or ¿: read as Central European these are letters (białe, zł)."""
_REQUIRED: Final = ("seller", "sku", "name", "price", "currency")
_SHOWN: Final = 40
_NUMBERED: Final = re.compile(r"[-_. ]*(?:20\d{2}[-_.]?\d{2}[-_.]?\d{2}|\d{8,}).*$")


def propose(data: bytes, name: str) -> str:
    """Return the text of a layout file for a file.

    Args:
        data: of the file, as it was delivered.
        name: of the file.

    Raises:
        IngestError: it cannot be read, whatever the layout.
    """
    table = _read(data, name)
    columns = {header: list(table.column(place)) for place, header in enumerate(table.header)}
    found = guess_roles(columns)
    return "\n".join(_lines(table, found, name)) + "\n"


def _read(data: bytes, name: str) -> Table:
    """Read a file by a layout that takes anything."""
    encodings = _encodings(data, name)
    anything = [
        Layout(name=f"any {number}", description="", delimiter=delimiter, encodings=encodings,
               required=())
        for number, delimiter in enumerate(_DELIMITERS)
    ]  # fmt: skip
    found = read_tables(data, anything, name, small=len(data) + LARGEST)
    tables = [table for table in found if isinstance(table, Table)]
    if not tables:
        raise IngestError(f"file {name} holds no table", "Ask for the file again.", file=name)
    return max(tables, key=lambda table: len(table.numbers))


def _encodings(data: bytes, name: str) -> tuple[str, ...]:
    """Return the legacy encodings in the order in which they make words of a file."""
    if data.startswith(MAGIC):
        return (_HEBREW, _LATIN)
    start = unpack(data, name).data[:100_000]
    if _SIGNS_IN_WORDS.search(start.decode(_LATIN, "ignore")):
        return (_CENTRAL, _LATIN)
    return (
        (_LATIN, _HEBREW) if _MIXED.search(start.decode(_HEBREW, "ignore")) else (_HEBREW, _LATIN)
    )


def _lines(table: Table, found: dict[str, Guess], name: str) -> Sequence[str]:
    base = name.rsplit("/", 1)[-1]
    stem = _NUMBERED.sub("", base.split(".")[0]) or base.split(".")[0]
    lines = [
        f"# Proposed from {base}: {len(table.numbers):,} rows, {len(table.header):,} columns.",
        "# Read every line, correct it, and save it beside the files as"
        f" {stem.lower()}.layout.yaml.",
        f"name: {_yaml(stem.lower())}",
        "description: whose files these are",
        f"files: {_yaml(stem + '*')}",
    ]
    if table.layout.delimiter != "," and table.encoding:
        lines.append(f"delimiter: {_yaml(table.layout.delimiter)}")
    if table.encoding in _ENCODINGS:
        lines.append(f"encodings: [{table.encoding}]")
    if "price" in found and _has_decimal_comma(table, found["price"].header):
        lines.append("decimal: ','")
    lines.append("columns:")
    for role, guess in sorted(found.items(), key=lambda one: _order(one[0])):
        entry = f"  {role}: {_yaml(guess.header)}"
        example = _yaml(guess.example[:_SHOWN])
        lines.append(f"{entry:44}  # {guess.filled:.0%} filled, such as {example}")
    lines += _left_over(table, {guess.header for guess in found.values()})
    required = [role for role in ("sku", "name", "price") if role in found]
    lines.append(f"required: [{', '.join(required)}]")
    missing = [role for role in _REQUIRED if role not in found]
    if missing:
        lines.append("constants:")
        seen = _currencies(table, found.get("price"))
        for role in missing:
            hint = f"  # its prices say {seen}" if role == "currency" and seen else ""
            lines.append(f"  {role}: {_yaml(UNCONFIRMED)}{hint or '  # no column says it'}")
    if "price" in found and _all_whole(table, found["price"].header):
        lines.append("# All prices are whole numbers. If they are in cents:")
        lines.append("# divide: {price: 100}")
    if "sku" in found and "gtin" not in found and not _are_barcodes(table, found["sku"].header):
        lines.append("# No column holds barcodes. If sku is the shop's own code and no barcode:")
        lines.append('# constants: {gtin: ""}')
    return lines


def _left_over(table: Table, used: set[str]) -> Sequence[str]:
    """Say of each column that plays no part what is in it: a person may know better."""
    lines = []
    for header in table.header:
        if header not in used and (cells := _cells(table, header)):
            share = len(cells) / len(table.numbers)
            example = _yaml(cells[0][:_SHOWN])
            entry = f"  # not used: {_yaml(header)}"
            lines.append(f"{entry:44}  # {share:.0%} filled, such as {example}")
    return lines


def _are_barcodes(table: Table, header: str) -> bool:
    """Tell whether the codes are barcodes: then each product's number is known from them."""
    cells = _cells(table, header)
    return sum(classify(cell)[1] == "valid" for cell in cells) > len(cells) / 2


def _order(role: str) -> int:
    return COLUMNS.index(role)


def _yaml(text: str) -> str:
    written: str = yaml.safe_dump(text, allow_unicode=True, width=10_000)
    return written.removesuffix("\n").removesuffix("\n...")


def _cells(table: Table, header: str) -> list[str]:
    cells = table.column(list(table.header).index(header))
    return [cell.strip() for cell in cells if cell and cell.strip()]


def _has_decimal_comma(table: Table, header: str) -> bool:
    cells = _cells(table, header)
    return sum(bool(re.search(r",\d{1,2}(?!\d)", cell)) for cell in cells) > len(cells) / 2


def _all_whole(table: Table, header: str) -> bool:
    return all(cell.isdigit() for cell in _cells(table, header))


def _currencies(table: Table, price: Guess | None) -> str:
    if price is None:
        return ""
    counted = Counter(
        codes[0]
        for cell in _cells(table, price.header)[:200]
        for sign in re.findall(r"[^\d\s.,'-]+", cell)
        if len(codes := SYMBOLS.get(sign.upper(), (sign.upper(),))) == 1 and codes[0] in CODES
    )
    return ", ".join(code for code, _ in counted.most_common(3))

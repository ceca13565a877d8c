"""Texts: with a header and a delimiter, without a header, or of fixed width.

Which of them it is, the layouts say: those of texts without a header name the files they are for.
"""

from __future__ import annotations

from collections.abc import Sequence

from flows.pipeline.ingest.decode import decode
from flows.pipeline.ingest.errors import UnreadableFile
from flows.pipeline.ingest.layout import Layout
from flows.pipeline.ingest.rows import SHOWN, BadRow, Rows, read_rows
from flows.pipeline.ingest.table import Cells, Table


def read_text(
    data: bytes, layouts: Sequence[Layout], name: str, *, cut_short: bool = False
) -> Table:
    """Return the table of a text.

    Args:
        data: of the file.
        layouts: those that its name allows.
        name: of the file.
        cut_short: the file ends early, so that its last line may be half a line.

    Raises:
        UnknownLayout: its header is of no known layout.
        AmbiguousHeader: a column that is needed is there twice.
        UnreadableFile: it is empty, or most of its lines do not decode.
    """
    headless = [layout for layout in layouts if layout.header or layout.widths]
    if headless:
        return _headless(data, headless[0], name, cut_short)
    decoded = decode(data, layouts, name)
    rows = read_rows(
        decoded.lines,
        header=decoded.header,
        delimiter=decoded.layout.delimiter,
        undecodable=decoded.undecodable,
        cut_short=cut_short,
    )
    encoding = decoded.encoding.removesuffix("-sig")
    return _table(name, decoded.layout, decoded.header, rows, encoding)


def _headless(data: bytes, layout: Layout, name: str, cut_short: bool) -> Table:
    text, encoding = _decoded(data, layout, name)
    lines = [line + "\n" for line in text.split("\n") if line.strip("\r\x1a ")]
    if cut_short and lines and not text.endswith("\n"):
        lines[-1] = lines[-1][:-1]
    if layout.widths:
        rows = _cut(lines, layout, cut_short)
        return _table(name, layout, list(layout.widths), rows, encoding)
    rows = read_rows(lines, header=layout.header, delimiter=layout.delimiter, cut_short=cut_short)
    return _table(name, layout, list(layout.header), rows, encoding)


def _decoded(data: bytes, layout: Layout, name: str) -> tuple[str, str]:
    for encoding in ("utf-8-sig", *layout.encodings):
        try:
            return data.decode(encoding), encoding.removesuffix("-sig")
        except UnicodeDecodeError:
            continue
    raise UnreadableFile(
        f"file {name} is neither UTF-8 nor in an encoding of layout {layout.name}",
        "Declare its encoding in the layout, or have it delivered as UTF-8.",
        file=name,
    )


def _cut(lines: Sequence[str], layout: Layout, cut_short: bool) -> Rows:
    """Cut each line at the widths; one that ends before a column that is needed is set aside."""
    rows = Rows()
    needed = [(name, layout.widths[name][0]) for name in layout.required if name in layout.widths]
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n")
        if cut_short and number == len(lines) and not line.endswith("\n"):
            rows.bad.append(BadRow(number, text[:SHOWN], "the file ends in this row"))
            continue
        short = next((name for name, first in needed if len(text) < first), None)
        if short is not None:
            problem = f"it ends at character {len(text)}"
            rows.bad.append(BadRow(number, text[:SHOWN], problem, short))
            continue
        rows.good.append([text[first - 1 : last] for first, last in layout.widths.values()])
        rows.numbers.append(number)
    return rows


def _table(name: str, layout: Layout, header: list[str], rows: Rows, encoding: str) -> Table:
    columns = list(zip(*rows.good, strict=True)) if rows.good else []

    def column(place: int) -> Cells:
        return columns[place] if columns else []

    return Table(name, layout, header, column, rows.numbers, rows.bad, encoding)

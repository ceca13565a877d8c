"""Layouts: which headers mean which column, as data.

One YAML file per kind of price file. A file is read by the layout all of whose required headers
it has; of several, the one that knows most of its headers. Further columns are fine: they are
left out. Headers are compared as a person reads them: case, direction marks and the width of
blanks do not count. In nested files (JSON, XML, Parquet) a header is the path to a value, such as
``price.regular.value`` or ``images[0]``; one that stands above the list of products, and holds
for all of them, begins with a slash: ``/StoreId``.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Sequence
from fnmatch import fnmatch
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from flows.pipeline.schema import RAW_PRICES, WEB_PRICES, Schema

INGESTED: Schema = {
    **RAW_PRICES,
    **{name: kind for name, kind in WEB_PRICES.items() if name != "stale"},
}
"""What ingest makes of a file. A ``gtin`` that is null was not said, so that the article code may
be a barcode; one that is empty says that the seller's codes are its own."""
COLUMNS = tuple(name for name in INGESTED if name not in ("source_file", "source_row"))
"""What a layout can fill."""
UNCONFIRMED = "?"
"""What a proposed layout says where a person has to."""

_INVISIBLE = re.compile(r"[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")


def visible(header: str) -> str:
    """Return a header as it is seen: no direction marks, single blanks, Unicode NFC."""
    return " ".join(unicodedata.normalize("NFC", _INVISIBLE.sub("", header)).split())


def _same(header: str) -> str:
    return visible(header).casefold()


class Layout(BaseModel):
    """How a kind of file is written.

    Attributes:
        name: of the layout.
        description: whose files these are.
        delimiter: one character.
        encodings: tried in order after UTF-8, which is always tried first.
        decimal: the decimal separator of its numbers.
        columns: column of RAW_PRICES → the headers under which it comes; the first that a file
            has counts.
        required: columns without which a file is not of this layout.
        constants: columns that every row gets the same value for.
        unknown: texts that stand for no value.
        files: pattern of the names of its files, such as ``hofer-*``; None for any file that has
            its headers.
        items: of nested files, the path (or in XML the element) of the list of products; None to
            take the longest.
        header: of a text without one, the names of its fields in their order.
        widths: of a text of fixed width, column → its first and last character, from 1.
        extract: column → regular expression with one group, which is the value; a text that it
            does not match is no value.
        prefix: column → what stands before its texts, such as the shop's address before a path.
        divide: column → what its numbers are divided by, such as 100 for cents.
        values: column → text of the file → value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encodings: tuple[str, ...] = ()
    decimal: Literal[".", ","] = "."
    columns: dict[str, tuple[str, ...]] = {}
    required: tuple[str, ...]
    constants: dict[str, str] = {}
    unknown: tuple[str, ...] = ()
    files: str | None = None
    items: str | None = None
    header: tuple[str, ...] = ()
    widths: dict[str, tuple[int, int]] = {}
    extract: dict[str, str] = {}
    prefix: dict[str, str] = {}
    divide: dict[str, int] = {}
    values: dict[str, dict[str, str]] = {}

    @field_validator("columns", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {key: (item,) if isinstance(item, str) else item for key, item in value.items()}

    @field_validator("columns", "constants", "widths", "extract", "prefix", "divide", "values")
    @classmethod
    def _known(cls, value: dict[str, object]) -> dict[str, object]:
        unknown = sorted(set(value) - set(COLUMNS))
        if unknown:
            raise ValueError(f"no such columns: {', '.join(unknown)}")
        return value

    @field_validator("widths")
    @classmethod
    def _in_order(cls, value: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
        for column, (first, last) in value.items():
            if not 1 <= first <= last:
                raise ValueError(f"{column}: characters {first} to {last} are no field")
        return value

    @field_validator("extract")
    @classmethod
    def _one_group(cls, value: dict[str, str]) -> dict[str, str]:
        for column, pattern in value.items():
            try:
                groups = re.compile(pattern).groups
            except re.error as error:
                raise ValueError(f"{column}: {pattern!r} is no pattern ({error})") from None
            if groups != 1:
                raise ValueError(f"{column}: {pattern!r} has {groups} groups instead of one")
        return value

    @field_validator("divide")
    @classmethod
    def _by_ten(cls, value: dict[str, int]) -> dict[str, int]:
        for column, by in value.items():
            if by not in (10, 100, 1000, 10_000):
                raise ValueError(f"{column}: divided by {by}; give 10, 100, 1000 or 10000")
        return value

    @field_validator("constants")
    @classmethod
    def _confirmed(cls, value: dict[str, str]) -> dict[str, str]:
        open_ = sorted(column for column, text in value.items() if text == UNCONFIRMED)
        if open_:
            raise ValueError(f"{', '.join(open_)}: still {UNCONFIRMED!r}; say what it is")
        return value

    @field_validator("delimiter")
    @classmethod
    def _separates(cls, value: str) -> str:
        if value in '"\r\n\0':
            raise ValueError(f"{value!r} cannot separate fields")
        return value

    @field_validator("encodings")
    @classmethod
    def _like_ascii(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for encoding in value:
            try:
                codecs.lookup(encoding)
            except LookupError:
                raise ValueError(f"no such encoding: {encoding}") from None
            # Lines are told apart before they are decoded; UTF-16 needs no declaration.
            if "a\n".encode(encoding) != b"a\n":
                raise ValueError(f"{encoding} does not contain ASCII")
        return value

    @model_validator(mode="after")
    def _required_are_known(self) -> Self:
        known = {*self.columns, *self.constants, *self.widths}
        unknown = sorted(set(self.required) - known)
        if unknown:
            raise ValueError(f"required, but neither column nor constant: {', '.join(unknown)}")
        if (self.header or self.widths) and self.files is None:
            # Such a text says nothing of itself: any file would do.
            raise ValueError("a layout of files without headers needs a pattern of their names")
        if self.widths and (self.columns or self.header):
            raise ValueError("a text of fixed width has no headers: give widths alone")
        return self

    def takes(self, name: str) -> bool:
        """Say whether a file of this name may be of this layout.

        Args:
            name: of the file; folders and the archive that it lies in do not count.
        """
        base = name.rsplit("/", 1)[-1]
        return self.files is None or fnmatch(base.casefold(), self.files.casefold())

    def matched(self, header: Sequence[str]) -> dict[str, int]:
        """Return column → position in the header, for the columns that are there.

        Of equal headers the first counts.
        """
        places: dict[str, int] = {}
        for place, name in enumerate(header):
            places.setdefault(_same(name), place)
        found = {}
        for column, names in self.columns.items():
            for name in names:
                if _same(name) in places:
                    found[column] = places[_same(name)]
                    break
        return found

    def missing(self, header: Sequence[str]) -> list[str]:
        """Return the headers of required columns that are not there."""
        found = self.matched(header)
        return [
            self.columns[column][0]
            for column in self.required
            if column not in found and column not in self.constants
        ]

    def repeated(self, header: Sequence[str]) -> list[str]:
        """Return the headers of required columns that are there more than once."""
        names = [_same(name) for name in header]
        found = self.matched(header)
        return [
            header[found[column]].strip()
            for column in self.required
            if column in found and names.count(names[found[column]]) > 1
        ]

"""Layouts: which headers mean which column, as data.

One YAML file per kind of price file, in ``layouts/``. A file is read by the layout all of whose
required headers it has; of several, the one that knows most of its headers. Further columns are
fine: they are left out. Headers are compared as a person reads them: case, direction marks and
the width of blanks do not count.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from flows.pipeline.ingest.errors import BadLayout
from flows.pipeline.schema import RAW_PRICES

FOLDER = Path(__file__).parent / "layouts"
_NOT_READ = {"source_file", "source_row"}
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
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encodings: tuple[str, ...] = ()
    decimal: Literal[".", ","] = "."
    columns: dict[str, tuple[str, ...]]
    required: tuple[str, ...]
    constants: dict[str, str] = {}
    unknown: tuple[str, ...] = ()

    @field_validator("columns", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {key: (item,) if isinstance(item, str) else item for key, item in value.items()}

    @field_validator("columns", "constants")
    @classmethod
    def _known(cls, value: dict[str, object]) -> dict[str, object]:
        unknown = sorted(set(value) - (set(RAW_PRICES) - _NOT_READ))
        if unknown:
            raise ValueError(f"no such columns: {', '.join(unknown)}")
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
        unknown = sorted(set(self.required) - set(self.columns) - set(self.constants))
        if unknown:
            raise ValueError(f"required, but neither column nor constant: {', '.join(unknown)}")
        return self

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


@lru_cache(maxsize=8)
def load_layouts(folder: Path = FOLDER) -> tuple[Layout, ...]:
    """Return the layouts of a folder, by name.

    Raises:
        BadLayout: one does not say what it must; names file and field.
    """
    layouts = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            layouts.append(Layout.model_validate(yaml.safe_load(path.read_text("utf-8"))))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise BadLayout(
                f"layout {path.name} is no YAML in UTF-8: {' '.join(str(error).split())}",
                "Correct that line.",
                file=path.name,
            ) from error
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or "the whole"
            raise BadLayout(
                f"layout {path.name}, {field}: {first['msg']}",
                "See flows/pipeline/ingest/layout.py for what each field means.",
                file=path.name,
                field=field,
            ) from error
    return tuple(sorted(layouts, key=lambda layout: layout.name))

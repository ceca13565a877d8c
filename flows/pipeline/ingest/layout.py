"""Layouts: which headers mean which column, as data.

One YAML file per kind of price file, in ``layouts/``. A file is read by the layout all of whose
required headers it has; of several, the one that knows most of its headers. Further columns are
fine: they are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from flows.pipeline.ingest.errors import BadLayout, UnknownLayout
from flows.pipeline.schema import RAW_PRICES

FOLDER = Path(__file__).parent / "layouts"
_NOT_READ = {"source_file", "source_row"}


class Layout(BaseModel):
    """How a kind of file is written.

    Attributes:
        name: of the layout.
        description: whose files these are.
        delimiter: one character.
        encodings: tried in order after UTF-8, which is always tried first.
        decimal: the decimal separator of its numbers.
        columns: column of RAW_PRICES → the headers under which it comes.
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

    def matched(self, header: Sequence[str]) -> dict[str, int]:
        """Return column → position in the header, for the columns that are there."""
        places = {name.strip().casefold(): place for place, name in enumerate(header)}
        found = {}
        for column, names in self.columns.items():
            for name in names:
                if name.casefold() in places:
                    found[column] = places[name.casefold()]
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
        except yaml.YAMLError as error:
            raise BadLayout(
                f"layout {path.name} is no YAML: {' '.join(str(error).split())}",
                "Correct that line.",
                file=path.name,
            ) from error
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise BadLayout(
                f"layout {path.name}, {field}: {first['msg']}",
                "See flows/pipeline/ingest/layout.py for what each field means.",
                file=path.name,
                field=field,
            ) from error
    return tuple(sorted(layouts, key=lambda layout: layout.name))


def detect(header: Sequence[str], layouts: Sequence[Layout], file: str) -> Layout:
    """Return the layout of a header.

    Raises:
        UnknownLayout: none fits; says what the closest one misses.
    """
    fitting = [layout for layout in layouts if not layout.missing(header)]
    if fitting:
        return max(fitting, key=lambda layout: (len(layout.matched(header)), layout.name))
    if not layouts:
        raise UnknownLayout(f"file {file}: no layouts are known", "Add one to layouts/.", file=file)
    closest = max(layouts, key=lambda layout: (len(layout.matched(header)), layout.name))
    missing = closest.missing(header)
    seen = ", ".join(name.strip() for name in header[:8])
    raise UnknownLayout(
        f"file {file} has the headers of no known layout: {seen}"
        f" (closest is {closest.name}, without {', '.join(missing)})",
        "Add these names to that layout in flows/pipeline/ingest/layouts/, or add a layout.",
        file=file,
        field=missing[0] if missing else "",
    )

"""Layout files: layouts are YAML files, the platform's own and those that lie beside a source.

A file ``<name>.layout.yaml`` in the folder of the source holds for the files of that source: a
customer's mapping travels with its data, and nothing of the platform is changed for it. It wins
over one of the platform's of the same name.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import ValidationError

from flows.pipeline.ingest.discover import beside
from flows.pipeline.ingest.errors import BadLayout
from flows.pipeline.ingest.layout import Layout

FOLDER = Path(__file__).parent / "layouts"
"""The platform's own."""
BESIDE = ".layout.yaml"
"""How the names of those beside a source end."""


def read_layout(text: bytes, name: str) -> Layout:
    """Return the layout of a file.

    Raises:
        BadLayout: it does not say what it must; names file and field, or the line.
    """
    try:
        return Layout.model_validate(yaml.safe_load(text.decode("utf-8-sig")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadLayout(
            f"layout {name} is no YAML in UTF-8: {' '.join(str(error).split())}",
            "Correct that line.",
            file=name,
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise BadLayout(
            f"layout {name}, {field}: {first['msg']}",
            "See flows/pipeline/ingest/layout.py for what each field means.",
            file=name,
            field=field,
        ) from error


@lru_cache(maxsize=8)
def load_layouts(folder: Path = FOLDER) -> tuple[Layout, ...]:
    """Return the layouts of a folder, by name.

    Raises:
        BadLayout: one does not say what it must; names file and field.
    """
    layouts = [read_layout(path.read_bytes(), path.name) for path in sorted(folder.glob("*.yaml"))]
    return tuple(sorted(layouts, key=lambda layout: layout.name))


def layouts_for(source: str) -> tuple[Layout, ...]:
    """Return the layouts that hold for a source: the platform's, and those beside its files.

    Raises:
        BadLayout: one does not say what it must.
        SourceMissing: there is no such source.
        SourceUnreadable: a file beside it cannot be read.
        SourceUnavailable: it cannot be read at the moment.
    """
    own = {layout.name: layout for layout in load_layouts()}
    for file in beside(source, BESIDE):
        layout = read_layout(file.read(), file.name)
        own[layout.name] = layout
    return tuple(own[name] for name in sorted(own))

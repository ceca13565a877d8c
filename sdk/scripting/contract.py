"""The contract of a script: what it is given as files, and which files it must leave.

Below its working folder a script finds ``inputs/<parameter>.<format>`` (or
``inputs/<parameter>/<table>.<format>`` for a dataset of several tables), and leaves
``outputs/<file>``. Paths and parameters are told by environment variables: ``INPUTS``,
``OUTPUTS``, and each parameter by its name in capitals.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic import SecretStr

from sdk.dataset import SINGLE_TABLE, Dataset
from sdk.errors import ConfigurationError, Permanent

Format = Literal["parquet", "csv", "jsonl"]

PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE")
"""What a script's environment takes from the platform's own; nothing else leaks into it."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def write_inputs(folder: Path, parameters: Mapping[str, Any], kind: Format) -> None:
    """Write the datasets among the parameters as files."""
    folder.mkdir()
    for name, value in parameters.items():
        if not isinstance(value, Dataset):
            continue
        for table in value.tables:
            single = value.tables == (table,)
            target = folder / name if single else folder / name / table
            target.parent.mkdir(exist_ok=True)
            _write(value.frame(table), target.with_name(f"{target.name}.{kind}"), kind)


def _write(frame: pl.DataFrame, path: Path, kind: Format) -> None:
    if kind == "parquet":
        frame.write_parquet(path)
    elif kind == "csv":
        frame.write_csv(path)
    else:
        frame.write_ndjson(path)


def read_outputs(
    folder: Path, outputs: Mapping[str, str], script: str
) -> dict[str, pl.DataFrame | bytes]:
    """Read the files that a script was to leave, by table name.

    Raises:
        Permanent: one is missing or cannot be read; names the file and the script.
    """
    found: dict[str, pl.DataFrame | bytes] = {}
    for table, name in outputs.items():
        path = folder / name
        if not path.is_file():
            there = ", ".join(sorted(item.name for item in folder.iterdir())) or "nothing"
            raise Permanent(
                f"script {script} left no {name} in $OUTPUTS (there is {there})",
                "Write that file, or correct outputs= of the step.",
            )
        try:
            content = _read(path)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise Permanent(
                f"script {script}: its output {name} cannot be read: {str(error).splitlines()[0]}",
                "Write the format that the file's suffix says.",
            ) from error
        # A file keeps its suffix in its name, a table has none.
        found[table if isinstance(content, pl.DataFrame) else name] = content
    return found


def _read(path: Path) -> pl.DataFrame | bytes:
    match path.suffix:
        case ".parquet":
            return pl.read_parquet(path)
        case ".csv":
            # Text, all of it: guessing types would make "0012" a twelve.
            return pl.read_csv(path, infer_schema=False)
        case ".jsonl" | ".ndjson":
            return pl.read_ndjson(path)
    return path.read_bytes()


def environment(
    own: Mapping[str, str], given: Mapping[str, Any], parameters: Mapping[str, Any], folder: Path
) -> dict[str, str]:
    """Return all of a script's environment.

    Args:
        own: the platform's environment.
        given: the step's, secrets included.
        parameters: of the call; datasets are files, not variables.
        folder: the working folder.

    Raises:
        ConfigurationError: a name cannot be one of a variable.
    """
    made = {name: own[name] for name in PASSED_ON if name in own}
    made |= {
        "HOME": str(folder),
        "INPUTS": str(folder / "inputs"),
        "OUTPUTS": str(folder / "outputs"),
    }
    told = {
        name.upper(): value for name, value in parameters.items() if not isinstance(value, Dataset)
    }
    for name, value in {**told, **given}.items():
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"{name!r} cannot name an environment variable",
                "Use letters, digits and underscores, a letter first.",
            )
        made[name] = plain(value)
    return made


def plain(value: Any) -> str:
    """Return a parameter as text: what a script or query is told."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, str | int | float | Decimal | Path):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False, default=str)


SINGLE = SINGLE_TABLE
"""The table that an output is when only a file name is given."""

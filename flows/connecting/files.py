"""Files of an object store or an SFTP server in as a dataset, and a dataset's tables out as files.

The files come in as they are (the dataset holds bytes): what is in them is `ingest`'s affair, which
reads their formats and maps their columns.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from blocks.connectors import ObjectStore, SftpServer
from sdk import NETWORK, Dataset, Permanent, record, task

FileSource = ObjectStore | SftpServer


@task(dataset="{dataset}", retry=NETWORK)
def fetch_files(source: FileSource, pattern: str, dataset: str = "files") -> dict[str, bytes]:
    """Publish the files that match as a dataset of files, by name.

    Args:
        source: where.
        pattern: of their names: ``prices_2026-12-01*.csv.gz``.
        dataset: name of the dataset.

    Raises:
        Permanent: none matches, or two of one name do.
    """
    record(source=f"{source.where()}, {pattern}")
    found = source.find(pattern)
    names = [Path(one.path).name for one in found]
    if not found or len(set(names)) < len(names):
        what = "two files of one name match" if found else "no file matches"
        raise Permanent(
            f"{source.where()}: {what} {pattern}", "Correct the pattern, or ask the sender."
        )
    with tempfile.TemporaryDirectory(prefix="connecting-") as folder:
        return {Path(f.path).name: source.fetch(f.path, Path(folder)).read_bytes() for f in found}


@task(retry=NETWORK)
def send_file(
    target: FileSource,
    rows: Dataset,
    path: str,
    form: Literal["csv", "parquet", "jsonl"] = "csv",
    part: str | None = None,
    columns: Sequence[str] | None = None,
) -> int:
    """Send a dataset's table as a file, in the place of what has its name; return its rows.

    Args:
        target: where to.
        rows: the dataset.
        path: of the file there.
        form: of the file.
        part: which table of the dataset, where it has several.
        columns: only these.
    """
    record(target=f"{target.where()}, {path}")
    frame = rows.frame(part, columns=list(columns) if columns else None)
    with tempfile.TemporaryDirectory(prefix="connecting-") as folder:
        file = Path(folder) / Path(path).name
        if form == "csv":
            frame.write_csv(file)
        elif form == "parquet":
            frame.write_parquet(file)
        else:
            frame.write_ndjson(file)
        target.send(file, path)
    return frame.height

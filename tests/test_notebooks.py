"""Every notebook runs from top to bottom, in a folder of its own, and is kept without outputs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def opened(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_kept_without_outputs(path: Path) -> None:
    for cell in opened(path).cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("PREFECT_", "DATAWEAVE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = opened(path)
    client = nbclient.NotebookClient(
        notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    assert (tmp_path / ".dataweave" / "store").is_dir(), "it works where it is run"
    shown = [
        "".join(
            str(output.get("text", "")) + str(output.get("data", {}).get("text/plain", ""))
            for output in cell.outputs
        )
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
    # A list that is too wide is shown over several lines.
    said = " ".join("\n".join(shown).split())
    for claim in CLAIMS.get(path.stem, ()):
        assert claim in said, f"{claim!r} is not among what it shows:\n{said}"


CLAIMS = {
    # What the text of the notebook promises that the reader will see.
    "first-steps": (
        "notebook/everyday/2026-08-15 v1",
        "('ingest_prices', 'reused'), ('normalise_prices', 'reused'), ('everyday_offers', 'reused'",
        "['everyday', 'offers', 'prices']",
        "[('2026-08-14',",
        "price in ..50",
    )
}

"""What the page on notebooks shows runs as its reader would run it, cell by cell."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "try-a-step.md"
SHOWN = """
print(cheap_offers.fn(offers).height, made.frame()["sku"].to_list(), made.customer)
print([(check.name, check.passed) for check in manifest.checks])
"""


def test_the_cells_run_as_they_stand(tmp_path: Path) -> None:
    cells = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(cells) == 5
    # The last cell reads production's store, which is not here.
    (tmp_path / "cells.py").write_text("\n".join(cells[:4]) + SHOWN)
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT_", "DATAWEAVE_"))
    }
    ended = subprocess.run(
        [sys.executable, "cells.py"], cwd=tmp_path, capture_output=True, text=True, timeout=250,
        env={**environ, "PYTHONPATH": str(ROOT), "PREFECT_HOME": str(tmp_path / "prefect")},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-3000:]
    last = ended.stdout.strip().splitlines()
    assert last[-2] == "1 ['1'] notebook"
    assert "True" in last[-1]
    assert "False" not in last[-1]

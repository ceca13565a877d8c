"""The command beside terminals and supervisors as they are: closed streams, letters unknown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BEGUN = "import os; from flows.__main__ import main; main(); "


def begun(then: str, shell: str = "", **environment: str) -> str:
    ended = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {shell}', sys.executable, BEGUN + then],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_closed_input_is_not_the_next_file_that_is_opened() -> None:
    said = begun("print(os.path.realpath('/proc/self/fd/0'), os.open('.', os.O_RDONLY) > 2)", "<&-")
    assert said == "/dev/null True\n"


def test_a_terminal_that_cannot_show_a_letter_shows_its_number() -> None:
    assert begun("print(chr(0x5e9))", PYTHONIOENCODING="ascii") == "\\u05e9\n"

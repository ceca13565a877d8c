"""How many lines a customer's flow takes with the SDK and without: ``make bench-productivity``.

A line counts if code stands on it: no blank lines, comments or docstrings. Both files are kept in
the same format by the same formatter, and a test proves that they behave alike.
"""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

from benchmarks.measuring import write

FOLDER = Path(__file__).parent
GOAL = 4.0
_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


def code_lines(text: str) -> int:
    """Count the lines of a Python text on which code stands."""
    lines: set[int] = set()
    for token in tokenize.tokenize(io.BytesIO(text.encode()).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        if not isinstance(body, list) or not body or not isinstance(body[0], ast.Expr):
            continue
        if isinstance(body[0].value, ast.Constant) and isinstance(body[0].value.value, str):
            lines -= set(range(body[0].lineno, (body[0].end_lineno or body[0].lineno) + 1))
    return len(lines)


def main() -> None:
    """Count and write ``docs/benchmarks/productivity``."""
    counts = {
        name: code_lines((FOLDER / f"{name}.py").read_text())
        for name in ("with_sdk", "plain_prefect")
    }
    ratio = counts["plain_prefect"] / counts["with_sdk"]
    page = "\n".join(
        [
            "# What the SDK saves its authors",
            "",
            "One customer's flow (fetch, clean, list) twice, with the same behaviour: retries with"
            " full jitter that obey `Retry-After`, last good data as a fallback, a Degraded state"
            " that travels, checks with quarantine, versions with manifests, reuse of an identical"
            " run, statistics, a summary, a notice. `tests/benchmarks/test_productivity.py` runs"
            " both against the same server and compares what they leave.",
            "",
            "| | lines of code |",
            "|---|---:|",
            f"| [with the SDK](../../benchmarks/productivity/with_sdk.py) | {counts['with_sdk']} |",
            "| [plain Prefect 2](../../benchmarks/productivity/plain_prefect.py) |"
            f" {counts['plain_prefect']} |",
            f"| ratio (goal: {GOAL:g}) | {ratio:.1f} |",
            "",
            "`make bench-productivity` counts: lines on which code stands. A team would share"
            " much of the plain version between its customers, as a library: that library is what"
            " the SDK is.",
            "",
        ]
    )
    write("productivity", {"lines": counts, "ratio": round(ratio, 2), "goal": GOAL}, page)


if __name__ == "__main__":
    main()

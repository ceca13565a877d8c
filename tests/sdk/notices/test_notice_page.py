"""docs/notices.md is what the code says today, and Slack takes all of it."""

from __future__ import annotations

import json
import re

from benchmarks.notices.page import PAGE, page
from sdk.testing.receivers.blockkit import problems


def test_the_page_is_current() -> None:
    again = "Write it again: python -m benchmarks.notices.page"
    assert PAGE.read_text(encoding="utf-8") == page(), again


def test_slack_takes_everything_on_it() -> None:
    shown = re.findall(r"```json\n(.*?)\n```", page(), re.DOTALL)
    assert len(shown) >= 9
    for blocks in shown:
        assert problems(json.loads(blocks)) == []

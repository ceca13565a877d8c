"""The proxy's file says where nginx points, also after a swap that came to nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.release.local import door as module
from infra.release.local.door import NginxDoor
from infra.release.local.site import Site
from infra.release.model import Colour
from infra.release.parts import Unanswered
from infra.release.store import ReleaseProblemError


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path, "postgresql+asyncpg://127.0.0.1:1/prefect", 1, 2, 3)
    (tmp_path / "proxy").mkdir()
    (tmp_path / "proxy" / "upstream.conf").write_text("upstream prefect { server old; }")
    return made


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (subprocess.CompletedProcess([], 1, "", "no such directive"), ReleaseProblemError),
        (subprocess.CompletedProcess([], 0, "", ""), ReleaseProblemError),  # none runs
        (subprocess.TimeoutExpired("nginx", 30), Unanswered),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_what_nginx_did_not_take_is_not_left_for_its_next_start(
    site: Site, monkeypatch: pytest.MonkeyPatch, answer: Any, error: type[BaseException]
) -> None:
    def run(*_: object, **__: object) -> Any:
        said = (site.folder / "proxy" / "upstream.conf").read_text()
        assert f":{site.port(Colour.GREEN)}" in said, "what is tried is the new one"
        if isinstance(answer, BaseException):
            raise answer
        return answer

    monkeypatch.setattr(module.subprocess, "run", run)
    monkeypatch.setattr(module, "program", lambda name: name)
    with pytest.raises(error):
        NginxDoor(site).point(Colour.GREEN)
    assert "server old" in (site.folder / "proxy" / "upstream.conf").read_text()

"""nginx in front: a swap is a new upstream, tried by ``nginx -t``, taken by a reload, and seen."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

import httpx

from infra.controller.layout import program
from infra.release.local import processes
from infra.release.local.site import Site
from infra.release.model import Colour
from infra.release.parts import Unanswered
from infra.release.store import ReleaseProblemError

TEMPLATE: Final = Path(__file__).with_name("nginx.conf.template")
PATIENCE: Final = 30.0
"""Seconds in which a reload shows."""
LOOKS: Final = 3
"""Answers in a row of the new server: nginx's former workers may take a connection more."""


class NginxDoor:
    """The site's proxy.

    Args:
        site: whose.
    """

    def __init__(self, site: Site) -> None:
        self._site, self._folder = site, site.folder / "proxy"
        self._conf, self._upstream = self._folder / "nginx.conf", self._folder / "upstream.conf"

    def up(self) -> None:
        """Start it if it does not run, pointing where it did, or at blue."""
        self._folder.mkdir(parents=True, exist_ok=True)
        text = TEMPLATE.read_text(encoding="utf-8")
        user = "user www-data;" if os.geteuid() == 0 else ""
        for name, value in (("USER", user), ("FOLDER", str(self._folder)),
                            ("PORT", str(self._site.proxy_port))):  # fmt: skip
            text = text.replace(f"@{name}@", value)
        self._conf.write_text(text, encoding="utf-8")
        if not self._upstream.exists():
            self._upstream.write_text(self._said(Colour.BLUE), encoding="utf-8")
        if self._master() is None:
            log = self._folder / "output.log"
            processes.start(self._command(), os.environ, log, self._folder)

    def down(self) -> None:
        """Stop it."""
        if (master := self._master()) is not None:
            os.kill(master, signal.SIGTERM)
        end = time.monotonic() + PATIENCE
        while self._master() is not None and time.monotonic() < end:
            processes.reap()
            time.sleep(0.1)

    def points_at(self) -> Colour | None:
        """Return which colour answers behind it; None where it does not say."""
        try:
            answer = httpx.get(f"{self._site.proxy_url}/health", timeout=10.0)
        except httpx.HTTPError:
            return None
        return {
            f"127.0.0.1:{self._site.port(colour)}": colour for colour in Colour
        }.get(answer.headers.get("X-Controller", ""))  # fmt: skip

    def point(self, colour: Colour) -> None:
        """Have it point at a colour.

        Raises:
            ReleaseProblemError: nginx refuses, and points where it did; or it does not answer.
        """
        before = self._upstream.read_text(encoding="utf-8")
        self._write(self._said(colour))
        try:
            self._reload(colour)
        except BaseException:
            # Else nginx would point there after its next start, whoever is there then.
            self._write(before)
            raise

    def _reload(self, colour: Colour) -> None:
        try:
            tried = subprocess.run(  # noqa: S603
                [*self._command(), "-t"], capture_output=True, text=True, check=False, timeout=30
            )
        except subprocess.TimeoutExpired:
            raise Unanswered("nginx -t does not end") from None
        if tried.returncode:
            raise ReleaseProblemError(f"nginx refuses: {' '.join(tried.stderr.split())[-300:]}")
        master = self._master()
        if master is None:
            raise ReleaseProblemError("nginx does not run")
        os.kill(master, signal.SIGHUP)
        end, seen = time.monotonic() + PATIENCE, 0
        while seen < LOOKS and time.monotonic() < end:
            seen = seen + 1 if self.points_at() is colour else 0
            time.sleep(0.05 if seen else 0.2)
        if seen < LOOKS:
            raise ReleaseProblemError(f"nginx was reloaded and does not point at {colour}")

    def _master(self) -> int | None:
        """Return nginx's process; it writes its title over its environment, and keeps a file."""
        try:
            pid = int((self._folder / "nginx.pid").read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if str(self._conf).encode() in command else None

    def _write(self, text: str) -> None:
        fresh = self._upstream.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self._upstream)

    def _said(self, colour: Colour) -> str:
        port = self._site.port(colour)
        return f"upstream prefect {{ server 127.0.0.1:{port} max_fails=0; keepalive 32; }}\n"

    def _command(self) -> list[str]:
        return [program("nginx"), "-c", str(self._conf), "-e", "stderr"]

"""nginx's configuration: who comes in, and to what. Pure.

* ``/api/``: machines with the token (``Authorization: Bearer``), people with their sign-in.
* ``/``: Prefect's pages, for people.
* ``/logs/``: the logs of runs and services as plain text, for people; the archive too.
* ``/canary/``: the canary's page, for people.
* ``/health``: for load balancers: the server and its database answer.

A server that is away is a 502, which Prefect's clients try again. Prefect 2.20 sends its events
over a WebSocket without any credentials, so that for this one path the network decides.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TEMPLATE = Path(__file__).with_name("nginx.conf.template")
LOOPBACK = ("127.0.0.0/8", "::1/128")


@dataclass(frozen=True)
class Site:
    """What the configuration is made of.

    Attributes:
        folder: of the platform: logs, temporary files, pid.
        listen: address and port.
        upstream: address and port of Prefect's server.
        token: of machines; letters, digits, ``-`` and ``_``.
        networks: from which events are taken unasked: the workers' own.
        root: whether nginx starts as root, and gives that up.
    """

    folder: Path
    listen: str
    upstream: str
    token: str
    networks: Sequence[str] = LOOPBACK
    root: bool = False


def configuration(site: Site) -> str:
    """Return nginx's configuration."""
    values = {
        "USER": "user www-data;" if site.root else "",
        "FOLDER": str(site.folder),
        "LISTEN": site.listen,
        "UPSTREAM": site.upstream,
        "TOKEN": site.token,
        "NETWORKS": "\n".join(f"        {network} 1;" for network in site.networks),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def password_line(user: str, password: str) -> str:
    """Return a line of nginx's password file.

    Salted SHA-1 is what every build of nginx reads. It is weak for words that people choose; these
    passwords are 192 random bits.
    """
    salt = os.urandom(8)
    digest = hashlib.sha1(password.encode() + salt).digest()  # noqa: S324
    return f"{user}:{{SSHA}}{base64.b64encode(digest + salt).decode()}\n"

"""nginx at the controller's two doors on AWS: `python -m infra.controller.doors`.

Writes nginx's configuration and becomes nginx. From the environment: ``PREFECT_SERVER``, the
server's address without a path; ``LOGS``, the folder of flow and application logs; and
``MACHINE_TOKEN``. ``PEOPLE_PORT`` and ``MACHINES_PORT`` are 8080 and 8081.

*People's door* stands behind a balancer that has signed them in, and shows the server's pages and
API, and the logs. *Machines' door* has the API alone and asks for the token. The configuration
holds the token, so its file is its owner's, in a folder that ends with the container.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

TEMPLATE: Final = Path(__file__).with_name("doors.conf.template")
AUTHORITIES: Final = "/etc/ssl/certs/ca-certificates.crt"


class DoorsError(ValueError):
    """The environment lacks a value or has a wrong one; the message names it, not the value."""


@dataclass(frozen=True, slots=True)
class Doors:
    """What the doors are made of.

    Attributes:
        server: URL of Prefect's server, without a path.
        logs: folder that people may read.
        token: of machines.
        people: port of people's door.
        machines: port of machines' door.
        address: on which both listen; all of them if empty.
    """

    server: str
    logs: str
    token: str = field(repr=False)
    people: int = 8080
    machines: int = 8081
    address: str = ""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Doors:
        """Read the environment.

        Raises:
            DoorsError: a value is missing or would break out of the configuration.
        """
        missing = [n for n in ("PREFECT_SERVER", "LOGS", "MACHINE_TOKEN") if not environ.get(n)]
        if missing:
            raise DoorsError(f"not set: {', '.join(missing)}")
        server = environ["PREFECT_SERVER"].rstrip("/")
        parts = urlsplit(server)
        if parts.scheme not in ("http", "https") or not re.fullmatch(r"[\w.:-]+", parts.netloc):
            raise DoorsError("PREFECT_SERVER must be http(s)://host:port")
        if parts.path:
            raise DoorsError("PREFECT_SERVER must have no path: the doors add it")
        if not re.fullmatch(r"[A-Za-z0-9_.~+/=-]{20,}", environ["MACHINE_TOKEN"]):
            raise DoorsError("MACHINE_TOKEN must be 20 or more letters, digits and -_.~+/=")
        if not re.fullmatch(r"/[\w./-]*", environ["LOGS"]):
            raise DoorsError("LOGS must be an absolute path of plain letters")
        ports = [environ.get("PEOPLE_PORT", "8080"), environ.get("MACHINES_PORT", "8081")]
        if not all(port.isdigit() for port in ports):
            raise DoorsError("PEOPLE_PORT and MACHINES_PORT must be numbers")
        return cls(
            server, environ["LOGS"].rstrip("/"), environ["MACHINE_TOKEN"], int(ports[0]),
            int(ports[1]), environ.get("LISTEN", ""),
        )  # fmt: skip


def configuration(doors: Doors, folder: Path, nameservers: list[str]) -> str:
    """Return nginx's configuration. Pure.

    Args:
        doors: see there.
        folder: for nginx's own files.
        nameservers: who resolves the server's name.
    """
    where = f"{doors.address}:" if doors.address else ""
    tls = (
        "proxy_ssl_server_name on; proxy_ssl_verify on; proxy_ssl_verify_depth 4; "
        f"proxy_ssl_trusted_certificate {AUTHORITIES};"
    )
    values = {
        "FOLDER": str(folder),
        "PEOPLE": f"{where}{doors.people}",
        "MACHINES": f"{where}{doors.machines}",
        "SERVER": doors.server,
        "LOGS": doors.logs,
        "TOKEN": doors.token,
        "RESOLVER": f"resolver {' '.join(nameservers)} valid=10s;" if nameservers else "",
        "TLS": tls if doors.server.startswith("https:") else "",
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    return re.sub(r"@([A-Z]+)@", lambda found: values[found.group(1)], text)


def resolvers(text: str) -> list[str]:
    """Return the name servers of a resolv.conf, as nginx writes addresses."""
    found = re.findall(r"^nameserver\s+([0-9a-fA-F.:]+)", text, re.MULTILINE)
    return [f"[{address}]" if ":" in address else address for address in found]


def main() -> None:
    """Write the configuration and become nginx; exit 1 if the environment is wrong."""
    try:
        doors = Doors.of(os.environ)
    except DoorsError as error:
        sys.exit(f"error: {error}")
    folder = Path(tempfile.mkdtemp(prefix="doors-"))
    known = Path("/etc/resolv.conf")
    nameservers = resolvers(known.read_text()) if known.exists() else []
    path = folder / "nginx.conf"
    path.touch(mode=0o600)
    path.write_text(configuration(doors, folder, nameservers))
    # The token has done its work; nginx's own processes need not have it in their environment.
    environ = {name: value for name, value in os.environ.items() if name != "MACHINE_TOKEN"}
    program = "/usr/sbin/nginx"
    os.execve(program, [program, "-c", str(path), "-e", "stderr"], environ)  # noqa: S606


if __name__ == "__main__":
    main()

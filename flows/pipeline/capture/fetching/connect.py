"""Connections: names are resolved once, checked, and the checked address is connected to.

Were the name resolved for the check and again for the connection, a DNS server could answer
differently the second time. TLS still verifies the name: only the TCP connection knows the
address. Every new connection is checked, so a redirect to another host is, too.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import httpcore

from flows.pipeline.capture.fetching.addresses import Network, permitted

MOST_ADDRESSES: Final = 3
"""Addresses of a host that are tried; a name with a hundred dead ones must not hold a site."""


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """TCP connections to permitted addresses only.

    Args:
        allowed: private networks that may be connected to.
        reroute: host name to ``address:port`` to which its connections go instead, as curl's
            ``--connect-to`` does; the target is checked like any other.
    """

    def __init__(
        self, allowed: Sequence[Network] = (), reroute: Mapping[str, str] | None = None
    ) -> None:
        self._allowed = tuple(allowed)
        self._reroute = dict(reroute or {})
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a permitted address of a host.

        Raises:
            AddressRefused: the host is at an address that is not permitted.
            httpcore.ConnectError: it has no address, or none that answers.
            httpcore.ConnectTimeout: resolving or connecting takes too long.
        """
        target = self._reroute.get(host)
        name, number = host, port
        if target is not None:
            name, _, given = target.rpartition(":")
            number = int(given)
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in permitted(host, await _resolve(name, number, timeout), self._allowed):
            try:
                return await self._inner.connect_tcp(
                    address, number, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


async def _resolve(host: str, port: int, timeout: float | None) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError as error:
        raise httpcore.ConnectTimeout(f"{host} is not resolved in {timeout:g} s") from error
    except (socket.gaierror, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} has no address: {error}") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))[:MOST_ADDRESSES]

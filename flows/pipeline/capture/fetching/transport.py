"""The transport of httpx over connections that are checked (`connect`), one pool for each site.

httpx's own transport has no public place for a network backend, httpcore's pool has; what is
between the two is this. Pools are per site: a site that hangs holds its own connections, and
httpcore's pool, which looks at all of its connections for each request, stays small.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import httpcore
import httpx

from flows.pipeline.capture.fetching.addresses import Network, check_named
from flows.pipeline.capture.fetching.connect import GuardedNetwork

_TIMEOUTS: Final[tuple[tuple[type[Exception], type[httpx.TransportError]], ...]] = (
    (httpcore.ConnectTimeout, httpx.ConnectTimeout),
    (httpcore.ReadTimeout, httpx.ReadTimeout),
    (httpcore.WriteTimeout, httpx.WriteTimeout),
    (httpcore.PoolTimeout, httpx.PoolTimeout),
    (httpcore.ConnectError, httpx.ConnectError),
    (httpcore.ReadError, httpx.ReadError),
    (httpcore.WriteError, httpx.WriteError),
    (httpcore.ProxyError, httpx.ProxyError),
    (httpcore.UnsupportedProtocol, httpx.UnsupportedProtocol),
    (httpcore.LocalProtocolError, httpx.LocalProtocolError),
    (httpcore.RemoteProtocolError, httpx.RemoteProtocolError),
    (httpcore.NetworkError, httpx.NetworkError),
)


@contextmanager
def _translated(request: httpx.Request | None) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        for core, ours in _TIMEOUTS:
            if isinstance(error, core):
                raise ours(str(error), request=request) from error
        raise


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translated(None):
            async for chunk in self._response.aiter_stream():
                yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


class GuardedTransport(httpx.AsyncBaseTransport):
    """Requests over checked connections.

    Args:
        network: makes the connections. With a proxy it connects to the proxy, which resolves
            names by itself: private addresses, and names of private networks, are refused before
            it is asked, but what it makes of a public name is its own affair.
        tls: shared by all sites; making one reads the whole list of authorities.
        connections: at the same time, at the most.
        proxy: its URL, credentials included.
        allowed: private networks that a proxy may be asked for.
    """

    def __init__(
        self,
        network: GuardedNetwork,
        tls: ssl.SSLContext,
        *,
        connections: int,
        proxy: str | None = None,
        allowed: Sequence[Network] = (),
    ) -> None:
        self._allowed = allowed
        self._proxied = proxy is not None
        self._pool: httpcore.AsyncConnectionPool
        if proxy is None:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=tls,
                max_connections=connections,
                max_keepalive_connections=connections,
                keepalive_expiry=60.0,
                network_backend=network,
            )
        else:
            address = httpx.URL(proxy)
            auth = (address.username, address.password) if address.username else None
            self._pool = httpcore.AsyncHTTPProxy(
                proxy_url=str(address.copy_with(userinfo=b"")),
                proxy_auth=auth,
                ssl_context=tls,
                max_connections=connections,
                network_backend=network,
            )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; see httpx."""
        assert isinstance(request.stream, httpx.AsyncByteStream)
        if self._proxied:
            check_named(request.url.host, self._allowed)
        with _translated(request):
            response = await self._pool.handle_async_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(
                        scheme=request.url.raw_scheme,
                        host=request.url.raw_host,
                        port=request.url.port,
                        target=request.url.raw_path,
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()

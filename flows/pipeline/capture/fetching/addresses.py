"""Which addresses may be connected to: a list of sites is input, and input is not to be trusted.

A site file, a redirect or a DNS record may name the machine's own services or the cloud's
metadata address. So every address that a name resolves to is held against this rule before a
connection is made to it, and the connection is made to that very address (`connect`).

An address is public if the registries say so (`ipaddress.is_global`) and it is no multicast
address; an IPv6 address that carries an IPv4 one inside (mapped, 6to4, NAT64, Teredo) is as
public as that one. Anything else needs a network that the operator allows by name, and a site
that asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network
AnyAddress: TypeAlias = IPv4Address | IPv6Address

_NAT64: Final = ip_network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address."""


ANYWHERE: Final = (ip_network("0.0.0.0/0"), ip_network("::/0"))
"""For connections to what the operator names himself, such as a proxy."""

_LOCAL_NAMES: Final = ("localhost", "local", "internal", "intranet", "lan", "home.arpa")
"""Last labels of names that are not of the public internet (RFC 6761, 6762, 8375, and custom)."""


class AddressRefused(Exception):
    """A host has no address to which a connection may be made.

    Args:
        host: as it was named.
        address: the one that is refused.
    """

    def __init__(self, host: str, address: str) -> None:
        super().__init__(f"{host} is at {address}, which is not a public address")
        self.host = host
        self.address = address


def is_public(address: AnyAddress) -> bool:
    """Say whether an address is one of the public internet."""
    inner = _inside(address)
    if inner is not None:
        return is_public(inner)
    return address.is_global and not address.is_multicast


def _inside(address: AnyAddress) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for, None if it stands for itself."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def permitted(host: str, addresses: Iterable[str], allowed: Sequence[Network] = ()) -> list[str]:
    """Return the addresses of a host that may be connected to, in their order.

    One forbidden address among several is enough to refuse the host: a name that is public and
    private at once is an attack (DNS rebinding) or a mistake.

    Args:
        host: for the error.
        addresses: what the name resolves to.
        allowed: private networks that may be connected to.

    Raises:
        AddressRefused: one of them may not.
    """
    found = list(addresses)
    for text in found:
        address = ip_address(text.partition("%")[0])  # a scope id says nothing of the address
        mapped = _inside(address) or address
        if not is_public(address) and not any(mapped in network for network in allowed):
            raise AddressRefused(host, text)
    return found


def check_named(host: str, allowed: Sequence[Network] = ()) -> None:
    """Check a host that is not resolved here, since a proxy does that.

    Raises:
        AddressRefused: it is a private address, or a name that only a private network knows.
    """
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        name = host.rstrip(".").lower()
        if "." not in name or any(name.endswith(f".{last}") for last in _LOCAL_NAMES):
            raise AddressRefused(host, "a name of a private network") from None
        return
    permitted(host, [str(address)], allowed)

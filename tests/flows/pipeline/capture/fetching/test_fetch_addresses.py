"""No private address is connected to, however it is written, resolved or redirected to."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.capture.fetching.addresses import AddressRefused, is_public, permitted

LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.9.9",
        "169.254.169.254",  # the clouds' metadata
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "2002:7f00:1::",  # 6to4 of 127.0.0.1
        "64:ff9b::a9fe:a9fe",  # NAT64 of 169.254.169.254
    ],
)
def test_private_addresses_are_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(AddressRefused, match="not a public address"):
        permitted("shop.example", [address])


def test_public_addresses_are_permitted_in_their_order() -> None:
    public = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"]
    assert permitted("shop.example", public) == public


def test_one_private_address_among_public_ones_refuses_the_host() -> None:
    with pytest.raises(AddressRefused):
        permitted("shop.example", ["93.184.216.34", "10.0.0.1"])


def test_an_allowed_network_opens_itself_and_no_other() -> None:
    assert permitted("shop.example", ["127.3.4.5"], LOOPBACK) == ["127.3.4.5"]
    assert permitted("shop.example", ["::ffff:127.0.0.1"], LOOPBACK)
    for other in ("10.0.0.1", "169.254.169.254", "::1"):
        with pytest.raises(AddressRefused):
            permitted("shop.example", [other], LOOPBACK)


@given(st.ip_addresses(v=4))
def test_an_address_inside_another_is_judged_as_itself(inner: IPv4Address) -> None:
    mapped = IPv6Address(f"::ffff:{inner}")
    translated = IPv6Address((0x0064FF9B << 96) | int(inner))
    assert is_public(mapped) == is_public(inner)
    assert is_public(translated) == is_public(inner)

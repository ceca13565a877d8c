"""Bodies within their cap, whatever they decompress to."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.capture.fetching.body import BadEncoding, Body, TooLarge, unzip


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKERS = {
    "": lambda data: data,
    "identity": lambda data: data,
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "gzip, gzip": lambda data: gzip.compress(gzip.compress(data)),
}


@given(st.binary(max_size=5000), st.sampled_from(sorted(PACKERS)), st.integers(1, 700), st.data())
def test_a_body_is_the_same_however_it_is_packed_and_cut(
    data: bytes, encoding: str, size: int, drawn: st.DataObject
) -> None:
    packed = PACKERS[encoding](data)
    body = Body(encoding, 5000)
    for start in range(0, len(packed), size):
        body.add(packed[start : start + size])
    assert body.finish() == data


@given(st.binary(min_size=1, max_size=3000))
def test_deflate_without_its_envelope_is_read_too(data: bytes) -> None:
    body = Body("deflate", 3000)
    body.add(_raw_deflate(data))
    assert body.finish() == data


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip"])
def test_a_bomb_is_stopped_at_the_cap(encoding: str) -> None:
    bomb = PACKERS[encoding](b"\x00" * 50_000_000)
    body = Body(encoding, 100_000)
    with pytest.raises(TooLarge, match="100,000"):
        body.add(bomb)
    assert len(body.so_far()) <= 100_000


def test_two_members_are_one_body_and_padding_is_none() -> None:
    assert unzip(gzip.compress(b"one ") + gzip.compress(b"two") + b"\x00" * 9, 100) == b"one two"


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip, gzip", "nonsense"])
def test_encodings_that_nobody_asked_for_are_refused(encoding: str) -> None:
    with pytest.raises(BadEncoding):
        Body(encoding, 100)


def test_what_breaks_off_and_what_is_no_gzip_are_said() -> None:
    with pytest.raises(BadEncoding, match="breaks off"):
        unzip(gzip.compress(b"x" * 1000)[:-5], 5000)
    with pytest.raises(BadEncoding, match="broken"):
        unzip(b"\x1f\x8b no gzip at all", 100)

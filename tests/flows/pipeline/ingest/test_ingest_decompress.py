"""What comes out of a compressed file is what was written, as far as it goes, and bounded."""

import bisect
import bz2
import gzip
import lzma
import os
import zlib

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.pipeline.ingest.decompress import unpack
from flows.pipeline.ingest.errors import UnreadableFile

COMPRESSORS = {
    "gz": lambda data: gzip.compress(data, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda data: zstandard.ZstdCompressor(write_checksum=True).compress(data),
}
TEXT = "".join(f"{row},milk {row * 7919 % 1000},{row % 97}.90\n" for row in range(3000)).encode()

kinds = pytest.mark.parametrize("kind", sorted(COMPRESSORS))


@kinds
def test_a_whole_file_is_told_by_its_content_and_not_by_its_name(kind: str) -> None:
    for name in (f"a.csv.{kind}", "a.csv", "a.csv.bz2"):
        unpacked = unpack(COMPRESSORS[kind](TEXT), name)
        assert (unpacked.data, unpacked.damage, unpacked.cut_short) == (TEXT, "", False)


def test_plain_files_stay_as_they_are() -> None:
    assert unpack(TEXT, "a.csv").data == TEXT
    assert unpack(b"", "a.csv.gz").data == b""


@kinds
@settings(max_examples=25, deadline=None)
@given(parts=st.lists(st.binary(max_size=200), min_size=1, max_size=5), zeros=st.integers(0, 9))
def test_members_are_joined_and_padding_is_no_damage(
    kind: str, parts: list[bytes], zeros: int
) -> None:
    data = b"".join(COMPRESSORS[kind](part) for part in parts) + bytes(zeros)
    unpacked = unpack(data, "a")
    assert (unpacked.data, unpacked.damage) == (b"".join(parts), "")


def test_a_file_of_very_many_members_is_read_in_one_pass() -> None:
    lines = TEXT.splitlines(keepends=True)
    assert unpack(b"".join(gzip.compress(line) for line in lines), "a.gz").data == TEXT


def test_every_cut_of_a_gzip_file_gives_a_prefix_and_says_so() -> None:
    whole = gzip.compress(TEXT[:2000], mtime=0)
    longest = 0
    for cut in range(3, len(whole)):
        try:
            unpacked = unpack(whole[:cut], "a.gz")
        except UnreadableFile as error:
            assert longest == 0
            assert error.file == "a.gz"
            continue
        assert TEXT[:2000].startswith(unpacked.data)
        assert len(unpacked.data) >= longest
        assert unpacked.cut_short
        assert "ends early" in unpacked.damage
        longest = len(unpacked.data)
    assert longest == 2000


def test_a_cut_loses_no_more_than_zlib_has_not_seen() -> None:
    text = os.urandom(3_000_000).hex().encode()
    whole = gzip.compress(text, 1)
    cut = whole[: len(whole) * 2 // 3]
    assert unpack(cut, "a.gz").data == zlib.decompressobj(wbits=31).decompress(cut)


def test_no_cut_loses_what_a_run_of_equal_bytes_still_holds() -> None:
    whole = gzip.compress(bytes(5 << 20))

    def decoded(cut: int) -> int:
        return len(zlib.decompressobj(wbits=31).decompress(whole[:cut]))

    # Where the output is a little more than a whole number of mebibytes, zlib holds the rest.
    cuts = [bisect.bisect(range(len(whole)), size << 20, key=decoded) for size in (1, 2, 3, 4)]
    for cut in (near for middle in cuts for near in range(middle - 2, middle + 3)):
        assert len(unpack(whole[:cut], "a.gz").data) == decoded(cut)


@kinds
def test_a_cut_behind_whole_members_keeps_those(kind: str) -> None:
    first, second = COMPRESSORS[kind](TEXT), COMPRESSORS[kind](b"one more line\n")
    for cut in (1, 3, len(second) - 1):
        unpacked = unpack(first + second[:cut], "a")
        assert unpacked.data.startswith(TEXT)
        assert unpacked.cut_short


@kinds
def test_damaged_content_is_refused_even_where_most_of_it_decodes(kind: str) -> None:
    whole = COMPRESSORS[kind](TEXT)
    refused = 0
    for place in range(20, len(whole) - 20, 101):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        try:
            unpacked = unpack(bytes(damaged), "a")
        except UnreadableFile as error:
            refused += "damaged" in str(error)
            continue
        # A bit that hides the end of the data cannot be told from a file that was cut.
        assert unpacked.cut_short
        assert "ends early" in unpacked.damage
    assert refused > 0.9 * len(range(20, len(whole) - 20, 101))


@kinds
def test_whole_members_before_a_damaged_one_are_kept(kind: str) -> None:
    damaged = bytearray(COMPRESSORS[kind](os.urandom(5000)))
    damaged[len(damaged) // 2] ^= 0x10
    unpacked = unpack(COMPRESSORS[kind](TEXT) + bytes(damaged), "a")
    assert unpacked.data == TEXT
    assert "damaged" in unpacked.damage


@kinds
def test_nothing_of_a_damaged_member_is_used_however_much_came_before(kind: str) -> None:
    damaged = bytearray(COMPRESSORS[kind](os.urandom(1_500_000)))
    damaged[-1000] ^= 0x10
    assert unpack(COMPRESSORS[kind](TEXT) + bytes(damaged), "a").data == TEXT
    with pytest.raises(UnreadableFile, match="damaged"):
        unpack(bytes(damaged), "a")


def test_what_follows_the_compressed_data_is_said_and_costs_nothing() -> None:
    unpacked = unpack(gzip.compress(TEXT) + b"<html>502 Bad Gateway</html>", "a.gz")
    assert unpacked.data == TEXT
    assert "no part of it" in unpacked.damage
    assert not unpacked.cut_short


@kinds
def test_a_bomb_is_refused_before_it_is_unpacked(kind: str) -> None:
    bomb = COMPRESSORS[kind](bytes(64 << 20))
    assert len(bomb) < 100_000
    with pytest.raises(UnreadableFile, match=r"bomb\.csv\.gz holds more than 2,097,152 bytes"):
        unpack(bomb, "bomb.csv.gz", largest=2 << 20)
    many = b"".join(COMPRESSORS[kind](bytes(100_000)) for _ in range(30))
    with pytest.raises(UnreadableFile, match="more than"):
        unpack(many, "bomb.csv.gz", largest=2 << 20)
    with pytest.raises(UnreadableFile, match="more than"):
        unpack(bytes((2 << 20) + 1), "plain.csv", largest=2 << 20)
    assert len(unpack(COMPRESSORS[kind](bytes(2 << 20)), "a", largest=2 << 20).data) == 2 << 20


@pytest.mark.parametrize("start", [b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"%PDF-1.7"])
def test_what_is_not_read_is_named(start: bytes) -> None:
    with pytest.raises(UnreadableFile, match=r"a 7z archive|a rar archive|a PDF") as caught:
        unpack(start + bytes(100), "prices.csv")
    assert caught.value.file == "prices.csv"
    assert "zstd or brotli" in caught.value.action


def test_a_plain_file_with_the_name_of_a_compressed_one_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="not compressed as its name says"):
        unpack(TEXT, "a.csv.gz")

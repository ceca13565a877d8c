"""Tables too large for memory: the same rows, hash and check results as a frame has."""

from __future__ import annotations

import gc
import resource
import subprocess
import sys
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdk import StorageError, checks, table_file
from sdk.checks import CheckContext, run_checks
from sdk.content import table_hash
from sdk.dataset import DatasetKey
from sdk.errors import CheckFailed
from sdk.store import Store
from sdk.table_file import TableFile, TableWriter

SCHEMA = {
    "sku": pl.String(),
    "price": pl.Decimal(18, 4),
    "share": pl.Float64(),
    "seen": pl.Datetime("us"),
    "tags": pl.List(pl.String()),
}
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "sku": st.one_of(st.none(), st.sampled_from(["", "a", "b", "é", "a" * 40])),
            "price": st.one_of(st.none(), st.decimals(-9, 99, places=4, allow_nan=False)),
            "share": st.one_of(st.none(), st.floats(-2, 2)),
            "seen": st.one_of(st.none(), st.just(datetime(2026, 8, 15, 3, 4, 5, 6))),
            "tags": st.one_of(st.none(), st.lists(st.sampled_from("xy"), max_size=2)),
        }
    ),
    max_size=12,
)
KEY = DatasetKey(customer="acme", name="prices", day=date(2026, 8, 15))


def file_of(frame: pl.DataFrame, cuts: Sequence[int], folder: Path) -> TableFile:
    edges = [0, *sorted(cut % (frame.height + 1) for cut in cuts), frame.height]
    with TableWriter(frame.schema, in_memory=-1, folder=folder) as writer:
        writer.write(frame.clear())
        for start, end in pairwise(edges):
            writer.write(frame[start:end])
        made = writer.finish()
    assert isinstance(made, TableFile)
    return made


@given(rows=ROWS, cuts=st.lists(st.integers(0, 12), max_size=3), group=st.integers(1, 5))
@settings(deadline=None, max_examples=40)
def test_rows_hash_and_bytes_do_not_depend_on_how_they_came(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, object]],
    cuts: list[int],
    group: int,
) -> None:
    frame = pl.DataFrame(rows, schema=SCHEMA)
    folder = tmp_path_factory.mktemp("file")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_file, "ROW_GROUP", group)
        made, whole = file_of(frame, cuts, folder), file_of(frame, [], folder)
    assert made.frame().equals(frame)
    assert pl.concat([frame.clear(), *made.slices()]).equals(frame)
    assert made.content_hash == table_hash(frame.to_arrow())
    assert (made.height, dict(made.schema)) == (frame.height, SCHEMA)
    assert made.bytes_hash == whole.bytes_hash


@given(rows=ROWS, group=st.integers(1, 5))
@settings(deadline=None, max_examples=40)
def test_checks_find_the_same_in_a_file_as_in_a_frame(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]], group: int
) -> None:
    frame = pl.DataFrame(rows, schema=SCHEMA)
    wanted = [
        checks.rows(3, otherwise="warn"),
        checks.columns(SCHEMA),
        checks.unique("sku", otherwise="quarantine", at_most=0.6),
        checks.unique("sku", "share", otherwise="warn"),
        checks.not_null("price", otherwise="quarantine", at_most=0.5),
        checks.between("share", -1, 1, otherwise="warn", at_most=0.2),
        checks.is_in("sku", ["a", "b"], otherwise="warn"),
        checks.holds("below the mean", pl.col("price") <= pl.col("price").mean(), otherwise="warn"),
        checks.measure("mean", pl.col("share").mean(), at_least=0, otherwise="warn"),
        checks.fresh("seen", "1d"),
        checks.sql("no empty code", "SELECT sku FROM data WHERE sku = ''", otherwise="warn"),
        checks.predicate("small", lambda table: table.height < 5, otherwise="warn"),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_file, "ROW_GROUP", group)
        made = file_of(frame, [], tmp_path_factory.mktemp("file"))
        there, here = run_checks(made, wanted), run_checks(frame, wanted)
    assert there.results == here.results
    kept = there.kept.frame() if isinstance(there.kept, TableFile) else there.kept
    assert isinstance(here.kept, pl.DataFrame)
    assert kept.equals(here.kept)
    assert (there.quarantined is None) == (here.quarantined is None)
    if there.quarantined is not None and here.quarantined is not None:
        assert there.quarantined.equals(here.quarantined)


def test_a_check_that_needs_too_large_a_frame_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = file_of(pl.DataFrame({"sku": ["a"]}), [], tmp_path)
    monkeypatch.setattr("sdk.checks.large.LOADED", 10)
    with pytest.raises(CheckFailed, match="check 'mine' needs the whole table in memory"):
        run_checks(made, [checks.predicate("mine", lambda table: True)], CheckContext())
    with pytest.raises(CheckFailed, match="sku_id"):
        run_checks(made, [checks.unique("sku_id")], CheckContext())


def test_a_file_is_published_as_a_frame_is_and_goes_when_nobody_holds_it(tmp_path: Path) -> None:
    frame = pl.DataFrame({"sku": ["a", "b"], "price": [Decimal("1.5"), None]})
    store = Store(str(tmp_path / "store"))
    made = file_of(frame, [1], tmp_path / "store")
    path = made.path
    dataset = store.publish(KEY, {"prices": made}, fingerprint="one")
    assert dataset.frame("prices").equals(frame)
    assert dataset.rows == 2
    again = store.publish(KEY, {"prices": frame}, fingerprint="one")
    assert again.content_hash == dataset.content_hash
    del made
    gc.collect()
    assert not path.exists()
    assert dataset.frame("prices").equals(frame), "the store's own name is left"


def test_what_is_small_stays_a_frame(tmp_path: Path) -> None:
    frame = pl.DataFrame({"sku": ["a"]})
    with TableWriter(frame.schema, folder=tmp_path) as writer:
        writer.write(frame)
        made = writer.finish()
    assert isinstance(made, pl.DataFrame)
    assert made.equals(frame)
    assert not list(tmp_path.iterdir())


def test_an_error_while_rows_are_made_leaves_no_file(tmp_path: Path) -> None:
    frame = pl.DataFrame({"sku": ["a"]})
    with (
        pytest.raises(ZeroDivisionError),
        TableWriter(frame.schema, in_memory=-1, folder=tmp_path) as writer,
    ):
        writer.write(frame)
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


FULL = """
import resource, signal, sys
from pathlib import Path
import polars as pl
from sdk import StorageError, table_file
table_file.ROW_GROUP = 1000
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
folder = Path(sys.argv[1])
try:
    with table_file.TableWriter({"n": pl.Int64()}, in_memory=0, folder=folder) as writer:
        for start in range(0, 1_000_000, 1000):
            numbers = pl.int_range(start, start + 1000, eager=True).hash().reinterpret(signed=True)
            writer.write(pl.DataFrame({"n": numbers}))
        writer.finish()
except StorageError as error:
    print(error.problem)
except Exception as error:
    print(type(error).__name__, error, getattr(error, "problem", ""))
print("left", len(list(folder.iterdir())))
"""


def test_a_file_that_cannot_grow_is_a_storage_error_and_leaves_nothing(tmp_path: Path) -> None:
    """The limit of a process stands for a full disk: the write fails half way."""
    assert resource.RLIMIT_FSIZE
    ran = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert "cannot write" in ran.stdout, ran.stdout + ran.stderr
    assert "left 0" in ran.stdout
    assert issubclass(StorageError, Exception)

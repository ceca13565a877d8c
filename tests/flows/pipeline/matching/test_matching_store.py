"""Saved models: the same scores again, and nothing that a file can do to its reader."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from flows.pipeline.matching import store
from flows.pipeline.matching.errors import ModelError
from flows.pipeline.matching.forest import LEAVES, Forest
from flows.pipeline.matching.matcher import Matcher
from flows.pipeline.matching.training import train

Shops = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]
Content = dict[str, Any]


@pytest.fixture(scope="module")
def matcher(two_shops: Shops) -> Matcher:
    return train(*two_shops)


@pytest.fixture
def folder(matcher: Matcher, tmp_path: Path) -> Path:
    store.save(matcher, tmp_path)
    return tmp_path


def rewrite(folder: Path, change: Callable[[Content], object]) -> None:
    """Change a model as somebody would who knows how the hash is made."""
    path = folder / store.FILE
    whole = json.loads(path.read_text())
    change(whole["content"])
    whole["sha256"] = store._digest(whole["content"])
    path.write_text(json.dumps(whole))


def test_a_saved_matcher_scores_the_same(two_shops: Shops, matcher: Matcher, folder: Path) -> None:
    a, b, pairs = two_shops
    again = store.load(folder)
    assert again.score(a, b, pairs).equals(matcher.score(a, b, pairs))
    assert again.facts == matcher.facts
    assert again.thresholds == matcher.thresholds
    assert [path.name for path in folder.iterdir()] == [store.FILE]


def test_a_model_says_what_it_was_trained_on_and_how_well(folder: Path, two_shops: Shops) -> None:
    facts = json.loads((folder / store.FILE).read_text())["content"]["facts"]
    assert len(facts["data"]) == 64
    assert facts["matches"] == two_shops[2]["label"].sum()
    assert 0 < facts["context"]["f1"] <= 1


def test_a_changed_byte_is_found(folder: Path) -> None:
    path = folder / store.FILE
    text = path.read_text()
    place = text.index('"slope": ') + len('"slope": ')
    path.write_text(text[:place] + ("2" if text[place] == "1" else "1") + text[place + 1 :])
    with pytest.raises(ModelError, match="differs from its hash"):
        store.load(folder)


def points_outside(content: Content) -> None:
    content["stages"]["pair"]["trees"]["feature"][0] = 10**6


def points_before(content: Content) -> None:
    content["stages"]["pair"]["trees"]["feature"][0] = -5


def more_nodes_than_there_are(content: Content) -> None:
    content["stages"]["pair"]["trees"]["nodes"][0] += 1000


def negative_nodes(content: Content) -> None:
    trees = content["stages"]["pair"]["trees"]
    trees["nodes"][0] -= 100
    trees["nodes"][1] += 100


def too_many_leaves(content: Content) -> None:
    content["stages"]["pair"]["trees"]["leaves"][0] = 1000


def leaves_without_end(content: Content) -> None:
    content["stages"]["pair"]["trees"]["value"].append(1.0)


def not_numbers(content: Content) -> None:
    content["stages"]["pair"]["trees"]["value"][0] = float("nan")


def text_for_numbers(content: Content) -> None:
    content["stages"]["pair"]["trees"]["threshold"][0] = "__import__('os').system('x')"


def lists_of_lists(content: Content) -> None:
    content["stages"]["pair"]["trees"]["nodes"] = [[1]]


def huge_integers(content: Content) -> None:
    content["stages"]["pair"]["trees"]["nodes"][0] = 1 << 80


def lexicon_too_short(content: Content) -> None:
    content["lexicon"]["slopes"].pop()


def lexicon_out_of_order(content: Content) -> None:
    content["lexicon"]["hashes"].reverse()


def threshold_is_text(content: Content) -> None:
    content["facts"]["context"]["accept"] = "0.5"


def no_stages(content: Content) -> None:
    content["stages"] = None


def many_folds(content: Content) -> None:
    content["stages"]["pair"]["folds"] = 0


HOSTILE = [
    points_outside, points_before, more_nodes_than_there_are, negative_nodes, too_many_leaves,
    leaves_without_end, not_numbers, text_for_numbers, lists_of_lists, huge_integers,
    lexicon_too_short, lexicon_out_of_order, threshold_is_text, no_stages, many_folds,
]  # fmt: skip


@pytest.mark.parametrize("change", HOSTILE, ids=lambda change: change.__name__)
def test_a_hostile_model_is_refused(folder: Path, change: Callable[[Content], object]) -> None:
    rewrite(folder, change)
    with pytest.raises(ModelError, match="no readable model"):
        store.load(folder)


def test_other_features_and_other_versions_are_refused(folder: Path) -> None:
    rewrite(folder, lambda content: content["features"].pop())
    with pytest.raises(ModelError, match="other features"):
        store.load(folder)
    (folder / store.FILE).write_text('{"version": 99}')
    with pytest.raises(ModelError, match="format version 99"):
        store.load(folder)
    with pytest.raises(ModelError, match="no readable model"):
        store.load(folder / "nowhere")


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("/tmp/matching-was-run"),)


@pytest.mark.parametrize(
    "written",
    [
        b"[" * 200_000,
        b"",
        b"\xff\xfe\x00",
        b"null",
        b"[]",
        pickle.dumps(Bomb()),
        b'{"version": 2}',
        b'{"version": 2, "content": {}, "sha256": 1}',
    ],
    ids=["deep", "empty", "bytes", "null", "list", "pickle", "bare", "hollow"],
)
def test_what_is_no_model_is_refused_and_not_run(tmp_path: Path, written: bytes) -> None:
    (tmp_path / store.FILE).write_bytes(written)
    with pytest.raises(ModelError):
        store.load(tmp_path)
    assert not Path("/tmp/matching-was-run").exists()


def test_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / store.FILE).open("wb") as file:
        file.truncate(10 * store._LARGEST)
    with pytest.raises(ModelError, match="larger than"):
        store.load(tmp_path)


def test_loading_loads_no_parser_of_models(folder: Path) -> None:
    """A process without pickle's loader and LightGBM's parser reads the file."""
    code = (
        "import sys, pickle; pickle.Unpickler = pickle.loads = pickle.load = None\n"
        "from pathlib import Path\n"
        "from flows.pipeline.matching import store\n"
        "import lightgbm; lightgbm.Booster = None\n"
        f"print(store.load(Path({str(folder)!r})).facts['matches'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 0


def test_any_masks_stay_inside_their_tree() -> None:
    """No check covers the masks of a forest: whatever they strike, it ends well."""
    chance = np.random.default_rng(3)
    lists = {
        "nodes": [3, 0, 5],
        "leaves": [2, 1, LEAVES],
        "feature": chance.integers(0, 4, 8).tolist(),
        "threshold": chance.normal(size=8).tolist(),
        "unknown_left": chance.random(8).round().tolist(),
        "struck": chance.integers(0, 2**32, 8).tolist(),
        "value": [1.0] * (3 + LEAVES),
    }
    rows = chance.normal(size=(1000, 4))
    rows[chance.random(rows.shape) < 0.2] = np.nan
    assert (Forest.of_lists(lists, 4).sums(rows) == 3.0).all()

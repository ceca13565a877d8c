from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from flows.pipeline.matching import candidates, store
from flows.pipeline.matching.__main__ import app
from flows.pipeline.matching.errors import PairsError, TableError
from flows.pipeline.matching.evaluation import evaluate
from flows.pipeline.matching.folder import read_folder
from flows.pipeline.matching.matcher import Matcher
from flows.pipeline.matching.matching import match
from flows.pipeline.matching.training import train
from flows.pipeline.matching.two_tables import Tables
from tests.conftest import ROOT, SHARED
from tests.flows.pipeline.matching.conftest import KINDS, MAKERS

Shops = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]


def right(found: pl.DataFrame) -> int:
    return int((found["a_id"].str.slice(1) == found["b_id"].str.slice(1)).sum())


def test_a_trained_matcher_finds_the_products(two_shops: Shops, matcher: Matcher) -> None:
    a, b, _ = two_shops
    found = match(a, b, matcher, one_to_one=True)
    assert found.columns == ["a_id", "b_id", "probability", "kind", "reasons"]
    assert right(found) >= 0.95 * a.height
    assert right(found) >= 0.97 * found.height
    assert found["a_id"].is_unique().all() and found["b_id"].is_unique().all()
    assert found["reasons"].str.len_chars().min() > 0


def test_without_labels_it_finds_most(two_shops: Shops) -> None:
    a, b, _ = two_shops
    found = match(a, b, one_to_one=True)
    assert right(found) >= 0.9 * a.height
    assert right(found) >= 0.9 * found.height


def test_without_labels_another_pack_does_not_take_the_place_of_the_right_one() -> None:
    said = {"330 ml": "0,33l", "1,5 L": "1500ml", "6er Pack 500 ml": "6 x 0,5L", "750 ml": "75cl"}
    names = [f"{maker} {kind}" for maker in MAKERS for kind in KINDS]
    a = table(*(f"{name} {pack}" for name in names for pack in said))
    there = [n for n in range(a.height) if n % 3]  # the other shop lacks every third
    titles = [f"{name} {pack}" for name in names for pack in said.values()]
    b = pl.DataFrame({"id": [str(n) for n in there], "title": [titles[n] for n in there]})
    found = match(a, b, one_to_one=True)
    hits = (found["a_id"] == found["b_id"]).sum()
    assert hits > 0.5 * b.height
    assert hits > 0.9 * found.height


def test_the_order_of_rows_changes_nothing(two_shops: Shops, matcher: Matcher) -> None:
    a, b, pairs = two_shops
    found = match(a, b, matcher)
    assert match(a.reverse(), b.sample(fraction=1, shuffle=True, seed=1), matcher).equals(found)
    scores = matcher.score(a, b, pairs)
    turned = matcher.score(a, b, pairs.reverse()).reverse()
    assert scores["probability"].to_list() == turned["probability"].to_list()


def test_training_twice_gives_the_same_bytes(
    two_shops: Shops, matcher: Matcher, tmp_path: Path
) -> None:
    store.save(matcher, tmp_path / "one")
    store.save(train(*two_shops), tmp_path / "two")
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def table(*titles: str | None) -> pl.DataFrame:
    ids = [str(n) for n in range(len(titles))]
    return pl.DataFrame({"id": ids, "name": titles}, schema={"id": pl.String, "name": pl.String})


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (table(), table("x")),
        (table(), table()),
        (table("x"), table(None, None)),
        (table(None), table(None)),
        (table("\x00\x07"), table("\u202e\u202d")),
    ],
)
def test_nothing_to_match_is_an_empty_answer(a: pl.DataFrame, b: pl.DataFrame) -> None:
    found = match(a, b)
    assert found.is_empty()
    assert found.columns == ["a_id", "b_id", "probability", "kind", "reasons"]


def test_one_row_against_one_row() -> None:
    assert match(table("Nordwal Kamera xk200"), table("nordwal kamera XK-200")).height == 1


def test_odd_titles_are_answered() -> None:
    odd = table("word " * 20_000, 'קמח חיטה 1 ק"ג', "a\x00b\nc\td", "🙂🙂🙂", "x" * 100_000)
    found = match(odd, odd)
    assert {("1", "1"), ("0", "0")} <= set(zip(found["a_id"], found["b_id"], strict=True))


def test_identical_titles_stay_bounded() -> None:
    same = table(*["the same title"] * 3000)
    tables = Tables.of(same, same)
    i, _ = tables.candidates(5)
    assert len(i) <= 3000 * 5 * 4


def test_a_trade_item_number_in_common_is_a_match() -> None:
    a = table("Nudeln", "Kamera").with_columns(ean=pl.Series(["4006381333931", None]))
    b = table("Teigwaren lang", "Tasse").with_columns(gtin=pl.Series(["04006381333931", None]))
    found = match(a, b, evidence=True).filter(pl.col("a_id") == "0")
    assert found["probability"].item() >= 0.99
    assert found["gtin_same"].item() is True
    assert "same GTIN" in found["reasons"].item()


def test_another_pack_is_another_product() -> None:
    found = match(table("Sprudel Quorin 6 x 1,5 l"), table("Quorin Sprudel 1,5 l"), least=0.0)
    assert found["kind"].to_list() == ["different_pack"]
    assert "different pack sizes" in found["reasons"].item()


def test_a_colour_that_many_have_makes_a_variant() -> None:
    colours = ("rot", "blau", "weiss", "grau", "lila") * 4
    a, b = (table(*(f"Tasse Nordwal {one}" for one in some)) for some in (colours, ("gelb",)))
    found = match(a, b, least=0.0)
    assert set(found["kind"]) == {"variant"}


def test_bad_labels_are_refused(two_shops: Shops) -> None:
    a, b, pairs = two_shops
    with pytest.raises(PairsError, match=r"row 1, column 'label': 2"):
        train(a, b, pairs.with_columns(label=pl.lit(2)))
    with pytest.raises(PairsError, match="label 0; at least"):
        train(a, b, pairs.with_columns(label=pl.lit(1)))
    with pytest.raises(PairsError, match="'zz' is not in table A"):
        train(a, b, pairs.with_columns(ltable_id=pl.lit("zz")))
    with pytest.raises(PairsError, match="labelled both 0 and 1"):
        train(a, b, pl.concat([pairs, pairs.head(1).with_columns(label=pl.lit(0, pl.Int64))]))
    with pytest.raises(TableError, match="no column for the role"):
        train(a.select("id"), b, pairs)


@pytest.mark.parametrize("label", [0.5, [1], "true", None])
def test_what_is_neither_0_nor_1_is_no_label(two_shops: Shops, label: object) -> None:
    a, b, pairs = two_shops
    wrong = pairs.drop("label").with_columns(pl.Series("label", [label] * pairs.height))
    with pytest.raises(PairsError, match=r"row 1, column 'label'"):
        train(a, b, wrong)


def test_ids_of_pairs_are_told_by_their_columns(two_shops: Shops, matcher: Matcher) -> None:
    a, b, pairs = two_shops
    asked = pairs.head(20)
    said = matcher.score(a, b, asked)["probability"]
    numbered = asked.with_row_index("_id")
    label_first = asked.select("label", x="ltable_id", y="rtable_id")
    ids = [pl.Series(name, asked[name].to_list(), dtype=pl.Object) for name in asked.columns[:2]]
    for other in (numbered, label_first, pl.DataFrame(ids)):
        assert matcher.score(a, b, other)["probability"].equals(said)
    for few in (pl.DataFrame(), asked.select("ltable_id"), asked.select("ltable_id", "label")):
        with pytest.raises(PairsError, match="pairs have the columns"):
            matcher.score(a, b, few)


def test_all_pairs_of_one_kind_may_be_of_one_record() -> None:
    a = pl.DataFrame({"id": ["1", "2"], "title": ["Rote Tasse 1", "Blaue Kanne 2"]})
    b = pl.DataFrame({"id": range(40), "title": [f"Rote Tasse {n}" for n in range(40)]})
    pairs = pl.DataFrame({"a": ["1"] * 20 + ["2"] * 20, "b": range(40), "label": [1, 0] * 20})
    pairs = pairs.with_columns(label=(pl.col("a") == "1").cast(int))
    assert train(a, b, pairs).facts["matches"] == 20


def test_a_column_of_no_role_tells_editions_of_one_title_apart() -> None:
    years = [str(1900 + 7 * n) for n in range(12)]
    table = pl.DataFrame(
        {
            "id": [f"{work}-{year}" for work in range(10) for year in years],
            "title": [f"Werk Nummer {work:03}" for work in range(10) for _ in years],
            "year": years * 10,
        }
    )
    pairs = table.select("id", work="title").join(
        table.select("id", work="title"), on="work", suffix="_b"
    )
    pairs = pairs.select("id", "id_b", label=(pl.col("id") == pl.col("id_b")).cast(int))
    said = train(table, table, pairs).score(table, table, pairs, context=False)
    right = said.filter(label=1)["probability"].min()
    assert right > said.filter(label=0)["probability"].max()


def test_a_day_against_a_standing_index_asks_what_the_whole_would(two_shops: Shops) -> None:
    a, b, _ = two_shops
    tables = Tables.of(a, b)
    index = candidates.Index.of(tables.b)
    whole = candidates.find(tables.a, index, 5)
    some = np.arange(40, 90)
    part = candidates.find(tables.a.take(some), index, 5)
    kept = np.isin(whole[0], some)
    assert np.array_equal(part[0] + 40, whole[0][kept])
    assert np.array_equal(part[1], whole[1][kept])


def test_the_budget_leaves_the_rarest_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "THOROUGH", 0)
    names = [f"gemeinsam wort{n % 7} kode{n}x{n}" for n in range(300)]
    tables = Tables.of(table(*names), table(*names))
    index = candidates.Index.of(tables.b)
    i, j = candidates.find(tables.a, index, 1, budget=5)
    assert (i == j).sum() == 300


def test_the_command_reports_a_folder_of_benchmark_data(tmp_path: Path, two_shops: Shops) -> None:
    a, b, pairs = two_shops
    a.write_csv(tmp_path / "tableA.csv")
    b.write_csv(tmp_path / "tableB.csv")
    for place, name in enumerate(("train", "valid", "test")):
        pairs.gather_every(3, place).write_csv(tmp_path / f"{name}.csv")
    done = subprocess.run(
        [sys.executable, "-m", "flows.pipeline.matching", "evaluate", str(tmp_path), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    report = json.loads(done.stdout)[str(tmp_path)]
    assert "brand = manufacturer" in report["tables"]["A"]["roles"]
    for name in ("pair features alone", "with context"):
        low, high = report[name]["f1_interval"]
        assert low <= report[name]["f1"] <= high
        assert report[name]["f1"] > 0.85
    assert report["candidates"]["10"]["recall"] > 0.98


def test_the_command_names_the_file_without_labels(tmp_path: Path, two_shops: Shops) -> None:
    a, b, pairs = two_shops
    for name, frame in {"tableA": a, "tableB": b, "train": pairs}.items():
        frame.write_csv(tmp_path / f"{name}.csv")
    done = CliRunner().invoke(app, ["evaluate", str(tmp_path)])
    assert (done.exit_code, "there is no test.csv" in done.output) == (1, True)
    unknown = pairs.with_row_index().with_columns(
        ltable_id=pl.when(pl.col("index") == 1).then(pl.lit("nix")).otherwise("ltable_id")
    )
    for test, message in (
        (pairs.drop("label"), "test.csv: labelled pairs have the columns"),
        (pairs.with_columns(label=pl.lit("x")), "test.csv, row 1, column 'label'"),
        (unknown.drop("index"), "test.csv, row 2, column 'ltable_id': 'nix' is not in table A"),
    ):
        test.write_csv(tmp_path / "test.csv")
        done = CliRunner().invoke(app, ["evaluate", str(tmp_path)])
        assert done.exit_code == 1
        assert message in done.output


def test_valid_may_be_missing_and_files_come_from_windows(tmp_path: Path, two_shops: Shops) -> None:
    a, b, pairs = two_shops
    told = pairs.with_columns(label=pl.format(" {}.0", "label"))
    for name, frame in {"tableA": a, "tableB": b, "train": told, "test": told}.items():
        text = frame.write_csv(include_bom=True, line_terminator="\r\n")
        (tmp_path / f"{name}.csv").write_bytes(text.encode())
    report = evaluate(read_folder(tmp_path))
    assert report["with context"]["f1"] > 0.9
    assert report["tables"]["A"]["roles"].startswith("id = id, title = name")


def test_the_command_says_what_is_wrong_with_a_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flows.pipeline.matching", "evaluate", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "0 tables of products" in done.stderr
    assert "Traceback" not in done.stderr


def test_real_tables_are_found_whole() -> None:
    from flows.pipeline.matching.evaluation import candidate_recall

    folder = SHARED / "er" / "abt-buy" / "full"
    if not folder.exists():
        pytest.skip(f"no real data at {folder}")
    data = read_folder(folder)
    assert data.true is not None
    tables = Tables.of(data.a, data.b)
    assert candidate_recall(tables, *tables.rows(data.true))["10"]["recall"] >= 0.995

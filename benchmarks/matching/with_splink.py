"""splink 5 on DuckDB, set up as a careful user would for products, in an environment of its own.

``python with_splink.py FOLDER`` reads ``a.csv`` and ``b.csv`` (id, title, brand, description,
price), writes every scored pair to ``splink.csv`` and prints a line of JSON. Preparing the columns,
training (the share of matches, u by random sampling, m by expectation maximisation) and predicting
are timed; starting Python, reading the tables and writing the pairs are not.

What a product table gives splink to compare: the title letter by letter and by its words, the model
number, the brand with its frequency, the price. Pairs are blocked on the model number, on any word
that few records have, and on brand with the first word.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path

import duckdb
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

RARE = 40
"""Records of both tables up to which a word is rare enough to be blocked on; in a large table,
one record in 2,000."""


def main(folder: Path) -> None:
    """Link the two tables of a folder."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    connection = duckdb.connect()
    for side in "ab":
        connection.execute(
            f"create table raw_{side} as select *, '{side}' as side "
            f"from read_csv('{folder / side}.csv', all_varchar = true, header = true)"
        )
    started = time.perf_counter()
    prepare(connection)
    trained, pairs = link(connection)
    seconds = time.perf_counter() - started
    connection.execute(f"copy pairs to '{folder}/splink.csv' (header)")
    print(json.dumps({"seconds": seconds, "training": trained - started, "pairs": pairs}))


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Lower case, without punctuation; words, model number, rare words."""
    clean = r"nullif(trim(regexp_replace(lower({}), '[^\w]+', ' ', 'g')), '')"
    hyphens = r"regexp_replace(title, '([a-zA-Z0-9])-([a-zA-Z0-9])', '\1\2', 'g')"
    connection.execute(
        f"""create table plain as
        select id, side, {clean.format("brand")} as brand, try_cast(price as double) as price,
            {clean.format(hyphens)} as title
        from (select * from raw_a union all by name select * from raw_b)
        where title is not null"""
    )
    connection.execute(
        """create table words as
        select *, list_distinct(string_split(title, ' ')) as tokens from plain"""
    )
    records = connection.execute("select count(*) from words").fetchone()[0]
    rare = max(RARE, records // 2000)
    connection.execute(
        f"""create table prepared as
        with held as (select side, id, unnest(tokens) as token from words),
        counted as (select token from held group by token having count(*) between 2 and {rare}),
        rare as (
            select side, id, list(token order by token) as rare
            from held semi join counted using (token) group by side, id
        ), model as (
            select side, id, max_by(token, (length(token), token)) as model from held
            where regexp_matches(token, '[0-9]') and regexp_matches(token, '[a-z]')
                and length(token) > 3
            group by side, id
        )
        select words.*, tokens[1] as first_word, model.model, coalesce(rare.rare, []) as rare
        from words left join rare using (side, id) left join model using (side, id)"""
    )


def link(connection: duckdb.DuckDBPyConnection) -> tuple[float, int]:
    """Train and predict; leaves the table ``pairs`` (a, b, weight)."""
    api = DuckDBAPI(connection=connection)
    tables = []
    for side in "ab":
        connection.execute(f"create table {side} as from prepared where side = '{side}'")
        tables.append(api.register(side, dataset_display_name=side))
    rare = block_on("rare", arrays_to_explode=["rare"])
    linker = Linker(tables, settings(rare))
    linker.training.estimate_probability_two_random_records_match([block_on("model")], recall=0.5)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
    for rule in (block_on("model"), block_on("first_word", "tokens[2]")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    trained = time.perf_counter()
    scored = linker.inference.predict(threshold_match_weight=-10)
    connection.execute(
        f"""create table pairs as
        select if(source_dataset_l = 'a', id_l, id_r) as a,
            if(source_dataset_l = 'a', id_r, id_l) as b, match_weight as weight
        from {scored.physical_name}"""
    )
    return trained, connection.execute("select count(*) from pairs").fetchone()[0]


def settings(rare: object) -> SettingsCreator:
    """The comparisons, and what is blocked on."""
    shared = "len(list_intersect(tokens_l, tokens_r))"
    least, most = (
        f"{shared} / {which}(len(tokens_l), len(tokens_r))" for which in ("least", "greatest")
    )
    words = cl.CustomComparison(
        output_column_name="tokens",
        comparison_levels=[
            cll.NullLevel("tokens"),
            cll.CustomLevel(f"{most} >= 0.8", "nearly all words"),
            cll.CustomLevel(f"{least} >= 0.8 and {shared} >= 3", "one within the other"),
            cll.CustomLevel(f"{most} >= 0.5", "half of the words"),
            cll.CustomLevel(f"{least} >= 0.5 and {shared} >= 2", "half of the shorter's words"),
            cll.CustomLevel(f"{least} >= 0.25", "a quarter of the shorter's words"),
            cll.ElseLevel(),
        ],
    )
    price = cl.CustomComparison(
        output_column_name="price",
        comparison_levels=[
            cll.NullLevel("price"),
            cll.PercentageDifferenceLevel("price", 0.05),
            cll.PercentageDifferenceLevel("price", 0.2),
            cll.PercentageDifferenceLevel("price", 0.5),
            cll.ElseLevel(),
        ],
    )
    return SettingsCreator(
        link_type="link_only",
        unique_id_column_name="id",
        blocking_rules_to_generate_predictions=[
            block_on("model"),
            block_on("brand", "first_word"),
            rare,
        ],
        comparisons=[
            cl.JaroWinklerAtThresholds("title", [0.95, 0.88, 0.8, 0.7]),
            words,
            cl.LevenshteinAtThresholds("model", [1, 2]).configure(term_frequency_adjustments=True),
            cl.JaroWinklerAtThresholds("brand", [0.9, 0.7]).configure(
                term_frequency_adjustments=True
            ),
            price,
        ],
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))

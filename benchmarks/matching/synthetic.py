"""Two synthetic shops of any size, of which every true pair is known.

Products are made of a brand, a kind, a model code, a size and a colour from generated words, so
that neighbours differ in one of them; the second shop rewrites the name: order, abbreviation, a
typing error, a missing colour. Words are drawn with a long tail, as in real assortments. The same
seed gives the same tables. Made data is easier than real data: it measures speed and how recall
holds with size, not quality.
"""

from __future__ import annotations

import numpy as np
import polars as pl

_LETTERS = np.array(list("bdfgklmnprstvz"))
_VOWELS = np.array(list("aeiou"))


def _lexicon(chance: np.random.Generator, count: int, syllables: int) -> np.ndarray:
    parts = [
        np.char.add(chance.choice(_LETTERS, count), chance.choice(_VOWELS, count))
        for _ in range(syllables)
    ]
    words = parts[0]
    for part in parts[1:]:
        words = np.char.add(words, part)
    return words


def _draw(chance: np.random.Generator, words: np.ndarray, count: int) -> np.ndarray:
    """Long-tailed draws: the share of a word falls with its rank."""
    weights = 1 / (np.arange(len(words)) + 10.0)
    return chance.choice(words, count, p=weights / weights.sum())


def two_shops(count: int, seed: int = 1) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return two tables of ``count`` products each; row n of one is row n of the other."""
    chance = np.random.default_rng(seed)
    brand = _draw(chance, _lexicon(chance, max(count // 200, 50), 3), count)
    kind = _draw(chance, _lexicon(chance, max(count // 1000, 100), 4), count)
    line = _draw(chance, _lexicon(chance, max(count // 20, 200), 4), count)
    colour = _draw(chance, _lexicon(chance, 40, 2), count)
    size = chance.choice([100, 200, 250, 330, 500, 750, 1000, 1500], count).astype(str)
    code = np.char.add(_lexicon(chance, count, 1), chance.integers(100, 99999, count).astype(str))
    price = np.round(np.exp(chance.normal(2.5, 1.0, count)), 2)
    frame = pl.DataFrame(
        {"brand": brand, "kind": kind, "line": line, "colour": colour, "size": size, "code": code}
    )
    text = [pl.col(name) for name in ("brand", "line", "kind", "code", "size", "colour")]
    a = frame.select(
        id=pl.format("a{}", pl.int_range(pl.len())),
        title=pl.format("{} {} {} {} {} ml {}", *text),
        brand="brand",
        price=pl.Series(price),
    )
    typed = np.where(chance.random(count) < 0.2, 1, 0)
    coded = chance.random(count) < 0.6
    coloured = chance.random(count) < 0.7
    b = frame.with_columns(
        typed=pl.Series(typed), coded=pl.Series(coded), coloured=pl.Series(coloured)
    ).select(
        id=pl.format("b{}", pl.int_range(pl.len())),
        title=pl.concat_str(
            pl.col("kind"),
            pl.when(pl.col("typed") == 1).then(pl.col("line").str.slice(1)).otherwise("line"),
            pl.format("{}ml", "size"),
            pl.when("coded").then(
                pl.format("{}-{}", pl.col("code").str.slice(0, 2), pl.col("code").str.slice(2))
            ),
            pl.when("coloured").then("colour"),
            pl.when(~pl.col("coded")).then("brand"),
            separator=" ",
            ignore_nulls=True,
        ),
        brand="brand",
        price=pl.Series(np.round(price * chance.uniform(0.85, 1.15, count), 2)),
    )
    return a, b

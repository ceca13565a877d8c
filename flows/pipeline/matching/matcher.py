"""Matcher: a trained model, and what it says of pairs and of whole tables.

Two stages. The pair stage sees two records and nothing else. The context stage sees, besides, how
the pair stands among all candidates of its two records; it needs both whole tables, and is used
whenever they are there. The scores of both stages are probabilities, calibrated on pairs that the
trees had not seen.

Promised: scores do not depend on the order of rows or pairs. Not done: deciding; see ``decision``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl

from flows.pipeline.matching import candidates, context
from flows.pipeline.matching.arrays import Floats, Ints, distinct
from flows.pipeline.matching.boosting import CUT, Trees, log_odds
from flows.pipeline.matching.encode import Encoded, Vocabularies, encode, vocabularies
from flows.pipeline.matching.errors import PairsError
from flows.pipeline.matching.features import NAMES, pair_features
from flows.pipeline.matching.features.plain import plain_probability
from flows.pipeline.matching.lexicon import Lexicon, missing_words
from flows.pipeline.matching.tables import canonical

CANDIDATES: Final = 10
"""Best of each view for each record, asked from both tables."""
BATCH: Final = 100_000
"""Pairs scored at once."""
_COSINE, _GRAMS, _PRICE = (
    NAMES.index(name) for name in ("wide_cosine", "gram_cosine", "price_distance")
)


@dataclass(frozen=True)
class Tables:
    """Two tables, encoded with common vocabularies."""

    a_records: pl.DataFrame
    b_records: pl.DataFrame
    a: Encoded
    b: Encoded
    known: Vocabularies

    @classmethod
    def of(cls, a: pl.DataFrame, b: pl.DataFrame) -> Tables:
        """Encode two tables of any columns.

        Raises:
            TableError: a table has no titles, or ids that are missing or not unique.
        """
        left, right = canonical(a, table="table A"), canonical(b, table="table B")
        known = vocabularies(left, right)
        return cls(left, right, encode(left, known), encode(right, known), known)

    def rows(self, pairs: pl.DataFrame) -> tuple[Ints, Ints]:
        """Return the rows that pairs of ids point to.

        Args:
            pairs: the first two columns are the ids in A and in B.

        Raises:
            PairsError: an id is not in its table.
        """
        found = []
        for place, records, table in ((0, self.a_records, "A"), (1, self.b_records, "B")):
            name = pairs.columns[place]
            ids = pairs.select(pl.col(name).cast(pl.String).alias("id"))
            rows = ids.join(
                records.select("id").with_row_index("row"),
                on="id",
                how="left",
                maintain_order="left",
            )["row"]
            if rows.null_count():
                bad = int(rows.is_null().arg_true()[0])
                raise PairsError(
                    f"pairs, row {bad + 1}, column {name!r}: {ids['id'][bad]!r} is not in table "
                    f"{table}",
                    "Take the pair out, or give the table that holds it.",
                )
            found.append(rows.to_numpy().astype(np.int64))
        return found[0], found[1]

    def candidates(self, k: int = CANDIDATES) -> tuple[Ints, Ints]:
        """Return the candidate pairs, asked from both sides, sorted, each once."""
        i, j = candidates.find(self.a, candidates.Index.of(self.b, self.known), k)
        back_j, back_i = candidates.find(self.b, candidates.Index.of(self.a, self.known), k)
        return unite((i, j), (back_i, back_j), len(self.b))


def unite(one: tuple[Ints, Ints], two: tuple[Ints, Ints], width: int) -> tuple[Ints, Ints]:
    """Return the pairs of both lists, sorted, each once."""
    width = max(width, 1)
    keys = distinct(np.concatenate([one[0] * width + one[1], two[0] * width + two[1]]))
    return keys // width, keys % width


@dataclass(frozen=True)
class Scored:
    """Scored pairs.

    Attributes:
        i: row in A.
        j: row in B.
        probability: calibrated.
        features: of the pairs, as ``features.NAMES``.
    """

    i: Ints
    j: Ints
    probability: Floats
    features: Floats


@dataclass(frozen=True)
class Matcher:
    """A trained model.

    Attributes:
        lexicons: one for each fold; their mean is used.
        pair: trees over the pair features.
        context: trees over pair and context features; None for a model without context.
        facts: what it was trained on and how well: fingerprint, counts, metrics, thresholds.
    """

    lexicons: tuple[Lexicon, ...]
    pair: Trees
    context: Trees | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def inputs(self, tables: Tables, i: Ints, j: Ints) -> Floats:
        """Return pair features with the score of the lexicons as the last column."""
        features = pair_features(tables.a, tables.b, i, j, tables.known)
        lexical = np.round(self.lexical(tables, i, j, features), 4)
        return np.column_stack([features, lexical.astype(np.float32)])

    def lexical(self, tables: Tables, i: Ints, j: Ints, features: Floats) -> Floats:
        """Return the mean score of the lexicons; zeros where there is none."""
        if not self.lexicons or not len(i):
            return np.zeros(len(i))
        missing = missing_words(tables.a, tables.b, i, j)
        scores = [lexicon.score(missing, features, tables.known) for lexicon in self.lexicons]
        return np.asarray(np.mean(scores, axis=0))

    def pair_scores(self, tables: Tables, i: Ints, j: Ints) -> Scored:
        """Score pairs by themselves."""
        parts = []
        features = [np.zeros((0, len(NAMES) + 1), np.float32)]
        for start in range(0, len(i), BATCH):
            cut = slice(start, start + BATCH)
            features.append(self.inputs(tables, i[cut], j[cut]))
            parts.append(self.alone(features[-1]))
        probability = np.concatenate([np.zeros(0), *parts])
        return Scored(i, j, probability, np.concatenate(features))

    def alone(self, inputs: Floats) -> Floats:
        """Return the probability of pairs from their ``inputs``; a guess without trees."""
        if not self.pair.boosters:
            return np.clip(plain_probability(inputs), CUT, 1 - CUT)
        return self.pair.calibrated(self.pair.raw(inputs))

    def in_context(self, scored: Scored) -> Scored:
        """Score all candidates of two tables anew, each among its rivals."""
        if self.context is None or not len(scored.i):
            return scored
        features = with_context(scored)
        probability = self.context.calibrated(self.context.raw(features))
        return Scored(scored.i, scored.j, probability, scored.features)

    def score(
        self, a: pl.DataFrame, b: pl.DataFrame, pairs: pl.DataFrame, *, context: bool = True
    ) -> pl.DataFrame:
        """Return the pairs with their probability of being the same product.

        Args:
            a: one table, any columns.
            b: the other.
            pairs: of ids, in its first two columns.
            context: look at the rivals too, for which the tables must be whole.

        Returns:
            the pairs, in their order, with ``probability``.

        Raises:
            TableError: a table cannot be read.
            PairsError: an id is unknown.
        """
        tables = Tables.of(a, b)
        return pairs.with_columns(
            pl.Series("probability", self.probabilities(tables, *tables.rows(pairs), context))
        )

    def probabilities(self, tables: Tables, i: Ints, j: Ints, context: bool = True) -> Floats:
        """Return the probability of each pair of rows."""
        if not context or self.context is None:
            return self.pair_scores(tables, i, j).probability
        all_i, all_j = unite(tables.candidates(), (i, j), len(tables.b))
        scored = self.in_context(self.pair_scores(tables, all_i, all_j))
        return scored.probability[locate(all_i, all_j, i, j, len(tables.b))]


def locate(all_i: Ints, all_j: Ints, i: Ints, j: Ints, width: int) -> Ints:
    """Return where pairs stand in a sorted list that holds them all."""
    width = max(width, 1)
    return np.searchsorted(all_i * width + all_j, i * width + j).astype(np.int64)


def with_context(scored: Scored) -> Floats:
    """Return the features of the context stage, single precision."""
    rivals = context.context_features(scored.i, scored.j, *rival_inputs(scored))
    return np.hstack([scored.features, rivals])


def rival_inputs(scored: Scored) -> tuple[Floats, Floats, Floats, Floats]:
    """Return what the context is computed from: log-odds, two cosines, price distance."""
    return (
        log_odds(scored.probability),
        scored.features[:, _COSINE].astype(np.float64),
        scored.features[:, _GRAMS].astype(np.float64),
        scored.features[:, _PRICE].astype(np.float64),
    )

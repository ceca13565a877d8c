"""Matcher: a trained model, and what it says of pairs and of whole tables.

Two stages. The pair stage sees two records and nothing else. The context stage sees, besides, how
the pair stands among all candidates of its two records; it needs both whole tables, and is used
whenever they are there. The scores of both stages are probabilities, calibrated on pairs that the
trees had not seen.

Promised: scores do not depend on the order of rows or pairs. Not done: deciding; see ``decision``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import polars as pl
from scipy.special import expit  # type: ignore[import-untyped]

from flows.pipeline.matching import context
from flows.pipeline.matching.arrays import Flags, Floats, Ints, Singles
from flows.pipeline.matching.boosting import CUT, Trees, log_odds
from flows.pipeline.matching.decision import Thresholds
from flows.pipeline.matching.features import CHEAP, NAMES, add_strings, cheap_features
from flows.pipeline.matching.features.plain import plain_probability
from flows.pipeline.matching.lexicon import Lexicon
from flows.pipeline.matching.two_tables import Tables, locate, unite

BATCH: Final = 100_000
"""Pairs scored at once."""
HOPELESS: Final = 0.001
"""Probability that a pair which the scout gave up has at the most; context does not save it."""
_COSINE, _GRAMS, _PRICE = (
    NAMES.index(name) for name in ("wide_cosine", "gram_cosine", "price_distance")
)


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
class Scout:
    """A few trees over the cheap features: who is hopeless is looked at no further.

    Attributes:
        trees: over ``features.CHEAP``.
        floor: raw score below which a pair is hopeless.
    """

    trees: Trees
    floor: float

    def hopeful(self, features: Floats) -> tuple[Flags, Floats]:
        """Return which pairs are not hopeless, and the raw scores of all."""
        raw = self.trees.raw(np.ascontiguousarray(features[:, CHEAP]))
        return raw >= self.floor, raw


@dataclass(frozen=True)
class Matcher:
    """A trained model.

    Attributes:
        lexicon: what missing words mean; None for a model without.
        pair: trees over the pair features.
        context: trees over pair and context features; None for a model without context.
        scout: sorts out the hopeless; None for a model that looks at every pair.
        facts: what it was trained on and how well: fingerprint, counts, metrics, thresholds.
    """

    lexicon: Lexicon | None = None
    pair: Trees = field(default_factory=Trees)
    context: Trees | None = None
    scout: Scout | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def thresholds(self) -> Thresholds | None:
        """The thresholds of the last stage; None for a model that was trained without labels."""
        known = self.facts.get("context", self.facts.get("pair"))
        if known is None:
            return None
        return Thresholds(*(known[name] for name in ("accept", "reject", "precision", "accepted")))

    def pair_scores(self, tables: Tables, i: Ints, j: Ints) -> Scored:
        """Score pairs by themselves.

        The features of a hopeless pair that only the trees would read stay unknown (NaN).
        """
        features = np.full((len(i), len(NAMES) + 1), np.nan, np.float32)
        probability = np.zeros(len(i))
        for start in range(0, len(i), BATCH):
            cut = slice(start, start + BATCH)
            features[cut], probability[cut] = self._pair_batch(tables, i[cut], j[cut])
        return Scored(i, j, probability, features)

    def contenders(self, tables: Tables, i: Ints, j: Ints) -> Scored:
        """Score candidates by themselves, and leave the hopeless behind: they are no rivals."""
        parts = []
        for start in range(0, max(len(i), 1), BATCH):
            cut = slice(start, start + BATCH)
            features, probability = self._pair_batch(tables, i[cut], j[cut])
            kept = np.flatnonzero(probability > HOPELESS)
            parts.append(Scored(i[cut][kept], j[cut][kept], probability[kept], features[kept]))
        return Scored(
            np.concatenate([part.i for part in parts]),
            np.concatenate([part.j for part in parts]),
            np.concatenate([part.probability for part in parts]),
            np.concatenate([part.features for part in parts]),
        )

    def _pair_batch(self, tables: Tables, i: Ints, j: Ints) -> tuple[Singles, Floats]:
        features = cheap_features(tables.a, tables.b, i, j, tables.known)
        probability = np.full(len(i), HOPELESS)
        alive = np.arange(len(i))
        if self.scout is not None:
            hopeful, raw = self.scout.hopeful(features)
            alive = np.flatnonzero(hopeful)
            probability = np.minimum(expit(raw), HOPELESS)
        add_strings(features, tables.a, tables.b, i, j, alive)
        lexical = np.full(len(i), np.nan, np.float32)
        chosen = features[alive]
        lexical[alive] = self.lexical(tables, i[alive], j[alive], chosen)
        inputs = np.column_stack([features, lexical])
        probability[alive] = self.alone(inputs[alive])
        return inputs, np.clip(probability, CUT, 1 - CUT)

    def lexical(self, tables: Tables, i: Ints, j: Ints, features: Floats) -> Singles:
        """Return the score of the lexicon; zeros where there is none."""
        if self.lexicon is None or not len(i):
            return np.zeros(len(i), np.float32)
        score = self.lexicon.score_pairs(tables.a, tables.b, i, j, features, tables.known)
        return np.round(score, 4).astype(np.float32)

    def alone(self, inputs: Floats) -> Floats:
        """Return the probability of pairs from their ``inputs``; a guess without trees."""
        if self.pair.forest is None:
            return np.clip(plain_probability(inputs), CUT, 1 - CUT)
        return self.pair.calibrated(self.pair.raw(inputs))

    def in_context(self, scored: Scored) -> Scored:
        """Score all candidates of two tables anew, each among its rivals."""
        if self.context is None or not len(scored.i):
            return scored
        leads = context.context_features(scored.i, scored.j, *rival_inputs(scored))
        return replace(scored, probability=self.conclude(scored, leads))

    def conclude(self, scored: Scored, leads: Singles) -> Floats:
        """Return the probabilities in context; a hopeless pair that was asked keeps what it has."""
        if self.context is None:
            return scored.probability
        probability = scored.probability.copy()
        alive = np.flatnonzero(probability > HOPELESS)
        rows = np.hstack([scored.features[alive], leads[alive]])
        probability[alive] = self.context.calibrated(self.context.raw(rows))
        return probability

    def score(
        self, a: pl.DataFrame, b: pl.DataFrame, pairs: pl.DataFrame, *, context: bool = True
    ) -> pl.DataFrame:
        """Return the pairs with their probability of being the same product.

        Args:
            a: one table, any columns.
            b: the other.
            pairs: of ids, see ``roles.ids_of_pairs``.
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
        rivals = self.contenders(tables, *tables.candidates())
        all_i, all_j = unite((rivals.i, rivals.j), (i, j), len(tables.b))
        scored = self.in_context(self.pair_scores(tables, all_i, all_j))
        return scored.probability[locate(all_i, all_j, i, j, len(tables.b))]


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

"""Matching two tables: candidates, scores, one-to-one where asked, kinds and reasons.

The face of this folder: ``match`` takes any two tables and returns the pairs held to be one
product. Without a matcher it learns from the tables themselves; with a Dask client the same
functions run over partitions, with the same result. A trade item number in common is proof enough
for a high probability, whatever the texts; whether the pair then goes to review is ``decision``'s.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from flows.pipeline.matching import explain
from flows.pipeline.matching.arrays import Flags, Floats, Ints
from flows.pipeline.matching.assign import one_to_one as choose
from flows.pipeline.matching.features import NAMES
from flows.pipeline.matching.matcher import Matcher, Scored
from flows.pipeline.matching.tables import canonical_pair
from flows.pipeline.matching.two_tables import Tables
from flows.pipeline.matching.unsupervised import learn_alone, learn_and_score

if TYPE_CHECKING:
    from distributed import Client

EVEN: Final = 0.5
"""Probability from which a pair is handed on, unless asked otherwise."""
SAME_GTIN: Final = 0.995
"""Probability of a pair with one GTIN, at the least: shops do mistype barcodes, seldom."""
_AT: Final = {name: place for place, name in enumerate(NAMES)}


def match(
    a: pl.DataFrame,
    b: pl.DataFrame,
    matcher: Matcher | None = None,
    *,
    one_to_one: bool = False,
    client: Client | None = None,
    least: float = EVEN,
    evidence: bool = False,
    folder: Path | None = None,
) -> pl.DataFrame:
    """Return the pairs of two tables that are held to be the same product.

    Args:
        a: one table, any columns.
        b: the other.
        matcher: trained; None to learn from the tables themselves.
        one_to_one: give each record one partner at most.
        client: of a Dask cluster that shares a file system with this process; None to stay here.
        least: probability from which a pair is returned, 0 to 1.
        evidence: add ``price_ratio`` (A over B), ``gtin_same`` and ``words_found``, which
            ``decision.decide`` reads.
        folder: for the cluster's files, seen by this process and all workers; a temporary one of
            this machine when None.

    Returns:
        a_id, b_id, probability, kind, reasons; sorted by probability (falling), a_id, b_id.

    Raises:
        TableError: a table has no titles, or ids that are missing or not unique.
    """
    if client is not None:
        from flows.pipeline.matching.parallel import match_on

        left, right = canonical_pair(a, b)
        return match_on(
            client,
            left,
            right,
            matcher or learn_alone(Tables.of_records(left, right)),
            one_to_one=one_to_one,
            least=least,
            evidence=evidence,
            folder=folder,
        )
    tables = Tables.of(a, b)
    pairs = tables.candidates()
    if matcher is None:
        matcher, scored = learn_and_score(tables, *pairs)
    else:
        scored = matcher.contenders(tables, *pairs)
    scored = matcher.in_context(scored)
    scored = replace(scored, probability=with_identity(scored.probability, scored.features))
    return present(tables, scored, one_to_one=one_to_one, least=least, evidence=evidence)


def with_identity(probability: Floats, features: Floats) -> Floats:
    """Return the probabilities, raised where both records carry one GTIN."""
    same = features[:, _AT["gtin_same"]] == 1
    return np.where(same, np.maximum(probability, SAME_GTIN), probability)


def present(
    tables: Tables,
    scored: Scored,
    *,
    one_to_one: bool,
    least: float,
    evidence: bool,
    sides: tuple[str, str] = ("A", "B"),
    ordered: bool = True,
) -> pl.DataFrame:
    """Return scored pairs as the frame of ``match``; ``sides`` name the tables in the reasons."""
    chosen: Flags = (
        choose(scored.i, scored.j, scored.probability, max(least, 1e-6))
        if one_to_one
        else scored.probability >= least
    )
    i, j, probability = scored.i[chosen], scored.j[chosen], scored.probability[chosen]
    features = scored.features[chosen]
    frame = pl.DataFrame(
        {
            "a_id": _ids(tables.a_records, i),
            "b_id": _ids(tables.b_records, j),
            "probability": np.round(probability, 6).astype(np.float64),
            "kind": explain.kinds(features, probability),
            "reasons": explain.reasons(features, tables.a.texts, tables.b.texts, i, j, sides),
        }
    )
    if evidence:
        same = pl.Series(features[:, _AT["gtin_same"]]).fill_nan(None)
        frame = frame.with_columns(
            price_ratio=pl.Series(
                np.exp(features[:, _AT["price_log_ratio"]].astype(np.float64))
            ).fill_nan(None),
            gtin_same=same == 1,
            words_found=pl.Series(features[:, _AT["words_most_found"]].astype(np.float64)),
        )
    return in_order(frame) if ordered else frame


def in_order(matches: pl.DataFrame) -> pl.DataFrame:
    """Return matches by probability, falling, then by ids."""
    return matches.sort(["probability", "a_id", "b_id"], descending=[True, False, False])


def _ids(records: pl.DataFrame, rows: Ints) -> pl.Series:
    return records["id"].gather(rows)

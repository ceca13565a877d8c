"""A plain similarity, for when there is nothing to learn from: no labels, and too few records."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import expit  # type: ignore[import-untyped]

from flows.pipeline.matching.arrays import Floats
from flows.pipeline.matching.features import overlap

_AT: Final = {name: place for place, name in enumerate(overlap.NAMES)}
_EVEN: Final = 0.4
"""Similarity taken as even odds; most pairs of two names for one product lie above."""
_STEEP: Final = 12.0


def similarity(features: Floats) -> Floats:
    """Return a plain similarity, 0 to 1, of pairs: the mean of cosines and of words found.

    Args:
        features: pairs by ``features.NAMES``; the overlap features come first.
    """
    parts = [
        features[:, _AT[name]]
        for name in ("wide_cosine", "gram_cosine", "word_cosine", "words_most_found")
    ]
    codes = np.minimum(features[:, _AT["codes_conflict"]], 1) - np.minimum(
        features[:, _AT["shared_codes"]], 1
    )
    mean = np.mean(np.asarray(parts, np.float64), axis=0)
    return np.asarray(np.clip(mean - 0.1 * codes, 0.0, 1.0))


def plain_odds(features: Floats) -> Floats:
    """Return log-odds from the similarity; a guess, not calibrated on anything."""
    return _STEEP * (similarity(features) - _EVEN)


def plain_probability(features: Floats) -> Floats:
    """Return the probability that goes with ``plain_odds``."""
    return np.asarray(expit(plain_odds(features)))

"""Saved matchers: one JSON file of numbers, nothing that runs when it is read.

``model.json`` holds the format's version, the SHA-256 of its content, the fingerprint of the
training data, the metrics, the lexicon and the trees. A model may come from anyone: no pickle, no
native parser, and every number that points at something is checked to point inside (``forest``).
The hash finds damage, not malice: who can write the file can write its hash, and gains no more
than a model that is wrong. Written beside and renamed: a killed writer leaves no model.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from flows.pipeline.matching import context
from flows.pipeline.matching.boosting import Trees
from flows.pipeline.matching.errors import ModelError
from flows.pipeline.matching.features import CHEAP, NAMES
from flows.pipeline.matching.forest import Forest
from flows.pipeline.matching.lexicon import Lexicon
from flows.pipeline.matching.matcher import Matcher, Scout

VERSION: Final = 2
FILE: Final = "model.json"
_LARGEST: Final = 50_000_000
"""Bytes of a model; a real one has two million."""
_COLUMNS: Final = {
    "scout": len(CHEAP),
    "pair": len(NAMES) + 1,
    "context": len(NAMES) + 1 + len(context.NAMES),
}
"""Features that each stage may read."""
_THRESHOLDS: Final = ("accept", "reject", "precision", "accepted")


def save(matcher: Matcher, folder: Path) -> Path:
    """Write a matcher into a folder, which is made, and return the file.

    Args:
        matcher: trained.
        folder: of this model alone; an earlier one in it is replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scout = matcher.scout
    stages = (
        ("scout", scout.trees if scout else None),
        ("pair", matcher.pair),
        ("context", matcher.context),
    )
    lexicon = matcher.lexicon
    content = {
        "features": [*NAMES, *context.NAMES],
        "stages": {
            stage: {
                "trees": trees.forest.aslists(),
                "folds": trees.folds,
                "slope": trees.slope,
                "offset": trees.offset,
            }
            for stage, trees in stages
            if trees is not None and trees.forest is not None
        },
        "floor": scout.floor if scout else None,
        "lexicon": None
        if lexicon is None
        else {
            "hashes": [f"{value:016x}" for value in lexicon.hashes],
            "weights": lexicon.weights.tolist(),
            "centre": lexicon.centre.tolist(),
            "scale": lexicon.scale.tolist(),
            "slopes": lexicon.slopes.tolist(),
            "intercept": lexicon.intercept,
        },
        "facts": matcher.facts,
    }
    text = {"version": VERSION, "sha256": _digest(content), "content": content}
    beside = folder / f"{FILE}.{os.getpid()}.part"
    beside.write_text(json.dumps(text, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(beside, folder / FILE)  # noqa: PTH105 - one call on every platform
    return folder / FILE


def load(folder: Path) -> Matcher:
    """Return the matcher of a folder; whatever the file holds, nothing in it is run.

    Raises:
        ModelError: no model there, of another version or other features, or damaged.
    """
    path = folder / FILE
    try:
        content = _content(path)
        if content["features"] != [*NAMES, *context.NAMES]:
            raise ModelError(
                f"{path}: trained on other features than this code computes",
                "Train the model again.",
            )
        stages = {
            stage: _trees(content["stages"][stage], columns)
            for stage, columns in _COLUMNS.items()
            if stage in content["stages"]
        }
        lexicon, floor = content["lexicon"], content["floor"]
        return Matcher(
            None if lexicon is None else _lexicon(lexicon),
            stages.get("pair", Trees()),
            stages.get("context"),
            None if floor is None else Scout(stages["scout"], _number(floor)),
            _facts(content["facts"]),
        )
    except ModelError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _unreadable(path, error) from error
    except (OverflowError, MemoryError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> ModelError:
    said = str(error)[:200]
    return ModelError(
        f"{path}: no readable model ({type(error).__name__}: {said})",
        "Train the model again, or restore the file.",
    )


def _content(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"larger than {_LARGEST:,} bytes")
    told = json.loads(path.read_text(encoding="utf-8"))
    version = told.get("version") if isinstance(told, dict) else None
    if version != VERSION:
        raise ModelError(
            f"{path}: format version {version!r}, this code reads {VERSION}",
            "Train the model again.",
        )
    content = told["content"]
    if not isinstance(content, dict) or told["sha256"] != _digest(content):
        raise ModelError(f"{path}: differs from its hash", "Restore the file.")
    return content


def _trees(content: Mapping[str, Any], columns: int) -> Trees:
    folds = int(content["folds"])
    if not 1 <= folds <= 1000:
        raise ValueError(f"{folds} folds")
    forest = Forest.of_lists(content["trees"], columns)
    return Trees(forest, folds, _number(content["slope"]), _number(content["offset"]))


def _lexicon(content: Mapping[str, Any]) -> Lexicon:
    hashes = np.array([int(value, 16) for value in content["hashes"]], np.uint64)
    weights, centre, scale, slopes = (
        np.array(content[name], np.float64) for name in ("weights", "centre", "scale", "slopes")
    )
    arrays = (weights, centre, scale, slopes)
    if weights.shape != hashes.shape or any(a.shape != (len(NAMES),) for a in arrays[1:]):
        raise ValueError("a lexicon of the wrong length")
    if not all(np.isfinite(a).all() for a in arrays) or (scale <= 0).any():
        raise ValueError("a lexicon with values that are no numbers")
    if (hashes[1:] <= hashes[:-1]).any():
        raise ValueError("a lexicon out of order")
    return Lexicon(hashes, weights, centre, scale, slopes, _number(content["intercept"]))


def _facts(facts: Any) -> dict[str, Any]:
    if not isinstance(facts, dict):
        raise ValueError("facts that are no facts")
    for stage in ("pair", "context"):
        for name in _THRESHOLDS if stage in facts else ():
            if not isinstance(facts[stage][name], int | float):
                raise ValueError(f"the threshold {name} is no number")
    return facts


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is no number")
    return number


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

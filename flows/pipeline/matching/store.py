"""Saved matchers: LightGBM's text and JSON in a folder, nothing that runs when it is read.

``model.json`` holds the format's version, the SHA-256 of every other file, the fingerprint of the
training data, the metrics and the lexicons; each stage's trees are text files beside it. Loading
checks the version, the names of the features and the hashes, and parses numbers; no pickle.
Written beside and renamed, ``model.json`` last, so that a killed writer leaves no model.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final

import lightgbm as lgb
import numpy as np

from flows.pipeline.matching import context
from flows.pipeline.matching.boosting import Trees
from flows.pipeline.matching.errors import ModelError
from flows.pipeline.matching.features import NAMES
from flows.pipeline.matching.lexicon import Lexicon
from flows.pipeline.matching.matcher import Matcher

VERSION: Final = 1
_MANIFEST: Final = "model.json"
_LARGEST: Final = 200_000_000
"""Bytes of a file of a model; a real one has a few hundred thousand."""


def save(matcher: Matcher, folder: Path) -> None:
    """Write a matcher into a folder, which is made.

    Args:
        matcher: trained.
        folder: of this model alone; files of an earlier one are replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, str] = {}
    stages: dict[str, Any] = {}
    for stage, trees in (("pair", matcher.pair), ("context", matcher.context)):
        if trees is None:
            continue
        names = []
        for number, booster in enumerate(trees.boosters):
            name, text = f"{stage}-{number}.txt", booster.model_to_string()
            _write(folder / name, text)
            files[name] = _digest(text)
            names.append(name)
        stages[stage] = {"files": names, "slope": trees.slope, "offset": trees.offset}
    manifest = {
        "version": VERSION,
        "features": list(NAMES),
        "context": list(context.NAMES),
        "stages": stages,
        "files": files,
        "lexicons": [
            {
                "hashes": [f"{value:016x}" for value in lexicon.hashes],
                "weights": lexicon.weights.tolist(),
                "centre": lexicon.centre.tolist(),
                "scale": lexicon.scale.tolist(),
                "slopes": lexicon.slopes.tolist(),
                "intercept": lexicon.intercept,
            }
            for lexicon in matcher.lexicons
        ],
        "facts": matcher.facts,
    }
    _write(folder / _MANIFEST, json.dumps(manifest, indent=1, sort_keys=True) + "\n")


def load(folder: Path) -> Matcher:
    """Return the matcher of a folder.

    Raises:
        ModelError: no model there, of another version or other features, or damaged.
    """
    try:
        manifest = json.loads(_read(folder / _MANIFEST))
        if not isinstance(manifest, dict) or manifest.get("version") != VERSION:
            raise ModelError(
                f"{folder / _MANIFEST}: format version "
                f"{manifest.get('version') if isinstance(manifest, dict) else None!r}, "
                f"this code reads {VERSION}",
                "Train the model again.",
            )
        if manifest["features"] != list(NAMES) or manifest["context"] != list(context.NAMES):
            raise ModelError(
                f"{folder}: trained on other features than this code computes",
                "Train the model again.",
            )
        stages = {
            stage: _trees(folder, content, manifest["files"])
            for stage, content in manifest["stages"].items()
        }
        lexicons = tuple(_lexicon(content) for content in manifest["lexicons"])
        return Matcher(lexicons, stages["pair"], stages.get("context"), dict(manifest["facts"]))
    except ModelError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, lgb.basic.LightGBMError) as e:
        raise ModelError(
            f"{folder}: no readable model ({type(e).__name__}: {e})",
            "Train the model again, or restore the folder.",
        ) from e


def _trees(folder: Path, content: dict[str, Any], digests: dict[str, str]) -> Trees:
    boosters = []
    for name in content["files"]:
        if Path(name).name != name:
            raise ModelError(f"{folder}: the file name {name!r} leaves the folder", "Reject it.")
        text = _read(folder / name)
        if _digest(text) != digests[name]:
            raise ModelError(f"{folder / name}: differs from its hash", "Restore the folder.")
        boosters.append(lgb.Booster(model_str=text))
    return Trees(tuple(boosters), float(content["slope"]), float(content["offset"]))


def _lexicon(content: dict[str, Any]) -> Lexicon:
    hashes = np.array([int(value, 16) for value in content["hashes"]], np.uint64)
    weights, centre, scale, slopes = (
        np.array(content[name], np.float64) for name in ("weights", "centre", "scale", "slopes")
    )
    if len(weights) != len(hashes) or not len(centre) == len(scale) == len(slopes) == len(NAMES):
        raise ValueError("a lexicon of the wrong length")
    return Lexicon(hashes, weights, centre, scale, slopes, float(content["intercept"]))


def _read(path: Path) -> str:
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"{path.name} is larger than {_LARGEST:,} bytes")
    return path.read_text(encoding="utf-8")


def _write(path: Path, text: str) -> None:
    beside = path.with_suffix(path.suffix + ".part")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)  # noqa: PTH105 - one call on every platform


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

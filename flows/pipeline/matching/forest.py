"""Forest: boosted trees as plain arrays, and what they add up to for many pairs.

LightGBM grows the trees; here they are only numbers. Two reasons. A model file is then lists of
numbers whose every index is checked before use: nothing in it is parsed by native code, or run.
And pairs go through a tree side by side, without branches: every node strikes out, in a bit mask
of leaves, those that a pair can no longer reach, and the first leaf left is its own (QuickScorer,
Lucchese et al. 2015). A tenth of the time that LightGBM's own prediction takes on 1,500 trees.

Promised: the sums are LightGBM's raw scores (the tests compare them), and do not depend on how many
pairs are asked at once. Categorical splits and "zero is missing" are refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from flows.pipeline.matching.arrays import Floats
from flows.pipeline.matching.compiled import compiled

if TYPE_CHECKING:
    import lightgbm as lgb

LEAVES: Final = 32
"""Of a tree at most: the bits of a mask."""
MOST_NODES: Final = 1_000_000
"""Of a forest: fifty times what ours have; a file that claims more is refused."""
_TYPES: Final[dict[str, Any]] = {
    "nodes": np.int32,
    "leaves": np.int32,
    "feature": np.int32,
    "threshold": np.float64,
    "unknown_left": np.bool_,
    "struck": np.uint32,
    "value": np.float64,
}


@dataclass(frozen=True)
class Forest:
    """Trees, one behind the other.

    Attributes:
        nodes: number of nodes of each tree.
        leaves: number of leaves of each tree.
        feature: column that each node reads.
        threshold: values up to it go left.
        unknown_left: whether an unknown value goes left.
        struck: leaves, as bits, that are out of reach for who goes right.
        value: of each leaf, from the left.
    """

    nodes: NDArray[np.int32]
    leaves: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    unknown_left: NDArray[np.bool_]
    struck: NDArray[np.uint32]
    value: NDArray[np.float64]

    def sums(self, features: Floats) -> Floats:
        """Return the sum of the trees for each row of features (NaN is "not known")."""
        rows = np.ascontiguousarray(features, np.float32)
        out = np.zeros(len(rows))
        if len(rows) and len(self.nodes):
            # Single precision from below: v <= t is the same for every single-precision v.
            with np.errstate(over="ignore"):
                near = self.threshold.astype(np.float32)
            over = near.astype(np.float64) > self.threshold
            near[over] = np.nextafter(near[over], np.float32(-np.inf))
            _sums(
                rows,
                out,
                self.nodes,
                self.leaves,
                self.feature,
                near,
                self.unknown_left,
                self.struck,
                self.value,
            )
        return out

    def aslists(self) -> dict[str, list[Any]]:
        """Return the arrays as lists, for JSON."""
        return {name: getattr(self, name).tolist() for name in _TYPES}

    @classmethod
    def of_lists(cls, lists: dict[str, Any], columns: int) -> Forest:
        """Return the forest of ``aslists``.

        Args:
            lists: from a file; trusted in nothing.
            columns: of the features that it will be asked about.

        Raises:
            ValueError, TypeError, KeyError, OverflowError: these are no such lists.
        """
        arrays: dict[str, Any] = {
            name: np.array(lists[name], dtype) for name, dtype in _TYPES.items()
        }
        if any(values.ndim != 1 for values in arrays.values()):
            raise ValueError("trees that are no lists of numbers")
        forest = cls(**arrays)
        nodes, trees = len(forest.feature), len(forest.nodes)
        told = {len(getattr(forest, name)) for name in ("threshold", "unknown_left", "struck")}
        if nodes > MOST_NODES or trees > MOST_NODES or told - {nodes}:
            raise ValueError(f"{nodes:,} nodes with {told} thresholds")
        if (
            len(forest.leaves) != trees
            or (forest.nodes < 0).any()
            or (forest.leaves < 1).any()
            or (forest.leaves > LEAVES).any()
            or forest.nodes.sum(dtype=np.int64) != nodes
            or forest.leaves.sum(dtype=np.int64) != len(forest.value)
            or ((forest.feature < 0) | (forest.feature >= columns)).any()
        ):
            raise ValueError("trees that point outside themselves")
        if not np.isfinite(forest.value).all() or np.isnan(forest.threshold).any():
            raise ValueError("trees with values that are no numbers")
        return forest


def forest_of(booster: lgb.Booster) -> Forest:
    """Return the trees of a LightGBM model."""
    found: dict[str, list[Any]] = {name: [] for name in _TYPES}
    for tree in booster.dump_model()["tree_info"]:
        nodes, leaves = len(found["feature"]), len(found["value"])
        _add(tree["tree_structure"], found, leaves)
        found["nodes"].append(len(found["feature"]) - nodes)
        found["leaves"].append(len(found["value"]) - leaves)
    return Forest.of_lists(found, MOST_NODES)


def join(forests: list[Forest]) -> Forest:
    """Return the trees of several forests, one behind the other."""
    return Forest(
        *(np.concatenate([getattr(forest, name) for forest in forests]) for name in _TYPES)
    )


def _add(node: dict[str, Any], found: dict[str, list[Any]], first: int) -> int:
    """Add a tree from the left; return its leaves as bits, the first leaf being bit 0."""
    if "leaf_value" in node:
        found["value"].append(node["leaf_value"])
        return 1 << (len(found["value"]) - 1 - first)
    if node["decision_type"] != "<=" or node["missing_type"] == "Zero":
        raise ValueError(f"a split by {node['decision_type']}, missing {node['missing_type']}")
    place = len(found["feature"])
    found["feature"].append(node["split_feature"])
    found["threshold"].append(node["threshold"])
    # A column without unknown values in training reads one as 0, as LightGBM does.
    unknown = node["default_left"] if node["missing_type"] == "NaN" else node["threshold"] >= 0
    found["unknown_left"].append(bool(unknown))
    found["struck"].append(0)
    left = _add(node["left_child"], found, first)
    found["struck"][place] = left
    return left | _add(node["right_child"], found, first)


@compiled
def _sums(  # pragma: no cover - compiled
    rows: Any,
    out: Any,
    nodes: Any,
    leaves: Any,
    feature: Any,
    threshold: Any,
    unknown_left: Any,
    struck: Any,
    value: Any,
) -> None:
    width = 256
    block = np.empty((rows.shape[1], width), np.float32)
    left, total = np.empty(width, np.uint32), np.empty(width)
    # The place of the lowest bit is the exponent of that bit as a float: no branches, many at once.
    lowest = np.empty(width, np.float32)
    bits = lowest.view(np.int32)
    every = np.uint32(0xFFFFFFFF)
    for start in range(0, rows.shape[0], width):
        count = min(width, rows.shape[0] - start)
        for column in range(rows.shape[1]):
            for row in range(count):
                block[column, row] = rows[start + row, column]
        node, first = 0, 0
        total[:] = 0
        for tree in range(nodes.shape[0]):
            left[:] = every
            for _ in range(nodes[tree]):
                values = block[feature[node]]
                limit, kept = threshold[node], ~struck[node]
                if unknown_left[node]:
                    for row in range(width):
                        left[row] &= kept if values[row] > limit else every
                else:
                    for row in range(width):
                        left[row] &= every if values[row] <= limit else kept
                node += 1
            last = leaves[tree] - 1
            for row in range(width):
                lowest[row] = np.float32(np.int32(left[row] & (~left[row] + np.uint32(1))))
            for row in range(width):
                # Masked once more: a damaged tree may have struck out every leaf.
                leaf = (((bits[row] >> 23) & 255) - 127) & 31
                total[row] += value[first + min(leaf, last)]
            first += leaves[tree]
        for row in range(count):
            out[start + row] = total[row]

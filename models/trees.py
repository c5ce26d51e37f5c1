"""Regression trees as arrays: what gradient boosting fitted, kept in safetensors and read without the library that grew them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_NAMES = ("feature", "threshold", "left", "right", "value")


@dataclass(frozen=True)
class Trees:
    """The sum of many trees; all arrays are (n_trees, n_nodes), a leaf is its own child on both sides."""

    feature: npt.NDArray[np.int16]
    threshold: npt.NDArray[np.float32]  # at most the threshold goes left
    left: npt.NDArray[np.int16]
    right: npt.NDArray[np.int16]
    value: npt.NDArray[np.float32]
    base: float
    depth: int

    def run(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return (n_rows,) sums for (n_rows, n_features) of finite numbers."""
        n_trees = len(self.feature)
        trees = np.arange(n_trees)[None, :]
        node = np.zeros((len(rows), n_trees), dtype=np.int16)
        which = np.arange(len(rows))[:, None]
        for _ in range(self.depth):
            goes_left = rows[which, self.feature[trees, node]] <= self.threshold[trees, node]
            node = np.where(goes_left, self.left[trees, node], self.right[trees, node])
        return np.asarray(self.value[trees, node].sum(axis=1) + self.base, dtype=np.float32)

    def to_tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return what ``from_tensors`` reads."""
        return {f"trees/{name}": getattr(self, name) for name in _NAMES} | {
            "trees/base": np.array([self.base], dtype=np.float32), "trees/depth": np.array([self.depth], dtype=np.int16),
        }  # fmt: skip

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, npt.NDArray[Any]], n_features: int) -> "Trees":
        """Rebuild trees.

        Raises:
            KeyError: a tensor is missing.
            ValueError: the tensors do not fit together: other shapes, nodes or features that do not exist, no numbers.

        """
        arrays = {name: tensors[f"trees/{name}"] for name in _NAMES}
        base, depth = float(tensors["trees/base"][0]), int(tensors["trees/depth"][0])
        shape = arrays["feature"].shape
        if len(shape) != 2 or any(array.shape != shape for array in arrays.values()):
            raise ValueError(f"trees of shapes {[array.shape for array in arrays.values()]}")
        for name, end in (("feature", n_features), ("left", shape[1]), ("right", shape[1])):
            if arrays[name].min(initial=0) < 0 or arrays[name].max(initial=0) >= end:
                raise ValueError(f"trees: {name} beyond {end}")
        if not (np.isfinite(arrays["value"]).all() and np.isfinite(arrays["threshold"]).all() and np.isfinite(base) and 0 < depth < 100):
            raise ValueError("trees: numbers that are none")
        return cls(**arrays, base=base, depth=depth)

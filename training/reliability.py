"""Whether probabilities come true: calibration error, bins of reliability, Brier score, and the pairs of a checkpoint's results that they are taken over."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from data.schema import Example, Group
from models.result import Result

Array = npt.NDArray[np.float64]


def expected_calibration_error(probs: Array, correct: npt.NDArray[Any], bins: int = 15) -> float:
    """Return the mean gap between confidence and frequency over equal-width bins, weighted by their size.

    Args:
        probs: (n,) in [0, 1].
        correct: (n,) bool or 0/1, whether what the probability speaks of is so.
        bins: number of bins.
    Source: Guo et al. (2017), On Calibration of Modern Neural Networks.

    """
    if not len(probs):
        return 0.0
    place = np.minimum((probs * bins).astype(int), bins - 1)
    gap = np.bincount(place, weights=probs - correct, minlength=bins)
    return float(np.abs(gap).sum() / len(probs))


def equal_mass_error(probs: Array, correct: npt.NDArray[Any], bins: int = 15) -> float:
    """Return the mean gap between confidence and frequency over bins of (nearly) as many pairs each.

    Bins of equal width hold nearly all pairs of labels in the first one, and say little of the others.

    Args:
        probs: (n,) in [0, 1].
        correct: (n,) bool or 0/1, whether what the probability speaks of is so.
        bins: number of bins.
    Source: adaptive calibration error (arXiv 1904.01685).

    """
    return float(sum(abs(confidence - frequency) * n for confidence, frequency, n in reliability_bins(probs, correct, bins)) / max(1, len(probs)))


def reliability_bins(probs: Array, correct: npt.NDArray[Any], bins: int = 15) -> list[tuple[float, float, int]]:
    """Return mean confidence, frequency and size of bins of (nearly) equal mass, by rising confidence; empty ones are left out."""
    order = np.argsort(probs, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return [(float(probs[part].mean()), float(np.asarray(correct, dtype=float)[part].mean()), len(part)) for part in parts]


def brier_score(probs: Array, correct: npt.NDArray[Any]) -> float:
    """Return the mean squared distance of probabilities from what is so (0 or 1); 0 for none."""
    return float(np.mean((probs - np.asarray(correct, dtype=float)) ** 2)) if len(probs) else 0.0


def reliability_pairs(scored: Sequence[tuple[Result, Example]], name: str) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Return probabilities and whether they came true: of every pair of article and label of a group, or of each article's main activity."""
    if name == "main":
        pairs = [(r.main_prob or 0.0, main_is_right(r, e)) for r, e in scored if r.activity]
    else:
        pairs = [
            (prob, key in (e.annotation.activity if name == "activity" else e.annotation.industry))
            for r, e in scored
            for key, prob in (r.probs or {}).get(cast("Group", name), {}).items()
        ]
    return np.array([p for p, _ in pairs], dtype=float), np.array([right for _, right in pairs], dtype=bool)


def main_is_right(result: Result, example: Example) -> bool:
    """Return whether the first activity is the annotated one."""
    return bool(result.activity) and result.activity[0].label == example.annotation.activity[0]  # type: ignore[index]

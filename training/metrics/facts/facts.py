"""Precision, recall and F1 of the four facts; a module of ``evaluate``, loaded by path.

A fact is right where both name the same number (within 1e-6). A wrong number costs precision and recall;
a number where the gold has none costs precision; none where the gold has one costs recall.
"""

import math
from typing import Any

import datasets
import evaluate

FACTS = ("signed_projects", "signed_amount", "total_projects", "total_amount")
_TOLERANCE = 1e-6

_DESCRIPTION = "Precision, recall and F1 of signed_projects, signed_amount, total_projects and total_amount, each and together."
_INPUTS = """
Args:
    predictions: list of dicts of the four facts, numbers or None.
    references: the same, gold.
    aggregate: scores over the articles (default), or counts per article.
Returns:
    precision, recall, f1: float, all facts together (precision is 1 where nothing is claimed, recall where nothing is there);
    per_fact: {fact: {precision, recall, f1, support}}; or n_right, n_claimed, n_gold: lists of int.
"""


class Facts(evaluate.Metric):  # type: ignore[misc]
    """Scores of the four facts as an ``evaluate`` metric."""

    def _info(self) -> evaluate.MetricInfo:
        facts = {name: datasets.Value("float64") for name in FACTS}
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description=_INPUTS,
            features=datasets.Features({"predictions": facts, "references": facts}),
        )

    def _compute(self, predictions: list[dict[str, Any]], references: list[dict[str, Any]], aggregate: bool = True) -> dict[str, Any]:
        pairs = list(zip(predictions, references, strict=True))
        counts = {name: [count_fact(ours[name], gold[name]) for ours, gold in pairs] for name in FACTS}
        if not aggregate:
            per_article = [[sum(column) for column in zip(*row, strict=True)] for row in zip(*counts.values(), strict=True)]
            return {key: [row[i] for row in per_article] for i, key in enumerate(("n_right", "n_claimed", "n_gold"))}
        together = _scores([row for rows in counts.values() for row in rows])
        together.pop("support")
        return {**together, "per_fact": {name: _scores(rows) for name, rows in counts.items()}}


def count_fact(ours: float | None, gold: float | None) -> tuple[int, int, int]:
    """Return (right, claimed, gold), each 0 or 1, of one fact of one article."""
    right = ours is not None and gold is not None and math.isclose(ours, gold, rel_tol=0, abs_tol=_TOLERANCE)
    return int(right), int(ours is not None), int(gold is not None)


def _scores(rows: list[tuple[int, int, int]]) -> dict[str, float]:
    right, claimed, gold = (sum(column) for column in zip(*rows, strict=True)) if rows else (0, 0, 0)
    return {
        "precision": right / claimed if claimed else 1.0,
        "recall": right / gold if gold else 1.0,
        "f1": 2 * right / (claimed + gold) if claimed + gold else 1.0,
        "support": gold,
    }

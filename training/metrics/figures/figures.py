"""How true the figures of summaries are to the article, and how many of the gold summary's they hold.

A module of ``evaluate``, loaded by path. Figures are equal where kind, unit, value, upper end and qualifier are: 50亿元
supports 50亿元 and 5,000,000,000元, not 50多亿元 or 50万元. Each mention of a summary counts once per article.
"""

from typing import Any

import datasets
import evaluate

from data.schema import Figure
from models.figures import find_figures

_DESCRIPTION = "Share of the summary's figures that the article holds, and share of the gold summary's figures that the summary holds."
_INPUTS = """
Args:
    predictions: list of str, summaries.
    references: list of str, gold summaries.
    sources: list of str, the articles (title and cleaned text).
    aggregate: totals over the articles (default), or one count per article.
Returns:
    precision, recall: float; 1 where there is no figure to be wrong about, none to miss;
    n_figures, n_supported, n_gold, n_found: int, or lists of them without precision and recall.
"""


class Figures(evaluate.Metric):  # type: ignore[misc]
    """Truth and completeness of figures as an ``evaluate`` metric."""

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description=_INPUTS,
            features=datasets.Features({"predictions": text, "references": text, "sources": text}),
        )

    def _compute(self, predictions: list[str], references: list[str], sources: list[str], aggregate: bool = True) -> dict[str, Any]:
        rows = [count_figures(*row) for row in zip(predictions, references, sources, strict=True)]
        counts = {name: [row[name] for row in rows] for name in ("n_figures", "n_supported", "n_gold", "n_found")}
        if not aggregate:
            return counts
        total = {name: sum(values) for name, values in counts.items()}
        return {"precision": _share(total["n_supported"], total["n_figures"]), "recall": _share(total["n_found"], total["n_gold"]), **total}


def count_figures(prediction: str, reference: str, source: str) -> dict[str, int]:
    """Return the counts of one article; a figure that a text repeats counts once."""
    ours, gold, article = figure_keys(prediction), figure_keys(reference), figure_keys(source)
    return {"n_figures": len(ours), "n_supported": len(ours & article), "n_gold": len(gold), "n_found": len(gold & ours)}


def figure_keys(text: str) -> set[tuple[object, ...]]:
    """Return what makes each figure of a text equal to another."""
    return {_key(figure) for figure in find_figures(text)}


def _key(figure: Figure) -> tuple[object, ...]:
    return figure.kind, figure.unit, figure.value, figure.max, figure.qualifier


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0

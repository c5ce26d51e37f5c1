"""Micro and macro precision, recall and F1 of one label group; a module of ``evaluate``, loaded by path.

The lists are ordered: ``first_accuracy`` says how often the first labels agree (the main activity).
Macro values are over the labels that some reference holds; scikit-learn counts.
"""

from typing import Any

import datasets
import evaluate
from sklearn.metrics import precision_recall_fscore_support
from sklearn.preprocessing import MultiLabelBinarizer

_DESCRIPTION = "Micro and macro precision, recall and F1 of label lists, per label and together, and agreement of the first label."
_INPUTS = """
Args:
    predictions: list of lists of label keys, the main one first; may be empty lists.
    references: the same, gold.
    labels: list of all keys of the group.
Returns:
    micro_precision, micro_recall, micro_f1, macro_precision, macro_recall, macro_f1: float;
    first_accuracy: share of references with labels whose first label is predicted first (0 where none has labels);
    per_label: {key: {precision, recall, f1, support}}.
"""


class Multilabel(evaluate.Metric):  # type: ignore[misc]
    """Multi-label classification scores as an ``evaluate`` metric."""

    def _info(self) -> evaluate.MetricInfo:
        keys = datasets.List(datasets.Value("string"))
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description=_INPUTS,
            features=datasets.Features({"predictions": keys, "references": keys}),
        )

    def _compute(self, predictions: list[list[str]], references: list[list[str]], labels: list[str]) -> dict[str, Any]:
        binarizer = MultiLabelBinarizer(classes=labels)
        gold, ours = binarizer.fit_transform(references), binarizer.transform(predictions)
        columns = precision_recall_fscore_support(gold, ours, average=None, zero_division=0.0)
        per_label = {key: _named(*(column[i] for column in columns)) for i, key in enumerate(labels)}
        micro = precision_recall_fscore_support(gold, ours, average="micro", zero_division=0.0)[:3]
        supported = [scores for scores in per_label.values() if scores["support"]]
        macro = [sum(scores[name] for scores in supported) / max(len(supported), 1) for name in ("precision", "recall", "f1")]
        together = {
            f"{kind}_{name}": float(value)
            for kind, values in (("micro", micro), ("macro", macro))
            for name, value in zip(("precision", "recall", "f1"), values, strict=True)
        }
        return {**together, "first_accuracy": _first_accuracy(predictions, references), "per_label": per_label}


def _named(precision: Any, recall: Any, f1: Any, support: Any) -> dict[str, float | int]:
    return {"precision": float(precision), "recall": float(recall), "f1": float(f1), "support": int(support)}


def _first_accuracy(predictions: list[list[str]], references: list[list[str]]) -> float:
    pairs = [(ours[:1], gold[:1]) for ours, gold in zip(predictions, references, strict=True) if gold]
    return sum(ours == gold for ours, gold in pairs) / max(len(pairs), 1)

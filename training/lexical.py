"""Fits the n-gram part of a classifier checkpoint (``models/lexical.py``) on annotated articles."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from data.schema import Example
from data.taxonomy import Taxonomy
from models.classifier import split_groups
from models.lexical import LONGEST, Hashes, LexicalModel, hash_ngrams, page_of
from training.calibration import Array, Scores

logger = logging.getLogger(__name__)
# Inverse regularisation by group, chosen on development of five settings (EXPERIMENTS.md): activities are told by phrases
# of their own, industries are rarer and need the pull.
_INVERSE_STRENGTH = {"activity": 10.0, "industry": 3.0, "main": 10.0}
_MOST = 5.0  # logarithm of a factor: beyond it the encoder says nothing
_MIN_ARTICLES = 2  # that an n-gram must stand in


def fit_lexical(train: Sequence[Example], taxonomy: Taxonomy, n_ngrams: int, strengths: dict[str, float] | None = None) -> LexicalModel:
    """Return the n-gram model of the ``n_ngrams`` n-grams that weigh most, one logistic regression an output.

    Which n-grams weigh most is read off a first fit on all of them; the second fit has the kept ones alone. Weights are those that the file will hold.

    Args:
        train: annotated articles, cleaned.
        taxonomy: labels, in the order of the outputs: activities, industries, main activities.
        n_ngrams: n-grams to keep.
        strengths: inverse regularisation of ``activity``, ``industry`` and ``main``.

    """
    counted = [hash_ngrams(page_of(e.article.title, e.article.text)) for e in train]
    everywhere, found = np.unique(np.concatenate([hashes for hashes, _ in counted]), return_counts=True)
    vocabulary, articles = everywhere[found >= _MIN_ARTICLES], found[found >= _MIN_ARTICLES]
    marks = marks_of(train, taxonomy)
    strength = np.repeat(
        [(strengths or _INVERSE_STRENGTH)[name] for name in ("activity", "industry", "main")],
        [len(taxonomy.activity), len(taxonomy.industry), len(taxonomy.activity)],
    )
    model = _fit(counted, vocabulary, articles, marks, strength)
    if n_ngrams < len(vocabulary):
        weight = np.linalg.norm(model.weights / (np.abs(model.weights).max(axis=0) + 1e-8), axis=1) * np.sqrt(articles)
        kept = np.sort(np.argsort(-weight, kind="stable")[:n_ngrams])
        model = _fit(counted, vocabulary[kept], articles[kept], marks, strength)
    model.round_weights()
    logger.info("%d of %d n-grams of up to %d characters", len(model.hashes), len(vocabulary), LONGEST)
    return model


def marks_of(train: Sequence[Example], taxonomy: Taxonomy) -> npt.NDArray[np.bool_]:
    """Return (n, n_outputs) gold in the order of a classifier's outputs: activities, industries, main activity."""
    rows = [
        [
            *(key in e.annotation.activity for key in taxonomy.activity),
            *(key in e.annotation.industry for key in taxonomy.industry),
            *(key == e.annotation.activity[0] for key in taxonomy.activity),
        ]
        for e in train
    ]
    return np.array(rows, dtype=bool)


def _fit(
    counted: Sequence[tuple[Hashes, npt.NDArray[np.int64]]],
    vocabulary: Hashes,
    articles: npt.NDArray[np.int64],
    marks: npt.NDArray[np.bool_],
    strength: Array,
) -> LexicalModel:
    # float16, as saved
    idf = (np.log((1 + len(counted)) / (1 + articles)) + 1).astype(np.float16).astype(np.float32)
    n_outputs = marks.shape[1]
    model = LexicalModel(vocabulary, idf, np.zeros((len(vocabulary), n_outputs), dtype=np.float32), np.zeros(n_outputs, dtype=np.float32))
    rows = [model.features_of(*pair) for pair in counted]
    bounds = np.cumsum([0, *(len(columns) for columns, _ in rows)])
    matrix: Any = csr_matrix((np.concatenate([v for _, v in rows]), np.concatenate([c for c, _ in rows]), bounds), shape=(len(rows), len(vocabulary)))
    for output in range(n_outputs):
        gold = marks[:, output]
        if not 0 < gold.sum() < len(gold):
            model.bias[output] = -8.0 if not gold.any() else 8.0
            continue
        fitted = LogisticRegression(class_weight="balanced", C=strength[output], max_iter=200, solver="liblinear", random_state=0).fit(matrix, gold)
        model.weights[:, output], model.bias[output] = fitted.coef_[0], fitted.intercept_[0]
    return model


def lexical_scores(model: LexicalModel, examples: Sequence[Example], taxonomy: Taxonomy) -> Scores:
    """Return the logits of the n-grams alone, and the gold."""
    logits = model.run([page_of(e.article.title, e.article.text) for e in examples]).double()
    marks = marks_of(examples, taxonomy)
    n_labels = len(taxonomy.activity) + len(taxonomy.industry)
    activity, industry, main = (t.numpy() for t in split_groups(logits, taxonomy))
    gold = marks.astype(np.float64)
    return Scores(
        activity, industry, main, gold[:, : len(taxonomy.activity)], gold[:, len(taxonomy.activity) : n_labels], marks[:, n_labels:].argmax(1)
    )


def add_scores(encoder: Scores, lexical: Scores, factors: Mapping[str, float]) -> Scores:
    """Return the scores of both together: encoder + factor * n-grams, by group."""
    return replace(
        encoder,
        activity=encoder.activity + factors["activity"] * lexical.activity,
        industry=encoder.industry + factors["industry"] * lexical.industry,
        main=encoder.main + factors["main"] * lexical.main,
    )


def mix_in(model: LexicalModel, encoder: Scores, lexical: Scores, taxonomy: Taxonomy) -> dict[str, float]:
    """Scale the weights in place, by group, so that ``encoder + lexical`` explains the gold best; return the three factors.

    Each group has a regression of its own, ``a * encoder + b * lexical + c``; the factor is b / a, since calibration finds the scale again. Both scores are of the same
    articles, which trained neither. Source: stacking (Wolpert 1992).
    """

    def binary(x: Array, group: str) -> float:
        z = np.exp(x[0]) * getattr(encoder, group) + np.exp(x[1]) * getattr(lexical, group) + x[2]
        return float(np.mean(np.logaddexp(0, z) - getattr(encoder, f"gold_{group}") * z))

    def softmax(x: Array) -> float:
        logits = np.exp(x[0]) * encoder.main + np.exp(x[1]) * lexical.main
        return float(-np.mean(log_softmax(logits, axis=1)[np.arange(len(logits)), encoder.gold_main]))

    bounds = [(-6.0, 3.0), (-6.0, 3.0)]  # of the logarithms: neither part is ever counted against itself
    found = {
        group: minimize(binary, np.zeros(3), args=(group,), method="L-BFGS-B", bounds=[*bounds, (-6.0, 6.0)]).x for group in ("activity", "industry")
    }
    found["main"] = minimize(softmax, np.zeros(2), method="L-BFGS-B", bounds=bounds).x
    factors = {group: round(float(np.exp(min(x[1] - x[0], _MOST))), 3) for group, x in found.items()}
    sizes = {"activity": len(taxonomy.activity), "industry": len(taxonomy.industry), "main": len(taxonomy.activity)}
    by_output = np.concatenate([np.full(size, factors[group], dtype=np.float32) for group, size in sizes.items()])
    model.weights *= by_output
    model.bias *= by_output
    logger.info("n-grams count %s times", factors)
    return factors

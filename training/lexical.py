"""Fits the n-gram part of a classifier checkpoint (``models/lexical.py``) on annotated articles."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import log_softmax
from torch import Tensor

from data.schema import Example
from data.taxonomy import Taxonomy
from models.classifier import split_groups
from models.lexical import LONGEST, Hashes, LexicalModel, hash_ngrams, page_of
from models.votes import VoteModel
from training.calibration import Array, Scores

logger = logging.getLogger(__name__)
# Inverse regularisation by group, chosen on development of five settings (EXPERIMENTS.md): activities are told by phrases
# of their own, industries are rarer and need the pull.
_INVERSE_STRENGTH = {"activity": 10.0, "industry": 3.0, "main": 10.0}
_MOST = 5.0  # logarithm of a factor: beyond it the encoder says nothing
_MIN_ARTICLES = 2  # that an n-gram must stand in
_ITERATIONS = 250  # of the solver; the weights then change by less than a percent
_JITTER = 1e-4  # of products that are 1 for an article with itself: reprints make them singular
_BLOCK = 150_000_000  # numbers of a dense block on the way to the products, 600 MB


class NgramFit:
    """Logistic regressions over the n-grams of annotated articles, all outputs at once.

    There are a hundred times more n-grams than articles, so the regressions are solved in the space of the articles: the weights of n-grams are sums over articles
    (representer theorem, Kimeldorf and Wahba 1971), and one matrix of products between articles serves every output and every fold.
    """

    def __init__(self, train: Sequence[Example], taxonomy: Taxonomy, strengths: dict[str, float] | None = None) -> None:
        """Count the n-grams.

        Args:
            train: annotated articles, cleaned.
            taxonomy: labels, in the order of the outputs: activities, industries, main activities.
            strengths: inverse regularisation of ``activity``, ``industry`` and ``main``.

        """
        self._counted = [hash_ngrams(page_of(e.article.title, e.article.text)) for e in train]
        everywhere, found = np.unique(np.concatenate([hashes for hashes, _ in self._counted]), return_counts=True)
        kept = found >= _MIN_ARTICLES
        self._articles = found[kept]
        self._marks = marks_of(train, taxonomy)
        self._strength = np.repeat(
            [(strengths or _INVERSE_STRENGTH)[name] for name in ("activity", "industry", "main")],
            [len(taxonomy.activity), len(taxonomy.industry), len(taxonomy.activity)],
        )
        self._empty = self._model(everywhere[kept], self._articles)
        self._matrix = self._rows(self._empty)
        self._products = _products(self._matrix)

    def out_of_fold(self, fold: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return (n_articles, n_outputs) logits of each article by a fit on the other folds, on all n-grams."""
        out = np.zeros(self._marks.shape, dtype=np.float32)
        for number in range(int(fold.max()) + 1):
            seen, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            shares, bias = _solve(self._products[np.ix_(seen, seen)], self._marks[seen], self._strength)
            out[held] = self._products[np.ix_(held, seen)] @ shares + bias
        return out

    def fit(self, n_ngrams: int) -> LexicalModel:
        """Return the model of the ``n_ngrams`` n-grams that weigh most. Weights are those that the file will hold.

        Which n-grams weigh most is read off a first fit on all of them; the second fit has the kept ones alone.
        """
        model = self._fitted(self._empty, self._matrix, self._products)
        if n_ngrams < len(model.hashes):
            weight = np.linalg.norm(model.weights / (np.abs(model.weights).max(axis=0) + 1e-8), axis=1) * np.sqrt(self._articles)
            kept = np.sort(np.argsort(-weight, kind="stable")[:n_ngrams])
            few = self._model(model.hashes[kept], self._articles[kept])
            matrix = self._rows(few)
            model = self._fitted(few, matrix, _products(matrix))
        model.round_weights()
        logger.info("%d of %d n-grams of up to %d characters", len(model.hashes), len(self._articles), LONGEST)
        return model

    def _model(self, vocabulary: Hashes, articles: npt.NDArray[np.int64]) -> LexicalModel:
        # float16, as saved
        idf = (np.log((1 + len(self._counted)) / (1 + articles)) + 1).astype(np.float16).astype(np.float32)
        n_outputs = self._marks.shape[1]
        return LexicalModel(vocabulary, idf, np.zeros((len(vocabulary), n_outputs), dtype=np.float32), np.zeros(n_outputs, dtype=np.float32))

    def _rows(self, model: LexicalModel) -> Any:
        rows = [model.features_of(*pair) for pair in self._counted]
        bounds = np.cumsum([0, *(len(columns) for columns, _ in rows)])
        return csr_matrix((np.concatenate([v for _, v in rows]), np.concatenate([c for c, _ in rows]), bounds), shape=(len(rows), len(model.hashes)))

    def _fitted(self, model: LexicalModel, matrix: Any, products: npt.NDArray[np.float32]) -> LexicalModel:
        shares, bias = _solve(products, self._marks, self._strength)
        return LexicalModel(model.hashes, model.idf, np.asarray(matrix.T @ shares, dtype=np.float32), bias)


def _products(matrix: Any) -> npt.NDArray[np.float32]:
    """Return the products of all rows of a sparse matrix with each other."""
    out = np.empty((matrix.shape[0], matrix.shape[0]), dtype=np.float32)
    step = max(1, _BLOCK // max(1, matrix.shape[1]))
    for start in range(0, matrix.shape[0], step):
        out[:, start : start + step] = matrix @ matrix[start : start + step].T.toarray()
    return out


def _solve(
    products: npt.NDArray[np.float32], marks: npt.NDArray[np.bool_], strength: Array
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the share of each article in the weights, (n_articles, n_outputs), and the biases of L2-regularised logistic regressions, labels weighed evenly.

    Args:
        products: (n_articles, n_articles) of their features.
        marks: (n_articles, n_outputs) gold.
        strength: (n_outputs,) inverse regularisation.

    """
    shares, bias = np.zeros(marks.shape, dtype=np.float32), np.where(marks.any(axis=0), 8.0, -8.0).astype(np.float32)
    found = marks.sum(axis=0)
    mixed = np.flatnonzero((found > 0) & (found < len(marks)))
    if not len(mixed):
        return shares, bias
    # A constant feature of 1 makes the bias one of the weights. The root of the products are features as many as articles.
    root = torch.linalg.cholesky(torch.from_numpy(products) + 1 + _JITTER * torch.eye(len(products)))
    gold = torch.from_numpy(marks[:, mixed]).float()
    positive = gold.sum(0)
    pull = torch.from_numpy(strength[mixed]).float()
    even = torch.where(gold > 0, len(gold) / (2 * positive), len(gold) / (2 * (len(gold) - positive)))
    sign = 1 - 2 * gold
    weights = torch.zeros(gold.shape, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weights],
        max_iter=_ITERATIONS,
        max_eval=2 * _ITERATIONS,
        history_size=8,
        line_search_fn="strong_wolfe",
        tolerance_grad=1e-5,
        tolerance_change=1e-7,
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = ((weights**2).sum(0) / (2 * pull) + (even * torch.nn.functional.softplus(sign * (root @ weights))).sum(0)).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    solved = torch.linalg.solve_triangular(root.T, weights.detach(), upper=True)
    shares[:, mixed], bias[mixed] = solved.numpy(), solved.sum(0).numpy()
    return shares, bias


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


def scores_of(logits: Tensor, examples: Sequence[Example], taxonomy: Taxonomy) -> Scores:
    """Return (n, n_outputs) logits by group, and the gold."""
    marks = marks_of(examples, taxonomy)
    n_activity, n_labels = len(taxonomy.activity), len(taxonomy.activity) + len(taxonomy.industry)
    activity, industry, main = (t.numpy() for t in split_groups(logits.double(), taxonomy))
    gold = marks.astype(np.float64)
    return Scores(activity, industry, main, gold[:, :n_activity], gold[:, n_activity:n_labels], marks[:, n_labels:].argmax(1))


def add_scores(encoder: Scores, votes: Scores, factors: Mapping[str, float]) -> Scores:
    """Return the scores of both together: encoder + factor * votes, by group."""
    return replace(
        encoder,
        activity=encoder.activity + factors["activity"] * votes.activity,
        industry=encoder.industry + factors["industry"] * votes.industry,
        main=encoder.main + factors["main"] * votes.main,
    )


def mix_in(model: VoteModel, encoder: Scores, votes: Scores, taxonomy: Taxonomy) -> dict[str, float]:
    """Scale the weights in place, by group, so that ``encoder + votes`` explains the gold best; return the three factors.

    Each group has a regression of its own, ``a * encoder + b * votes + c``; the factor is b / a, since calibration finds the scale again. Both scores are of the same
    articles, which trained neither. Source: stacking (Wolpert 1992).
    """

    def binary(x: Array, group: str) -> float:
        z = np.exp(x[0]) * getattr(encoder, group) + np.exp(x[1]) * getattr(votes, group) + x[2]
        return float(np.mean(np.logaddexp(0, z) - getattr(encoder, f"gold_{group}") * z))

    def softmax(x: Array) -> float:
        logits = np.exp(x[0]) * encoder.main + np.exp(x[1]) * votes.main
        return float(-np.mean(log_softmax(logits, axis=1)[np.arange(len(logits)), encoder.gold_main]))

    bounds = [(-6.0, 3.0), (-6.0, 3.0)]  # of the logarithms: neither part is ever counted against itself
    found = {
        group: minimize(binary, np.zeros(3), args=(group,), method="L-BFGS-B", bounds=[*bounds, (-6.0, 6.0)]).x for group in ("activity", "industry")
    }
    found["main"] = minimize(softmax, np.zeros(2), method="L-BFGS-B", bounds=bounds).x
    factors = {group: round(float(np.exp(min(x[1] - x[0], _MOST))), 3) for group, x in found.items()}
    sizes = {"activity": len(taxonomy.activity), "industry": len(taxonomy.industry), "main": len(taxonomy.activity)}
    by_output = np.concatenate([np.full(size, factors[group], dtype=np.float32) for group, size in sizes.items()])
    model.scale(by_output)
    logger.info("votes count %s times", factors)
    return factors

"""Fits the choice of clauses for summaries (``models/selector.py``) on annotated articles: ``python -m training finetune selection``.

What a clause is worth is the share of its character pairs that the annotator's summary holds. A logistic regression learns it from the words, out of five folds as well; trees learn from those guesses and
what stands around. The length of summaries is chosen on the development split, with the labels that a classifier gives there (``--classifier``), as in service; the test splits are measured once.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, vstack
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression

from data.clean import CLEAN_VERSION
from data.schema import Example, Facts, Outcomes
from data.taxonomy import OTHER, Taxonomy, load_taxonomy
from models.clauses import N_FEATURES, Clause, Features, describe, ngrams_of, split_clauses
from models.outcomes import build_outcomes
from models.paths import DEFAULT_CHECKPOINT
from models.predictor import Predictor
from models.registry import Manifest, save_checkpoint, write_config
from models.selection import extract_summary
from models.selector import N_CONTEXT, ClauseSelector, Scores, context_of, write
from models.trees import Trees
from training.card import selection_card
from training.config import SelectionConfig, named_config
from training.dataset import read_splits
from training.metrics.rouge_zh.rouge_zh import rouge
from training.robustness import label
from training.summary_traits import count_traits

logger = logging.getLogger(__name__)
LENGTHS = (20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0)
BONUSES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
_FIGURE_WEIGHT = 0.1  # of the key figures' recall beside ROUGE-L: a summary without its outcome's figures is no use, however alike it reads
_FOLDS = 5
_STRENGTH = 0.02
_TYPICAL = 20  # characters of a clause: shorter ones count less, longer ones up to twice
_ROUGES = ("rouge1", "rouge2", "rougeL")


@dataclass(frozen=True)
class Material:
    """An article ready for selection."""

    text: str
    title: str | None
    activity: tuple[str, ...]
    outcomes: Outcomes
    clauses: list[Clause]
    features: list[Features]
    summary: str
    facts: Facts  # the annotator's

    @property
    def targets(self) -> npt.NDArray[np.float64]:
        """Return the share of each clause's character pairs that the annotator's summary holds."""
        gold = ngrams_of(self.summary)
        return np.array([len(clause.pairs & gold) / max(1, len(clause.pairs)) for clause in self.clauses])

    @property
    def weights(self) -> npt.NDArray[np.float64]:
        """Return what each clause counts for in training."""
        return np.array([min(len(clause.core), 2 * _TYPICAL) / _TYPICAL for clause in self.clauses])


def finetune_selection(config: SelectionConfig) -> Manifest:
    """Fit, choose, measure and save a selector; return its manifest."""
    taxonomy = load_taxonomy()
    splits = read_splits(config.data, config.corpora, 0.2)
    train = [material_of(e, e.annotation.activity) for e in splits.train if e.annotation.summary]
    logger.info("%d articles to train on, %d clauses", len(train), sum(len(m.clauses) for m in train))
    predictor = Predictor.load(config.classifier or DEFAULT_CHECKPOINT, config.device)
    parts = {name: _as_served(part, predictor) for name, part in {"development": splits.development, **splits.tests}.items() if part}
    linear, selector = fit_selector(train, taxonomy, config.trees, config.seed)
    development = parts["development"]
    length, bonus = choose(development, selector, taxonomy)
    chosen = {"length": length, "figure_bonus": bonus}
    linear, selector = (replace(made, length=length, figure_bonus=bonus) for made in (linear, selector))
    metrics: dict[str, Any] = {
        "split": "development (also chose the length and the bonus of figures)", "articles": len(development), "trained_on": len(train), **chosen,
        **{
            name: {"rules": measure_rules(part), "linear": measure(part, linear, taxonomy), "selector": measure(part, selector, taxonomy)}
            for name, part in parts.items()
        },
    }  # fmt: skip
    logger.info("%s", metrics)
    settings = {**named_config(config), "n_train": len(train), "n_dev": len(development)}
    made = Manifest("selection", config.name, config.version, taxonomy, CLEAN_VERSION, chosen, metrics, settings)

    def put(folder: Path) -> None:
        selector.save(folder)
        write_config(folder, {"model_type": "clause-selector", "n_features": N_FEATURES, "n_context": N_CONTEXT})

    return save_checkpoint(config.output, made, put, selection_card(made))


def material_of(example: Example, activity: Sequence[str]) -> Material:
    """Return the clauses of an article under the labels given."""
    text, title = example.article.text, example.article.title
    outcomes = build_outcomes(text, title, activity)
    clauses = split_clauses(text, title, outcomes)
    return Material(
        text,
        title,
        tuple(activity),
        outcomes,
        clauses,
        describe(clauses, text, title, outcomes, activity),
        example.annotation.summary,
        example.annotation.facts,
    )


def _as_served(examples: Sequence[Example], predictor: Predictor) -> list[Material]:
    told = [e for e in examples if e.annotation.summary]
    labels = [found[0] if found else (OTHER,) for found in label(predictor, [e.article for e in told])]
    return [material_of(e, own) for e, own in zip(told, labels, strict=True)]


def fit_selector(train: Sequence[Material], taxonomy: Taxonomy, n_trees: int, seed: int) -> tuple[ClauseSelector, ClauseSelector]:
    """Return the linear selector alone, and with its trees; both with the first of ``LENGTHS``.

    Args:
        train: articles with summaries.
        taxonomy: labels; the trees know the main activity by its number.
        n_trees: trees.
        seed: of the folds and the trees.

    """
    told = [material for material in train if material.clauses]
    fold = np.random.default_rng(seed).integers(0, _FOLDS, len(told))
    guesses: list[Scores] = [np.zeros(0, dtype=np.float32)] * len(told)
    for number in range(_FOLDS):
        others = [material for material, own in zip(told, fold, strict=True) if own != number]
        apart = _fit_linear(others or told)
        for i in np.flatnonzero(fold == number):
            guesses[i] = apart.score_alone(told[i].features)
    linear = _fit_linear(told)
    rows = np.concatenate([context_of(m.clauses, own, m.text, m.activity, taxonomy) for m, own in zip(told, guesses, strict=True)])
    targets, weights = (np.concatenate([getattr(m, name) for m in told]) for name in ("targets", "weights"))
    grown = HistGradientBoostingRegressor(
        max_iter=n_trees, learning_rate=15 / max(n_trees, 150), max_leaf_nodes=31, min_samples_leaf=40, l2_regularization=1.0,
        early_stopping=False, random_state=seed,
    ).fit(rows, targets, sample_weight=weights)  # fmt: skip
    return linear, replace(linear, trees=read_trees(grown))


def _fit_linear(materials: Sequence[Material]) -> ClauseSelector:
    """Return a logistic regression on shares: each clause stands once as used and once as not, weighted by its share."""
    features = [own for m in materials for own in m.features]
    bounds = np.cumsum([0, *map(len, features)])
    columns = np.concatenate(features)
    matrix = csr_matrix((np.ones(len(columns), dtype=np.float32), columns, bounds), shape=(len(features), N_FEATURES))
    targets, weights = (np.concatenate([getattr(m, name) for m in materials]) for name in ("targets", "weights"))
    marks = np.repeat([1, 0], len(features))
    fitted = LogisticRegression(C=_STRENGTH, max_iter=60, tol=1e-3).fit(
        vstack([matrix, matrix]), marks, sample_weight=np.concatenate([weights * targets, weights * (1 - targets)])
    )
    # float16, as saved: what is measured is what is served
    return ClauseSelector(fitted.coef_[0].astype(np.float16).astype(np.float32), float(fitted.intercept_[0]), None, LENGTHS[0])


def read_trees(grown: HistGradientBoostingRegressor) -> Trees:
    """Return the trees of scikit-learn as arrays."""
    all_nodes = [stage[0].nodes for stage in grown._predictors]
    size = max(len(nodes) for nodes in all_nodes)
    shape = (len(all_nodes), size)
    feature, left, right = (np.zeros(shape, dtype=np.int16) for _ in range(3))
    threshold, value = (np.zeros(shape, dtype=np.float32) for _ in range(2))
    for row, nodes in enumerate(all_nodes):
        n, leaf = len(nodes), nodes["is_leaf"].astype(bool)
        own = np.arange(n)
        feature[row, :n] = np.where(leaf, 0, nodes["feature_idx"])
        threshold[row, :n] = np.where(leaf, 0, nodes["num_threshold"])
        left[row, :n], right[row, :n] = np.where(leaf, own, nodes["left"]), np.where(leaf, own, nodes["right"])
        value[row, :n] = nodes["value"]
    depth = max(int(nodes["depth"].max()) for nodes in all_nodes)
    return Trees(feature, threshold, left, right, value, float(np.ravel(grown._baseline_prediction)[0]), max(1, depth))


# Measures -----------------------------------------------------------------------------------------------------


def choose(development: Sequence[Material], selector: ClauseSelector, taxonomy: Taxonomy) -> tuple[float, float]:
    """Return the length, then the bonus of clauses that tell a fact, with the best ROUGE-L and recall of key figures."""

    def value(made: ClauseSelector) -> float:
        found = measure(development, made, taxonomy)
        return found["rougeL"] + _FIGURE_WEIGHT * found["key_figure_recall"]

    length = max(LENGTHS, key=lambda length: value(replace(selector, length=length)))
    bonus = max(BONUSES, key=lambda bonus: value(replace(selector, length=length, figure_bonus=bonus)))
    return length, bonus


def measure(part: Sequence[Material], selector: ClauseSelector, taxonomy: Taxonomy) -> dict[str, float]:
    """Return mean character ROUGE and recall of key figures of a selector's summaries; where none comes of it the rules write, as in service."""
    return _figures([(_by_selector(m, selector, taxonomy) or _by_rules(m), m) for m in part])


def _by_selector(material: Material, selector: ClauseSelector, taxonomy: Taxonomy) -> str:
    m = material
    return write(m.clauses, selector.weigh(m.clauses, m.text, m.title, m.outcomes, m.activity, taxonomy), selector.length, m.text)


def measure_rules(part: Sequence[Material]) -> dict[str, float]:
    """Return mean character ROUGE of the extractive summaries by rules."""
    return _figures([(_by_rules(m), m) for m in part])


def _by_rules(material: Material) -> str:
    return extract_summary(material.text, material.outcomes, material.title, brief=material.activity[:1] == (OTHER,))


def _figures(pairs: Sequence[tuple[str, Material]]) -> dict[str, float]:
    rows = [rouge(said, m.summary) for said, m in pairs]
    traits = [count_traits(said, m.summary, m.title, m.text, m.facts) for said, m in pairs]
    return {name: round(float(np.mean([row[name] for row in rows])), 4) for name in _ROUGES} | {
        "key_figure_recall": round(sum(row["n_key_found"] for row in traits) / max(1, sum(row["n_key_figures"] for row in traits)), 4),
        "characters": round(float(np.mean([len(said) for said, _ in pairs])), 1),
    }

"""Fits the ranker of facts (``models/factrank.py``) on annotated articles: ``python -m training finetune outcomes``.

One logistic regression a fact over the values that an article gives; right is the value that annotators took. Strength and threshold are chosen on the development split, with the labels that a
classifier gives there (``--classifier``), as in service; the test splits are measured once.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from data.clean import CLEAN_VERSION
from data.schema import Example, Facts
from data.taxonomy import load_taxonomy
from models.context import read_mentions
from models.factrank import FACTS, N_FEATURES, Candidate, FactRanker, find_candidates
from models.outcomes import build_outcomes
from models.paths import DEFAULT_CHECKPOINT
from models.predictor import Predictor
from models.registry import Manifest, save_checkpoint, write_config
from training.card import outcomes_card
from training.config import OutcomesConfig, named_config
from training.dataset import read_splits
from training.robustness import label

logger = logging.getLogger(__name__)
STRENGTHS = (0.1, 0.3, 1.0)
THRESHOLDS = tuple(np.arange(0.2, 0.9, 0.05).round(2).tolist())
Found = dict[str, list[Candidate]]


def finetune_outcomes(config: OutcomesConfig) -> Manifest:
    """Fit, choose, measure and save a ranker; return its manifest."""
    splits = read_splits(config.data, config.corpora, 0.2)
    train = [e for e in splits.train if e.annotation.summary and e.annotation.activity != ("other",)]
    found = [candidates_of(e, e.annotation.activity) for e in train]
    logger.info("%d articles to train on, %d values", len(train), sum(len(own[FACTS[0]]) + len(own[FACTS[1]]) for own in found))
    predictor = Predictor.load(config.classifier or DEFAULT_CHECKPOINT, config.device)
    parts = {name: _Part(part, predictor) for name, part in {"development": splits.development, **splits.tests}.items() if part}
    gold = [e.annotation.facts for e in train]
    rankers = {strength: fit_ranker(found, gold, strength) for strength in STRENGTHS}
    development = parts["development"]
    chosen = {strength: _with_threshold(ranker, development) for strength, ranker in rankers.items()}
    strength, ranker = max(chosen.items(), key=lambda item: (development.score(item[1])["f1"], -item[0]))
    metrics: dict[str, Any] = {
        "split": "development (also chose strength and threshold)", "articles": len(development.examples), "trained_on": len(train), "strength": strength,
        **{name: {"rules": part.score(None), "ranker": part.score(ranker)} for name, part in parts.items()},
    }  # fmt: skip
    logger.info("%s", metrics)
    settings = {**named_config(config), "n_train": len(train), "n_dev": len(development.examples)}
    decoding = {"threshold": round(float(ranker.thresholds[0]), 2)}
    made = Manifest("outcomes", config.name, config.version, load_taxonomy(), CLEAN_VERSION, decoding, metrics, settings)

    def write(folder: Path) -> None:
        ranker.save(folder)
        write_config(folder, {"model_type": "fact-ranker", "n_features": N_FEATURES})

    return save_checkpoint(config.output, made, write, outcomes_card(made))


def candidates_of(example: Example, activity: Sequence[str]) -> Found:
    """Return the candidates of an article under the labels given."""
    text, title = example.article.text, example.article.title or ""
    rules = build_outcomes(text, title, activity).facts
    return find_candidates(text, title, read_mentions(text), read_mentions(title), rules, activity)


def fit_ranker(found: Sequence[Found], gold: Sequence[Facts], strength: float) -> FactRanker:
    """Return a ranker fitted on candidates and the annotated facts of the same articles; its thresholds are 0.5.

    Args:
        found: of ``candidates_of``, an entry an article.
        gold: annotated facts.
        strength: inverse regularisation.

    """
    weights, bias = np.zeros((len(FACTS), N_FEATURES), dtype=np.float32), np.full(len(FACTS), -8.0, dtype=np.float32)
    for row, fact in enumerate(FACTS):
        listed = [(candidate, _is(candidate.value, facts, fact)) for own, facts in zip(found, gold, strict=True) for candidate in own[fact]]
        right = np.array([mark for _, mark in listed], dtype=bool)
        if not 0 < right.sum() < len(right):
            logger.warning("%s: %d of %d values are right, so nothing can be learnt", fact, right.sum(), len(right))
            continue
        fitted = LogisticRegression(C=strength, solver="liblinear", max_iter=200, random_state=0).fit(_matrix([c for c, _ in listed]), right)
        # float16, as saved: what is measured is what is served
        weights[row], bias[row] = fitted.coef_[0].astype(np.float16), fitted.intercept_[0]
    return FactRanker(weights, bias, np.full(len(FACTS), 0.5, dtype=np.float32))


def _matrix(candidates: Sequence[Candidate]) -> Any:
    bounds = np.cumsum([0, *(len(candidate.features) for candidate in candidates)])
    columns = np.concatenate([candidate.features for candidate in candidates])
    return csr_matrix((np.ones(len(columns), dtype=np.float32), columns, bounds), shape=(len(candidates), N_FEATURES))


def _is(value: float | None, facts: Facts, fact: str) -> bool:
    gold = facts.to_json()[fact]
    return value is not None and gold is not None and abs(value - gold) < 1e-6 * max(1.0, value)


class _Part:
    """Articles of a split with the labels of a classifier, and their candidates."""

    def __init__(self, examples: Sequence[Example], predictor: Predictor) -> None:
        self.examples = [e for e in examples if e.annotation.summary]
        self.labels = [labels[0] if labels else () for labels in label(predictor, [e.article for e in self.examples])]
        self.rules = [build_outcomes(e.article.text, e.article.title, own).facts for e, own in zip(self.examples, self.labels, strict=True)]
        # What is called other has no facts, in service too.
        self.found = [None if own[:1] == ("other",) else candidates_of(e, own) for e, own in zip(self.examples, self.labels, strict=True)]

    def facts(self, ranker: FactRanker | None) -> list[Facts]:
        """Return the facts of every article, by the rules without a ranker."""
        if ranker is None:
            return self.rules
        return [Facts() if own is None else ranker.choose(own)[0] for own in self.found]

    def score(self, ranker: FactRanker | None) -> dict[str, float]:
        """Return precision, recall and F1 over all facts."""
        return _score([e.annotation.facts for e in self.examples], self.facts(ranker))


def _score(gold: Sequence[Facts], said: Sequence[Facts]) -> dict[str, float]:
    right = claimed = given = 0
    for facts, own in zip(gold, said, strict=True):
        for fact, value in own.to_json().items():
            claimed += value is not None
            given += facts.to_json()[fact] is not None
            right += _is(value, facts, fact)
    precision, recall = right / max(1, claimed), right / max(1, given)
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(2 * right / max(1, claimed + given), 4)}


def _with_threshold(ranker: FactRanker, part: _Part) -> FactRanker:
    """Return the ranker with the threshold that has the best F1 on a split: one for all facts, since each has a few dozen cases there."""
    tried = [FactRanker(ranker.weights, ranker.bias, np.full(len(FACTS), threshold, dtype=np.float32)) for threshold in THRESHOLDS]
    return max(tried, key=lambda made: (part.score(made)["f1"], float(made.thresholds[0])))  # of equal ones the highest: precision first

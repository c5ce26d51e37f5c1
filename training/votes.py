"""Fits the votes of a classifier checkpoint (``models/votes.py``) on annotated articles."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from data.dedup import group_reprints
from data.schema import Example
from data.taxonomy import Taxonomy
from models.lexicon import Lexicon
from models.votes import VoteModel
from training.calibration import Scores
from training.lexical import NgramFit, marks_of, scores_of

logger = logging.getLogger(__name__)
Array = npt.NDArray[np.float32]
LEXICON = Path(__file__).with_name("keywords.yaml")
_FOLDS = 5
# Inverse regularisation, chosen on development of 0.1, 0.3 and 1 (EXPERIMENTS.md): industries have twice the votes and fewer articles each.
_STRENGTH, _INDUSTRY_STRENGTH = 1.0, 0.1
_SURE = 8.0  # log-odds of a label that every annotated article has; its negative of one that none has


def read_lexicon(taxonomy: Taxonomy, path: Path = LEXICON) -> Lexicon:
    """Return the hand-written rules."""
    return Lexicon(yaml.safe_load(path.read_text("utf-8")), taxonomy)


def fit_votes(train: Sequence[Example], taxonomy: Taxonomy, n_ngrams: int, lexicon: Lexicon | None = None) -> VoteModel:
    """Return the votes of n-grams and words, weighed on annotated articles whose n-grams vote out of fold.

    Args:
        train: annotated articles, cleaned.
        taxonomy: labels.
        n_ngrams: n-grams to keep.
        lexicon: the words; those of ``keywords.yaml`` if absent.

    """
    ngrams = NgramFit(train, taxonomy)
    model = VoteModel(ngrams.fit(n_ngrams), taxonomy, lexicon or read_lexicon(taxonomy))
    features = model.features(pages_of(train), ngrams.out_of_fold(draw_folds(train)))
    model.weights, model.bias = fit_weights(features, marks_of(train, taxonomy), taxonomy)
    return model


def pages_of(examples: Sequence[Example]) -> list[tuple[str | None, str]]:
    """Return title and text of examples."""
    return [(e.article.title, e.article.text) for e in examples]


def draw_folds(train: Sequence[Example]) -> npt.NDArray[np.int64]:
    """Return the fold of each article; reprints of one article are in one fold, since a vote on what was seen would be too sure."""
    groups = group_reprints([e.article.text for e in train])
    names = list(dict.fromkeys(groups))
    side = dict(zip(names, np.random.default_rng(0).permutation(len(names)) % _FOLDS, strict=True))
    return np.array([side[group] for group in groups], dtype=np.int64)


def fit_weights(features: Array, marks: npt.NDArray[np.bool_], taxonomy: Taxonomy) -> tuple[Array, Array]:
    """Return (n_outputs, n_features) weights and (n_outputs,) biases of one logistic regression an output.

    Args:
        features: (n_articles, n_outputs, n_features) votes.
        marks: (n_articles, n_outputs) gold.
        taxonomy: labels, in the order of the outputs.

    """
    industries = range(len(taxonomy.activity), len(taxonomy.activity) + len(taxonomy.industry))
    weights = np.zeros(features.shape[1:], dtype=np.float32)
    bias = np.zeros(features.shape[1], dtype=np.float32)
    for output, gold in enumerate(marks.T):
        if not 0 < gold.sum() < len(gold):
            bias[output] = _SURE if gold.any() else -_SURE
            continue
        scaler = StandardScaler().fit(features[:, output])
        strength = _INDUSTRY_STRENGTH if output in industries else _STRENGTH
        fitted = LogisticRegression(C=strength, max_iter=1000).fit(scaler.transform(features[:, output]), gold)
        weights[output] = fitted.coef_[0] / scaler.scale_
        bias[output] = fitted.intercept_[0] - float(weights[output] @ scaler.mean_)
    return weights, bias


def vote_scores(model: VoteModel, examples: Sequence[Example], taxonomy: Taxonomy) -> Scores:
    """Return the logits of the votes alone, and the gold."""
    return scores_of(model.run(pages_of(examples)), examples, taxonomy)

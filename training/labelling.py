"""Labelling functions over unannotated articles, and the label model that turns their votes into soft labels.

Four kinds vote: the keyword rules by label on title and lead, an n-gram model fitted on the annotated articles, amounts and counts that stand
beside words of signing or building, and the section a newspaper printed the article in. How far each is to be believed is learnt on the
annotated articles, where the n-grams vote out of fold. Source of the idea: data programming (arXiv 1605.07723), with annotated articles in place of a generative model.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from data.dedup import group_reprints
from data.schema import Article, Example
from data.taxonomy import Taxonomy
from models.lexical import LexicalModel, page_of
from training.baselines import Keywords
from training.lexical import fit_lexical, marks_of

logger = logging.getLogger(__name__)
Array = npt.NDArray[np.float64]
_FOLDS = 4
_SURE = 8.0  # log-odds of a label that every annotated article has; its negative of one that none has
# Sections of the corpora that hardly ever report investment promotion: culture, sports, society, world, Chinese abroad, health, life, universities, theory.
OUTSIDE_SECTIONS = frozenset({"cul", "ty", "sh", "gj", "hr", "jk", "life", "university", "ll", "finqa", "num"})
_NUMBER = r"[\d.一二三四五六七八九十百千两]+(?:多|余)?(?:个|项|家|宗|份|万|亿)"
FIGURE_RULES: Mapping[str, re.Pattern[str]] = {
    "signing": re.compile(rf"(?:签约|签订|签署)[^。；]{{0,24}}{_NUMBER}|{_NUMBER}[^。；]{{0,16}}(?:签约|签订|签署)"),
    "project_progress": re.compile(
        rf"(?:开工|投产|奠基|竣工|动工)[^。；]{{0,24}}(?:投资)?[^。；]{{0,8}}{_NUMBER}|总投资[^。；]{{0,12}}{_NUMBER}[^。；]{{0,24}}(?:开工|投产|奠基|竣工|建设)"
    ),
}


@dataclass(frozen=True)
class Votes:
    """What the labelling functions say of n articles."""

    keywords: Array  # (n, n_outputs): log(1 + score / threshold); 0 where no word was found
    ngrams: Array  # (n, n_outputs): logits
    shared: Array  # (n, n_shared): figures by rule, domain score, section, whether there is a title


class LabelModel:
    """Soft labels from votes: one logistic regression an output."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.taxonomy = taxonomy
        self._keywords = Keywords()
        self._ngrams: LexicalModel | None = None
        self._models: list[Any] = []

    def fit(self, train: Sequence[Example], sections: Sequence[str | None], n_ngrams: int = 60_000) -> None:
        """Learn how far each labelling function is to be believed.

        Args:
            train: annotated articles, cut as the unannotated ones are.
            sections: the section of each, where known.
            n_ngrams: n-grams of the n-gram voter.

        """
        # Reprints of one article are in one fold: a vote on what was seen would be too sure.
        groups = group_reprints([e.article.text for e in train])
        side = dict(zip(dict.fromkeys(groups), np.random.default_rng(0).permutation(len(set(groups))) % _FOLDS, strict=True))
        fold = np.array([side[group] for group in groups])
        out_of_fold = np.zeros((len(train), self.n_outputs))
        pages = [page_of(e.article.title, e.article.text) for e in train]
        for k in range(_FOLDS):
            part = fit_lexical([e for e, f in zip(train, fold, strict=True) if f != k], self.taxonomy, n_ngrams)
            held = np.flatnonzero(fold == k)
            out_of_fold[held] = part.run([pages[i] for i in held]).numpy()
        self._ngrams = fit_lexical(train, self.taxonomy, n_ngrams)
        votes = self._votes([e.article for e in train], sections, out_of_fold)
        gold = marks_of(train, self.taxonomy)
        self._models = []
        for output in range(self.n_outputs):
            marks = gold[:, output]
            if not 0 < marks.sum() < len(marks):
                self._models.append(_SURE if marks.any() else -_SURE)
                continue
            features = self._features(votes, output)
            scaler = StandardScaler().fit(features)
            fitted = LogisticRegression(C=1.0, max_iter=500).fit(scaler.transform(features), marks)
            self._models.append((scaler, fitted))

    @property
    def n_outputs(self) -> int:
        """Return the number of outputs: activities, industries, main activities."""
        return 2 * len(self.taxonomy.activity) + len(self.taxonomy.industry)

    def logits(self, articles: Sequence[Article], sections: Sequence[str | None]) -> Array:
        """Return (n, n_outputs) log-odds, in the order of a classifier's outputs."""
        if self._ngrams is None:
            raise ValueError("fit comes first")
        ngrams = self._ngrams.run([page_of(a.title, a.text) for a in articles]).double().numpy()
        votes = self._votes(articles, sections, ngrams)
        out = np.empty((len(articles), self.n_outputs))
        for output, model in enumerate(self._models):
            if isinstance(model, float):
                out[:, output] = model
            else:
                scaler, fitted = model
                out[:, output] = fitted.decision_function(scaler.transform(self._features(votes, output)))
        return out

    def probs(self, articles: Sequence[Article], sections: Sequence[str | None]) -> npt.NDArray[np.float32]:
        """Return (n, n_outputs) probabilities: of each activity and industry, and over the main activities."""
        logits = self.logits(articles, sections)
        n_labels = len(self.taxonomy.activity) + len(self.taxonomy.industry)
        return np.concatenate([expit(logits[:, :n_labels]), softmax(logits[:, n_labels:], axis=1)], axis=1).astype(np.float32)

    def _votes(self, articles: Sequence[Article], sections: Sequence[str | None], ngrams: Array) -> Votes:
        keywords = np.zeros((len(articles), self.n_outputs))
        shared = np.zeros((len(articles), len(FIGURE_RULES) + 3))
        for row, (article, section) in enumerate(zip(articles, sections, strict=True)):
            activity, industry, domain = self._keywords.scores(article)
            found = [activity.get(key, 0.0) for key in self.taxonomy.activity]
            scores = [*found, *(industry.get(key, 0.0) for key in self.taxonomy.industry), *found]
            keywords[row] = np.log1p(np.maximum(scores, 0.0))
            shared[row] = [
                *(float(bool(rule.search(article.text))) for rule in FIGURE_RULES.values()),
                np.tanh(domain - 1), float(section in OUTSIDE_SECTIONS), float(article.title is None),
            ]  # fmt: skip
        return Votes(keywords, ngrams, shared)

    def _features(self, votes: Votes, output: int) -> Array:
        """Return the votes that bear on one output: its own, and those on the strongest of the other labels of its group."""
        n_activity, n_labels = len(self.taxonomy.activity), len(self.taxonomy.activity) + len(self.taxonomy.industry)
        first, last = (0, n_activity) if output < n_activity else (n_activity, n_labels) if output < n_labels else (n_labels, self.n_outputs)
        others = [i for i in range(first, last) if i != output]
        own = np.stack([votes.keywords[:, output], votes.ngrams[:, output], votes.keywords[:, others].max(1), votes.ngrams[:, others].max(1)], axis=1)
        return np.concatenate([own, votes.shared], axis=1)

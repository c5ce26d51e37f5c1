"""Labelling functions over unannotated articles, and the label model that turns their votes into soft labels.

Four kinds vote: the keyword rules by label on title and lead, an n-gram model fitted on the annotated articles, amounts and counts that stand
beside words of signing or building (all of these as in a checkpoint, ``models/votes.py``), and the section a newspaper printed the article in. How far each is to be believed is learnt on the
annotated articles, where the n-grams vote out of fold. Source of the idea: data programming (arXiv 1605.07723), with annotated articles in place of a generative model.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import expit, softmax

from data.schema import Article, Example
from data.taxonomy import Taxonomy
from models.votes import VoteModel
from training.lexical import NgramFit, marks_of
from training.votes import draw_folds, fit_weights, pages_of, read_lexicon

Array = npt.NDArray[np.float32]
# Sections of the corpora that hardly ever report investment promotion: culture, sports, society, world, Chinese abroad, health, life, universities, theory.
OUTSIDE_SECTIONS = frozenset({"cul", "ty", "sh", "gj", "hr", "jk", "life", "university", "ll", "finqa", "num"})


class LabelModel:
    """Soft labels from votes: one logistic regression an output."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.taxonomy = taxonomy
        self._votes: VoteModel | None = None
        self._weights: Array
        self._bias: Array

    def fit(self, train: Sequence[Example], sections: Sequence[str | None], n_ngrams: int = 60_000) -> None:
        """Learn how far each labelling function is to be believed.

        Args:
            train: annotated articles, cut as the unannotated ones are.
            sections: the section of each, where known.
            n_ngrams: n-grams of the n-gram voter.

        """
        ngrams = NgramFit(train, self.taxonomy)
        self._votes = VoteModel(ngrams.fit(n_ngrams), self.taxonomy, read_lexicon(self.taxonomy))
        features = _with_sections(self._votes.features(pages_of(train), ngrams.out_of_fold(draw_folds(train))), sections)
        self._weights, self._bias = fit_weights(features, marks_of(train, self.taxonomy), self.taxonomy)

    @property
    def n_outputs(self) -> int:
        """Return the number of outputs: activities, industries, main activities."""
        return 2 * len(self.taxonomy.activity) + len(self.taxonomy.industry)

    def logits(self, articles: Sequence[Article], sections: Sequence[str | None]) -> Array:
        """Return (n, n_outputs) log-odds, in the order of a classifier's outputs."""
        if self._votes is None:
            raise ValueError("fit comes first")
        pages = [(a.title, a.text) for a in articles]
        features = _with_sections(self._votes.features(pages, self._votes.run_ngrams(pages)), sections)
        logits: Array = np.einsum("nof,of->no", features, self._weights) + self._bias
        return logits

    def probs(self, articles: Sequence[Article], sections: Sequence[str | None]) -> Array:
        """Return (n, n_outputs) probabilities: of each activity and industry, and over the main activities."""
        logits = self.logits(articles, sections)
        n_labels = len(self.taxonomy.activity) + len(self.taxonomy.industry)
        return np.concatenate([expit(logits[:, :n_labels]), softmax(logits[:, n_labels:], axis=1)], axis=1).astype(np.float32)


def _with_sections(features: Array, sections: Sequence[str | None]) -> Array:
    """Return (n, n_outputs, n_features) votes with one more: whether the section hardly ever reports investment promotion."""
    outside = np.array([section in OUTSIDE_SECTIONS for section in sections], dtype=np.float32)
    return np.concatenate([features, np.broadcast_to(outside[:, None, None], (*features.shape[:2], 1))], axis=2)

"""What speaks for a label beside the encoder: n-grams, hand-written words, and where they stand, weighed by one linear model a label.

A compact encoder that has read a few thousand annotated articles misses set phrases (n-grams know them) and rare words of an industry (the lexicon knows them). Each output
has a logistic regression over the votes of both; its logits are added to the encoder's. Everything is in the checkpoint: ``lexical.safetensors``, ``lexicon.json``,
``votes.safetensors``. Source of the idea: stacking (Wolpert 1992), data programming (arXiv 1605.07723) with annotated articles in place of a generative model.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy.special import softmax
from torch import Tensor

from data.errors import CheckpointRefused
from data.taxonomy import OTHER, Taxonomy
from models.lexical import LexicalModel, join_lines, page_of
from models.lexicon import LEXICON_FILE, PLACES, Lexicon

VOTES_FILE = "votes.safetensors"
Array = npt.NDArray[np.float32]
_OWN = ("ngrams", "ngrams_best_other", "words", "words_best_other", "words_in_title", "words_in_lead", "words_in_body")
_SHARED = ("domain", "domain_in_title", "domain_in_lead", "no_title", "figures_of_signing", "figures_of_building", "log_characters")
_TYPICAL = 6.0  # logarithm of the characters of an article, about: keeps that feature near 0
_SURE = 9.0  # logits beyond this say no more
_SHARPNESS = 1.5  # of the n-grams' logits of main activities, which are far from sure of themselves


def feature_names(taxonomy: Taxonomy) -> list[str]:
    """Return the votes on one output, in the order of the weights.

    Industries weigh each vote twice, by how likely the article is of the domain and is not: what a signing names counts, what a social story mentions hardly ever does.
    """
    votes = [
        *_OWN, *_SHARED, *(f"industry_{name}" for name in PLACES), "industry_share", "industry_behind_best", *(f"main/{key}" for key in taxonomy.activity),
    ]  # fmt: skip
    return [*votes, *(f"outside_{name}" for name in votes), "outside"]


class VoteModel:
    """Logits of all votes on an article."""

    def __init__(
        self, lexical: LexicalModel, taxonomy: Taxonomy, lexicon: Lexicon | None = None, weights: Array | None = None, bias: Array | None = None
    ) -> None:
        """Join the parts.

        Args:
            lexical: the n-grams.
            taxonomy: labels, in the order of the outputs: activities, industries, main activities.
            lexicon: the words; n-grams alone vote without.
            weights: (n_outputs, n_features) float32; the n-grams' own logits alone if absent.
            bias: (n_outputs,) float32; zeros if absent.

        """
        self.lexical = lexical
        self.lexicon = lexicon
        self.taxonomy = taxonomy
        n_outputs = len(lexical.bias)
        self.bias: Array = np.zeros(n_outputs, dtype=np.float32) if bias is None else bias
        if weights is None:
            weights = np.zeros((n_outputs, len(feature_names(taxonomy))), dtype=np.float32)
            weights[:, 0] = 1
        self.weights: Array = weights

    def run(self, pages: Sequence[tuple[str | None, str]]) -> Tensor:
        """Return (n_pages, n_outputs) float32 logits of cleaned (title, text) pairs."""
        return torch.from_numpy(self.combine(self.features(pages, self.run_ngrams(pages))))

    def run_ngrams(self, pages: Sequence[tuple[str | None, str]]) -> Array:
        """Return (n_pages, n_outputs) logits of the n-grams alone."""
        return np.asarray(self.lexical.run([page_of(title, text) for title, text in pages]), dtype=np.float32)

    def combine(self, features: Array) -> Array:
        """Return (n_pages, n_outputs) logits of (n_pages, n_outputs, n_features) votes."""
        return np.asarray(np.einsum("nof,of->no", features, self.weights) + self.bias, dtype=np.float32)

    def features(self, pages: Sequence[tuple[str | None, str]], ngrams: Array) -> Array:
        """Return (n_pages, n_outputs, n_features) votes, in the order of ``feature_names``.

        Args:
            pages: cleaned (title, text) pairs.
            ngrams: (n_pages, n_outputs) logits of n-grams: of ``run_ngrams``, or of models that have not seen these pages, to fit the weights.

        """
        n_activity, n_industry = len(self.taxonomy.activity), len(self.taxonomy.industry)
        n_labels = n_activity + n_industry
        n_votes = len(feature_names(self.taxonomy)) // 2
        whole = np.zeros((len(pages), ngrams.shape[1], 2 * n_votes + 1), dtype=np.float32)
        out = whole[:, :, :n_votes]
        out[:, :, 0] = ngrams
        if self.lexicon is None:
            return whole
        groups = (slice(0, n_activity), slice(n_activity, n_labels), slice(n_labels, None))
        out[:, :, -n_activity:] = 1 / (1 + np.exp(-np.clip(ngrams[:, None, n_labels:], -_SURE, _SURE)))
        for group in groups:
            out[:, group, 1] = _best_other(ngrams[:, group])
        for row, (title, lines) in enumerate(pages):
            text = join_lines(lines)
            page = self.lexicon.page(title, text)
            words = np.log1p(np.maximum(self.lexicon.score_labels(page), 0))
            words = np.concatenate([words, words[:n_activity]])  # a main activity has the words of the activity
            out[row, :, 2], out[row, :, 4:7] = words[:, 3], words[:, :3]
            for group in groups:
                out[row, group, 3] = _best_other(words[None, group, 3])[0]
            in_title, in_lead, domain = self.lexicon.score_domain(page)
            shared = (
                np.tanh(domain - 1), np.log1p(max(in_title, 0)), np.log1p(max(in_lead, 0)), float(not title),
                *(float(found) for found in self.lexicon.find_figures(text)), np.log(max(len(text), 1)) - _TYPICAL,
            )  # fmt: skip
            first = len(_OWN) + len(_SHARED)
            out[row, :, len(_OWN) : first] = shared
            places = self.lexicon.place_industries(title, text)
            found = places[:, PLACES.index("words")]
            out[row, groups[1], first : first + len(PLACES)] = np.log1p(places)
            out[row, groups[1], first + len(PLACES)] = found / (found.sum() + 1)
            out[row, groups[1], first + len(PLACES) + 1] = np.log1p(found.max(initial=0)) - np.log1p(found)
        outside = softmax(_SHARPNESS * ngrams[:, n_labels:], axis=1)[:, self.taxonomy.activity.index(OTHER), None, None]
        whole[:, groups[1], n_votes:-1] = out[:, groups[1]] * outside
        out[:, groups[1]] *= 1 - outside
        whole[:, groups[1], -1:] = outside
        return whole

    def attribute(self, page: str, cuts: Sequence[int]) -> Array:
        """Return what the n-grams of each piece of a page add to the logits, (n_pieces, n_outputs); see ``LexicalModel.attribute``."""
        return np.asarray(self.lexical.attribute(page, cuts) * self.weights[:, 0], dtype=np.float32)

    def scale(self, factors: Array) -> None:
        """Multiply the logits of each output by its factor, in place."""
        self.weights = (self.weights * factors[:, None]).astype(np.float32)
        self.bias = (self.bias * factors).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write ``lexical.safetensors`` and, with a lexicon, ``lexicon.json``; ``votes.safetensors`` always."""
        self.lexical.save(folder)
        save_file({"weights": self.weights, "bias": self.bias}, folder / VOTES_FILE)
        if self.lexicon is not None:
            self.lexicon.save(folder)

    @classmethod
    def load(cls, folder: Path, taxonomy: Taxonomy) -> "VoteModel | None":
        """Read what ``save`` wrote; None where the checkpoint has no such part. A folder of n-grams alone is one whose n-grams count once.

        Raises:
            CheckpointRefused: a file is not what ``save`` writes for this taxonomy.

        """
        n_outputs = 2 * len(taxonomy.activity) + len(taxonomy.industry)
        lexical = LexicalModel.load(folder, n_outputs)
        if lexical is None:
            return None
        if not (folder / VOTES_FILE).exists():
            return cls(lexical, taxonomy)
        try:
            tensors = load_file(folder / VOTES_FILE)
            weights, bias = tensors["weights"], tensors["bias"]
            lexicon = Lexicon.load(folder, taxonomy) if (folder / LEXICON_FILE).exists() else None
        except (OSError, KeyError, ValueError, TypeError, SafetensorError) as error:
            raise CheckpointRefused(f"{folder / VOTES_FILE}: cannot be read with its lexicon ({type(error).__name__}: {error})") from error
        if weights.shape != (n_outputs, len(feature_names(taxonomy))) or bias.shape != (n_outputs,):
            raise CheckpointRefused(f"{folder / VOTES_FILE}: weights of shape {weights.shape} for {n_outputs} outputs")
        return cls(lexical, taxonomy, lexicon, weights, bias)


def _best_other(scores: Array) -> Array:
    """Return for each column of (n, n_labels) the largest of the other columns; 0 where there is none."""
    if scores.shape[1] < 2:
        return np.zeros_like(scores)
    order = np.sort(scores, axis=1)
    return np.where(scores == order[:, -1:], order[:, -2:-1], order[:, -1:])

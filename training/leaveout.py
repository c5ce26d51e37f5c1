"""Label errors by leaving out: train on four fifths, look at confident disagreements on the last, for every fifth.

``python -m training leaveout --data … --output suspects.jsonl`` writes one line a suspected label, the most confident first: ``id``, ``group``, ``label``,
``kind`` (``missing``: expected but not annotated; ``extra``: annotated but not expected), ``prob``, ``margin``. A person reads the articles and decides.

Source: confident learning (arXiv 1911.00068), a label at a time: an article is suspected where the probability of the other side reaches the mean that
articles annotated so get.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import expit

from data.dedup import group_reprints
from data.errors import InputError
from data.schema import Example, Group
from data.streams import write_lines
from data.taxonomy import load_taxonomy
from models.device import pick_device
from training.baselines import TfidfLogistic
from training.config import FinetuneConfig, LeaveoutConfig
from training.dataset import read_examples
from training.finetune import build_classifier, fit, score_examples

logger = logging.getLogger(__name__)
Floats = npt.NDArray[np.float64]
Probs = dict[Group, Floats]  # (n_articles, n_labels) of a group
# What is trained on the first examples and asked about the second.
System = Callable[[Sequence[Example], Sequence[Example]], Probs]


@dataclass(frozen=True)
class Suspect:
    """One label of one article that a system trained on the other articles does not expect."""

    id: str
    group: Group
    label: str
    kind: str
    prob: float  # that the article has the label
    margin: float  # above what articles annotated the other way get on average

    def to_json(self) -> dict[str, Any]:
        """Return the line to write."""
        return {**self.__dict__, "prob": round(self.prob, 4), "margin": round(self.margin, 4)}


def run_leaveout(config: LeaveoutConfig) -> list[Suspect]:
    """Find suspected labels and write them, the widest margin first."""
    examples = read_examples(config.data, config.corpora)
    system = tfidf_probs if config.base is None else finetuned(config)
    suspects = find_suspects(examples, held_out_probs(examples, system, config.folds, config.seed))[: config.most or None]
    write_lines(config.output, (suspect.to_json() for suspect in suspects))
    logger.info("%d suspected labels of %d articles in %s", len(suspects), len({s.id for s in suspects}), config.output)
    return suspects


def held_out_probs(examples: Sequence[Example], system: System, folds: int, seed: int) -> Probs:
    """Return the probabilities of every article by a system that was trained without it, its reprints and its excerpts.

    Raises:
        InputError: fewer articles, reprints counted once, than folds.

    """
    fold_of = deal_folds(examples, folds, seed)
    taxonomy = load_taxonomy()
    probs: Probs = {group: np.zeros((len(examples), len(taxonomy.group(group)))) for group in ("activity", "industry")}
    for fold in range(folds):
        held = np.flatnonzero(fold_of == fold)
        found = system(
            [e for e, own in zip(examples, fold_of, strict=True) if own != fold], [e for e, own in zip(examples, fold_of, strict=True) if own == fold]
        )
        for group, rows in found.items():
            probs[group][held] = rows
        logger.info("fold %d of %d: %d articles", fold + 1, folds, len(held))
    return probs


def deal_folds(examples: Sequence[Example], folds: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the fold of every article: shuffled groups of reprints are dealt in turn, so no fold stays empty."""
    groups = np.array(group_reprints([e.article.text for e in examples]), np.int64)
    own = np.unique(groups)
    if len(own) < folds:
        raise InputError(
            f"{folds} folds need as many articles that are no reprints of one another, got {len(own)}; give more articles or fewer folds"
        )
    fold_of_group = np.zeros(len(examples), np.int64)  # a group's number is the place of its first article
    fold_of_group[np.random.default_rng(seed).permutation(own)] = np.arange(len(own)) % folds
    return fold_of_group[groups]


def find_suspects(examples: Sequence[Example], probs: Probs) -> list[Suspect]:
    """Return the labels whose held-out probability speaks for the other side, the widest margin first."""
    taxonomy, suspects = load_taxonomy(), []
    for group, rows in probs.items():
        for column, label in enumerate(taxonomy.group(group)):
            p = rows[:, column]
            has = np.array([label in (e.annotation.activity if group == "activity" else e.annotation.industry) for e in examples])
            if not has.any() or has.all():
                continue
            above, below = p - p[has].mean(), p[~has].mean() - p
            for i in np.flatnonzero(np.where(has, below, above) >= 0).tolist():
                margin = float(below[i] if has[i] else above[i])
                suspects.append(Suspect(examples[i].article.id, group, label, "extra" if has[i] else "missing", float(p[i]), margin))
    return sorted(suspects, key=lambda s: (-s.margin, s.id, s.label))


def tfidf_probs(train: Sequence[Example], held: Sequence[Example]) -> Probs:
    """Return the probabilities of the TF-IDF baseline."""
    baseline = TfidfLogistic()
    baseline.fit(train)
    return {group: baseline.probs(group, [e.article for e in held]) for group in ("activity", "industry")}


def finetuned(config: LeaveoutConfig) -> System:
    """Return a system that fine-tunes the base of the config for each fold."""
    taxonomy, device = load_taxonomy(), pick_device(config.device)
    settings = FinetuneConfig(
        base=config.base or "", output=config.output, epochs=config.epochs, max_length=config.max_length, lr=config.lr, seed=config.seed
    )

    def probs_of(train: Sequence[Example], held: Sequence[Example]) -> Probs:
        torch.manual_seed(config.seed)
        tokenizer, model = build_classifier(settings, taxonomy)
        model.to(device)
        fit(model, tokenizer, train, (), taxonomy, settings, device)
        scores = score_examples(model, tokenizer, held, taxonomy, settings.max_length, device)
        return {"activity": expit(scores.activity), "industry": expit(scores.industry)}

    return probs_of

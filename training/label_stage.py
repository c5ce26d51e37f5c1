"""The second pretraining stage: an encoder reads articles of the corpora with the soft labels of labelling functions.

``python -m training pretrain labels --base RUN/base --data data/processed --corpora DIR --output RUN2`` labels 100,000 unannotated articles (``labelling.py``) and trains on their beginnings.
It teaches the words of the labels far more cheaply than masking does. With ``--teacher CHECKPOINT`` a fine-tuned classifier labels them instead. ``RUN2/base`` is a sequence-classification folder that ``finetune classifier`` takes as any other base;
``RUN2/stage.json`` sets the student beside the labels it was taught by: one that does not come up to them has not learned.
"""

import hashlib
import heapq
import json
import logging
import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import logit
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from data.clean import clean_text, clean_title
from data.dedup import shingles
from data.errors import InputError
from data.schema import Article, Example
from data.taxonomy import Taxonomy, load_taxonomy
from models.classifier import encode_article, split_groups
from models.device import pick_device
from models.predictor import Predictor
from models.registry import open_checkpoint
from training.calibration import Scores, decoded_f1, fit_decoding
from training.card import describe_base
from training.config import FinetuneConfig, LabelsConfig, named_config
from training.corpus import Document, iter_documents, register_density
from training.dataset import Splits, read_splits
from training.finetune import build_classifier, classification_loss, score_examples, shorten
from training.labelling import LabelModel
from training.lexical import marks_of
from training.steps import build_optimizers, check_cache, half_weights, load_state, run_steps

logger = logging.getLogger(__name__)
_MIN_CHARACTERS = 120
_REPRINT_GRAM, _REPRINT_SHARE = 13, 0.2  # sequences of 13 characters are hardly ever shared by articles written apart
_SOURCES = ("news", "indomain", "broadcast")
_WITHOUT_TITLE = 0.2  # share of the articles that train without their headline: crawls often lose it
_CHUNK = 2000
_ONE_WINDOW = 10**6
_BATCH = 64  # articles a teacher labels at once: their windows share batches
_LEAST = 1e-6  # probability


def pretrain_on_labels(config: LabelsConfig) -> Path:
    """Run the stage; resumes where it stopped; returns the folder of the base."""
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    device, taxonomy = pick_device(config.device), load_taxonomy()
    settings = FinetuneConfig(base=str(config.base), output=config.output, max_length=config.max_length)
    tokenizer, model = build_classifier(settings, taxonomy)
    splits = read_splits(config.data, config.corpora, 0.2)
    teacher = prepare_articles(config, tokenizer, splits, taxonomy)
    stream = LabelledArticles(config, int(tokenizer.pad_token_id), taxonomy)
    model.to(device)
    optimizers = build_optimizers(model, config)
    progress = load_state(config.output / "state", model, optimizers)
    if config.compile and device.type == "cpu" and shutil.which("g++"):
        model.forward = torch.compile(model.forward, dynamic=False)

    def compute(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.float()
        return classification_loss(logits, split_groups(batch["labels"], taxonomy), taxonomy)

    def keep(name: str) -> None:
        folder = config.output / name
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(str(folder), state_dict=half_weights(model))
        tokenizer.save_pretrained(str(folder))

    run_steps(model, optimizers, stream, compute, config, progress, device, keep)
    model.__dict__.pop("forward", None)
    keep("base")
    student = _figures(score_examples(model, tokenizer, _cut(splits.development, config), taxonomy, config.max_length, device), taxonomy)
    summary = {
        "config": named_config(config), "articles": stream.n_articles, "passes": round(progress["step"] * config.batch_articles / stream.n_articles, 2),
        "development": {"teacher": teacher, "student": student}, "log": progress["log"],
    }  # fmt: skip
    (config.output / "stage.json").write_text(json.dumps(summary, indent=1) + "\n", "utf-8")
    told = config.base / "pretraining.json"
    if told.exists():
        first = json.loads(told.read_text("utf-8")) | {"stage": {key: value for key, value in summary.items() if key != "log"}}
        describe_base(config.output / "base", first)
    logger.info("development: teacher %s, student %s", teacher, student)
    return config.output / "base"


# Articles -----------------------------------------------------------------------------------------------------


def prepare_articles(config: LabelsConfig, tokenizer: PreTrainedTokenizerBase, splits: Splits, taxonomy: Taxonomy) -> dict[str, float]:
    """Draw, label and encode the articles of a run, if they are not in its cache yet; return the figures of their labels on development."""
    cache = config.output / "cache"
    made_for = {
        "articles": config.articles, "characters": config.characters, "max_length": config.max_length, "seed": config.seed, "vocab_size": len(tokenizer),
        "splits": hashlib.sha256("\n".join(sorted(splits.ids)).encode()).hexdigest(),
        "teacher": open_checkpoint(config.teacher / "classifier", "classifier").sha256 if config.teacher else None,
    }  # fmt: skip
    if (cache / "teacher.json").exists():
        found = json.loads((cache / "teacher.json").read_text("utf-8"))
        check_cache(cache, found["made_for"], made_for)
        figures: dict[str, float] = found["development"]
        return figures
    cache.mkdir(parents=True, exist_ok=True)
    documents = draw_articles(config.corpora, config.articles, splits, config.seed)
    annotated = splits.ids
    sections = {d.id: d.label for d in _iter_pool(config.corpora) if d.id in annotated}
    model = CheckpointLabels(config.teacher, config.device, taxonomy) if config.teacher else LabelModel(taxonomy)
    if isinstance(model, LabelModel):
        train = _cut(splits.train, config)
        model.fit(train, [sections.get(e.article.id) for e in train])
    development = _cut(splits.development, config)
    logits = model.logits([e.article for e in development], [sections.get(e.article.id) for e in development])
    teacher = _figures(_scores(logits, development, taxonomy), taxonomy)
    logger.info("%d articles to label; the labels on development: %s", len(documents), teacher)
    rows: list[tuple[int, ...]] = []
    targets = []
    rng = random.Random(config.seed)
    for start in range(0, len(documents), _CHUNK):
        chunk = documents[start : start + _CHUNK]
        articles = [Article(d.id, clean_text(d.text[: 2 * config.characters]).text[: config.characters], clean_title(d.title)) for d in chunk]
        targets.append(model.probs(articles, [d.label for d in chunk]).astype(np.float16))
        for article in articles:
            title = None if rng.random() < _WITHOUT_TITLE else article.title
            ids = encode_article(tokenizer, title, article.text, _ONE_WINDOW).input_ids[0]  # split_windows would share a longer text out evenly
            rows.append(ids if len(ids) <= config.max_length else (*ids[: config.max_length - 1], ids[-1]))
        logger.info("labelled %d of %d articles", len(rows), len(documents))
    np.save(cache / "tokens.npy", np.concatenate([np.array(row, dtype=np.uint16) for row in rows]))
    np.save(cache / "bounds.npy", np.cumsum([0, *map(len, rows)], dtype=np.int64))
    np.save(cache / "targets.npy", np.concatenate(targets))
    (cache / "teacher.json").write_text(json.dumps({"made_for": made_for, "development": teacher}) + "\n", "utf-8")
    return teacher


class CheckpointLabels:
    """A fine-tuned classifier in the place of labelling functions: it labels articles that nobody has read, and its successor learns from many more than were annotated.

    Source: self-training, as in noisy student (arXiv 1911.04252).
    """

    def __init__(self, checkpoint: Path, device: str, taxonomy: Taxonomy) -> None:
        """Load ``checkpoint/classifier``.

        Raises:
            InputError: it was made for other labels.

        """
        self._predictor = Predictor.load(checkpoint, device)
        if self._predictor.taxonomy.sha256 != taxonomy.sha256:
            raise InputError(f"{checkpoint}: made for another taxonomy, it cannot teach these labels")

    def probs(self, articles: Sequence[Article], _sections: Sequence[str | None]) -> np.ndarray[Any, Any]:
        """Return the checkpoint's probabilities, (n_articles, n_outputs)."""
        parts = [self._predictor.label_probs(articles[first : first + _BATCH]) for first in range(0, len(articles), _BATCH)]
        return np.concatenate(parts)

    def logits(self, articles: Sequence[Article], sections: Sequence[str | None]) -> np.ndarray[Any, Any]:
        """Return them as logits."""
        return np.asarray(logit(np.clip(self.probs(articles, sections), _LEAST, 1 - _LEAST)))


def draw_articles(corpora: Path, n: int, splits: Splits, seed: int) -> list[Document]:
    """Return up to ``n`` articles of the corpora, those richest in words of the trade, in random order.

    No annotated article is among them, and no reprint of one that measures.
    """
    richest = heapq.nlargest(n, iter_unread(corpora, splits), key=lambda d: (register_density(d.text), d.id))
    random.Random(seed).shuffle(richest)
    return richest


def iter_unread(corpora: Path, splits: Splits) -> Iterator[Document]:
    """Yield the articles of the corpora that are neither annotated nor reprints of one that measures."""
    known = splits.ids
    measured = {gram for part in (splits.development, splits.calibration, *splits.tests.values()) for e in part for gram in _grams(e.article.text)}
    return (d for d in _iter_pool(corpora) if d.id not in known and not _is_reprint(d, measured))


def _iter_pool(corpora: Path) -> Iterator[Document]:
    for path in sorted(corpora.glob("*.jsonl.zst")):
        if path.name.startswith(_SOURCES):
            yield from (document for document in iter_documents(path) if len(document.text) >= _MIN_CHARACTERS)


def _grams(text: str) -> set[str]:
    return shingles("".join(text[:400].split()), _REPRINT_GRAM)


def _is_reprint(document: Document, measured: set[str]) -> bool:
    own = _grams(document.text)
    return len(own & measured) > _REPRINT_SHARE * len(own)


def _cut(examples: Sequence[Example], config: LabelsConfig) -> list[Example]:
    return [shorten(example, config.characters) for example in examples]


def _scores(logits: np.ndarray[Any, Any], examples: Sequence[Example], taxonomy: Taxonomy) -> Scores:
    n_activity, n_labels = len(taxonomy.activity), len(taxonomy.activity) + len(taxonomy.industry)
    gold = marks_of(examples, taxonomy).astype(np.float64)
    return Scores(
        logits[:, :n_activity], logits[:, n_activity:n_labels], logits[:, n_labels:],
        gold[:, :n_activity], gold[:, n_activity:n_labels], gold[:, n_labels:].argmax(1),
    )  # fmt: skip


def _figures(scores: Scores, taxonomy: Taxonomy) -> dict[str, float]:
    activity, industry = decoded_f1(scores, taxonomy, fit_decoding(scores, taxonomy))
    accuracy = float((scores.main.argmax(1) == scores.gold_main).mean())
    return {"activity_micro_f1": round(activity, 4), "industry_micro_f1": round(industry, 4), "main_accuracy": round(accuracy, 4)}


class LabelledArticles:
    """Batches of articles and their soft labels by step number; every pass has an order of its own."""

    def __init__(self, config: LabelsConfig, pad_id: int, taxonomy: Taxonomy) -> None:
        """Map the cache of ``config.output`` into memory."""
        cache = config.output / "cache"
        self.config = config
        self.pad_id = pad_id
        self.tokens = np.load(cache / "tokens.npy", mmap_mode="r")
        self.bounds = np.load(cache / "bounds.npy")
        self.targets = np.load(cache / "targets.npy", mmap_mode="r")
        self.n_articles = len(self.bounds) - 1
        self.batches_a_pass = max(1, self.n_articles // config.batch_articles)
        self._order: tuple[int, np.ndarray[Any, Any]] = (-1, np.empty(0, dtype=np.int64))

    def draw(self, step: int, progress: float) -> dict[str, Tensor]:
        """Return input_ids, attention_mask (n_rows, max_length) and labels (n_rows, n_outputs) of a step."""
        number, place = divmod(step, self.batches_a_pass)
        if self._order[0] != number:
            self._order = (number, np.random.default_rng((self.config.seed, number)).permutation(self.n_articles))
        size = min(self.config.batch_articles, self.n_articles)
        chosen = self._order[1][place * size : (place + 1) * size]
        # One width for all batches: the compiled graph is made for one shape.
        input_ids = np.full((size, self.config.max_length), self.pad_id, dtype=np.int64)
        for row, article in enumerate(chosen):
            ids = self.tokens[self.bounds[article] : self.bounds[article + 1]]
            input_ids[row, : len(ids)] = ids
        ids_of = torch.from_numpy(input_ids)
        labels = torch.from_numpy(np.asarray(self.targets[chosen], dtype=np.float32))
        return {"input_ids": ids_of, "attention_mask": (ids_of != self.pad_id).long(), "labels": labels}

    def characters_of(self, batch: dict[str, Tensor]) -> int:
        """Return the tokens of a batch without padding (characters for a tokenizer of characters)."""
        return int(batch["attention_mask"].sum())

    def characters_a_label(self, batch: dict[str, Tensor]) -> float:
        """Return 1: a label is a label."""
        return 1.0

"""Training of the copying summariser (``models/copynet.py``): a stage on public articles, and the batches that fine-tuning shares with it.

``python -m training pretrain copy --base ENCODER --corpora DIR --output RUN`` teaches a fresh decoder on titles, briefs and the sentences that cover an article best, all of them short texts made of
their article's own words; ``finetune summarizer --base RUN/base`` goes on with annotators' summaries. With ``--selection CHECKPOINT`` most targets are the summaries that the choice of clauses makes of
articles nobody has read: the decoder learns what it is to replace, and everything in them is supported.

Source of the latter: sequence-level knowledge distillation (arXiv 1606.07947).
"""

import json
import random
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerBase

from data.errors import InputError
from data.taxonomy import load_taxonomy
from models.copynet import IGNORE, NOT_COPIED, TASKS, CopyNet, CopySource, CopyTokens, DecoderConfig, is_copynet, load_copynet, save_copynet
from models.device import pick_device
from models.faithfulness import check_summary
from models.outcomes import build_outcomes
from models.registry import open_checkpoint
from models.selector import ClauseSelector
from training.config import CopyConfig, named_config
from training.corpus import Document
from training.dataset import read_splits
from training.label_stage import draw_articles, iter_unread
from training.pairs import BRIEF, COPY, TITLE, draw_target
from training.steps import load_state, run_steps

_MARKS = dict(zip((TITLE, BRIEF, COPY), TASKS, strict=True))
_LEAD = 60  # characters that are asked for where an article has neither title nor brief nor central sentences
_WITH_TITLE = 0.7  # share of the sources, other than those that ask for it, that begin with the headline
SOURCE_CHARACTERS = 360  # that a copying decoder reads of an article in fine-tuning and serving
_READ = 3000  # characters of an article that a teacher reads
_POOL = 8  # batches drawn at once and sorted by length, so that little is padded
_STEP = 32  # sources are padded to multiples: few shapes
_ENCODER_RATE = 0.3  # of the decoder's: it has read before
Pair = tuple[CopySource, list[int], int]  # source, target, task


def pretrain_copying(config: CopyConfig) -> Path:
    """Run the stage; resumes where it stopped; returns the folder of the base.

    Raises:
        InputError: the base has no embeddings to share, or the corpora no articles.

    """
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    device = pick_device(config.device)
    if is_copynet(config.base):
        tokenizer, before = load_copynet(config.base)
        model = CopyNet(before.encoder, replace(before.config, follows=True), CopyTokens(tokenizer).copied_only)
        model.load_state_dict(before.state_dict(), strict=False)  # one that did not know what follows learns it
    else:
        tokenizer = AutoTokenizer.from_pretrained(config.base, trust_remote_code=False)
        model = build_copynet(config.base, tokenizer, DecoderConfig(n_layers=config.decoder_layers, follows=True))
    model.to(device)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0  # hardly an article is read twice, and drawing the masks takes an eighth of a step
    stream = CopyStream(read_articles(config), CopyTokens(tokenizer), config)
    optimizers: list[torch.optim.Optimizer] = [torch.optim.AdamW(rates_of(model, config.lr), betas=(0.9, 0.98), weight_decay=0.01)]
    progress = load_state(config.output / "state", model, optimizers)

    def compute(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        found: Tensor = model.loss(batch)  # type: ignore[operator]
        return found

    def keep(name: str) -> None:
        shutil.rmtree(config.output / name, ignore_errors=True)
        save_copynet(model, tokenizer, config.output / name)

    run_steps(model, optimizers, stream, compute, config, progress, device, keep)
    keep("base")
    told = {"config": named_config(config), "articles": stream.n_articles, "log": progress["log"]}
    (config.output / "base" / "pretraining.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    return config.output / "base"


def build_copynet(base: Path, tokenizer: PreTrainedTokenizerBase, decoder: DecoderConfig) -> CopyNet:
    """Return a network with the encoder of a base and a fresh decoder.

    Raises:
        InputError: an encoder of another architecture than our own bases.

    """
    # torch's own attention takes three times as long backwards on a CPU as that of three plain products.
    encoder = AutoModel.from_pretrained(base, trust_remote_code=False, dtype=torch.float32, attn_implementation="eager")
    if encoder.config.model_type != "modernbert":
        raise InputError(f"{base}: the copying decoder needs an encoder that `pretrain encoder` makes (modernbert), not {encoder.config.model_type}")
    return CopyNet(encoder, decoder, CopyTokens(tokenizer).copied_only)


def rates_of(model: CopyNet, lr: float) -> list[dict[str, object]]:
    """Return parameter groups: the encoder learns at ``_ENCODER_RATE`` of the decoder's rate; ``scale`` is kept by ``run_steps``."""
    inside = [p for name, p in model.named_parameters() if name.startswith("encoder.")]
    fresh = [p for name, p in model.named_parameters() if not name.startswith("encoder.")]
    return [{"params": inside, "lr": lr * _ENCODER_RATE, "scale": _ENCODER_RATE}, {"params": fresh, "lr": lr, "scale": 1.0}]


def read_articles(config: CopyConfig) -> list[Document]:
    """Return the articles of the corpora, without those that are annotated and reprints of those that measure, in random order.

    Raises:
        InputError: none.

    """
    splits = read_splits(config.data, config.corpora, 0.2)
    found = draw_articles(config.corpora, config.articles, splits, config.seed) if config.articles else list(iter_unread(config.corpora, splits))
    if not found:
        raise InputError(f"{config.corpora}: no articles that are not annotated")
    random.Random(config.seed).shuffle(found)
    return found


class CopyStream:
    """Batches by step number: ``_POOL`` of them are drawn together and sorted by length."""

    def __init__(self, articles: Sequence[Document], tokens: CopyTokens, config: CopyConfig) -> None:
        """Take the articles, in the order in which they are read."""
        self.articles, self.tokens, self.config = articles, tokens, config
        self.teacher = None if config.selection is None else SelectionTeacher(config.selection)
        self.n_articles = len(articles)
        self._pool: tuple[int, list[list[Pair]]] = (-1, [])

    def draw(self, step: int, progress: float) -> dict[str, Tensor]:
        """Return the batch of a step, the same one each time."""
        number, place = divmod(step, _POOL)
        if self._pool[0] != number:
            self._pool = (number, self._draw_pool(number))
        return collate(self._pool[1][place], self.tokens)

    def _draw_pool(self, number: int) -> list[list[Pair]]:
        size = self.config.batch_articles
        rng = np.random.default_rng((self.config.seed, number))
        places = range(number * _POOL * size, (number + 1) * _POOL * size)
        pairs = [draw_pair(self.articles[place % self.n_articles], self.tokens, self.config, rng, self.teacher) for place in places]
        pairs.sort(key=lambda pair: len(pair[0].input_ids))
        batches = [pairs[i : i + size] for i in range(0, len(pairs), size)]
        return [batches[i] for i in rng.permutation(len(batches))]

    def characters_of(self, batch: dict[str, Tensor]) -> int:
        """Return the tokens that a batch reads."""
        return int(batch["attention_mask"].sum())

    def characters_a_label(self, batch: dict[str, Tensor]) -> float:
        """Return 1: losses are of tokens."""
        return 1.0


class SelectionTeacher:
    """The shipped way to summarise, as a teacher: what it would give a decoder to read, and the summary that it makes of the article's clauses."""

    def __init__(self, folder: Path) -> None:
        """Load a selection checkpoint.

        Raises:
            CheckpointRefused: it is none.

        """
        open_checkpoint(folder, "selection")
        self._selector, self._taxonomy = ClauseSelector.load(folder), load_taxonomy()

    def pair(self, document: Document, max_characters: int) -> tuple[str, str] | None:
        """Return the sentences picked, of up to ``max_characters``, and the summary; None where the clauses make none or one that the article does not support."""
        text = document.text[:_READ]
        outcomes = build_outcomes(text, document.title)
        own = (text, document.title, outcomes, (), self._taxonomy)
        summary = self._selector.summarize(*own)
        return None if not summary or check_summary(summary, text, document.title) else (self._selector.pick_sentences(*own, max_characters), summary)


def draw_pair(document: Document, tokens: CopyTokens, config: CopyConfig, rng: np.random.Generator, teacher: SelectionTeacher | None = None) -> Pair:
    """Return source and target of a task drawn for an article: what a teacher makes of it, or one of ``training.pairs``; no sentence is hidden: it is to be copied."""
    taught = teacher.pair(document, SOURCE_CHARACTERS) if teacher is not None and rng.random() < config.selected else None
    if taught is not None:
        source = tokens.read(document.title if rng.random() < _WITH_TITLE else None, taught[0], config.max_length)
        return source, tokens.target(taught[1], source, DecoderConfig().max_target), TASKS.index("brief")
    text = document.text[: config.characters]
    mark, target, _ = draw_target(document, text, rng) or (COPY, text[:_LEAD], [])
    title = document.title if mark != TITLE and rng.random() < _WITH_TITLE else None
    source = tokens.read(title, text, config.max_length)
    return source, tokens.target(target, source, DecoderConfig().max_target), TASKS.index(_MARKS[mark])


def collate(pairs: Sequence[Pair], tokens: CopyTokens) -> dict[str, Tensor]:
    """Return ``input_ids``, ``attention_mask``, ``copy_ids`` (b, s); ``decoder_input_ids``, ``labels`` (b, t); ``task`` (b,), all int64."""
    n, s, t = len(pairs), max(len(source.input_ids) for source, _, _ in pairs), max(len(target) for _, target, _ in pairs)
    s = -(-s // _STEP) * _STEP
    input_ids, copy_ids = torch.full((n, s), tokens.pad_token_id), torch.full((n, s), NOT_COPIED)
    attention_mask = torch.zeros(n, s, dtype=torch.int64)
    labels = torch.full((n, t), IGNORE)
    for row, (source, target, _) in enumerate(pairs):
        size = len(source.input_ids)
        input_ids[row, :size], copy_ids[row, :size] = torch.tensor(source.input_ids), torch.tensor(source.copy_ids)
        attention_mask[row, :size] = 1
        labels[row, : len(target)] = torch.tensor(target)
    decoder_input_ids = labels.masked_fill((labels < 0) | (labels >= tokens.vocab_size), tokens.unk_token_id)
    return {
        "input_ids": input_ids, "attention_mask": attention_mask, "copy_ids": copy_ids, "decoder_input_ids": decoder_input_ids, "labels": labels,
        "task": torch.tensor([task for _, _, task in pairs]),
    }  # fmt: skip

"""Training of the copying summariser (``models/copynet.py``): a stage on public articles, and the batches that fine-tuning shares with it.

``python -m training pretrain copy --base ENCODER --corpora DIR --output RUN`` teaches a fresh decoder on titles, briefs and the sentences that cover an article best, all of them short texts made of
their article's own words; ``finetune summarizer --base RUN/base`` goes on with annotators' summaries.
"""

import json
import logging
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerBase

from data.errors import InputError
from models.copynet import LEFT_OUT, NOTHING, TASKS, CopyNet, CopySettings, CopySource, CopyTokens, save_copynet
from models.device import pick_device
from training.config import CopyConfig, named_config
from training.corpus import Document, iter_documents
from training.dataset import read_splits
from training.pairs import TITLE_LENGTHS, gap_sentences
from training.steps import load_state, run_steps

logger = logging.getLogger(__name__)
_BRIEF_LENGTHS = range(20, 161)
_SOURCES = ("news", "indomain", "broadcast")
_FEWEST_CHARACTERS = 100
_WITH_TITLE = 0.7  # share of the sources, other than those that ask for it, that begin with the headline
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
    tokenizer = AutoTokenizer.from_pretrained(config.base, trust_remote_code=False)
    model = build_copynet(config.base, tokenizer, CopySettings(n_layers=config.decoder_layers)).to(device)
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


def build_copynet(base: Path, tokenizer: PreTrainedTokenizerBase, settings: CopySettings) -> CopyNet:
    """Return a network with the encoder of a base and a fresh decoder.

    Raises:
        InputError: an encoder of another architecture than our own bases.

    """
    encoder = AutoModel.from_pretrained(base, trust_remote_code=False, dtype=torch.float32)
    if encoder.config.model_type != "modernbert":
        raise InputError(f"{base}: the copying decoder needs an encoder that `pretrain encoder` makes (modernbert), not {encoder.config.model_type}")
    return CopyNet(encoder, settings, CopyTokens(tokenizer).copied_only)


def rates_of(model: CopyNet, lr: float) -> list[dict[str, object]]:
    """Return parameter groups: the encoder learns at ``_ENCODER_RATE`` of the decoder's rate; ``scale`` is kept by ``run_steps``."""
    inside = [p for name, p in model.named_parameters() if name.startswith("encoder.")]
    fresh = [p for name, p in model.named_parameters() if not name.startswith("encoder.")]
    return [{"params": inside, "lr": lr * _ENCODER_RATE, "scale": _ENCODER_RATE}, {"params": fresh, "lr": lr, "scale": 1.0}]


def read_articles(config: CopyConfig) -> list[Document]:
    """Return the articles of the corpora, without those that are annotated, in random order.

    Raises:
        InputError: none.

    """
    known = read_splits(config.data, config.corpora, 0.2).ids
    paths = [path for path in sorted(config.corpora.glob("*.jsonl.zst")) if path.name.startswith(_SOURCES)]
    found = [d for path in paths for d in iter_documents(path) if d.id not in known and len(d.text) >= _FEWEST_CHARACTERS]
    if not found:
        raise InputError(f"{config.corpora}: no articles of {_FEWEST_CHARACTERS} characters and more")
    random.Random(config.seed).shuffle(found)
    return found


class CopyStream:
    """Batches by step number: ``_POOL`` of them are drawn together and sorted by length."""

    def __init__(self, articles: Sequence[Document], tokens: CopyTokens, config: CopyConfig) -> None:
        """Take the articles, in the order in which they are read."""
        self.articles, self.tokens, self.config = articles, tokens, config
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
        rng = random.Random(f"{self.config.seed} {number}")
        pairs: list[Pair] = []
        place = number * _POOL * size
        while len(pairs) < _POOL * size:
            pairs.append(draw_pair(self.articles[place % self.n_articles], self.tokens, self.config, rng))
            place += 1
        pairs.sort(key=lambda pair: len(pair[0].input_ids))
        batches = [pairs[i : i + size] for i in range(0, len(pairs), size)]
        rng.shuffle(batches)
        return batches

    def characters_of(self, batch: dict[str, Tensor]) -> int:
        """Return the tokens that a batch reads."""
        return int(batch["attention_mask"].sum())

    def characters_a_label(self, batch: dict[str, Tensor]) -> float:
        """Return 1: losses are of tokens."""
        return 1.0


def draw_pair(document: Document, tokens: CopyTokens, config: CopyConfig, rng: random.Random) -> Pair:
    """Return source and target of a task drawn for an article: its title, its brief (three times as often, where it has one) or its central sentences, or the first of them."""
    text = document.text[: config.characters]
    gaps = gap_sentences(text)
    tasks = ["brief"] * 3 if document.summary and len(document.summary) in _BRIEF_LENGTHS else []
    tasks += ["title"] if document.title and len(document.title) in TITLE_LENGTHS else []
    tasks += ["sentences"] if gaps or not tasks else []
    task = rng.choice(tasks)
    target = {"brief": document.summary, "title": document.title}.get(task) or "".join(text[a:b].strip() for a, b in gaps) or text[:60]
    title = document.title if task != "title" and rng.random() < _WITH_TITLE else None
    source = tokens.read(title, text, config.max_length)
    return source, tokens.target(target, source, CopySettings().max_target), TASKS.index(task)


def collate(pairs: Sequence[Pair], tokens: CopyTokens) -> dict[str, Tensor]:
    """Return ``input_ids``, ``attention_mask``, ``copy_ids`` (b, s); ``decoder_input_ids``, ``labels`` (b, t); ``task`` (b,), all int64."""
    n, s, t = len(pairs), max(len(source.input_ids) for source, _, _ in pairs), max(len(target) for _, target, _ in pairs)
    s = -(-s // _STEP) * _STEP
    input_ids, copy_ids = torch.full((n, s), tokens.pad), torch.full((n, s), NOTHING)
    attention_mask = torch.zeros(n, s, dtype=torch.int64)
    labels = torch.full((n, t), LEFT_OUT)
    for row, (source, target, _) in enumerate(pairs):
        size = len(source.input_ids)
        input_ids[row, :size], copy_ids[row, :size] = torch.tensor(source.input_ids), torch.tensor(source.copy_ids)
        attention_mask[row, :size] = 1
        labels[row, : len(target)] = torch.tensor(target)
    read = labels.masked_fill((labels < 0) | (labels >= tokens.n_words), tokens.unknown)
    return {
        "input_ids": input_ids, "attention_mask": attention_mask, "copy_ids": copy_ids, "decoder_input_ids": read, "labels": labels,
        "task": torch.tensor([task for _, _, task in pairs]),
    }  # fmt: skip

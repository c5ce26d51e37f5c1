"""Fine-tuning of the summariser: title and selected sentences in, the annotators' summary out.

Pairs whose summary holds a figure or name that the article does not support are left out (a model learns what it is
shown), and figures are varied in source and target alike, so that copying is learned instead of guessing. On the development split a
gate is chosen: the decoder's likelihood below which the extractive summary is the better one.
"""

import logging
import math
import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, PreTrainedTokenizerBase

from data.clean import CLEAN_VERSION
from data.schema import Example
from data.taxonomy import OTHER, load_taxonomy
from models.copynet import IGNORE, TASKS, CopyNet, CopySummarizer, CopyTokens, is_copynet, load_copynet, save_copynet, split_title
from models.device import mixed_precision, pick_device
from models.faithfulness import check_against, check_summary, read_source
from models.outcomes import build_outcomes
from models.paths import DEFAULT_CHECKPOINT
from models.registry import Manifest, open_checkpoint, save_checkpoint
from models.relations import find_misplaced
from models.selection import extract_summary
from models.selector import ClauseSelector
from models.summarizer import Candidate, Engine, Generation, TorchSummarizer, rank, source_of
from training.card import summarizer_card
from training.config import FinetuneConfig
from training.copying import SOURCE_CHARACTERS, Pair, collate, rates_of
from training.dataset import read_splits
from training.finetune import pick_length, saved_config, write_model
from training.metrics.rouge_zh.rouge_zh import rouge

logger = logging.getLogger(__name__)
_BRIEF = "[BRIEF]"  # the task mark of our own bases; other bases have no such token and get none
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_COPIED_TOKENS, _COPIED_TARGET, _LEAST_TARGET = 300, 120, 40  # of a copying decoder: tokens that it reads, writes, writes at least
_BEAMS, _OVERLAP_WEIGHT = 6, 3.0  # on development: EXPERIMENTS.md, 2026-11-27
_MAX_GATE_ARTICLES = 120
_LOWEST_GATE = -0.35  # below it, pairs of development show, the decoder joins clauses of several sentences to what nobody said: ROUGE does not see it
_LEAST_GAIN = 0.002  # ROUGE-L; beam search costs several times the rest of an article, so it has to earn it


def finetune_summarizer(config: FinetuneConfig) -> Manifest:
    """Fine-tune a sequence-to-sequence base into a summariser checkpoint and return its manifest."""
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    device = pick_device(config.device)
    taxonomy = load_taxonomy()
    splits = read_splits(config.data, config.corpora, config.dev_share)
    train, dev = ([e for e in part if e.annotation.summary] for part in (splits.train, splits.development))
    supported = [e for e in train if not check_summary(e.annotation.summary, e.article.text, e.article.title)]
    logger.info("%d pairs, %d left out for unsupported figures or names, %d for development", len(supported), len(train) - len(supported), len(dev))
    selector = load_selector(config.selection)
    config, engine, model, tokenizer = open_base(config, selector is not None, device)
    generation = engine.generation
    started_at = time.monotonic()
    history = fit(model, tokenizer, supported, dev, generation, config, device, selector) if config.epochs else []
    model.eval()
    gate, gate_figures = choose_gate(engine, [e for e in dev if e.annotation.activity != (OTHER,)][:_MAX_GATE_ARTICLES], selector)
    metrics = {
        "split": "development (also chose the epoch and the gate)", "articles": len(dev), "trained_on": len(supported),
        "left_out_unsupported": len(train) - len(supported), **gate_figures, "epochs": history, "minutes": round((time.monotonic() - started_at) / 60, 1),
    }  # fmt: skip
    logger.info("development: %s", {key: value for key, value in metrics.items() if key != "epochs"})
    decoding = replace(generation, min_score=gate).to_json()
    made = Manifest("summarizer", config.name, config.version, taxonomy, CLEAN_VERSION, decoding, metrics, saved_config(config, train, dev))
    write = save_copynet if isinstance(model, CopyNet) else write_model
    return save_checkpoint(config.output, made, lambda folder: write(model, tokenizer, folder), summarizer_card(made))


def open_base(config: FinetuneConfig, selects: bool, device: torch.device) -> tuple[FinetuneConfig, Engine, Any, PreTrainedTokenizerBase]:
    """Return the configuration with its source length, and the base as serving asks it, as a network, and its tokenizer.

    Args:
        config: of the run.
        selects: whether a selection checkpoint picks the sources of a copying decoder.
        device: where the network goes.

    """
    if is_copynet(Path(config.base)):
        config = replace(config, max_length=config.max_length or _COPIED_TOKENS)
        tokenizer, model = load_copynet(Path(config.base))
        generation = Generation(
            max_source=config.max_length,
            max_target=_COPIED_TARGET,
            source_characters=SOURCE_CHARACTERS if selects else 0,
            num_beams=_BEAMS,
            min_target=_LEAST_TARGET,
            overlap_weight=_OVERLAP_WEIGHT if selects else 0.0,
        )
        return config, CopySummarizer(model.to(device), tokenizer, generation, device), model, tokenizer
    config = replace(config, max_length=pick_length(config))
    tokenizer = AutoTokenizer.from_pretrained(config.base, trust_remote_code=False)
    other = AutoModelForSeq2SeqLM.from_pretrained(config.base, trust_remote_code=False, dtype=torch.float32).to(device)
    generation = Generation(prefix=_BRIEF if _BRIEF in tokenizer.get_vocab() else "", max_source=config.max_length)
    return config, TorchSummarizer(other, tokenizer, generation, device), other, tokenizer


def load_selector(folder: Path | None) -> ClauseSelector | None:
    """Return the choice of clauses that serving will have beside the decoder, if there is one."""
    folder = folder or DEFAULT_CHECKPOINT / "selection"
    if not folder.exists():
        return None
    open_checkpoint(folder, "selection")
    return ClauseSelector.load(folder)


# Pairs --------------------------------------------------------------------------------------------------------


def pair_of(example: Example, generation: Generation, selector: ClauseSelector | None = None) -> tuple[str, str]:
    """Return source and target as serving will see them; the selection is that of ``source_of``."""
    article, activity = example.article, example.annotation.activity
    outcomes = build_outcomes(article.text, article.title, activity)
    pick = None if selector is None else partial(selector.pick_sentences, article.text, article.title, outcomes, activity, load_taxonomy())
    return generation.prefix + source_of(article.title, article.text, outcomes, generation, pick), example.annotation.summary


def vary_figures(source: str, target: str, rng: random.Random) -> tuple[str, str]:
    """Return the pair with every number that both hold replaced by another of the same length, alike in both.

    The model cannot know the new digits from anywhere but the source, so it learns to copy them.
    """
    shared = {number for number in _NUMBER.findall(target) if number in set(_NUMBER.findall(source))}

    def other(number: str) -> str:
        return "".join(rng.choice("123456789") if char.isdigit() else char for char in number)

    changed = {number: other(number) for number in sorted(shared)}

    def swap(match: re.Match[str]) -> str:
        return changed.get(match.group(), match.group())

    return _NUMBER.sub(swap, source), _NUMBER.sub(swap, target)


def encode_pairs(
    tokenizer: PreTrainedTokenizerBase, pairs: Sequence[tuple[str, str]], generation: Generation, forced_bos: int | None = None
) -> dict[str, Tensor]:
    """Return input_ids, attention_mask and labels, (n_pairs, longest) int64; padding of labels is -100."""
    coded = tokenizer([a for a, _ in pairs], truncation=True, max_length=generation.max_source, padding=True, return_tensors="pt")
    labels = tokenizer(text_target=[b for _, b in pairs], truncation=True, max_length=generation.max_target, padding=True, return_tensors="pt")
    ids = labels["input_ids"].masked_fill(labels["attention_mask"] == 0, IGNORE)
    # A config that forces a first token at decoding (facebook's BART) wants it in the labels too.
    if (
        forced_bos is None
        and tokenizer.bos_token_id is not None
        and bool((ids[:, 0] == tokenizer.bos_token_id).all())
        and tokenizer.bos_token_id != tokenizer.pad_token_id
    ):
        ids = ids[:, 1:].contiguous()  # the decoder starts from its own start token; [CLS] would have to be learned and skipped
    return {"input_ids": coded["input_ids"], "attention_mask": coded["attention_mask"], "labels": ids}


# Training -----------------------------------------------------------------------------------------------------


def fit(
    model: Any, tokenizer: PreTrainedTokenizerBase, train: Sequence[Example], dev: Sequence[Example],
    generation: Generation, config: FinetuneConfig, device: torch.device, selector: ClauseSelector | None = None,
) -> list[dict[str, float]]:  # fmt: skip
    """Train in place, keep the weights of the epoch with the lowest development loss; return one row of figures an epoch."""
    pairs = [pair_of(e, generation, selector) for e in train]
    dev_pairs = [pair_of(e, generation, selector) for e in dev]
    parameters = rates_of(model, config.lr) if isinstance(model, CopyNet) else model.parameters()
    optimizer = torch.optim.AdamW(parameters, lr=config.lr, weight_decay=config.weight_decay, betas=(0.9, 0.98))
    n_steps = config.epochs * math.ceil(len(pairs) / config.batch_articles)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / (0.1 * n_steps + 1), max(0.0, (n_steps - step) / (0.9 * n_steps)))
    )
    rng = random.Random(config.seed)
    history: list[dict[str, float]] = []
    best: tuple[float, dict[str, Tensor]] | None = None
    for epoch in range(config.epochs):
        model.train()
        order = rng.sample(range(len(pairs)), len(pairs))
        total = 0.0
        for start in range(0, len(order), config.batch_articles):
            drawn = [pairs[i] for i in order[start : start + config.batch_articles]]
            varied = [vary_figures(a, b, rng) if rng.random() < 0.5 else (a, b) for a, b in drawn]
            loss = batch_loss(model, tokenizer, varied, generation, device)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            total += loss.item() * len(drawn)
        row = {
            "epoch": epoch + 1,
            "loss": round(total / len(pairs), 4),
            "dev_loss": round(dev_loss(model, tokenizer, dev_pairs, generation, config, device), 4),
        }
        history.append(row)
        logger.info("%s", row)
        if best is None or row["dev_loss"] <= best[0]:
            best = (row["dev_loss"], {key: tensor.detach().clone() for key, tensor in model.state_dict().items()})
    if best is not None:
        model.load_state_dict(best[1])
    return history


def batch_loss(
    model: Any, tokenizer: PreTrainedTokenizerBase, pairs: Sequence[tuple[str, str]], generation: Generation, device: torch.device
) -> Tensor:
    """Return the mean cross-entropy a target token, in nats."""
    if isinstance(model, CopyNet):
        read = _copy_tokens(tokenizer)
        with mixed_precision(device):
            return model.loss(
                {key: value.to(device) for key, value in collate([copied_pair(read, *pair, generation) for pair in pairs], read).items()}
            )
    batch = {
        key: value.to(device)
        for key, value in encode_pairs(tokenizer, pairs, generation, getattr(model.generation_config, "forced_bos_token_id", None)).items()
    }
    with mixed_precision(device):
        loss: Tensor = model(**batch).loss
    return loss


@lru_cache(maxsize=1)  # it walks through the vocabulary: once a run, not once a batch
def _copy_tokens(tokenizer: PreTrainedTokenizerBase) -> CopyTokens:
    return CopyTokens(tokenizer)


def copied_pair(tokens: CopyTokens, source: str, target: str, generation: Generation) -> Pair:
    """Return a pair as the copying network reads it."""
    read = tokens.read(*split_title(source), generation.max_source)
    return read, tokens.target(target, read, generation.max_target), TASKS.index("brief")


@torch.inference_mode()
def dev_loss(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    pairs: Sequence[tuple[str, str]],
    generation: Generation,
    config: FinetuneConfig,
    device: torch.device,
) -> float:
    """Return the mean loss over the development pairs."""
    model.eval()
    size = config.batch_articles
    losses = [
        (batch_loss(model, tokenizer, pairs[i : i + size], generation, device).item(), len(pairs[i : i + size])) for i in range(0, len(pairs), size)
    ]
    return sum(loss * n for loss, n in losses) / max(1, sum(n for _, n in losses))


# Gate ---------------------------------------------------------------------------------------------------------


def choose_gate(engine: Engine, dev: Sequence[Example], selector: ClauseSelector | None = None) -> tuple[float, dict[str, Any]]:
    """Return the most open gate with the best character ROUGE-L on development, within ``_LEAST_GAIN``, and what it was chosen by.

    Each gate is judged by what serving would answer under it. 0 turns the decoder off: so it is when no gate makes
    the summaries better than the extractive ones by ``_LEAST_GAIN``. Development articles of the domain choose: only they are summarised unless all are asked for.
    """
    rows = [_decoded(engine, example, selector) for example in dev]
    scores = sorted({candidate.score for row in rows for candidate in row.candidates if candidate.score > _LOWEST_GATE})
    gates = [0.0, *(score - 1e-6 for score in scores[:: max(1, len(scores) // 40)])]
    tried = {gate: [row.answer(gate) for row in rows] for gate in gates}
    n = max(1, len(rows))
    worth = {g: sum(rouge_l for rouge_l, _ in tried[g]) / n for g in gates}
    best = max(worth.values())
    gate = min((g for g in gates if worth[g] > best - _LEAST_GAIN), default=0.0)  # of gates that give as much the most open one
    if worth[gate] - worth[0.0] < _LEAST_GAIN:
        gate = 0.0
    figures = {
        "gate_articles": len(rows),
        "dev_rouge_l": round(sum(rouge_l for rouge_l, _ in tried[gate]) / n, 4),
        "dev_rouge_l_extractive": round(sum(rouge_l for rouge_l, _ in tried[0.0]) / n, 4),
        "dev_share_abstractive": round(sum(own for _, own in tried[gate]) / n, 4),
        "dev_share_supported": round(sum(bool(row.candidates) for row in rows) / n, 4),
    }
    return gate, figures


@dataclass(frozen=True)
class _Decoded:
    """The supported candidates of one article, best first, and the summaries' ROUGE-L against the gold one."""

    candidates: tuple[Candidate, ...]
    rouge_l: tuple[float, ...]
    extractive: float

    def answer(self, gate: float) -> tuple[float, bool]:
        """Return the ROUGE-L of what serving answers under a gate, and whether the decoder wrote it."""
        for candidate, value in zip(self.candidates, self.rouge_l, strict=True):
            if gate < 0 and candidate.score >= gate:
                return value, True
        return self.extractive, False


def _decoded(engine: Engine, example: Example, selector: ClauseSelector | None) -> _Decoded:
    title, text, gold = example.article.title, example.article.text, example.annotation.summary
    outcomes = build_outcomes(text, title, example.annotation.activity)
    source = read_source(text, title)
    own = (text, title, outcomes, example.annotation.activity, load_taxonomy())
    expected = selector.read_expected(*own) if selector else None
    found = engine.candidates(pair_of(example, replace(engine.generation, prefix=""), selector)[0])
    ranked = rank(found, outcomes, expected, engine.generation.overlap_weight)
    supported = tuple(c for c in ranked if not check_against(c.text, source) and not find_misplaced(c.text, text, title))
    learnt = selector.summarize(*own) if selector else ""
    extractive = learnt or extract_summary(text, outcomes, title, brief=example.annotation.activity == (OTHER,))
    return _Decoded(supported, tuple(rouge(c.text, gold)["rougeL"] for c in supported), rouge(extractive, gold)["rougeL"])

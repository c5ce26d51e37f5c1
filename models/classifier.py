"""The multi-label classifier: articles in, one row of logits an article out.

One sequence-classification checkpoint carries three groups of outputs: ``activity/*`` and ``industry/*`` (each
label on its own, sigmoid) and ``main/*`` (the main activity, softmax). An article is read in windows, each with the
title in front, and the logits of its windows are pooled; training and serving pool alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from data.schema import Window
from data.taxonomy import OTHER, Taxonomy
from data.windows import split_windows
from models.decoding import Decoding
from models.sentences import split_sentences

TITLE_TOKENS = 64  # a headline has at most some 40 characters
LENGTH_STEP = 32  # windows are padded to multiples, so that a server sees few shapes


@dataclass(frozen=True)
class Encoded:
    """One article as the classifier reads it: the ids of each window, and which part of the text each holds."""

    input_ids: tuple[tuple[int, ...], ...]
    windows: tuple[Window, ...]
    offsets: tuple[tuple[int, int], ...]  # of every token on the cleaned text
    n_title: int  # tokens of the title; the windows hold TITLE_TOKENS of them at most
    n_unknown: int

    @property
    def n_tokens(self) -> int:
        """Return the tokens of title and text."""
        return self.n_title + len(self.offsets)

    @property
    def n_used(self) -> int:
        """Return the tokens that stand in some window."""
        return min(self.n_title, TITLE_TOKENS) + sum(window.last - window.first for window in self.windows)


def encode_article(tokenizer: PreTrainedTokenizerBase, title: str | None, text: str, max_length: int, row: int = 0) -> Encoded:
    """Tokenise a cleaned article into windows ``[CLS] title [SEP] window [SEP]`` of at most ``max_length`` tokens.

    A text of any length becomes as many windows as it needs. Only a title beyond ``TITLE_TOKENS`` is shortened, which
    ``n_used`` tells.
    """
    start, middle, end = special_ids(tokenizer)
    title_ids = tokenizer(title, add_special_tokens=False, verbose=False)["input_ids"] if title else []
    coded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    ids, offsets = coded["input_ids"], [(int(a), int(b)) for a, b in coded["offset_mapping"]]
    head = [*start, *title_ids[:TITLE_TOKENS], *middle] if title_ids else [*start]
    breaks = sentence_breaks(text, offsets)
    spans = split_windows(len(ids), max_length - len(head) - len(end), breaks)
    return Encoded(
        input_ids=tuple((*head, *ids[first:last], *end) for first, last in spans),
        windows=tuple(Window(row, first, last) for first, last in spans),
        offsets=tuple(offsets),
        n_title=len(title_ids),
        n_unknown=sum(i == tokenizer.unk_token_id for i in ids),
    )


def special_ids(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int], list[int]]:
    """Return the ids put before, between and after the parts, for BERT-like and sentencepiece tokenizers alike."""
    start = [tokenizer.cls_token_id] if tokenizer.cls_token_id is not None else []
    end = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
    return start, [end], [end]


def sentence_breaks(text: str, offsets: Sequence[tuple[int, int]]) -> list[int]:
    """Return the token positions at which sentences begin (ascending, without 0)."""
    starts = iter(span[0] for span in split_sentences(text)[1:])
    wanted = next(starts, None)
    breaks = []
    for position, (begin, _) in enumerate(offsets):
        if wanted is not None and begin >= wanted:
            breaks.append(position)
            while wanted is not None and begin >= wanted:
                wanted = next(starts, None)
    return breaks


def pad_windows(rows: Sequence[Sequence[int]], pad_id: int) -> dict[str, Tensor]:
    """Return rows of ids as input_ids and attention_mask, (n_rows, longest rounded up to LENGTH_STEP) int64."""
    longest = -(-max(map(len, rows)) // LENGTH_STEP) * LENGTH_STEP
    input_ids = torch.full((len(rows), longest), pad_id, dtype=torch.int64)
    attention_mask = torch.zeros((len(rows), longest), dtype=torch.int64)
    for i, row in enumerate(rows):
        input_ids[i, : len(row)] = torch.tensor(row, dtype=torch.int64)
        attention_mask[i, : len(row)] = 1
    return {"input_ids": input_ids, "attention_mask": attention_mask}


def pool_windows(logits: Tensor, article_of_window: Tensor, n_articles: int, taxonomy: Taxonomy) -> Tensor:
    """Join the windows of each article into one row of logits.

    A label that one window shows belongs to the article, so labels take the maximum over windows. What
    the whole article is (its main activity, ``other``) takes the mean: a single window cannot overrule the rest.

    Args:
        logits: (n_windows, n_outputs), before sigmoid.
        article_of_window: (n_windows,) int64, row of the article each window came from.

    Returns:
        (n_articles, n_outputs), before sigmoid.

    Raises:
        ValueError: some article has no window.

    """
    counts = torch.bincount(article_of_window, minlength=n_articles)
    if n_articles and (len(counts) > n_articles or int(counts.min()) == 0):
        raise ValueError("every article needs at least one window")
    index = article_of_window[:, None].expand_as(logits)
    highest = torch.full((n_articles, logits.shape[1]), float("-inf"), dtype=logits.dtype, device=logits.device)
    highest = highest.scatter_reduce(0, index, logits, "amax")
    mean = torch.zeros_like(highest).scatter_reduce(0, index, logits, "sum") / counts[:, None].to(logits.dtype)
    by_mean = torch.zeros(logits.shape[1], dtype=torch.bool, device=logits.device)
    by_mean[taxonomy.activity.index(OTHER)] = True
    by_mean[len(taxonomy.activity) + len(taxonomy.industry) :] = True
    return torch.where(by_mean, mean, highest)


def split_groups(logits: Tensor, taxonomy: Taxonomy) -> tuple[Tensor, Tensor, Tensor]:
    """Return the activity, industry and main-activity columns of (n, n_outputs) logits."""
    n_activity, n_industry = len(taxonomy.activity), len(taxonomy.industry)
    return logits[:, :n_activity], logits[:, n_activity : n_activity + n_industry], logits[:, n_activity + n_industry :]


def probs_of(logits: Tensor, taxonomy: Taxonomy, decoding: Decoding) -> tuple[Tensor, Tensor, Tensor]:
    """Return calibrated (n, n_activity), (n, n_industry) and (n, n_activity) main probabilities of (n, n_outputs) logits."""
    activity, industry, main = split_groups(logits.float(), taxonomy)
    return (
        torch.sigmoid(activity / decoding.temperature["activity"] + decoding.bias["activity"]),
        torch.sigmoid(industry / decoding.temperature["industry"] + decoding.bias["industry"]),
        torch.softmax(main / decoding.temperature["main"], dim=1),
    )


def batch_by_tokens(lengths: Sequence[int], max_batch_tokens: int, max_rows: int) -> list[list[int]]:
    """Return batches of row numbers, longest rows together, each within a budget of padded tokens."""
    batches: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        padded = -(-lengths[row] // LENGTH_STEP) * LENGTH_STEP
        # The first row of a batch is its longest, so it sets the width of all.
        width = -(-lengths[batches[-1][0]] // LENGTH_STEP) * LENGTH_STEP if batches else 0
        if batches and (len(batches[-1]) + 1) * max(width, padded) <= max_batch_tokens and len(batches[-1]) < max_rows:
            batches[-1].append(row)
        else:
            batches.append([row])
    return batches


class TorchClassifier:
    """Runs the encoder over windows on CPU or CUDA."""

    def __init__(self, model: Any, pad_id: int, device: torch.device, max_batch_tokens: int = 2048, max_rows: int = 8) -> None:
        """Take a loaded sequence-classification model in evaluation mode."""
        self.model = model
        self.pad_id = pad_id
        self.device = device
        self.max_batch_tokens = max_batch_tokens
        self.max_rows = max_rows

    @torch.inference_mode()
    def run(self, rows: Sequence[Sequence[int]]) -> Tensor:
        """Return (n_windows, n_outputs) float32 logits on the CPU, in the order of the rows."""
        out: dict[int, Tensor] = {}
        for batch in batch_by_tokens([len(row) for row in rows], self.max_batch_tokens, self.max_rows):
            inputs = {key: value.to(self.device) for key, value in pad_windows([rows[i] for i in batch], self.pad_id).items()}
            logits = self.model(**inputs).logits.float().cpu()
            out.update(zip(batch, logits, strict=True))
        return torch.stack([out[i] for i in range(len(rows))])

"""An encoder-decoder that writes a word of its own or copies a token of its source: figures and names are copied, digits never invented.

The encoder is a compact base of ours; a decoder of few layers attends to it, and a gate mixes its own words with a distribution over the tokens of the source. Digits can be copied
only. A token that the vocabulary lacks (a rare character of a name) is copied as the source writes it. ``CopySummarizer`` is what serving asks; ``training/copying.py`` trains.

Source: pointer-generator networks (arXiv 1704.04368), with attention layers in place of LSTMs; the key of a source token holds the token before it, so that going on where one is copying is
the easiest thing to learn (induction heads, arXiv 2209.11895).
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel, ModernBertConfig, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from data.errors import CheckpointRefused
from models.registry import write_config
from models.summarizer import TITLE_CHARACTERS, Candidate, Generation, tidy

COPY_TYPE = "copy-decoder"
WEIGHTS = "model.safetensors"
TASKS = ("title", "brief", "sentences")  # what the decoder is asked for; summaries are briefs
NOT_COPIED = -1  # in copy_ids: a place of the source that is never copied
IGNORE = -100  # a label that counts for nothing
_BARRED = -1e4  # logit
_MIN_PROB = 1e-9
_DEAD = -1e8  # log-probability of a row that holds what is barred, and below
_NO_REPEAT_NGRAM = 5  # tokens

_MARKS = {"《": "》", "“": "”", "「": "」"}
_LONGEST_SPAN = 40  # tokens

KeyValues = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class DecoderConfig:
    """The decoder's size."""

    n_layers: int = 2
    n_heads: int = 4
    dropout: float = 0.1
    max_target: int = 128  # tokens
    follows: bool = False  # whether the place behind the one copied last has a score of its own


@dataclass(frozen=True)
class EncodedSource:
    """What the decoder attends to: the states of the source (b, s, width), its copy keys (b, s, width), its mask (b, s), cross-attention keys and values of each layer."""

    hidden_states: Tensor
    copy_keys: Tensor
    attention_mask: Tensor
    key_values: list[KeyValues]

    def expand(self, n_beams: int) -> "EncodedSource":
        """Return the one source of a batch of one as that of every beam."""
        hidden_states, copy_keys, attention_mask = (
            part.expand(n_beams, *part.shape[1:]) for part in (self.hidden_states, self.copy_keys, self.attention_mask)
        )
        key_values = [(keys.expand(n_beams, -1, -1, -1), values.expand(n_beams, -1, -1, -1)) for keys, values in self.key_values]
        return EncodedSource(hidden_states, copy_keys, attention_mask, key_values)


class _DecoderLayer(nn.Module):
    """Self-attention, cross-attention, two linear layers; each behind a norm."""

    def __init__(self, width: int, config: DecoderConfig) -> None:
        super().__init__()
        self.n_heads = config.n_heads
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(3)])
        self.qkv_proj, self.out_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.cross_q_proj, self.cross_kv_proj, self.cross_out_proj = nn.Linear(width, width), nn.Linear(width, 2 * width), nn.Linear(width, width)
        self.up_proj, self.down_proj = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(config.dropout)

    def _split_heads(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.n_heads, -1).transpose(1, 2)

    def project_source(self, hidden_states: Tensor) -> KeyValues:
        """Return cross-attention keys and values of a source, (b, heads, s, width / heads)."""
        keys, values = self.cross_kv_proj(hidden_states).chunk(2, -1)
        return self._split_heads(keys), self._split_heads(values)

    def forward(self, x: Tensor, source: KeyValues, mask: Tensor, past: KeyValues | None) -> tuple[Tensor, KeyValues]:
        """Return states (b, t, width) and the keys and values to go on with."""
        query, keys, values = (self._split_heads(part) for part in self.qkv_proj(self.norms[0](x)).chunk(3, -1))
        if past is not None:
            keys, values = torch.cat([past[0], keys], 2), torch.cat([past[1], values], 2)
        attended = functional.scaled_dot_product_attention(query, keys, values, is_causal=past is None and x.shape[1] > 1)
        x = x + self.dropout(self.out_proj(attended.transpose(1, 2).flatten(2)))
        attended = functional.scaled_dot_product_attention(self._split_heads(self.cross_q_proj(self.norms[1](x))), *source, attn_mask=mask)
        x = x + self.dropout(self.cross_out_proj(attended.transpose(1, 2).flatten(2)))
        return x + self.dropout(self.down_proj(functional.gelu(self.up_proj(self.norms[2](x))))), (keys, values)


class CopyNet(nn.Module):
    """See the module; ``loss`` trains, ``search`` decodes."""

    logit_mask: Tensor

    def __init__(self, encoder: Any, config: DecoderConfig, copied_only: Sequence[int] = ()) -> None:
        """Join an encoder with a fresh decoder.

        Args:
            encoder: with ``embeddings.tok_embeddings`` (ModernBERT); its embeddings are the decoder's too.
            config: of the decoder.
            copied_only: ids that the decoder may copy but not generate: digits and special tokens.

        """
        super().__init__()
        width, self.vocab_size = int(encoder.config.hidden_size), int(encoder.config.vocab_size)
        self.encoder, self.config, self.width = encoder, config, width
        self.position_embeddings, self.task_embeddings = nn.Embedding(config.max_target, width), nn.Embedding(len(TASKS), width)
        nn.init.normal_(self.position_embeddings.weight, std=0.02)
        nn.init.normal_(self.task_embeddings.weight, std=0.02)
        self.input_proj = nn.Linear(width, width)
        self.layers = nn.ModuleList([_DecoderLayer(width, config) for _ in range(config.n_layers)])
        self.norm = nn.LayerNorm(width)
        self.output_proj, self.output_bias = nn.Linear(width, width), nn.Parameter(torch.zeros(self.vocab_size))
        self.copy_query, self.copy_key, self.generation_gate = nn.Linear(width, width), nn.Linear(3 * width, width), nn.Linear(2 * width, 1)
        if config.follows:
            self.follow_query = nn.Linear(width, 1)
            nn.init.zeros_(self.follow_query.weight)  # a network that knows no such score goes on as it was
            nn.init.zeros_(self.follow_query.bias)
        logit_mask = torch.zeros(self.vocab_size)
        logit_mask[list(copied_only)] = _BARRED
        self.register_buffer("logit_mask", logit_mask, persistent=False)

    @property
    def _embeddings(self) -> Tensor:
        weight: Tensor = self.encoder.embeddings.tok_embeddings.weight
        return weight

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> EncodedSource:
        """Return a source (b, s) as the decoder attends to it."""
        hidden_states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        embedded = self._embed(input_ids)
        before = functional.pad(embedded[:, :-1], (0, 0, 1, 0))
        copy_keys = self.copy_key(torch.cat([hidden_states, before, embedded], -1))
        key_values = [layer.project_source(hidden_states) for layer in self.layers]  # type: ignore[operator]
        return EncodedSource(hidden_states, copy_keys, attention_mask, key_values)

    def _embed(self, ids: Tensor) -> Tensor:
        embedded: Tensor = self.input_proj(functional.embedding(ids, self._embeddings))
        return embedded

    def _decode(
        self, x: Tensor, source: EncodedSource, past_key_values: Sequence[KeyValues] | None = None, first: int = 0
    ) -> tuple[Tensor, list[KeyValues]]:
        """Return states (b, t, width) of embedded tokens that stand at ``first`` and on, and the keys and values of each layer."""
        x = x + self.position_embeddings(torch.arange(first, first + x.shape[1], device=x.device))
        mask = source.attention_mask[:, None, None, :] > 0
        caches = []
        for number, layer in enumerate(self.layers):
            x, cache = layer(x, source.key_values[number], mask, None if past_key_values is None else past_key_values[number])
            caches.append(cache)
        return self.norm(x), caches

    def _copy_scores(self, states: Tensor, source: EncodedSource) -> Tensor:
        scores = (self.copy_query(states) @ source.copy_keys.transpose(1, 2)).float() / math.sqrt(self.width)
        masked: Tensor = scores.masked_fill(source.attention_mask[:, None, :] == 0, -1e9)
        return masked

    def _mix(self, states: Tensor, source: EncodedSource, scores: Tensor, following: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits of generated tokens (b, t, vocab_size), copy probabilities of the source's places (b, t, s), the probability of generating (b, t).

        Args:
            states: of the decoder, (b, t, width).
            source: what it attends to.
            scores: of ``_copy_scores``, (b, t, s).
            following: of ``_following``, (b, t, s), where the network knows it.

        """
        if following is not None:
            scores = scores + self.follow_query(states).float() * following
        copy_probs = torch.softmax(scores, -1)
        context = copy_probs.to(source.hidden_states.dtype) @ source.hidden_states
        p_generate = torch.sigmoid(self.generation_gate(torch.cat([states, context], -1)).float())[..., 0]
        return functional.linear(self.output_proj(states), self._embeddings).float() + self.output_bias + self.logit_mask, copy_probs, p_generate

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Return the mean negative log-likelihood of a target token, in nats.

        Args:
            batch: ``input_ids``, ``attention_mask``, ``copy_ids`` (b, s); ``decoder_input_ids``, ``labels`` (b, t); ``task`` (b,): see ``training/copying.py``.

        """
        source = self.encode(batch["input_ids"], batch["attention_mask"])
        x = torch.cat([self.task_embeddings(batch["task"])[:, None], self._embed(batch["decoder_input_ids"][:, :-1])], 1)
        labels = batch["labels"]
        states = self._decode(x, source)[0]
        scores = self._copy_scores(states, source)
        following = None
        if self.config.follows:
            known = _following(scores[:, :-1], batch["copy_ids"], labels[:, :-1])
            following = functional.pad(known, (0, 0, 1, 0))  # nothing stands before the first token
        logits, copy_probs, p_generate = self._mix(states, source, scores, following)
        generated = torch.log_softmax(logits, -1).gather(-1, labels.clamp(0, self.vocab_size - 1)[..., None])[..., 0].exp()
        generated = p_generate * generated * ((labels >= 0) & (labels < self.vocab_size))
        copied = (1 - p_generate) * (copy_probs * (batch["copy_ids"][:, None, :] == labels[:, :, None])).sum(-1)
        counts = labels >= 0
        return -((generated + copied).clamp_min(_MIN_PROB).log() * counts).sum() / counts.sum().clamp_min(1)

    def _next_log_probs(self, states: Tensor, source: EncodedSource, scores: Tensor, following: Tensor | None, copy_ids: Tensor) -> Tensor:
        """Return log-probabilities of the next token, (n_beams, vocab_size and the tokens beyond it that the source holds)."""
        logits, copy_probs, p_generate = self._mix(states, source, scores, following)
        probs = torch.zeros(len(states), max(self.vocab_size, int(copy_ids.max()) + 1), device=states.device)
        probs[:, : self.vocab_size] = p_generate * torch.softmax(logits[:, 0], -1)
        places = copy_ids.clamp_min(0).expand(len(states), -1)
        probs.scatter_add_(1, places, (1 - p_generate) * copy_probs[:, 0] * (copy_ids != NOT_COPIED))
        return probs.clamp_min(_MIN_PROB).log()

    @torch.inference_mode()
    def search(
        self,
        input_ids: Tensor,
        copy_ids: Tensor,
        task: int,
        eos_token_id: int,
        unk_token_id: int,
        num_beams: int,
        max_target: int,
        guard: "SpanGuard | None" = None,
        min_target: int = 1,
    ) -> list[tuple[list[int], float]]:
        """Return the n-best targets of one source by beam search, best first: ids and mean log-probability of a token.

        Args:
            input_ids: (1, s).
            copy_ids: (1, s): the id that each token is copied as; from ``vocab_size`` on tokens that the vocabulary lacks.
            task: its place in ``TASKS``.
            eos_token_id: ends a target.
            unk_token_id: what a copied token beyond the vocabulary is read as in the next step.
            num_beams: kept at each step, and returned.
            max_target: tokens.
            guard: keeps figures and quotations as the source writes them.
            min_target: tokens before which no target ends.

        """
        guard = guard or SpanGuard([], [])
        device = input_ids.device
        source = self.encode(input_ids, torch.ones_like(input_ids)).expand(num_beams)
        rows: list[list[int]] = [[] for _ in range(num_beams)]
        scores = torch.tensor([0.0] + [-1e9] * (num_beams - 1), device=device)
        x, past_key_values = self.task_embeddings(torch.full((num_beams,), task, device=device))[:, None], None
        done: list[tuple[list[int], float]] = []
        within: list[tuple[int, ...]] = [()] * num_beams
        following: Tensor | None = None
        for step in range(min(max_target, self.config.max_target)):
            states, past_key_values = self._decode(x, source, past_key_values, step)
            copy_scores = self._copy_scores(states, source)
            log_probs = self._next_log_probs(states, source, copy_scores, following, copy_ids)
            for beam, row in enumerate(rows):
                log_probs[beam, [*_repeats(row), *([eos_token_id] if step < min_target else [])]] = -1e9
                guard.bar(log_probs[beam], within[beam])
            ended, going = _continue_beams(rows, scores[:, None] + log_probs, eos_token_id)
            done += [(row, score / (step + 1)) for row, score in ended]
            if len(done) >= num_beams and max(score for _, score in done) >= going[0][2] / (step + 1):
                break
            order = torch.tensor([beam for beam, _, _ in going], device=device)
            rows = [[*rows[beam], token] for beam, token, _ in going]
            within = [guard.step(within[beam], token) for beam, token, _ in going]
            scores = torch.tensor([score for _, _, score in going], device=device)
            if self.config.follows:
                said = torch.tensor([[token] for _, token, _ in going], device=device)
                following = _following(copy_scores[order], copy_ids.expand(num_beams, -1), said)
            past_key_values = [(keys[order], values[order]) for keys, values in past_key_values]
            x = self._embed(torch.tensor([[token if token < self.vocab_size else unk_token_id] for _, token, _ in going], device=device))
        done = done or [(row, float(score) / len(row)) for row, score in zip(rows, scores, strict=True)]
        return sorted(done, key=lambda item: -item[1])[:num_beams]


def _following(scores: Tensor, copy_ids: Tensor, said: Tensor) -> Tensor:
    """Return for each place of a source (b, t, s) how likely the token said last was copied from the place before it.

    Args:
        scores: copy scores of the step that said it, (b, t, s).
        copy_ids: (b, s).
        said: ids of the tokens said, (b, t).

    Source: sequential copying (arXiv 1807.02301), made one more score of a place.

    """
    matches = copy_ids[:, None, :] == said[:, :, None]
    probs = torch.softmax(scores.masked_fill(~matches, -1e9), -1) * matches
    return functional.pad(probs[..., :-1], (1, 0))


def _continue_beams(
    rows: Sequence[list[int]], totals: Tensor, eos_token_id: int
) -> tuple[list[tuple[list[int], float]], list[tuple[int, int, float]]]:
    """Return the rows that end at this step with their log-probability, and as (beam, token, log-probability) those that go on, one a beam.

    Args:
        rows: tokens of each beam.
        totals: (n_beams, n_tokens), log-probabilities of each beam with each next token.
        eos_token_id: ends a row.

    """
    best, found = totals.flatten().topk(2 * len(rows))  # each beam ends once at most, so as many go on
    ended: list[tuple[list[int], float]] = []
    going: list[tuple[int, int, float]] = []
    for score, index in zip(best.tolist(), found.tolist(), strict=True):
        beam, token = divmod(index, totals.shape[1])
        if token == eos_token_id:
            if score > _DEAD:
                ended.append((rows[beam], score))
        elif len(going) < len(rows):
            going.append((beam, token, score))
    return ended, going


def _repeats(row: Sequence[int]) -> list[int]:
    """Return the tokens that would repeat a sequence of ``_NO_REPEAT_NGRAM`` tokens."""
    n = _NO_REPEAT_NGRAM - 1
    return [row[i + n] for i in range(len(row) - n) if row[i : i + n] == row[-n:]]


class SpanGuard:
    """Spans that a target may hold only as the source has them, from their first token to their last: figures with the token behind them, quotations, titles of documents.

    A digit sequence that the source does not hold can so not be produced, nor a figure without its unit. Source: constrained decoding along a trie (arXiv 2010.00904).
    """

    def __init__(self, spans: Sequence[Sequence[int]], starters: Sequence[int]) -> None:
        """Take the spans of a source.

        Args:
            spans: ids of each, of two tokens and more.
            starters: ids that begin such spans; one that begins none here cannot be produced.

        """
        self._next: dict[tuple[int, ...], set[int]] = {}
        self._starters = frozenset(starters)
        self._whole = {tuple(span) for span in spans}
        for span in self._whole:
            for end in range(1, len(span)):
                self._next.setdefault(span[:end], set()).add(span[end])
        self._barred = sorted(self._starters - {span[0] for span in self._whole})

    def step(self, within: tuple[int, ...], token: int) -> tuple[int, ...]:
        """Return the part of a span that a row stands in after a token; empty outside of spans."""
        if within:
            within = (*within, token)
            if within not in self._whole or within in self._next:
                return within
        return (token,) if token in self._starters else ()

    def bar(self, log_probs: Tensor, within: tuple[int, ...]) -> None:
        """Bar, in place, the tokens (n_tokens,) that would break a span."""
        if not within:
            log_probs[self._barred] = -1e9
            return
        allowed = sorted(self._next.get(within, ()))
        kept = log_probs[allowed]
        log_probs.fill_(-1e9)
        log_probs[allowed] = kept


# Text ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CopySource:
    """A source as the network reads it, and the ids beyond the vocabulary of its unknown tokens, by surface."""

    input_ids: list[int]
    copy_ids: list[int]
    oov_ids: dict[str, int]


class CopyTokens:
    """Text to ids and back, tokens beyond the vocabulary included."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Take a tokenizer whose decoding is the concatenation of its tokens."""
        self.tokenizer = tokenizer
        self.vocab_size = len(tokenizer)
        self.pad_token_id, self.unk_token_id = int(tokenizer.pad_token_id), int(tokenizer.unk_token_id)
        self.eos_token_id = int(tokenizer.sep_token_id)
        self._surfaces = {number: token for token, number in tokenizer.get_vocab().items()}
        self._starters = [number for number, token in self._surfaces.items() if token in _MARKS or token.isdigit()]
        special = set(tokenizer.get_added_vocab().values()) - {self.eos_token_id}
        self.copied_only = sorted(special | {number for number, token in self._surfaces.items() if any(char.isdigit() for char in token)})

    def _pieces(self, text: str) -> list[tuple[int, str]]:
        coded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return [(int(number), text[a:b]) for number, (a, b) in zip(coded["input_ids"], coded["offset_mapping"], strict=True)]

    def read(self, title: str | None, text: str, max_source: int) -> CopySource:
        """Return a source of at most ``max_source`` tokens: [CLS] title [SEP] text."""
        mark = (self.eos_token_id, "")
        parts = [self._pieces(part) for part in (title and title[:TITLE_CHARACTERS], text) if part]
        pieces = [piece for number, part in enumerate(parts) for piece in ([mark] * (number > 0) + part)][: max_source - 1]
        oov_ids: dict[str, int] = {}
        copy_ids = [
            NOT_COPIED if not surface else oov_ids.setdefault(surface, self.vocab_size + len(oov_ids)) if token == self.unk_token_id else token
            for token, surface in pieces
        ]
        return CopySource([int(self.tokenizer.cls_token_id), *(token for token, _ in pieces)], [NOT_COPIED, *copy_ids], oov_ids)

    def guard(self, source: CopySource) -> SpanGuard:
        """Return the spans of a source that its summary keeps as they are."""
        ids = source.copy_ids
        surfaces = self._read_back(ids, source)
        spans = []
        for start, surface in enumerate(surfaces):
            if surface.isdigit() and not (start and _is_number(surfaces[start - 1])):
                end = next((i for i in range(start, len(ids)) if not _is_number(surfaces[i])), len(ids))
                spans.append(ids[start : end + 1])
            elif surface in _MARKS:
                end = next((i for i in range(start, min(len(ids), start + _LONGEST_SPAN)) if surfaces[i] == _MARKS[surface]), start)
                spans.append(ids[start : end + 1])
        return SpanGuard([span for span in spans if len(span) > 1 and NOT_COPIED not in span], self._starters)

    def _read_back(self, ids: Sequence[int], source: CopySource) -> list[str]:
        beyond = {number: surface for surface, number in source.oov_ids.items()}
        return ["" if number == NOT_COPIED else beyond[number] if number >= self.vocab_size else self._surfaces[number] for number in ids]

    def target(self, text: str, source: CopySource, max_target: int) -> list[int]:
        """Return the ids of a target, its end included; ``IGNORE`` for a token that neither vocabulary nor source holds."""
        ids = [source.oov_ids.get(surface, IGNORE) if token == self.unk_token_id else token for token, surface in self._pieces(text)]
        return [*ids[: max_target - 1], self.eos_token_id]

    def text(self, ids: Sequence[int], source: CopySource) -> str:
        """Return the text of a target."""
        return "".join(self._read_back(ids, source))


def _is_number(surface: str) -> bool:
    return surface.isdigit() or surface in (".", ",")


def split_title(source: str) -> tuple[str | None, str]:
    """Return headline and sentences of what ``source_of`` gives; a first line that is short is a headline."""
    title, newline, text = source.partition("\n")
    return (title, text) if newline and text and len(title) <= TITLE_CHARACTERS else (None, source)


class CopySummarizer:
    """A loaded ``CopyNet`` as serving asks it; the same answers as ``TorchSummarizer`` gives."""

    def __init__(self, model: CopyNet, tokenizer: PreTrainedTokenizerBase, generation: Generation, device: torch.device) -> None:
        """Take a loaded model in evaluation mode."""
        self.model = model
        self.tokens = CopyTokens(tokenizer)
        self.generation = generation
        self.device = device

    def candidates(self, source: str) -> list[Candidate]:
        """Return the n-best summaries of a source text (title, newline, sentences), best first."""
        read = self.tokens.read(*split_title(source), self.generation.max_source)
        input_ids, copy_ids = (torch.tensor([ids], device=self.device) for ids in (read.input_ids, read.copy_ids))
        found = self.model.search(
            input_ids,
            copy_ids,
            TASKS.index("brief"),
            self.tokens.eos_token_id,
            self.tokens.unk_token_id,
            self.generation.num_beams,
            self.generation.max_target,
            self.tokens.guard(read),
            min(self.generation.min_target, len(read.input_ids) // 2),  # a short source has no long summary
        )
        return [Candidate(tidy(self.tokens.text(ids, read), source), score) for ids, score in found]


# Folders ------------------------------------------------------------------------------------------------------


def is_copynet(folder: Path) -> bool:
    """Return whether a folder holds one."""
    path = folder / "config.json"
    return path.is_file() and json.loads(path.read_text("utf-8")).get("model_type") == COPY_TYPE


def save_copynet(model: CopyNet, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write weights as float16, sizes and the tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.detach().to("cpu", torch.float16).contiguous() for name, tensor in model.state_dict().items()}, folder / WEIGHTS)
    left_out = ("id2label", "label2id", "_name_or_path", "architectures")  # of a classifier or of this machine
    encoder = {key: value for key, value in model.encoder.config.to_dict().items() if key not in left_out}
    write_config(folder, {"model_type": COPY_TYPE, "decoder": dict(model.config.__dict__), "encoder": encoder})
    tokenizer.save_pretrained(str(folder))


def load_copynet(folder: Path) -> tuple[PreTrainedTokenizerBase, CopyNet]:
    """Read what ``save_copynet`` wrote, as float32 in evaluation mode.

    Raises:
        CheckpointRefused: it is not that.

    """
    try:
        row = json.loads((folder / "config.json").read_text("utf-8"))
        tokenizer = PreTrainedTokenizerFast.from_pretrained(str(folder), local_files_only=True)  # AutoTokenizer would look for a class of this config
        encoder = AutoModel.from_config(ModernBertConfig(**row["encoder"]), attn_implementation="eager")  # type: ignore[no-untyped-call]
        model = CopyNet(encoder, DecoderConfig(**row["decoder"]), CopyTokens(tokenizer).copied_only)
        model.load_state_dict({name: tensor.float() for name, tensor in load_file(folder / WEIGHTS).items()})
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise CheckpointRefused(f"{folder}: cannot be loaded ({type(error).__name__}: {error})") from error
    return tokenizer, model.eval()

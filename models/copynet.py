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
from transformers import AutoModel, AutoTokenizer, ModernBertConfig, PreTrainedTokenizerBase

from data.errors import CheckpointRefused
from models.summarizer import Candidate, Generation, tidy

COPY_TYPE = "copy-decoder"
WEIGHTS = "model.safetensors"
TASKS = ("title", "brief", "sentences")  # what the decoder is asked for; summaries are briefs
NOTHING = -1  # a place of the source, or of a target, that is never copied
LEFT_OUT = -100  # a target that counts for nothing
_NEVER = -1e4
_LEAST = 1e-9  # probability
_SHORTEST = 12  # tokens of a summary
_NO_REPEAT = 5
_TITLE_CHARACTERS = 64

Caches = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class CopySettings:
    """The decoder's size."""

    n_layers: int = 2
    n_heads: int = 4
    dropout: float = 0.1
    max_target: int = 128  # tokens


class _Layer(nn.Module):
    """Self-attention, attention to the source, two linear layers; each behind a norm."""

    def __init__(self, width: int, settings: CopySettings) -> None:
        super().__init__()
        self.n_heads = settings.n_heads
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(3)])
        self.own, self.own_out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.query, self.source, self.source_out = nn.Linear(width, width), nn.Linear(width, 2 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.drop = nn.Dropout(settings.dropout)

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.n_heads, -1).transpose(1, 2)

    def read_source(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Return keys and values of the source, (b, heads, s, width / heads)."""
        keys, values = self.source(memory).chunk(2, -1)
        return self._split(keys), self._split(values)

    def forward(
        self, x: Tensor, source: tuple[Tensor, Tensor], mask: Tensor, past: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return states (b, t, width) and the keys and values to go on with."""
        query, keys, values = (self._split(part) for part in self.own(self.norms[0](x)).chunk(3, -1))
        if past is not None:
            keys, values = torch.cat([past[0], keys], 2), torch.cat([past[1], values], 2)
        seen = functional.scaled_dot_product_attention(query, keys, values, is_causal=past is None and x.shape[1] > 1)
        x = x + self.drop(self.own_out(seen.transpose(1, 2).flatten(2)))
        seen = functional.scaled_dot_product_attention(self._split(self.query(self.norms[1](x))), *source, attn_mask=mask)
        x = x + self.drop(self.source_out(seen.transpose(1, 2).flatten(2)))
        return x + self.drop(self.down(functional.gelu(self.up(self.norms[2](x))))), (keys, values)


class CopyNet(nn.Module):
    """See the module; ``loss`` trains, ``search`` decodes."""

    barred: Tensor

    def __init__(self, encoder: Any, settings: CopySettings, copied_only: Sequence[int] = ()) -> None:
        """Join an encoder with a fresh decoder.

        Args:
            encoder: with ``embeddings.tok_embeddings`` (ModernBERT); its embeddings are the decoder's too.
            settings: of the decoder.
            copied_only: ids that the decoder may copy but not write: digits and special tokens.

        """
        super().__init__()
        width, self.n_words = int(encoder.config.hidden_size), int(encoder.config.vocab_size)
        self.encoder, self.settings, self.width = encoder, settings, width
        self.places, self.starts = nn.Embedding(settings.max_target, width), nn.Embedding(len(TASKS), width)
        nn.init.normal_(self.places.weight, std=0.02)
        nn.init.normal_(self.starts.weight, std=0.02)
        self.reads = nn.Linear(width, width)
        self.layers = nn.ModuleList([_Layer(width, settings) for _ in range(settings.n_layers)])
        self.norm = nn.LayerNorm(width)
        self.writes, self.bias = nn.Linear(width, width), nn.Parameter(torch.zeros(self.n_words))
        self.wants, self.offers, self.gate = nn.Linear(width, width), nn.Linear(3 * width, width), nn.Linear(2 * width, 1)
        barred = torch.zeros(self.n_words)
        barred[list(copied_only)] = _NEVER
        self.register_buffer("barred", barred, persistent=False)

    @property
    def _table(self) -> Tensor:
        table: Tensor = self.encoder.embeddings.tok_embeddings.weight
        return table

    def read(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor, list[tuple[Tensor, Tensor]]]:
        """Return of a source (b, s): its states, what it offers for copying, keys and values of every layer."""
        memory = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        embedded = self.reads(functional.embedding(input_ids, self._table))
        before = functional.pad(embedded[:, :-1], (0, 0, 1, 0))
        offers = self.offers(torch.cat([memory, before, embedded], -1))
        return memory, offers, [layer.read_source(memory) for layer in self.layers]  # type: ignore[operator]

    def _embed(self, ids: Tensor) -> Tensor:
        embedded: Tensor = self.reads(functional.embedding(ids, self._table))
        return embedded

    def _run(self, x: Tensor, sources: Caches, mask: Tensor, pasts: Caches | None, first: int) -> tuple[Tensor, Caches]:
        x = x + self.places(torch.arange(first, first + x.shape[1], device=x.device))
        caches = []
        for number, layer in enumerate(self.layers):
            x, cache = layer(x, sources[number], mask, None if pasts is None else pasts[number])
            caches.append(cache)
        return self.norm(x), caches

    def _mix(self, states: Tensor, memory: Tensor, offers: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits of own words (b, t, n_words), weights of the source (b, t, s) and the share of own words (b, t)."""
        fits = (self.wants(states) @ offers.transpose(1, 2)).float() / math.sqrt(self.width)
        weights = torch.softmax(fits.masked_fill(attention_mask[:, None, :] == 0, -1e9), -1)
        context = weights.to(memory.dtype) @ memory
        share = torch.sigmoid(self.gate(torch.cat([states, context], -1)).float())[..., 0]
        return functional.linear(self.writes(states), self._table).float() + self.bias + self.barred, weights, share

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Return the mean negative log-likelihood of a target token, in nats.

        Args:
            batch: ``input_ids``, ``attention_mask``, ``copy_ids`` (b, s); ``decoder_input_ids``, ``labels`` (b, t); ``task`` (b,): see ``training/copying.py``.

        """
        memory, offers, sources = self.read(batch["input_ids"], batch["attention_mask"])
        x = torch.cat([self.starts(batch["task"])[:, None], self._embed(batch["decoder_input_ids"][:, :-1])], 1)
        states, _ = self._run(x, sources, batch["attention_mask"][:, None, None, :] > 0, None, 0)
        logits, weights, share = self._mix(states, memory, offers, batch["attention_mask"])
        labels = batch["labels"]
        written = torch.log_softmax(logits, -1).gather(-1, labels.clamp(0, self.n_words - 1)[..., None])[..., 0].exp()
        written = share * written * ((labels >= 0) & (labels < self.n_words))
        copied = (1 - share) * (weights * (batch["copy_ids"][:, None, :] == labels[:, :, None])).sum(-1)
        counts = labels >= 0
        return -((written + copied).clamp_min(_LEAST).log() * counts).sum() / counts.sum().clamp_min(1)

    @torch.inference_mode()
    def search(
        self, input_ids: Tensor, copy_ids: Tensor, task: int, eos: int, unknown: int, n_beams: int, max_target: int
    ) -> list[tuple[list[int], float]]:
        """Return the n-best targets of one source by beam search, best first: ids and mean log-probability of a token.

        Args:
            input_ids: (1, s).
            copy_ids: (1, s): the id that each token is copied as; from ``n_words`` on tokens that the vocabulary lacks.
            task: number of the task.
            eos: the id that ends a target.
            unknown: the id under which a copied token beyond the vocabulary is read again.
            n_beams: kept at each step, and returned.
            max_target: tokens.

        """
        device = input_ids.device
        mask = torch.ones_like(input_ids)
        memory, offers, sources = self.read(input_ids, mask)
        n_all = max(self.n_words, int(copy_ids.max()) + 1)
        sources = [(keys.expand(n_beams, -1, -1, -1), values.expand(n_beams, -1, -1, -1)) for keys, values in sources]
        memory, offers, mask = (part.expand(n_beams, *part.shape[1:]) for part in (memory, offers, mask))
        places, live = copy_ids.clamp_min(0).expand(n_beams, -1), (copy_ids != NOTHING).float()
        rows: list[list[int]] = [[] for _ in range(n_beams)]
        scores = torch.tensor([0.0] + [-1e9] * (n_beams - 1), device=device)
        x, pasts = self.starts(torch.full((n_beams,), task, device=device))[:, None], None
        done: list[tuple[list[int], float]] = []
        for step in range(min(max_target, self.settings.max_target)):
            states, pasts = self._run(x, sources, mask[:, None, None, :] > 0, pasts, step)
            logits, weights, share = self._mix(states, memory, offers, mask)
            probs = torch.zeros(n_beams, n_all, device=device)
            probs[:, : self.n_words] = share * torch.softmax(logits[:, 0], -1)
            probs.scatter_add_(1, places, (1 - share) * weights[:, 0] * live)
            fits = probs.clamp_min(_LEAST).log()
            for beam, row in enumerate(rows):
                fits[beam, [*_repeats(row), *([eos] if step < _SHORTEST else [])]] = -1e9
            best, found = (scores[:, None] + fits).flatten().topk(2 * n_beams)
            going: list[tuple[int, int, float]] = []
            for value, index in zip(best.tolist(), found.tolist(), strict=True):
                beam, token = divmod(index, n_all)
                if token == eos:
                    done.append((rows[beam], value / (step + 1)))
                elif len(going) < n_beams:
                    going.append((beam, token, value))
            if len(done) >= n_beams and max(score for _, score in done) >= going[0][2] / (step + 1):
                break
            order = torch.tensor([beam for beam, _, _ in going], device=device)
            rows = [[*rows[beam], token] for beam, token, _ in going]
            scores = torch.tensor([value for _, _, value in going], device=device)
            pasts = [(keys[order], values[order]) for keys, values in pasts]
            x = self._embed(torch.tensor([[token if token < self.n_words else unknown] for _, token, _ in going], device=device))
        done = done or [(row, float(score) / len(row)) for row, score in zip(rows, scores, strict=True)]
        return sorted(done, key=lambda item: -item[1])[:n_beams]


def _repeats(row: Sequence[int]) -> list[int]:
    """Return the tokens that would repeat a sequence of ``_NO_REPEAT`` tokens."""
    tail = row[1 - _NO_REPEAT :]
    if len(row) < _NO_REPEAT - 1:
        return []
    return [row[i + _NO_REPEAT - 1] for i in range(len(row) - _NO_REPEAT + 1) if row[i : i + _NO_REPEAT - 1] == tail]


# Text ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CopySource:
    """A source as the network reads it, with what its unknown tokens are copied as."""

    input_ids: list[int]
    copy_ids: list[int]
    words: dict[str, int]  # surface of a token that the vocabulary lacks -> its id beyond it


class CopyTokens:
    """Text to ids and back, tokens beyond the vocabulary included."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Take a tokenizer whose decoding is the concatenation of its tokens."""
        self.tokenizer = tokenizer
        self.n_words = len(tokenizer)
        self.pad, self.unknown, self.end = int(tokenizer.pad_token_id), int(tokenizer.unk_token_id), int(tokenizer.sep_token_id)
        self._surfaces = {number: token for token, number in tokenizer.get_vocab().items()}
        special = set(tokenizer.get_added_vocab().values()) - {self.end}
        self.copied_only = sorted(special | {number for number, token in self._surfaces.items() if any(char.isdigit() for char in token)})

    def _pieces(self, text: str) -> list[tuple[int, str]]:
        coded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return [(int(number), text[a:b]) for number, (a, b) in zip(coded["input_ids"], coded["offset_mapping"], strict=True)]

    def read(self, title: str | None, text: str, max_source: int) -> CopySource:
        """Return a source of at most ``max_source`` tokens: [CLS] title [SEP] text."""
        words: dict[str, int] = {}
        input_ids, copy_ids = [int(self.tokenizer.cls_token_id)], [NOTHING]
        for number, part in enumerate(part for part in (title and title[:_TITLE_CHARACTERS], text) if part):
            if number:
                input_ids, copy_ids = [*input_ids, self.end], [*copy_ids, NOTHING]
            for token, surface in self._pieces(part):
                input_ids.append(token)
                copy_ids.append(words.setdefault(surface, self.n_words + len(words)) if token == self.unknown else token)
        return CopySource(input_ids[:max_source], copy_ids[:max_source], words)

    def target(self, text: str, source: CopySource, max_target: int) -> list[int]:
        """Return the ids of a target, its end included; ``LEFT_OUT`` for a token that neither vocabulary nor source holds."""
        ids = [source.words.get(surface, LEFT_OUT) if token == self.unknown else token for token, surface in self._pieces(text)]
        return [*ids[: max_target - 1], self.end]

    def text(self, ids: Sequence[int], source: CopySource) -> str:
        """Return the text of a target."""
        beyond = {number: surface for surface, number in source.words.items()}
        return "".join(beyond[number] if number >= self.n_words else self._surfaces[number] for number in ids)


def split_title(source: str) -> tuple[str | None, str]:
    """Return headline and sentences of what ``source_of`` gives; a first line that is short is a headline."""
    title, newline, text = source.partition("\n")
    return (title, text) if newline and text and len(title) <= _TITLE_CHARACTERS else (None, source)


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
            input_ids, copy_ids, TASKS.index("brief"), self.tokens.end, self.tokens.unknown, self.generation.num_beams, self.generation.max_target
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
    encoder = {
        key: value for key, value in model.encoder.config.to_dict().items() if key not in ("id2label", "label2id", "_name_or_path", "architectures")
    }
    row = {"model_type": COPY_TYPE, "decoder": dict(model.settings.__dict__), "encoder": encoder}
    (folder / "config.json").write_text(json.dumps(row, indent=1, default=str) + "\n", "utf-8")
    tokenizer.save_pretrained(str(folder))


def load_copynet(folder: Path) -> tuple[PreTrainedTokenizerBase, CopyNet]:
    """Read what ``save_copynet`` wrote, as float32 in evaluation mode.

    Raises:
        CheckpointRefused: it is not that.

    """
    try:
        row = json.loads((folder / "config.json").read_text("utf-8"))
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
        encoder = AutoModel.from_config(ModernBertConfig(**row["encoder"]))  # type: ignore[no-untyped-call]
        model = CopyNet(encoder, CopySettings(**row["decoder"]), CopyTokens(tokenizer).copied_only)
        model.load_state_dict({name: tensor.float() for name, tensor in load_file(folder / WEIGHTS).items()})
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise CheckpointRefused(f"{folder}: cannot be loaded ({type(error).__name__}: {error})") from error
    return tokenizer, model.eval()

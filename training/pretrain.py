"""Compact base models from scratch: masked language modelling and denoising, resumable at any point.

``python -m training pretrain --kind encoder --corpora DIR --output RUN`` writes ``RUN/base`` (a plain
``transformers`` folder) at the end and ``RUN/state`` (weights, optimizer moments, position; safetensors and
JSON) on the way. The same command continues after a stop. The learning rate follows the training time
spent, so the run ends on the minute however busy the machine was.
"""

import itertools
import json
import logging
import math
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from transformers import ModernBertConfig, ModernBertForMaskedLM, PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from data.errors import InputError
from models.device import mixed_precision, pick_device
from training.card import describe_base
from training.config import PretrainConfig, named_config
from training.corpus import SPECIAL, Document, build_tokenizer, encode_documents, read_documents, read_mix, write_documents
from training.embeddings import begin_with_counts
from training.pairs import draw_pair
from training.probe_seq2seq import measure_seq2seq
from training.steps import build_optimizers, check_cache, half_weights, has_state, load_state, matrix_peak, run_steps
from training.warm_start import warm_start

logger = logging.getLogger(__name__)
PAD, UNK, CLS, SEP, MASK = range(5)
N_SPECIAL = 8
IGNORE = -100
_TOKENIZER_DOCUMENTS = 10_000
_SPANS = {
    1: ((1, 2, 3, 4), (0.3, 0.35, 0.2, 0.15)),
    2: ((1, 2, 3), (0.6, 0.28, 0.12)),
}  # lengths of masked spans, tokens, and how often: of characters, of pieces
HELD_OUT = 0.005  # share of the cached characters that measure instead of train
_HELD_OUT_BATCHES = 24
TARGET_LENGTH = 192  # tokens of a seq2seq target; a brief has at most 160 characters


# Data ---------------------------------------------------------------------------------------------------------


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """Return the tokenizer of a local folder."""
    tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(str(folder))
    return tokenizer


def prepare_cache(config: PretrainConfig) -> PreTrainedTokenizerFast:
    """Make the token cache of a run if it is not there; return its tokenizer."""
    cache = config.output / "cache"
    made_for: dict[str, Any] = {"kind": config.kind, "tokens": config.tokens, "seed": config.seed}
    if config.tokenizer is None:
        made_for |= {"vocab_size": config.vocab_size, "longest_piece": config.longest_piece}
    if (cache / "done").exists():
        check_cache(cache, json.loads((cache / "done").read_text("utf-8"))["made_for"], made_for)
        return load_tokenizer(cache / "tokenizer")
    cache.mkdir(parents=True, exist_ok=True)
    documents, n_held_out = _held_out_last(read_mix(config.corpora, config.tokens, config.seed))
    if config.tokenizer:
        tokenizer = load_tokenizer(config.tokenizer)
    else:
        # A few million characters settle the vocabulary; more would take the trainer of pieces an hour.
        known = itertools.islice((f"{d.title or ''}\n{d.text}" for d in documents), _TOKENIZER_DOCUMENTS if config.longest_piece > 1 else None)
        tokenizer = build_tokenizer(list(known), config.vocab_size, config.longest_piece)
    tokenizer.save_pretrained(str(cache / "tokenizer"))
    tokens, bounds = encode_documents(tokenizer, documents)
    np.save(cache / "tokens.npy", tokens)
    np.save(cache / "bounds.npy", bounds)
    if config.kind == "seq2seq":
        write_documents(cache / "documents.jsonl", documents)
    logger.info("cached %d tokens of %d documents, %.4f unknown", len(tokens), len(bounds) - 1, float((tokens == UNK).mean()))
    (cache / "done").write_text(json.dumps({"made_for": made_for, "held_out_documents": n_held_out}) + "\n", "utf-8")
    return tokenizer


def _held_out_last(documents: list[Document]) -> tuple[list[Document], int]:
    """Return the documents with some at the end, once each and nowhere else, and how many: these never train."""
    wanted = HELD_OUT * sum(len(document.text) for document in documents)
    apart: dict[str, Document] = {}
    for document in documents:  # they are shuffled
        if wanted <= 0:
            break
        if document.id not in apart:
            apart[document.id] = document
            wanted -= len(document.text)
    return [document for document in documents if document.id not in apart] + list(apart.values()), len(apart)


def mask_spans(
    input_ids: npt.NDArray[np.int64], share: float, vocab_size: int, rng: np.random.Generator, pieces: bool = False
) -> tuple[Tensor, Tensor]:
    """Return (input_ids, labels) with spans masked: one to four characters, or one to three pieces.

    Spans are hidden because single characters of a Chinese word are guessed from the rest of the word. Of the
    masked positions 90 % become [MASK], 10 % a random token.

    Args:
        input_ids: (n_rows, length) int64.
        share: expected share of masked positions.
        vocab_size: tokens to draw random ones from.
        rng: source of the draw.
        pieces: whether tokens are pieces of words instead of characters.

    Returns:
        (n_rows, length) int64 twice; labels are -100 where nothing was masked.
    Source: whole-word masking (arXiv 1906.08101), high masking rates (arXiv 2202.08005).

    """
    sizes, often = _SPANS[2 if pieces else 1]
    mean = sum(size * p for size, p in zip(sizes, often, strict=True))
    starts = rng.random(input_ids.shape) < -math.log1p(-share) / mean  # overlaps counted once
    lengths = rng.choice(sizes, size=input_ids.shape, p=often)
    chosen = starts.copy()
    for offset in range(1, max(sizes)):
        chosen[:, offset:] |= (starts & (lengths > offset))[:, :-offset]
    chosen &= input_ids >= N_SPECIAL
    labels = np.where(chosen, input_ids, IGNORE)
    noise = rng.random(input_ids.shape)
    masked = np.where(chosen & (noise < 0.9), MASK, input_ids)
    masked = np.where(chosen & (noise >= 0.9), rng.integers(N_SPECIAL, vocab_size, input_ids.shape), masked)
    return torch.from_numpy(masked), torch.from_numpy(labels)


def corrupt(ids: npt.NDArray[np.int64], share: float, stop_ids: frozenset[int], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return a text with spans replaced by one [MASK] each and its sentences in another order (text infilling).

    Source: BART (arXiv 1910.13461). Most of the target is a copy of the input, which is how a small
    decoder learns to copy names and figures.
    """
    ends = [i + 1 for i, token in enumerate(ids) if int(token) in stop_ids]
    sentences = np.split(ids, ends) if ends else [ids]
    if rng.random() < 0.5:
        rng.shuffle(sentences)
    shuffled = np.concatenate(sentences)
    out: list[int] = []
    position = 0
    while position < len(shuffled):
        if rng.random() < share / 3.5:
            out.append(MASK)
            position += int(rng.integers(1, 7))
        else:
            out.append(int(shuffled[position]))
            position += 1
    return np.array(out, dtype=np.int64)


def pad_rows(rows: list[npt.NDArray[np.int64]], fill: int) -> Tensor:
    """Return rows of unequal length as one (n_rows, longest) int64 tensor."""
    out = np.full((len(rows), max(map(len, rows))), fill, dtype=np.int64)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return torch.from_numpy(out)


class Batches:
    """Training batches drawn by step number, so a resumed run continues with the same stream."""

    def __init__(self, config: PretrainConfig, tokenizer: PreTrainedTokenizerFast) -> None:
        """Map the cache of ``config.output`` into memory."""
        cache = config.output / "cache"
        self.config = config
        self.tokens = np.load(cache / "tokens.npy", mmap_mode="r")
        self.bounds = np.load(cache / "bounds.npy")
        n_train_documents = len(self.bounds) - 1 - int(json.loads((cache / "done").read_text("utf-8"))["held_out_documents"])
        self.n_train = int(self.bounds[n_train_documents])
        self.vocab_size = len(tokenizer)
        self.backend = tokenizer.backend_tokenizer
        # Characters behind each token, so that losses of different vocabularies can be compared.
        self.token_characters = torch.tensor(
            [0 if i < N_SPECIAL else len(token) for i, token in enumerate(tokenizer.convert_ids_to_tokens(list(range(self.vocab_size))))]
        )
        self.pieces = int(self.token_characters.max()) > 1
        self.stop_ids = frozenset(tokenizer.get_vocab()[char] for char in "。！？\n" if char in tokenizer.get_vocab())
        documents = cache / "documents.jsonl"
        stored = read_documents(documents) if documents.exists() else []
        self.documents, self.held_out_documents = stored[:n_train_documents], stored[n_train_documents:]

    def length_at(self, progress: float) -> int:
        """Return the sequence length at a share of the run: doubling, the longest for the last fifth."""
        lengths = [self.config.max_length]
        while lengths[0] // 2 >= self.config.first_length:
            lengths.insert(0, lengths[0] // 2)
        return lengths[min(int(progress / 0.8 * (len(lengths) - 1)), len(lengths) - 1)]

    def draw(self, step: int, progress: float) -> dict[str, Tensor]:
        """Return the batch of a step: input_ids, labels and, for padded rows, attention_mask."""
        rng = np.random.default_rng((self.config.seed, step))
        if self.config.kind == "encoder":
            return self._masked(rng, self.length_at(progress), 0, self.n_train)
        if progress >= 1 - self.config.supervised and self.documents:
            return self._supervised(rng)
        return self._denoising(rng, min(self.length_at(progress), 256))

    def held_out(self) -> Iterator[dict[str, Tensor]]:
        """Yield the same masked batches of held-out text each time, as long as those at the end of a run."""
        length = self.config.max_length
        for number in range(_HELD_OUT_BATCHES if len(self.tokens) - self.n_train > length else 0):
            yield self._masked(np.random.default_rng((self.config.seed, 1, number)), length, self.n_train, len(self.tokens))

    def characters_of(self, batch: dict[str, Tensor]) -> int:
        """Return the characters behind the input of a batch, the masked ones with them."""
        input_ids, labels = batch["input_ids"], batch["labels"]
        ids = torch.where(labels >= 0, labels, input_ids) if labels.shape == input_ids.shape else input_ids
        return int(self.token_characters[ids].sum())

    def characters_a_label(self, batch: dict[str, Tensor]) -> float:
        """Return the mean number of characters of a predicted token."""
        return float(self.token_characters[batch["labels"][batch["labels"] >= 0]].float().mean())

    def _masked(self, rng: np.random.Generator, length: int, first: int, last: int) -> dict[str, Tensor]:
        n_rows = max(1, self.config.batch_tokens // length)
        starts = rng.integers(first, last - length, n_rows)
        rows = np.stack([self.tokens[s : s + length] for s in starts]).astype(np.int64)
        rows[:, 0], rows[:, -1] = CLS, SEP
        input_ids, labels = mask_spans(rows, self.config.masked, self.vocab_size, rng, self.pieces)
        return {"input_ids": input_ids, "labels": labels}

    def _denoising(self, rng: np.random.Generator, length: int) -> dict[str, Tensor]:
        n_rows = max(1, self.config.batch_tokens // (2 * length))
        sources, targets = [], []
        for start in rng.integers(0, self.n_train - length, n_rows):
            row = np.asarray(self.tokens[start : start + length - 2], dtype=np.int64)
            sources.append(np.concatenate([[CLS], corrupt(row, self.config.masked, self.stop_ids, rng), [SEP]]))
            targets.append(np.append(row, SEP))
        return self._seq2seq_batch(sources, targets)

    def _supervised(self, rng: np.random.Generator) -> dict[str, Tensor]:
        sources, targets = [], []
        n_rows = max(1, self.config.batch_tokens // (self.config.max_length + 64))
        for _ in range(16 * n_rows):
            document = self.documents[int(rng.integers(len(self.documents)))]
            if (pair := draw_pair(document, self.readable(document.text), rng)) is None:
                continue
            source, target = (self.backend.encode(part, add_special_tokens=False).ids for part in pair)
            sources.append(np.array([CLS, *source[: self.config.max_length - 2], SEP]))
            targets.append(np.array([*target[: TARGET_LENGTH - 1], SEP]))
            if len(sources) == n_rows:
                break
        return self._seq2seq_batch(sources, targets) if sources else self._denoising(rng, 256)

    def readable(self, text: str) -> str:
        """Return as much of a text as a source of ``max_length`` tokens holds beside its marks."""
        most = self.config.max_length - 3
        coded = self.backend.encode(text[: 8 * most], add_special_tokens=False)
        return text[: coded.offsets[most][0]] if len(coded.offsets) > most else text[: 8 * most]

    def _seq2seq_batch(self, sources: list[npt.NDArray[np.int64]], targets: list[npt.NDArray[np.int64]]) -> dict[str, Tensor]:
        input_ids = pad_rows(sources, PAD)
        return {"input_ids": input_ids, "attention_mask": (input_ids != PAD).long(), "labels": pad_rows(targets, IGNORE)}


# Model --------------------------------------------------------------------------------------------------------


def build_model(config: PretrainConfig, vocab_size: int) -> nn.Module:
    """Return a fresh pre-norm model: ModernBERT with full attention, or gated T5 with three decoder layers.

    Pre-norm because post-norm stays on its plateau at this size and budget; T5 because its relative positions
    put no bound on the input and every fast engine knows it.
    """
    if config.kind == "encoder":
        # Eager attention: for windows this short its backward pass is several times faster on a CPU than the fused one's.
        encoder: ModernBertForMaskedLM = ModernBertForMaskedLM._from_config(  # type: ignore[no-untyped-call]
            attn_implementation="eager",
            config=ModernBertConfig(
                vocab_size=vocab_size,
                hidden_size=config.hidden_size,
                num_hidden_layers=config.layers,
                num_attention_heads=config.hidden_size // 64,
                intermediate_size=config.hidden_size * 2,
                max_position_embeddings=config.max_length,
                layer_types=["full_attention"] * config.layers,
                pad_token_id=PAD,
                cls_token_id=CLS,
                sep_token_id=SEP,
                bos_token_id=CLS,
                eos_token_id=SEP,
                classifier_pooling="mean",
            ),
        )
        return encoder
    settings = T5Config(
        vocab_size=vocab_size,
        d_model=config.hidden_size,
        d_kv=64,
        num_heads=config.hidden_size // 64,
        d_ff=config.hidden_size * 2,
        num_layers=config.layers,
        num_decoder_layers=config.decoder_layers,
        feed_forward_proj="gated-gelu",
        dropout_rate=0.0,
        pad_token_id=PAD,
        eos_token_id=SEP,
    )
    settings.decoder_start_token_id = PAD
    return T5ForConditionalGeneration(settings)


def begin(model: nn.Module, config: PretrainConfig, batches: Batches) -> None:
    """Set what a fresh model begins with, in place: an earlier encoder, word vectors, or the random weights it has.

    Raises:
        InputError: the earlier encoder has other layers, width or vocabulary.

    """
    earlier = config.encoder and ModernBertForMaskedLM.from_pretrained(str(config.encoder), trust_remote_code=False, dtype=torch.float32)
    if earlier and isinstance(model, T5ForConditionalGeneration):
        warm_start(model, earlier, layers=config.warm == "layers")
    elif earlier:
        shapes, own = ({name: tensor.shape for name, tensor in m.state_dict().items()} for m in (earlier, model))
        if different := sorted(name for name in shapes.keys() | own.keys() if shapes.get(name) != own.get(name)):
            raise InputError(f"{config.encoder} is of other layers, width or vocabulary than asked for: {', '.join(different[:3])}")
        model.load_state_dict(earlier.state_dict())
    elif config.word_vectors and isinstance(model, ModernBertForMaskedLM):
        begin_with_counts(model, batches.tokens[: batches.n_train], config.word_vectors, N_SPECIAL, config.seed)


def compute_loss(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """Return the mean cross-entropy per predicted character, in nats.

    For the encoder the vocabulary projection runs on the masked positions only, a third of the whole cost.
    """
    if isinstance(model, ModernBertForMaskedLM):
        hidden = model.model(input_ids=batch["input_ids"]).last_hidden_state
        chosen = batch["labels"] != IGNORE
        compute: Callable[[Any, Tensor, Tensor], Tensor] = model.__dict__.get(_COMPILED, head_loss)
        return compute(model, hidden[chosen], batch["labels"][chosen])
    loss: Tensor = model(**batch).loss
    return loss


def head_loss(model: ModernBertForMaskedLM, hidden: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy of (n, hidden_size) states against (n,) labels."""
    return nn.functional.cross_entropy(model.decoder(model.head(hidden)).float(), labels)


_COMPILED = "compiled_head_loss"  # where a compiled model keeps its compiled loss


def compile_encoder(model: Any) -> None:
    """Compile layers and loss in place, where a C++ compiler is found: half as fast again on a CPU."""
    if shutil.which("g++"):
        model.model.forward = torch.compile(model.model.forward, dynamic=False)
        # The number of masked tokens differs from batch to batch, so this graph has to be a dynamic one.
        model.__dict__[_COMPILED] = torch.compile(head_loss, dynamic=True)


# Run ----------------------------------------------------------------------------------------------------------


def pretrain(config: PretrainConfig) -> Path:
    """Pretrain a base model from public text; resumes where it stopped; returns the folder of the base (or of the cache)."""
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    random.seed(config.seed)
    device = pick_device(config.device)
    tokenizer = prepare_cache(config)
    if config.cache_only:
        return config.output / "cache"
    batches = Batches(config, tokenizer)
    model = build_model(config, len(tokenizer))
    if not has_state(config.output / "state"):
        begin(model, config, batches)
    model.to(device)
    optimizers = build_optimizers(model, config)
    progress = load_state(config.output / "state", model, optimizers)
    n_parameters = sum(p.numel() for p in model.parameters())
    logger.info("%s, %.1f M parameters, %s, from step %d", config.kind, n_parameters / 1e6, device, progress["step"])
    if config.compile and config.kind == "encoder":
        compile_encoder(model)

    def keep(name: str) -> None:
        if config.kind == "encoder":
            loss = held_out_loss(model, batches, device)
            measured = {"held_out_loss_per_character": loss and round(loss, 4)}
        else:
            measured = measure_seq2seq(model, tokenizer, batches.held_out_documents, batches.readable, device)
        _save_base(config.output / name, model, tokenizer, progress, config, measured)

    run_steps(model, optimizers, batches, compute_loss, config, progress, device, keep)
    keep("base")
    _log_throughput(model, config, progress, device)
    return config.output / "base"


def flops_a_token(model: Any, config: PretrainConfig) -> float:
    """Return the operations of one training step a token, forward and backward, of the encoder: matrices, attention, and the vocabulary on masked positions.

    Source: 6 operations a weight and token (arXiv 2001.08361), 12 * layers * width * length for attention (arXiv 2204.02311).
    """
    inner = sum(int(p.numel()) for name, p in model.named_parameters() if p.ndim == 2 and "layers." in name)
    attention = 12 * config.layers * config.hidden_size * config.max_length
    vocabulary = 6 * config.masked * config.hidden_size * (int(model.config.vocab_size) + config.hidden_size)
    return 6 * inner + attention + vocabulary


def _log_throughput(model: Any, config: PretrainConfig, progress: dict[str, Any], device: torch.device) -> None:
    if config.kind != "encoder" or not progress["elapsed_s"]:
        return
    rate, peak = progress.get("tokens", 0) / progress["elapsed_s"], matrix_peak(device)
    logger.info(
        "%.0f tokens/s, %.1f %% of the measured matrix peak of %.2f TFLOP/s", rate, 100 * rate * flops_a_token(model, config) / peak, peak / 1e12
    )


def _save_base(
    folder: Path, model: Any, tokenizer: PreTrainedTokenizerFast, progress: dict[str, Any], config: PretrainConfig, measured: dict[str, float | None]
) -> None:
    """Write a plain ``transformers`` folder in fp16, with what the run was and how its loss fell."""
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(str(folder), state_dict=half_weights(model))
    tokenizer.save_pretrained(str(folder))
    summary = {
        "config": named_config(config), "vocab_size": len(tokenizer), "longest_piece": max(map(len, set(tokenizer.get_vocab()) - set(SPECIAL))), "parameters": sum(p.numel() for p in model.parameters()), "characters": progress["characters"],
        "steps": progress["step"], "training_s": round(progress["elapsed_s"]), **measured, "log": progress["log"],
    }  # fmt: skip
    describe_base(folder, summary)
    logger.info("%s: %d characters, held-out text: %s", folder, progress["characters"], measured)


def held_out_loss(model: nn.Module, batches: Batches, device: torch.device) -> float | None:
    """Return the masked-language-model loss on held-out text, nats a character (encoder); None where there is none."""
    total, characters = 0.0, 0.0
    model.eval()
    with torch.no_grad():
        for batch in batches.held_out():
            moved = {key: value.to(device) for key, value in batch.items()}
            with mixed_precision(device):
                n_labels = int((batch["labels"] >= 0).sum())
                total += float(compute_loss(model, moved)) * n_labels
            characters += batches.characters_a_label(batch) * n_labels
    model.train()
    return total / characters if characters else None

"""Public Chinese text for pretraining: documents in, one array of token ids out.

The corpora are folders of ``.jsonl.zst`` files (``title``, ``text``, ``summary`` a line). What is
cached is made once per run folder: ``tokens.npy`` (uint16 ids of all documents) and ``bounds.npy`` (where each
begins). A million characters take about two seconds, so the cache is not worth keeping longer than its run.
"""

import json
import logging
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from data.corpora import iter_raw_rows
from data.encodings import encode_line
from data.width import to_full_punctuation, to_half_width

logger = logging.getLogger(__name__)

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[TITLE]", "[BRIEF]", "[COPY]"]
# Shares of the token budget by file prefix. Broadcast is political register and statutes are formulaic,
# so both stay minor; the in-domain file is small and repeated (measured mixes: EXPERIMENTS.md).
MIX = {"news": 0.82, "indomain": 0.08, "broadcast": 0.08, "statutes": 0.02}
_LINE_END = re.compile("\r\n?|[\u0085\u2028\u2029]")
# Words that mark the register of investment news; documents rich in them are drawn first.
_REGISTER = re.compile("项目|投资|企业|产业|园区|签约|招商|开工|投产|合作|亿元|经济|考察|洽谈|推介")


@dataclass(frozen=True)
class Document:
    """One text of the corpora; ``title``, ``summary`` and ``label`` (a section) where the source has them."""

    id: str
    title: str | None
    text: str
    summary: str | None
    label: str | None = None


def normalise(text: str) -> str:
    """Return the widths and line ends that cleaning gives an article, so that pretraining sees what serving sees."""
    return to_full_punctuation(to_half_width(_LINE_END.sub("\n", text))).strip()


def iter_documents(path: Path) -> Iterator[Document]:
    """Yield the documents of one file, widths normalised."""
    for row in iter_raw_rows(path):
        title, summary = row.get("title"), row.get("summary")
        yield Document(row["id"], title and normalise(title), normalise(row["text"]), summary and normalise(summary), row.get("label"))


def read_mix(folder: Path, n_characters: int, seed: int) -> list[Document]:
    """Return about ``n_characters`` of documents in the shares of ``MIX``, shuffled.

    Within a file group, documents are drawn by the density of register words with noise, so the
    model sees mostly economic news without losing the rest. A group smaller than its share is repeated.
    """
    rng = random.Random(seed)
    chosen: list[Document] = []
    for prefix, share in MIX.items():
        files = sorted(folder.glob(f"{prefix}-*.jsonl.zst"))
        documents = [d for path in files for d in iter_documents(path) if len(d.text) >= 60]
        if not documents:
            logger.warning("no %s-*.jsonl.zst in the corpora", prefix)
            continue
        scored = sorted(documents, key=lambda d: -register_density(d.text) * rng.uniform(0.3, 1.0))
        wanted, taken, repeats = share * n_characters, 0, 0
        while taken < wanted and repeats < 8:
            for document in scored:
                if taken >= wanted:
                    break
                chosen.append(document)
                taken += len(document.text)
            repeats += 1
        logger.info("%s: %d characters from %d documents", prefix, taken, len(documents))
    rng.shuffle(chosen)
    return chosen


def register_density(text: str) -> float:
    """Return how dense words of the trade are at the beginning of a text."""
    head = text[:1500]
    return (len(_REGISTER.findall(head)) + 0.5) / (len(head) + 200)


def build_tokenizer(texts: Sequence[str], vocab_size: int, longest_piece: int = 1) -> PreTrainedTokenizerFast:
    """Return a tokenizer of single characters, or of the pieces of up to ``longest_piece`` characters that explain the texts best.

    Digits, punctuation, percent and brackets are always tokens of their own, and decoding is the exact inverse of encoding
    for known characters. ASCII is always in the vocabulary, case kept (BYD, 5G).

    Args:
        texts: what to count.
        vocab_size: entries, special tokens included; frequent characters come first, the rest are pieces.
        longest_piece: characters; 1 for characters alone.
    Source: unigram language model (arXiv 1804.10959), as trained by the ``tokenizers`` library.

    """
    counts = Counter[str]()
    for text in texts:
        counts.update(text)
    always = [chr(code) for code in range(0x20, 0x7F)] + ["\n"]
    frequent = [char for char, _ in counts.most_common() if char not in set(always) and not char.isspace()]
    if longest_piece == 1:
        vocabulary = [*SPECIAL, *always, *frequent][:vocab_size]
        tokenizer = Tokenizer(models.WordLevel({token: i for i, token in enumerate(vocabulary)}, unk_token="[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), behavior="isolated")
    else:
        tokenizer = Tokenizer(models.Unigram())
        # Pieces are words of Han or Latin letters; whatever else stands in a text stays alone.
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"\p{Han}+|[A-Za-z]+|[\s\S]"), behavior="isolated")
        trainer = trainers.UnigramTrainer(
            vocab_size=vocab_size, special_tokens=SPECIAL, unk_token="[UNK]", max_piece_length=longest_piece, show_progress=False,
            initial_alphabet=[*always, *frequent[: vocab_size // 2]],
        )  # fmt: skip
        tokenizer.train_from_iterator(texts, trainer)
    tokenizer.decoder = decoders.Fuse()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]", bos_token="[CLS]", eos_token="[SEP]", additional_special_tokens=SPECIAL[5:], model_max_length=512,
        clean_up_tokenization_spaces=False, model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip


def encode_documents(tokenizer: PreTrainedTokenizerFast, documents: list[Document]) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.int64]]:
    """Return the ids of all documents in one array and the bounds of each.

    Returns:
        tokens: (n_tokens,) uint16; each document is title, newline, text.
        bounds: (n_documents + 1,) int64; document i is ``tokens[bounds[i]:bounds[i + 1]]``.

    """
    parts: list[npt.NDArray[np.uint16]] = []
    backend = tokenizer.backend_tokenizer
    for start in range(0, len(documents), 512):
        texts = [f"{d.title}\n{d.text}" if d.title else d.text for d in documents[start : start + 512]]
        parts += [np.array(e.ids, dtype=np.uint16) for e in backend.encode_batch_fast(texts, add_special_tokens=False)]
    bounds = np.cumsum([0, *map(len, parts)], dtype=np.int64)
    return np.concatenate(parts), bounds


def write_documents(path: Path, documents: Sequence[Document]) -> None:
    """Write documents as JSON lines; those of which no pair can be made (no title, no summary, too short) with the rest."""
    with path.open("wb") as file:
        file.writelines(encode_line(document.__dict__) for document in documents)


def read_documents(path: Path) -> list[Document]:
    """Read what ``write_documents`` wrote."""
    return [Document(**json.loads(line)) for line in path.read_bytes().split(b"\n") if line]

"""Outcome summaries: candidates from the sequence-to-sequence model, checked against the article, else extractive.

1. ``select_text`` picks what carries the outcome from the whole article. 2. Beam search gives n-best candidates.
3. A candidate with a figure or name the article does not support, or one that puts a figure in another's place, is dropped, the rest are ranked by model score,
by how much of the main outcome they hold and by what the choice of clauses expects an annotator to use of them. 4. If none is left, or the best is unlikely, a summary of the article's own clauses answers: those that
``ClauseSelector`` chooses, else those of ``extract_summary``.

Each article is decoded on its own, without padding: the same article gets the same summary in any company.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from transformers import PreTrainedTokenizerBase

from data.errors import CheckpointRefused
from data.schema import Outcomes
from data.width import CJK, to_full_punctuation, to_half_width
from models.faithfulness import Source, check_against, read_source
from models.relations import find_misplaced
from models.result import Summary
from models.selection import MAX_SUMMARY, MIN_SUMMARY, extract_summary, select_text

_SPACED = re.compile(f"(?<=[{CJK}，。；：、（）“”]) +| +(?=[{CJK}，。；：、（）“”])")
TITLE_CHARACTERS = 64  # of the source; a longer headline would push out the text
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9&.\-]*")


@dataclass(frozen=True)
class Generation:
    """How a checkpoint wants to be decoded; kept in its manifest, the gate chosen on the development split."""

    prefix: str = ""  # put before the source, such as [BRIEF]
    max_source: int = 512  # tokens
    source_characters: int = 0  # of the sentences that the selection checkpoint picks; 0 for as many as tokens, picked by hand-set scores
    max_target: int = 170  # tokens
    num_beams: int = 4
    min_target: int = 1  # tokens before which no summary ends (of a copying decoder)
    overlap_weight: float = 0.0  # of a candidate's expected overlap with an annotator's summary, beside its mean log-probability
    min_score: float = -0.6  # mean log-probability a token below which the extractive summary is better; 0 turns the decoder off

    def __post_init__(self) -> None:
        """Check what a manifest can get wrong."""
        if self.num_beams < 2:
            raise ValueError(f"num_beams must be at least 2 (candidates are compared), got {self.num_beams}")
        if not (1 <= self.min_target <= self.max_target and self.overlap_weight >= 0):
            raise ValueError(f"1 <= min_target <= max_target and overlap_weight >= 0 are needed, got {self.to_json()}")
        if not (self.max_source >= 64 and self.max_target >= 16 and self.min_score <= 0 and self.source_characters >= 0):
            raise ValueError(f"max_source >= 64, max_target >= 16, source_characters >= 0 and min_score <= 0 are needed, got {self.to_json()}")

    def to_json(self) -> dict[str, Any]:
        """Return the ``decoding`` entry of the manifest."""
        return dict(self.__dict__)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "Generation":
        """Rebuild from the manifest.

        Raises:
            CheckpointRefused: fields missing, unknown or out of range.

        """
        try:
            return cls(**row)
        except (TypeError, ValueError) as error:
            raise CheckpointRefused(f"decoding of the checkpoint: {error}") from error


@dataclass(frozen=True)
class Candidate:
    """One decoded summary with its mean log-probability a token."""

    text: str
    score: float


class Engine(Protocol):
    """What writes summaries of a source."""

    generation: Generation

    def candidates(self, source: str) -> list[Candidate]:
        """Return the n-best summaries of a source text, best first."""


class TorchSummarizer:
    """Beam search with a ``transformers`` sequence-to-sequence model on CPU or CUDA."""

    def __init__(self, model: Any, tokenizer: PreTrainedTokenizerBase, generation: Generation, device: torch.device) -> None:
        """Take a loaded model in evaluation mode."""
        self.model = model
        self.tokenizer = tokenizer
        self.generation = generation
        self.device = device

    @torch.inference_mode()
    def candidates(self, source: str) -> list[Candidate]:
        """Return the n-best summaries of a source text, best first."""
        options = self.generation
        coded = self.tokenizer(options.prefix + source, truncation=True, max_length=options.max_source, return_tensors="pt")
        inputs = {key: coded[key].to(self.device) for key in ("input_ids", "attention_mask")}
        found = self.model.generate(
            **inputs, num_beams=options.num_beams, num_return_sequences=options.num_beams, max_new_tokens=options.max_target, do_sample=False,
            no_repeat_ngram_size=6, early_stopping=True, return_dict_in_generate=True, output_scores=True,
        )  # fmt: skip
        scores = found.sequences_scores.tolist()
        texts = self.tokenizer.batch_decode(found.sequences, skip_special_tokens=True)
        return [Candidate(tidy(text, source), score) for text, score in zip(texts, scores, strict=True)]


def source_of(title: str | None, text: str, outcomes: Outcomes, generation: Generation, pick: Callable[[int], str] | None = None) -> str:
    """Return what the model reads of a cleaned article: title, newline, the selected sentences.

    Args:
        title: headline.
        text: the article.
        outcomes: its figures.
        generation: how long a source may be.
        pick: gives the sentences of up to so many characters (``ClauseSelector.pick_sentences``); the hand-set scores of ``select_text`` choose where it is absent.

    """
    head = f"{title[:TITLE_CHARACTERS]}\n" if title else ""
    room = max(generation.source_characters or generation.max_source - len(generation.prefix) - len(head) - 4, 64)
    if pick is not None and generation.source_characters:  # a checkpoint reads what it was trained on
        return head + pick(room)
    return head + select_text(text, outcomes, room, title)


def tidy(text: str, source: str) -> str:
    """Return a decoded text as it is typeset: no spaces between characters, the article's letter case, a full stop."""
    joined = to_full_punctuation(to_half_width(_SPACED.sub("", text.strip())))
    cases = {word.lower(): word for word in _LATIN.findall(source)}
    joined = _LATIN.sub(lambda match: cases.get(match.group().lower(), match.group()), joined)
    return joined if joined.endswith(("。", "！", "？")) or not joined else joined.rstrip("，、；：") + "。"


def rank(
    candidates: Sequence[Candidate], outcomes: Outcomes, expected: Callable[[str], float] | None = None, overlap_weight: float = 0.0
) -> list[Candidate]:
    """Return the candidates that have a summary's length, by model score, share of the outcome figures they hold, and expected overlap.

    Args:
        candidates: of a decoder.
        outcomes: of the article.
        expected: gives a summary its expected overlap with an annotator's (``ClauseSelector.read_expected``).
        overlap_weight: of that overlap.

    """
    wanted = {m.text for m in outcomes.mentions if m.kind in ("amount", "count") and m.scope == "batch" and m.status == "signed"}

    def worth(candidate: Candidate) -> float:
        covered = 0.3 * sum(text in candidate.text for text in wanted) / len(wanted) if wanted else 0.0
        return candidate.score + covered + (overlap_weight * expected(candidate.text) if expected is not None else 0.0)

    fit = [c for c in candidates if MIN_SUMMARY <= len(c.text) <= MAX_SUMMARY]
    return sorted(fit, key=lambda c: (-worth(c), c.text))


def summarize(
    engine: Engine | None,
    title: str | None,
    text: str,
    outcomes: Outcomes,
    brief: bool = False,
    choose_clauses: Callable[[], str] | None = None,
    pick_sentences: Callable[[int], str] | None = None,
    read_expected: Callable[[], Callable[[str], float]] | None = None,
) -> Summary:
    """Return the summary of a cleaned article; ``ungrounded`` is empty unless all methods failed.

    Args:
        engine: the decoder, if any.
        title: headline, cleaned.
        text: the article, cleaned.
        outcomes: its figures and facts.
        brief: keeps an extractive summary by rules to one sentence (articles outside the domain).
        pick_sentences: chooses what the decoder reads, see ``source_of``.
        read_expected: gives what weighs the decoder's candidates (``ClauseSelector.read_expected``); they are ranked without it where it is absent.
        choose_clauses: makes an extractive summary of learnt clauses (``ClauseSelector.summarize``); the rules write where it is absent, or where it returns nothing or something unsupported.

    """
    source = read_source(text, title)
    if engine is not None and engine.generation.min_score < 0 and len(text) >= MIN_SUMMARY:
        found = engine.candidates(source_of(title, text, outcomes, engine.generation, pick_sentences))
        ranked = rank(found, outcomes, read_expected and read_expected(), engine.generation.overlap_weight)
        best = choose(ranked, source, engine.generation.min_score, text, title)
        if best is not None:
            return Summary(best.text, "abstractive")
    chosen = choose_clauses() if choose_clauses is not None else ""
    if chosen and not check_against(chosen, source):
        return Summary(chosen, "extractive")
    extractive = extract_summary(text, outcomes, title, brief)
    return Summary(extractive, "extractive", check_against(extractive, source))


def choose(ranked: Sequence[Candidate], source: Source, min_score: float, text: str, title: str | None) -> Candidate | None:
    """Return the first candidate that is likely enough and that the article supports, figure by figure and clause by clause; or None."""
    likely = (c for c in ranked if c.score >= min_score)
    return next((c for c in likely if not check_against(c.text, source) and not find_misplaced(c.text, text, title)), None)

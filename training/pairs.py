"""Source and target of the sequence-to-sequence base's second stage, made from public articles: titles, briefs, gap sentences.

All of them shorten an article, and all of them repeat names and figures of it, which is what a small decoder has to learn.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from models.sentences import split_sentences
from training.corpus import Document

TITLE, BRIEF, COPY, HOLE = "[TITLE]", "[BRIEF]", "[COPY]", "[MASK]"
TITLE_LENGTHS, _BRIEF_LENGTHS, _SENTENCE_LENGTHS = range(8, 51), range(20, 161), range(15, 121)
_MOST_CHARACTERS = 160  # of a target of gap sentences, as of a summary
_HIDDEN_SHARE = 0.5
_FIGURE_GAIN = 0.1  # of a sentence with an amount or a count, which carries the outcome: more than cover differs between most sentences
_FIGURE = re.compile(r"\d[\d.,]*(?:多|余)?(?:个|项|家|宗|份|人|万|亿|%|％)")


def draw_pair(document: Document, text: str, rng: np.random.Generator) -> tuple[str, str] | None:
    """Return (source with its task mark, target) of a task drawn for a document; None where no task fits it. The sentences asked for are hidden in half of their sources."""
    drawn = draw_target(document, text, rng)
    if drawn is None:
        return None
    task, target, gaps = drawn
    return task + (_without(text, gaps) if gaps and rng.random() < _HIDDEN_SHARE else text), target


def draw_target(document: Document, text: str, rng: np.random.Generator) -> tuple[str, str, list[tuple[int, int]]] | None:
    """Return the mark of a task drawn for a document, its target and, where that is sentences, their spans; None where no task fits it.

    ``text`` is as much of the document's text as a source holds: a target must not come from beyond it.

    The brief is drawn most often where there is one: it is the closest public thing to a summary.
    """
    tasks = []
    if document.summary and len(document.summary) in _BRIEF_LENGTHS:
        tasks += [BRIEF] * 3
    if document.title and len(document.title) in TITLE_LENGTHS:
        tasks.append(TITLE)
    gaps = gap_sentences(text)
    if gaps:
        tasks.append(COPY)
    if not tasks:
        return None
    task = tasks[int(rng.integers(len(tasks)))]
    if task == BRIEF:
        return BRIEF, document.summary or "", []
    if task == TITLE:
        return TITLE, document.title or "", []
    return COPY, "".join(text[a:b].strip() for a, b in gaps), gaps


def gap_sentences(text: str, most: int = 2) -> list[tuple[int, int]]:
    """Return up to ``most`` sentences that cover the rest of the text best, figures preferred, in the order of the text.

    Cover is the F1 over pairs of characters between a sentence and the rest. Source: gap sentences of PEGASUS (arXiv 1912.08777).
    """
    spans = [(a, b) for a, b in split_sentences(text) if text[a:b].strip()]
    if len(spans) < 3:
        return []
    whole = _bigrams(text)
    scored = []
    for a, b in spans:
        sentence = text[a:b].strip()
        if len(sentence) not in _SENTENCE_LENGTHS or sentence[-1] not in "。！？；":
            continue
        own = _bigrams(text[a:b])
        shared = sum(min(n, whole[gram] - n) for gram, n in own.items())  # what the rest has of it
        scored.append((2 * shared / len(text) + _FIGURE_GAIN * bool(_FIGURE.search(sentence)), -a, (a, b)))
    chosen: list[tuple[int, int]] = []
    for _, _, (a, b) in sorted(scored, reverse=True):
        if len(chosen) < most and sum(d - c for c, d in chosen) + b - a <= _MOST_CHARACTERS:
            chosen.append((a, b))
    return sorted(chosen)


def _bigrams(text: str) -> Counter[str]:
    return Counter(text[i : i + 2] for i in range(len(text) - 1))


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return the text with one hole in place of each span."""
    out, end = "", 0
    for a, b in spans:
        out += text[end:a] + HOLE
        end = b
    return out + text[end:]

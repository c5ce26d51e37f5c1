"""Clauses of an article as material for its summary, and what speaks for each of them.

``split_clauses`` cuts title and text at ，；。！？ (not inside brackets or quotation marks); ``describe`` says of each clause what a linear model can weigh: its words, its place, its figures with role and
status, what it shares with the headline, the labels of the article. Features are strings, hashed (CRC-32): a checkpoint holds no text.
"""

import zlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from data.schema import Figure, Outcomes
from models.selection import BACKGROUND, EVENT, OUTCOME, TALK, drop_openers, is_heading, score_sentences

TITLE = -1  # the sentence number of a headline's clauses
N_FEATURES = 2**18
STOPS = "，；。！？、：… "
_MOST_SENTENCES = 120  # of a long article: its first 60, and the 60 of the rest that are worth most
_LONGEST = 160  # characters of a clause; a bracket that is still open there was never closed
_SHORTEST = 3
_CUTS = frozenset("，；。！？")
_PARTNERS = {"”": "“", "）": "（", "》": "《", "」": "「", "】": "【", ")": "("}
_CUES = (("event", EVENT), ("outcome", OUTCOME), ("talk", TALK), ("background", BACKGROUND))
_PLACES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 40)
_LENGTHS = (5, 8, 12, 16, 22, 30, 45)
_TEXT_LENGTHS = (150, 300, 600, 1000, 1800, 3000)

Features = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Clause:
    """A clause as it stands in the article, with the mark behind it."""

    text: str
    start: int  # in the text; in the title where ``sentence`` is TITLE
    sentence: int  # counted without headings, which have the number of the sentence behind them
    place: int  # among the clauses of its sentence
    first: int  # index, among all clauses, of the first of its segment: the part of a sentence between ；。！？
    heading: bool

    @cached_property
    def core(self) -> str:
        """Return the clause without the marks at its end."""
        return self.text.rstrip(STOPS)

    @cached_property
    def pairs(self) -> frozenset[str]:
        """Return its character pairs."""
        return ngrams_of(self.core)


def ngrams_of(text: str, n: int = 2) -> frozenset[str]:
    """Return the sequences of n characters of a text."""
    return frozenset(text[i : i + n] for i in range(len(text) - n + 1))


def split_clauses(text: str, title: str | None, outcomes: Outcomes) -> list[Clause]:
    """Return the clauses of title and text in order, without datelines and openers; of a long article those of the sentences worth most."""
    found: list[Clause] = []
    _append(found, title or "", 0, TITLE, heading=False)
    number = 0
    scored = score_sentences(text, outcomes, title)
    if len(scored) > _MOST_SENTENCES:
        early, late = scored[: _MOST_SENTENCES // 2], scored[_MOST_SENTENCES // 2 :]
        scored = early + sorted(sorted(late, key=lambda s: (-s.score, s.start))[: _MOST_SENTENCES // 2], key=lambda s: s.start)
    for sentence in scored:
        heading = is_heading(sentence.text)
        body = drop_openers(sentence.text)
        _append(found, body, sentence.end - len(body), number, heading)
        number += not heading
    return found


def _append(found: list[Clause], sentence: str, start: int, number: int, heading: bool) -> None:
    """Add the clauses of a sentence that starts at ``start``."""
    first, place = len(found), 0
    for a, b in _cut(sentence):
        piece = sentence[a:b].strip()
        if len(piece) >= _SHORTEST:
            lead = len(sentence[a:b]) - len(sentence[a:b].lstrip())
            found.append(Clause(piece, start + a + lead, number, place, first, heading))
            place += 1
        if piece and piece[-1] in "；。！？":
            first = len(found)


def _cut(sentence: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of clauses; no mark within brackets or quotation marks ends one."""
    begin, open_marks = 0, Counter[str]()
    for i, char in enumerate(sentence):
        if char in _PARTNERS.values():
            open_marks[char] += 1
        elif char in _PARTNERS:
            open_marks[_PARTNERS[char]] = 0
        elif (char in _CUTS and not any(open_marks.values())) or i - begin >= _LONGEST:
            yield begin, i + 1
            begin, open_marks = i + 1, Counter()
    if begin < len(sentence):
        yield begin, len(sentence)


def describe(clauses: Sequence[Clause], text: str, title: str | None, outcomes: Outcomes, activity: Sequence[str]) -> list[Features]:
    """Return the sorted hashes of what speaks for and against each clause.

    Args:
        clauses: of ``split_clauses``.
        text: the article, cleaned.
        title: its headline.
        outcomes: of ``build_outcomes``: the figures.
        activity: labels, main first.

    """
    starts = [figure.start for figure in outcomes.mentions]
    frequency = Counter(text[i : i + 2] for i in range(len(text) - 1))
    headline = ngrams_of(title or "")
    main = activity[0] if activity else ""
    sizes = Counter(clause.sentence for clause in clauses)
    shared = f"length:{_step(len(text), _TEXT_LENGTHS)}"
    out = []
    for number, clause in enumerate(clauses):
        in_title = clause.sentence == TITLE
        figures = () if in_title else outcomes.mentions[bisect_left(starts, clause.start) : bisect_left(starts, clause.start + len(clause.text))]
        before = clauses[number - 1] if clause.place else None
        own = set(_words(clause, before)) | set(_figures(figures, main)) | {shared}
        own |= set(_places(clause, number, sizes[clause.sentence], len(text), main))
        if not in_title:
            common = len(clause.pairs & headline)
            inside = common / max(1, len(clause.pairs))
            own |= {f"in headline:{int(inside * 8)}", f"of headline:{int(8 * common / max(1, len(headline)))}"}
            own.add(f"in headline:{int(inside * 4)}|{min(clause.sentence, 2)}")
        central = sum(min(frequency[pair], 6) for pair in clause.pairs) / max(1, len(clause.pairs))
        own.add(f"central:{int(central * 2)}")
        out.append(_hash(own))
    return out


def _words(clause: Clause, before: Clause | None) -> Iterator[str]:
    core = clause.core
    for n in (2, 3, 4):
        yield from ngrams_of(core, n)
    for n in (1, 2, 3, 4):
        yield from (f"^{core[:n]}", f"{core[-n:]}$")
    if before is None:
        yield f"^^{core[:2]}"
    else:
        yield f"behind:{before.core[-2:]}"
    yield f"mark:{clause.text[-1] if clause.text[-1] in _CUTS else ''}"


def _places(clause: Clause, number: int, n_clauses: int, length: int, main: str) -> Iterator[str]:
    sentence, place = min(clause.sentence, 8), min(clause.place, 5)
    yield from (
        f"sentence:{sentence}", f"place:{min(sentence, 4)}|{min(place, 4)}", f"place:{place}|{min(n_clauses, 6)}", f"number:{_step(number, _PLACES)}",
        f"characters:{_step(len(clause.core), _LENGTHS)}", f"share:{int(10 * clause.start / max(1, length))}", f"heading:{clause.heading}",
        f"{main}|{min(sentence, 4)}", f"{main}|number:{_step(number, _PLACES)}",
    )  # fmt: skip
    for name, cue in _CUES:
        if cue.search(clause.core):
            yield from (name, f"{name}|{min(sentence, 3)}", f"{name}|{main}")


def _figures(figures: Sequence[Figure], main: str) -> Iterator[str]:
    yield f"figures:{min(len(figures), 4)}"
    for figure in figures:
        yield from (
            f"kind:{figure.kind}", f"role:{figure.role}|{figure.scope}", f"scope:{figure.scope}|{figure.status}", f"{main}|{figure.kind}|{figure.scope}|{figure.status}",
        )  # fmt: skip


def _step(value: int, steps: Sequence[int]) -> int:
    return sum(value >= step for step in steps)


def _hash(features: set[str]) -> Features:
    return np.unique(
        np.fromiter((zlib.crc32(feature.encode("utf-8", "surrogatepass")) % N_FEATURES for feature in features), dtype=np.int64, count=len(features))
    )

"""Whether a written summary says of each figure what the article says of it: the check of a decoder's text beyond value, unit and role.

A decoder that copies can take a figure from one sentence and its noun from another; every figure is then in the article and the statement is false. So each clause of a summary is laid beside the article's
sentences, and what does not stem from one of them is refused. Strict by design: a candidate refused costs a summary of the article's own clauses, one let through costs trust.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from models.figures import find_figures
from models.sentences import split_sentences

_CLAUSE = re.compile("[^，；。！？：\n]+")
_MARKS = frozenset("，；。！？：、“”‘’（）《》「」【】()\n \u3000")
_KINDS = ("amount", "count", "percent", "area")
_OWN_SENTENCE = 0.75  # share of a clause's pairs that the sentence of its figure must hold
_WHOLE = 0.8  # share of any clause's pairs that the article must hold
_SAME_CLAUSE = 0.85  # share from which a clause counts as the article's own, wherever its figure moved to
_HALF = 0.5  # share of it that must stand around the figure where only two characters before it agree
_BEFORE = 0.6  # share of the clause before a figure without a subject of its own
_NO_SUBJECT = re.compile(
    "(?:其中|合同|协议|计划|预计|签约|意向|拟|总|投资|资金|金额|额|达|约|为|超|共|引资|合计|同比|增长|下降)*"
)  # before a figure: what it is of stands earlier
_CONTEXT = 2  # characters beside a figure that are compared
_REPEATED = re.compile(r"(.{2,16})、?\1")
_TWICE = 8  # characters that no summary says twice


@dataclass(frozen=True)
class _Sentence:
    text: str
    pairs: frozenset[str]


def find_misplaced(summary: str, text: str, title: str | None = None) -> list[str]:
    """Return the parts of a summary that the article does not say so: figures in another's place, clauses of several sentences, repetitions, an end in mid-sentence.

    Args:
        summary: to be checked.
        text: the article, cleaned.
        title: its headline.

    """
    sentences = _read(text, title)
    whole = frozenset().union(*(sentence.pairs for sentence in sentences))
    clauses = [match.group() for match in _CLAUSE.finditer(summary)]
    wrong = [clause for clause in clauses if _share(_pairs(clause), whole) < _WHOLE]
    wrong += [match.group() for match in _REPEATED.finditer(summary)] + _said_twice(summary)
    for number, clause in enumerate(clauses):
        for figure in find_figures(clause):
            if figure.kind in _KINDS:
                has_own = clause[figure.end : figure.end + 1] == "的" or _NO_SUBJECT.fullmatch(clause[: figure.start]) is None
                before = clauses[number - 1] if number and not has_own else None
                if not any(_says(sentences, i, clause, figure.start, figure.end, before) for i in range(len(sentences))):
                    wrong.append(figure.text)
    return wrong + _unfinished(summary, clauses, title or "", text)


@lru_cache(maxsize=4)  # all candidates of an article are checked one after another
def _read(text: str, title: str | None) -> tuple[_Sentence, ...]:
    return tuple(_Sentence(part, _pairs(part)) for part in (title or "", *(text[a:b] for a, b in split_sentences(text))) if part.strip())


def _says(sentences: Sequence[_Sentence], i: int, clause: str, start: int, end: int, before: str | None) -> bool:
    """Return whether sentence i holds the figure that stands in a clause from start to end, beside the same words, and what stands before it."""
    own, pairs = sentences[i], _pairs(clause)
    figure = clause[start:end]
    if figure not in own.text or _share(pairs, own.pairs) < _OWN_SENTENCE:
        return False
    left, right = clause[max(0, start - _CONTEXT) : start], clause[end : end + _CONTEXT]
    for match in re.finditer(re.escape(figure), own.text):
        ahead = own.text[: match.start()]
        around = next((c for c in _CLAUSE.finditer(own.text) if c.start() <= match.start() < c.end()), None)
        if around is None:
            continue
        begins = not around.start()  # what it is of then stands in the sentence before
        told = own.pairs | (sentences[i - 1].pairs if i and begins else frozenset())
        if before is not None and _share(_pairs(before), told) < _BEFORE:
            continue
        shared = _share(pairs, _pairs(around.group()))
        longer = clause[max(0, start - 2 * _CONTEXT) : start]
        if left and ahead.endswith(left) and (shared >= _HALF or ahead.endswith(longer)):
            return True
        if not left and (match.start() == around.start() or ahead[-1:] in _MARKS):
            return True
        if right and own.text[match.end() :].startswith(right) and shared >= _SAME_CLAUSE:
            return True
    return False


def _pairs(text: str) -> frozenset[str]:
    solid = "".join(char for char in text if char not in _MARKS)
    return frozenset(solid[i : i + 2] for i in range(len(solid) - 1))


def _share(part: frozenset[str], whole: frozenset[str]) -> float:
    return len(part & whole) / len(part) if part else 1.0


def _said_twice(summary: str) -> list[str]:
    seen: dict[str, int] = {}
    for i in range(len(summary) - _TWICE + 1):
        gram = summary[i : i + _TWICE]
        if seen.setdefault(gram, i) <= i - _TWICE:
            return [gram]
    return []


def _unfinished(summary: str, clauses: list[str], title: str, text: str) -> list[str]:
    """Return the last clause where the article always goes on behind its last characters without a mark, or a bracket stays open."""
    if any(summary.count(a) != summary.count(b) for a, b in ("“”", "（）", "《》", "「」", "【】")):
        return clauses[-1:]
    last = summary.rstrip("。！？”’）》」")[-3:]
    found = [page[match.end()] if match.end() < len(page) else "。" for page in (title, text) for match in re.finditer(re.escape(last), page)]
    return clauses[-1:] if found and not any(char in _MARKS for char in found) else []

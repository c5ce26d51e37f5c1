"""Near-duplicates among articles: which texts are reprints of one another, and which only share a template.

``find_pairs(texts)`` finds candidates by MinHash over character 5-grams and verifies each by exact Jaccard similarity. A verified pair is
a ``duplicate`` only where numbers, dates and places agree, one side's allowed to be a part of the other's: in this genre the same
template with another city or amount is another event, and such a pair is ``related``. ``group_duplicates(texts)`` numbers the groups.
"""

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from datasketch import MinHash, MinHashLSH

from data.clean import clean_text
from data.places import KNOWN_PLACE

SHINGLE = 5  # characters
PERMUTATIONS = 128
CANDIDATE_JACCARD = 0.5  # of the index: far below what is verified, so that an estimate hardly ever misses a pair
DUPLICATE_JACCARD = 0.8
_SEED = 1
_RARE = 12  # texts; n-grams that more hold are phrases of the trade
# What differs between reprints and says nothing: by-lines, agency marks, punctuation, white space.
_BYLINE = re.compile(
    r"[（(][^（）()]{0,24}(?:记者|通讯员|编辑|摄影|图文)[^（）()]{0,40}[)）]|(?:本报|本网|中新社|中新网|新华社|新华网)[^，。：\n]{0,16}?[讯电](?:题)?[：:]?"
    r"|^\s*来源[：:]\S{1,16}|(?:^|(?<=[。！？）)\s]))责任编辑[：:]?\S{1,8}",
    re.MULTILINE,
)
_NOISE = re.compile(r"[^0-9A-Za-z〇\u3400-\u9fff.%]|(?<!\d)\.|\.(?!\d)")
_NUMERAL = "〇零一二两三四五六七八九十百千万亿几数"
# A single numeral counts before a measure word alone: 一 and 两 stand in many other words.
_NUMBER = re.compile(rf"\d+(?:\.\d+)?|[{_NUMERAL}]{{2,}}|[{_NUMERAL}](?=[个家项份名位批期亿万元年月日天次条座亩吨辆台件])")
_PLACE = re.compile(r"[\u4e00-\u9fff]{2}(?:省|市|县|区|州|旗|镇|乡)")

Relation = Literal["duplicate", "related", "excerpt"]


@dataclass(frozen=True)
class Pair:
    """Two near-identical texts by their positions, ``first < second``; ``jaccard`` of their character 5-grams."""

    first: int
    second: int
    jaccard: float
    relation: Relation


def normalise(text: str) -> str:
    """Return what is compared of a text: cleaned, compatibility forms folded, without by-lines, punctuation and white space."""
    return _NOISE.sub("", _strip(text))


def _strip(text: str) -> str:
    """Return the text without by-lines, its punctuation kept: 30-50亿 must not become 3050亿 before figures are taken."""
    return _BYLINE.sub("", unicodedata.normalize("NFKC", clean_text(text).text))


def shingles(normalised: str, n: int = SHINGLE) -> set[str]:
    """Return the character n-grams of a text; a text shorter than n is one shingle, so that short texts are not all alike."""
    return {normalised[i : i + n] for i in range(max(1, len(normalised) - n + 1))}


def find_pairs(texts: Sequence[str]) -> list[Pair]:
    """Return every pair of near-identical texts, in the order of positions; equal texts are paired with the first of them alone.

    Source: MinHash with banding, Broder (1997) and Leskovec et al., Mining of Massive Datasets, chapter 3; the index is ``datasketch``'s.
    """
    stripped = [_strip(text) for text in texts]
    compared = [_NOISE.sub("", text) for text in stripped]
    grams = [shingles(text) for text in compared]
    index = MinHashLSH(threshold=CANDIDATE_JACCARD, num_perm=PERMUTATIONS)
    hasher = MinHash(num_perm=PERMUTATIONS, seed=_SEED)
    first_of: dict[str, int] = {}  # n copies of one text are n - 1 pairs, not n² / 2
    found = []
    for second, own in enumerate(grams):
        first = first_of.setdefault(compared[second], second)
        if first < second:
            found.append(Pair(first, second, 1.0, _relation(stripped[first], stripped[second])))
            continue
        sketch = hasher.copy()
        sketch.update_batch([gram.encode() for gram in own])
        for first in sorted(index.query(sketch)):
            jaccard = _jaccard(grams[first], own)
            if jaccard >= DUPLICATE_JACCARD:
                found.append(Pair(first, second, jaccard, _relation(stripped[first], stripped[second])))
        index.insert(second, sketch)
    return sorted(found, key=lambda pair: (pair.first, pair.second))


def find_excerpts(texts: Sequence[str], share: float = 0.6) -> list[Pair]:
    """Return pairs in which one text holds ``share`` of the other's character sequences and all its numbers and places: a cut or lengthened reprint.

    Near-identical texts (``find_pairs``) are compared by one of each group.
    """
    stripped = [_strip(text) for text in texts]
    heads = sorted(set(_join(len(texts), ((pair.first, pair.second) for pair in find_pairs(texts)))))
    found = [(heads[a], heads[b], part) for a, b, part in _contained([texts[i] for i in heads], share)]
    return [Pair(a, b, part, "excerpt") for a, b, part in found if _relation(stripped[a], stripped[b]) == "duplicate"]


def group_duplicates(texts: Sequence[str], pairs: Iterable[Pair] | None = None) -> list[int]:
    """Return a group number for each text: the position of the group's first one. ``related`` texts are not grouped."""
    found = find_pairs(texts) if pairs is None else pairs
    return _join(len(texts), ((pair.first, pair.second) for pair in found if pair.relation == "duplicate"))


def _join(n: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Return for each of n items the smallest one it is joined with by the pairs, over any number of steps."""
    parent = list(range(n))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for first, second in pairs:
        low, high = sorted((root(first), root(second)))
        parent[high] = low
    return [root(i) for i in range(n)]


def _jaccard(a: set[str], b: set[str]) -> float:
    both = len(a & b)
    return both / (len(a) + len(b) - both)


def _relation(first: str, second: str) -> Relation:
    """Return ``duplicate`` where the numbers and places of one text are all in the other: a reprint may be cut, but changes neither."""
    same = all(_is_part(pattern.findall(first), pattern.findall(second)) for pattern in (_NUMBER, _PLACE, KNOWN_PLACE))
    return "duplicate" if same else "related"


def _is_part(a: list[str], b: list[str]) -> bool:
    few, many = sorted((Counter(a), Counter(b)), key=lambda counter: counter.total())
    return few <= many


def group_reprints(texts: Sequence[str], n: int = 8, share: float = 0.4) -> list[int]:
    """Return a group number for each text; near-identical texts, and texts that share ``share`` of the shorter one's character n-grams, are one group.

    Wider than ``group_duplicates``: excerpts and rewritten reprints too, whatever their figures. Made for splits, where too much together does no harm.
    """
    near = [(pair.first, pair.second) for pair in find_pairs(texts)]
    heads = sorted(set(_join(len(texts), near)))
    wider = [(heads[a], heads[b]) for a, b, _ in _contained([texts[i] for i in heads], share, n)]
    return _join(len(texts), [*near, *wider])


def _contained(texts: Sequence[str], share: float, n: int = 8) -> list[tuple[int, int, float]]:
    """Return (first, second, share) of the pairs that share at least ``share`` of the shorter one's character n-grams.

    An index of the n-grams that few texts hold keeps this near linear: what everybody writes says nothing of a reprint.
    """
    grams = [shingles("".join(text.split()), n) for text in texts]
    holders: dict[str, list[int]] = {}
    for i, own in enumerate(grams):
        for gram in own:
            holders.setdefault(gram, []).append(i)
    together = Counter(pair for found in holders.values() if 1 < len(found) <= _RARE for pair in itertools.combinations(found, 2))
    rows = ((a, b, count / min(len(grams[a]), len(grams[b]))) for (a, b), count in together.items())
    return sorted(row for row in rows if row[2] >= share)


def overlap(grams: Sequence[set[str]], least: float) -> list[tuple[int, int, float]]:
    """Return (first, second, Jaccard) of every pair of shingle sets at or over ``least``, exactly.

    An index from shingle to holders visits only pairs that share one, which texts written apart hardly do: meant for long
    shingles (13 characters and more).
    """
    holders: dict[str, list[int]] = {}
    shared = Counter[tuple[int, int]]()
    for second, own in enumerate(grams):
        for gram in own:
            for first in holders.setdefault(gram, []):
                shared[first, second] += 1
            holders[gram].append(second)
    rows = ((a, b, n / (len(grams[a]) + len(grams[b]) - n)) for (a, b), n in shared.items())
    return sorted(row for row in rows if row[2] >= least)

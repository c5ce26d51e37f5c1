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

SHINGLE = 5  # characters
PERMUTATIONS = 128
CANDIDATE_JACCARD = 0.5  # of the index: far below what is verified, so that an estimate hardly ever misses a pair
DUPLICATE_JACCARD = 0.8
_SEED = 1
_RARE = 12  # texts; n-grams that more hold are phrases of the trade
# What differs between reprints and says nothing: by-lines, agency marks, punctuation, white space.
_BYLINE = re.compile(
    r"[（(][^（）()]{0,24}(?:记者|通讯员|编辑|摄影|图文)[^（）()]{0,40}[)）]|(?:本报|本网|中新社|中新网|新华社|新华网)[^，。：\n]{0,16}?[讯电](?:题)?[：:]?|来源[：:]\S{1,16}|责任编辑[：:]?\S{1,8}"
)
_NOISE = re.compile(r"[^0-9A-Za-z\u3400-\u9fff.%]|(?<!\d)\.|\.(?!\d)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?|[〇零一二两三四五六七八九十百千万亿几数]{2,}")
_PLACE = re.compile(r"[\u4e00-\u9fff]{2}(?:省|市|县|区|州|旗|镇|乡)")

Relation = Literal["duplicate", "related"]


@dataclass(frozen=True)
class Pair:
    """Two near-identical texts by their positions, ``first < second``; ``jaccard`` of their character 5-grams."""

    first: int
    second: int
    jaccard: float
    relation: Relation


def normalise(text: str) -> str:
    """Return what is compared of a text: cleaned, compatibility forms folded, without by-lines, punctuation and white space."""
    return _NOISE.sub("", _BYLINE.sub("", unicodedata.normalize("NFKC", clean_text(text).text)))


def shingles(normalised: str, n: int = SHINGLE) -> set[str]:
    """Return the character n-grams of a text; a text shorter than n is one shingle, so that short texts are not all alike."""
    return {normalised[i : i + n] for i in range(max(1, len(normalised) - n + 1))}


def find_pairs(texts: Sequence[str]) -> list[Pair]:
    """Return every pair of near-identical texts, in the order of positions.

    Source: MinHash with banding, Broder (1997) and Leskovec et al., Mining of Massive Datasets, chapter 3; the index is ``datasketch``'s.
    """
    compared = [normalise(text) for text in texts]
    grams = [shingles(text) for text in compared]
    index = MinHashLSH(threshold=CANDIDATE_JACCARD, num_perm=PERMUTATIONS)
    hasher = MinHash(num_perm=PERMUTATIONS, seed=_SEED)
    found = []
    for second, own in enumerate(grams):
        sketch = hasher.copy()
        sketch.update_batch([gram.encode() for gram in own])
        for first in sorted(index.query(sketch)):
            jaccard = _jaccard(grams[first], own)
            if jaccard >= DUPLICATE_JACCARD:
                same = _agrees(compared[first], compared[second])
                found.append(Pair(first, second, jaccard, "duplicate" if same else "related"))
        index.insert(second, sketch)
    return sorted(found, key=lambda pair: (pair.first, pair.second))


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


def _agrees(first: str, second: str) -> bool:
    """True where the numbers and places of one text are all in the other: a reprint may be cut, but changes neither."""
    return all(_is_part(pattern.findall(first), pattern.findall(second)) for pattern in (_NUMBER, _PLACE))


def _is_part(a: list[str], b: list[str]) -> bool:
    few, many = sorted((Counter(a), Counter(b)), key=lambda counter: counter.total())
    return few <= many


def group_reprints(texts: Sequence[str], n: int = 8, share: float = 0.4) -> list[int]:
    """Return a group number for each text; texts that share ``share`` of the shorter one's character n-grams are one group.

    An index of the n-grams that few texts hold keeps this near linear: what everybody writes says nothing of a reprint.
    """
    grams = [{squeezed[i : i + n] for i in range(max(1, len(squeezed) - n + 1))} for squeezed in ("".join(text.split()) for text in texts)]
    holders: dict[str, list[int]] = {}
    for i, own in enumerate(grams):
        for gram in own:
            holders.setdefault(gram, []).append(i)
    together = Counter(pair for found in holders.values() if 1 < len(found) <= _RARE for pair in itertools.combinations(found, 2))
    return _join(len(texts), (pair for pair, count in together.items() if count >= share * min(len(grams[pair[0]]), len(grams[pair[1]]))))


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

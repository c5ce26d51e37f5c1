"""Which figure of an article is which of the four facts: a linear ranker over figures in their context, where rules end.

``models.outcomes`` reads figures and applies the guide's rules; a ``FactRanker`` then weighs every value that the article gives against what annotators took for a fact. What the rules say is one
of its features, the strongest. Features are strings, hashed (CRC-32), so the file holds no text.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from data.errors import CheckpointRefused
from data.schema import Facts
from models.context import Mention

FACTS_FILE = "facts.safetensors"
N_FEATURES = 2**16
FACTS = ("signed_projects", "signed_amount", "total_projects", "total_amount")
_AMOUNTS = ("signed_amount", "total_amount")
_YI = Decimal(10**8)
_MOST = 20_000  # projects; a larger count is of something else
_UNITS = frozenset("个项份宗例笔单批条件家")
_LEFT, _RIGHT = 12, 10  # characters around a figure
_TITLE_WORDS = ("签约", "开工", "投产", "竣工", "引进", "落地", "集中", "推介", "对接", "签署", "总投资", "协议")
_LEAD_WORDS = ("签约", "开工", "投产", "竣工", "引进", "落地", "集中", "推介", "签署", "奠基")
_CLAUSE_WORDS = (
    "签约", "开工", "投产", "总投资", "其中", "以上", "累计", "今年", "去年", "计划", "拟", "已", "达成", "协议", "合同", "资金", "签订", "引进", "落地", "建设", "储备",
    "谋划", "完成", "在建", "推介", "发布", "对接",
)  # fmt: skip
_PLACES = (60, 120, 220, 400, 800, 1600)


@dataclass(frozen=True)
class Candidate:
    """A value that may be a fact (a count, or an amount in 亿元), with the hashes of what speaks for and against it."""

    value: float
    features: npt.NDArray[np.int64]


def find_candidates(
    text: str, title: str, mentions: Sequence[Mention], title_mentions: Sequence[Mention], rules: Facts, activity: Sequence[str]
) -> dict[str, list[Candidate]]:
    """Return for each fact the values that the article gives, and for counts always 1: one named project is seldom counted in words.

    Args:
        text: the article.
        title: its title, or an empty string.
        mentions: figures of the text.
        title_mentions: figures of the title.
        rules: what the rules make of them.
        activity: labels of the article, main first; may be empty.

    """
    cues = [f"title:{word}" for word in _TITLE_WORDS if word in title]
    labels = [f"label:{key}" for key in activity] + [f"main:{key}" for key in activity[:1]]
    about = [
        *labels,
        *cues,
        *(f"lead:{word}" for word in _LEAD_WORDS if word in text[:150]),
        f"length:{_place(len(text))}",
        f"has title:{bool(title)}",
    ]
    found: tuple[dict[float, list[set[str]]], dict[float, list[set[str]]]] = ({}, {})  # counts, amounts: value -> a set of features a mention
    for source, own, where in ((title, title_mentions, "title"), (text, mentions, "text")):
        for i, mention in enumerate(own):
            value = _value_of(mention)
            if value is not None:
                found[mention.figure.kind == "amount"].setdefault(value, []).append(set(_describe(source, own, i, where)))
    counts, amounts = (_weigh(values, rules, about, [*labels, *cues]) for values in found)
    if not any(candidate == 1.0 for candidate, _ in counts):
        counts.append((1.0, {*about, *_rule_features(1.0, rules), "implied"}))
    counts = [(value, own | ({f"one&{word}" for word in about} if value == 1.0 else set())) for value, own in counts]
    hashed = [[Candidate(value, _hash(own)) for value, own in values] for values in (counts, amounts)]
    return {fact: hashed[fact in _AMOUNTS] for fact in FACTS}


def _value_of(mention: Mention) -> float | None:
    figure = mention.figure
    if figure.kind == "amount" and figure.unit == "CNY":
        return float(figure.value / _YI)
    if figure.kind == "count" and 1 <= figure.value <= _MOST and figure.value == int(figure.value):
        return float(figure.value) if mention.counts_projects or figure.unit in _UNITS else None
    return None


def _describe(source: str, mentions: Sequence[Mention], i: int, where: str) -> Iterator[str]:
    """Yield what is said of one figure: what was read of it, the words around it, where it stands, its neighbours."""
    mention = mentions[i]
    figure = mention.figure
    yield from (
        f"role:{figure.role}", f"scope:{figure.scope}", f"status:{figure.status}", f"qualifier:{figure.qualifier}", f"unit:{figure.unit}", f"noun:{mention.noun}",
        f"bound:{mention.is_bound}", f"closes:{mention.closes_parts}", f"total:{mention.is_total}", f"period:{mention.period}", f"range:{figure.max is not None}",
        f"role:{figure.role}|{figure.scope}", f"scope:{figure.scope}|{figure.status}", f"counts:{mention.counts_projects}|{figure.scope}|{figure.status}",
        f"in {where}", f"place:{_place(figure.start) if where == 'text' else 0}", f"sentence:{min(mention.sentence, 8)}",
    )  # fmt: skip
    left, right = source[max(0, figure.start - _LEFT) : figure.start], source[figure.end : figure.end + _RIGHT]
    for n in (1, 2, 3):
        for k in range(len(left) - n + 1):
            yield f"<{left[k : k + n]}"
            yield f"<{len(left) - n - k}{left[k : k + n]}"
        for k in range(len(right) - n + 1):
            yield f">{right[k : k + n]}"
            yield f">{k}{right[k : k + n]}"
    clause = source[mention.clause[0] : max(mention.clause[1], figure.end)]
    yield from (f"clause:{word}" for word in _CLAUSE_WORDS if word in clause)
    if i:
        before = mentions[i - 1]
        yield f"before:{before.figure.kind}|{before.counts_projects}|{before.figure.scope}|{min((figure.start - before.figure.end) // 8, 6)}"
    if i + 1 < len(mentions):
        after = mentions[i + 1]
        yield f"after:{after.figure.kind}|{after.figure.role}|{after.figure.scope}|{min((after.figure.start - figure.end) // 8, 6)}"


def _weigh(values: Mapping[float, list[set[str]]], rules: Facts, about: Sequence[str], article: Sequence[str]) -> list[tuple[float, set[str]]]:
    """Return each value with the features of all its mentions, of its rank among the values, and of the article."""
    largest = max(values, default=0.0)
    out = []
    for rank, (value, mentions) in enumerate(values.items()):
        own = set(about).union(*mentions) | _rule_features(value, rules)
        own |= {f"told:{min(len(mentions), 3)}", f"rank:{min(rank, 5)}", f"values:{min(len(values), 6)}", f"largest:{value == largest}"}
        crossed = [
            feature
            for feature in sorted(mentions[0])
            if feature.startswith(("role:", "scope:", "status:", "counts:", "noun:", "place:", "period:", "in "))
        ]
        own |= {f"{a}&{b}" for a in article for b in crossed}
        out.append((value, own))
    return out


def _rule_features(value: float, rules: Facts) -> set[str]:
    return {f"rule:{fact}" for fact, said in rules.to_json().items() if said is not None and abs(said - value) < 1e-9}


def _place(n: int) -> int:
    return next((bound for bound in _PLACES if n < bound), 0)


def _hash(features: set[str]) -> npt.NDArray[np.int64]:
    return np.unique(
        np.fromiter((zlib.crc32(feature.encode("utf-8", "surrogatepass")) % N_FEATURES for feature in features), dtype=np.int64, count=len(features))
    )


@dataclass(frozen=True)
class FactRanker:
    """A weight a feature and fact; a value is taken for a fact from its threshold on."""

    weights: npt.NDArray[np.float32]  # (4, N_FEATURES)
    bias: npt.NDArray[np.float32]  # (4,)
    thresholds: npt.NDArray[np.float32]  # (4,) probabilities

    def probs(self, fact: str, candidates: Sequence[Candidate]) -> npt.NDArray[np.float64]:
        """Return the probability of each candidate to be the fact, (n,)."""
        row = FACTS.index(fact)
        logits = [float(self.weights[row, candidate.features].sum() + self.bias[row]) for candidate in candidates]
        return np.asarray(1 / (1 + np.exp(-np.array(logits, dtype=np.float64))))

    def choose(self, candidates: Mapping[str, Sequence[Candidate]]) -> tuple[Facts, dict[str, float]]:
        """Return the likeliest value of each fact where it reaches the threshold, and the probability of each fact's likeliest value."""
        chosen: dict[str, float] = {}
        confidence: dict[str, float] = {}
        for i, fact in enumerate(FACTS):
            if not candidates[fact]:
                continue
            probs = self.probs(fact, candidates[fact])
            best = int(probs.argmax())
            confidence[fact] = float(probs[best])
            if probs[best] >= self.thresholds[i]:
                chosen[fact] = candidates[fact][best].value
        counts = {fact: int(value) for fact, value in chosen.items() if fact not in _AMOUNTS}
        return Facts(**{**chosen, **counts}), confidence  # type: ignore[arg-type]

    def save(self, folder: Path) -> None:
        """Write ``facts.safetensors``: weights as float16, hashed features, no text."""
        tensors: dict[str, npt.NDArray[Any]] = {
            "weights": self.weights.astype(np.float16),
            "bias": self.bias.astype(np.float32),
            "thresholds": self.thresholds.astype(np.float32),
        }
        save_file(tensors, folder / FACTS_FILE)

    @classmethod
    def load(cls, folder: Path) -> "FactRanker":
        """Read what ``save`` wrote.

        Raises:
            CheckpointRefused: the file is not what ``save`` writes.

        """
        path = folder / FACTS_FILE
        try:
            tensors = load_file(path)
            weights, bias, thresholds = (tensors[name].astype(np.float32) for name in ("weights", "bias", "thresholds"))
        except (OSError, KeyError, ValueError, SafetensorError) as error:
            raise CheckpointRefused(f"{path}: cannot be read ({type(error).__name__}: {error})") from error
        if weights.shape != (len(FACTS), N_FEATURES) or bias.shape != (len(FACTS),) or thresholds.shape != (len(FACTS),):
            raise CheckpointRefused(f"{path}: weights of shape {weights.shape}")
        if not all(np.isfinite(t).all() for t in (weights, bias, thresholds)):
            raise CheckpointRefused(f"{path}: numbers that are none")
        return cls(weights, bias, thresholds)

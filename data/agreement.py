"""How far two annotators agree: F1 and Cohen's kappa for each label, micro and macro F1, main activity, exact sets, facts.

In: annotations of the same ids; ids that only one side has are left out and counted. Out: ``Agreement``, whose numbers are the same in both
directions. Summaries are free text and are not compared.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from data.annotated import GROUPS, Conflict, Record
from data.annotations import FACTS
from data.schema import Annotation, Group
from data.taxonomy import load_taxonomy

FIRST, SECOND = "first", "second"


@dataclass(frozen=True)
class LabelAgreement:
    """Agreement on one label over ``n`` articles: how many have it on each side and on both."""

    n: int
    n_first: int
    n_second: int
    n_both: int

    @property
    def f1(self) -> float:
        """F1 of one side against the other; 1 where neither gives the label."""
        return _f1(self.n_both, self.n_first, self.n_second)

    @property
    def kappa(self) -> float:
        """Cohen's kappa: (observed - expected) / (1 - expected) agreement; 1 where both sides always say the same.

        Source: Cohen 1960, A coefficient of agreement for nominal scales.
        """
        same = self.n_both + self.n - self.n_first - self.n_second + self.n_both
        if same == self.n:  # expected agreement may be 1 too
            return 1.0
        expected = (self.n_first * self.n_second + (self.n - self.n_first) * (self.n - self.n_second)) / self.n**2
        return (same / self.n - expected) / (1 - expected)


@dataclass(frozen=True)
class GroupAgreement:
    """Agreement on the labels of a group; ``exact_sets`` is the share of articles with the same set of them."""

    labels: Mapping[str, LabelAgreement]
    exact_sets: float

    @property
    def micro_f1(self) -> float:
        """F1 over all labels together."""
        both, first, second = (sum(getattr(label, name) for label in self.labels.values()) for name in ("n_both", "n_first", "n_second"))
        return _f1(both, first, second)

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the labels that either side gives; 1 where there are none."""
        given = [label.f1 for label in self.labels.values() if label.n_first or label.n_second]
        return sum(given) / len(given) if given else 1.0


@dataclass(frozen=True)
class FactAgreement:
    """Agreement on one fact: ``share`` of articles with the same value or both null, ``f1`` over the values given."""

    share: float
    f1: float
    n_first: int
    n_second: int


@dataclass(frozen=True)
class Agreement:
    """Agreement of two annotators over the ``n`` ids that both have."""

    n: int
    n_only_first: int
    n_only_second: int
    activity: GroupAgreement
    industry: GroupAgreement
    main_accuracy: float
    facts: Mapping[str, FactAgreement]

    def group(self, name: Group) -> GroupAgreement:
        """Return the agreement on a group."""
        return self.activity if name == "activity" else self.industry

    def numbers(self) -> dict[str, float]:
        """Return the overall numbers by name: what ``pairwise`` takes the mean of."""
        groups = {f"{name}_{key}": getattr(self.group(name), key) for name in GROUPS for key in ("micro_f1", "macro_f1", "exact_sets")}
        facts = {f"{fact}_{key}": getattr(found, key) for fact, found in self.facts.items() for key in ("share", "f1")}
        return {"main_accuracy": self.main_accuracy, **groups, **facts}

    def to_json(self) -> dict[str, Any]:
        """Return everything as a JSON object."""
        groups: dict[str, Any] = {
            name: {
                **{key: getattr(self.group(name), key) for key in ("micro_f1", "macro_f1", "exact_sets")},
                "labels": {key: {"f1": label.f1, "kappa": label.kappa, **asdict(label)} for key, label in self.group(name).labels.items()},
            }
            for name in GROUPS
        }
        counts = {"n": self.n, "n_only_first": self.n_only_first, "n_only_second": self.n_only_second}
        return {**counts, "main_accuracy": self.main_accuracy, **groups, "facts": {fact: asdict(found) for fact, found in self.facts.items()}}


@dataclass(frozen=True)
class Pairwise:
    """Agreement of every two annotators who share articles, and the mean of their numbers (each pair counts once, however many they share)."""

    pairs: tuple[tuple[str, str, Agreement], ...]
    mean: Mapping[str, float]


def agree(first: Iterable[Annotation], second: Iterable[Annotation]) -> Agreement:
    """Return the agreement of two annotators.

    Raises:
        ValueError: they share no id, or one has an id twice.

    """
    shared, n_first, n_second = _share(first, second)
    if not shared:
        raise ValueError("the annotators share no id")
    return Agreement(
        n=len(shared),
        n_only_first=n_first - len(shared),
        n_only_second=n_second - len(shared),
        activity=_agree_on_group("activity", shared),
        industry=_agree_on_group("industry", shared),
        main_accuracy=sum(a.activity[:1] == b.activity[:1] for a, b in shared) / len(shared),
        facts={fact: _agree_on_fact(fact, shared) for fact in FACTS},
    )


def _share(first: Iterable[Annotation], second: Iterable[Annotation]) -> tuple[list[tuple[Annotation, Annotation]], int, int]:
    """Return the pairs of the ids that both have, in the order of the first, and how many each has."""
    firsts, seconds = _index(first, FIRST), _index(second, SECOND)
    return [(annotation, seconds[id]) for id, annotation in firsts.items() if id in seconds], len(firsts), len(seconds)


def _index(annotations: Iterable[Annotation], side: str) -> dict[str, Annotation]:
    by_id: dict[str, Annotation] = {}
    for annotation in annotations:
        if annotation.id in by_id:
            raise ValueError(f"the {side} annotator has id {annotation.id!r} twice")
        by_id[annotation.id] = annotation
    return by_id


def _agree_on_group(group: Group, shared: Sequence[tuple[Annotation, Annotation]]) -> GroupAgreement:
    sets = [(set(getattr(a, group)), set(getattr(b, group))) for a, b in shared]
    others = {label for pair in sets for labels in pair for label in labels} - set(load_taxonomy().group(group))
    labels = {
        key: LabelAgreement(len(sets), sum(key in a for a, _ in sets), sum(key in b for _, b in sets), sum(key in a and key in b for a, b in sets))
        for key in (*load_taxonomy().group(group), *sorted(others))
    }
    return GroupAgreement(labels, sum(a == b for a, b in sets) / len(sets))


def _agree_on_fact(fact: str, shared: Sequence[tuple[Annotation, Annotation]]) -> FactAgreement:
    values = [(getattr(a.facts, fact), getattr(b.facts, fact)) for a, b in shared]
    n_first, n_second = sum(a is not None for a, _ in values), sum(b is not None for _, b in values)
    same = sum(_same_value(a, b) for a, b in values)
    both = sum(a is not None and _same_value(a, b) for a, b in values)
    return FactAgreement(same / len(values), _f1(both, n_first, n_second), n_first, n_second)


def _same_value(a: float | None, b: float | None) -> bool:
    return a is b if a is None or b is None else math.isclose(a, b, rel_tol=1e-9)  # 0.1 + 0.2 is 0.3


def _f1(both: int, first: int, second: int) -> float:
    return 2 * both / (first + second) if first + second else 1.0


def pairwise(records: Iterable[Record]) -> Pairwise:
    """Return the agreement of every two annotators who share articles, and its mean.

    Raises:
        ValueError: no two annotators share an article, or one annotated an article twice.

    """
    by_annotator: dict[str, list[Annotation]] = {}
    for record in records:
        by_annotator.setdefault(record.annotator, []).append(record.annotation)
    pairs = tuple(_iter_pairs(by_annotator))
    if not pairs:
        raise ValueError("no two annotators share an article")
    numbers = [found.numbers() for _, _, found in pairs]
    return Pairwise(pairs, {name: sum(row[name] for row in numbers) / len(numbers) for name in numbers[0]})


def _iter_pairs(by_annotator: Mapping[str, Sequence[Annotation]]) -> Iterator[tuple[str, str, Agreement]]:
    ids = {name: {annotation.id for annotation in annotations} for name, annotations in by_annotator.items()}
    for a, b in combinations(by_annotator, 2):
        if ids[a] & ids[b]:
            yield a, b, agree(by_annotator[a], by_annotator[b])


def list_conflicts(first: Iterable[Annotation], second: Iterable[Annotation]) -> list[Conflict]:
    """Return what two annotators say differently of the articles both have: the main activity, each label, each fact.

    Raises:
        ValueError: one has an id twice.

    """
    return [conflict for a, b in _share(first, second)[0] for conflict in _compare(a, b)]


def _compare(a: Annotation, b: Annotation) -> Iterator[Conflict]:
    if a.activity[:1] != b.activity[:1]:
        yield _conflict(a.id, "main", *(one.activity[0] if one.activity else "null" for one in (a, b)))
    for group in GROUPS:
        firsts, seconds = set(getattr(a, group)), set(getattr(b, group))
        for label in sorted(firsts ^ seconds):
            yield _conflict(a.id, f"{group}/{label}", *("yes" if label in given else "no" for given in (firsts, seconds)))
    for fact in FACTS:
        values = [getattr(one.facts, fact) for one in (a, b)]
        if not _same_value(*values):
            yield _conflict(a.id, f"facts.{fact}", *("null" if value is None else str(value) for value in values))


def _conflict(id: str, field: str, first: str, second: str) -> Conflict:
    return Conflict(id, field, ((FIRST, first), (SECOND, second)))

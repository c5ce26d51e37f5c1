"""Answers as annotation tools spell them, to records.

In: fields and answers that a format's reader finds. Out: a ``Reading`` with ``Record`` objects, findings (plain sentences with their place),
unknown labels with their counts, and what was counted on the way.
"""

import difflib
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from data.annotated import (
    ARTICLE_FIELDS,
    FIGURE_VALUES,
    GROUPS,
    FigureField,
    Mention,
    Record,
    Row,
    ValueField,
    replace_surrogates,
    without_surrogates,
)
from data.annotations import COUNTS
from data.errors import UnknownLabel
from data.readers import COLUMNS
from data.schema import Article, Facts, Group, content_hash
from data.spans import Placed, find_places
from data.taxonomy import Taxonomy, load_taxonomy
from data.width import to_half_width

# Names a field has in files. ``article_id`` comes first: Label Studio puts its own task number into ``id``.
FIELDS: dict[str, tuple[str, ...]] = {
    "id": ("article_id", *COLUMNS["id"], "编号"),
    "text": COLUMNS["text"],
    "text_sha256": ("text_sha256",),
    "title": COLUMNS["title"],
    "url": (*COLUMNS["url"], "链接", "网址"),
    "published": COLUMNS["published"],
    "source": (*COLUMNS["source"], "来源"),
    "annotator": ("annotator", "标注员", "标注人"),
    "activity": ("activity", "活动", "活动类型"),
    "main": ("main", "main_activity", "主要活动"),
    "industry": ("industry", "行业", "产业"),
    "summary": ("summary", "摘要"),
    "signed_projects": ("signed_projects", "签约项目数", "签约项目"),
    "signed_amount": ("signed_amount", "签约金额"),
    "total_projects": ("total_projects", "项目总数"),
    "total_amount": ("total_amount", "总金额", "总投资"),
}
_GROUP_NAMES: dict[str, Group] = {"activity": "activity", "活动": "activity", "industry": "industry", "行业": "industry", "产业": "industry"}
_NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?")
_UNITS = {"count": ("个", "项"), "amount": ("亿元", "亿")}


class UnknownLabels(UnknownLabel):
    """Labels outside the taxonomy, all of an import, with the nearest known one and how often each stands."""

    def __init__(self, unknown: dict[str, str | None], counts: Mapping[str, int]) -> None:
        """Take each unknown label with the nearest known one (or None) and its count."""
        super().__init__(unknown)
        self.counts = dict(counts)
        listed = (f"{name!r} {counts[name]} times" + (f" (did you mean {near!r}?)" if near else "") for name, near in unknown.items())
        self.message = f"unknown labels: {'; '.join(listed)}"
        self.args = (self.message,)


# --- labels and numbers ----------------------------------------------------------------------------------------------


def find_labels(name: str, group: Group | None = None, taxonomy: Taxonomy | None = None) -> list[tuple[Group, str]]:
    """Return the labels that ``name`` can mean: ``activity/signing``, ``活动/项目签约``, the bare key or the Chinese name.

    Empty where it means none; more than one where both groups have it.
    """
    taxonomy = taxonomy or load_taxonomy()
    head, slash, tail = name.strip().partition("/")
    wanted = tail.strip() if slash else head
    groups = [_GROUP_NAMES.get(head.strip().lower())] if slash else GROUPS
    if group is not None:
        groups = [found for found in groups if found == group]
    return [(g, key) for g in groups if g is not None for key in taxonomy.group(g) if wanted.lower() == key or wanted == taxonomy.name(g, key)]


def _find_nearest(name: str, group: Group | None, taxonomy: Taxonomy) -> str | None:
    """Return the key most like a name, of one group or of both."""

    def likeness(label: tuple[Group, str]) -> float:
        return max(difflib.SequenceMatcher(None, name, known).ratio() for known in (label[1], taxonomy.name(*label)))

    found = [(g, key) for g in GROUPS if group in (None, g) and (key := taxonomy.nearest(g, name)) is not None]
    return max(found, key=likeness)[1] if found else None


def parse_fact(fact: str, value: Any) -> int | float | None:
    """Return the number that is written for a fact: 12, ``"4,000"``, ``"１2个"``, ``"28.6亿元"``; whole ones as integers; None for an empty one.

    Raises:
        ValueError: it is no number from zero on, or a count with a fraction; the message says so.

    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    kind = "count" if fact in COUNTS else "amount"
    number = _parse_number(value, kind)
    if number is None:
        raise ValueError(f"{fact} must be a number{' in 亿元' if kind == 'amount' else ''}, got {value!r}")
    if number < 0 or (kind == "count" and not isinstance(number, int)):
        raise ValueError(f"{fact} must {'not be negative' if number < 0 else 'be an integer'}, got {value!r}")
    return number


def _parse_number(value: Any, kind: str) -> int | float | None:
    if isinstance(value, str):
        plain = to_half_width(value).strip()
        unit = next((unit for unit in _UNITS[kind] if plain.endswith(unit)), "")
        plain = plain.removesuffix(unit).strip()
        if not _NUMBER.fullmatch(plain.removeprefix("-")):
            return None
        value = float(plain.replace(",", ""))
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if value == int(value) else value


def flatten(value: Any) -> list[str | int | float]:
    """Return the answers of a value as tools write them: a string or number, lists of them, ``{"choices": [...]}``, ``{"text": ...}``, ``{"number": n}``."""
    if isinstance(value, list):
        return [answer for item in value for answer in flatten(item)]
    if isinstance(value, dict):
        return [answer for key in ("choices", "text", "number") for answer in flatten(value.get(key))]
    return [value] if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "" else []


# --- reading ---------------------------------------------------------------------------------------------------------


class Articles:
    """The articles of ``--articles``, found by id or by their text (newlines and lone surrogates apart)."""

    def __init__(self, articles: Iterable[Article]) -> None:
        """Index the articles; of several with one text the first is found by it."""
        self.by_id: dict[str, Article] = {}
        self.by_text: dict[str, Article] = {}
        for article in articles:
            self.by_id.setdefault(article.id, article)
            self.by_text.setdefault(text_key(article.text), article)

    def find(self, id: str | None, text: str) -> Article | None:
        """Return the article with this id and text, else the one with this text, else the one with this id."""
        same_id = self.by_id.get(id) if id is not None else None
        if same_id is not None and (not text or text_key(same_id.text) == text_key(text)):
            return same_id
        return (self.by_text.get(text_key(text)) if text else None) or same_id


def text_key(text: str) -> str:
    """Return what two copies of a text share that differ in newlines, outer blanks and lone surrogates."""
    return content_hash(without_surrogates(text).replace("\r\n", "\n").strip())


@dataclass
class Reading:
    """Collects what the readers of the formats find.

    ``columns`` maps a field of ``FIELDS`` to the name it has in the files; ``counts`` is what the report says beside the findings.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    articles: Articles | None = None
    taxonomy: Taxonomy = field(default_factory=load_taxonomy)
    records: list[Record] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)
    nearest: dict[str, str | None] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)  # files by format

    @cached_property
    def names(self) -> dict[str, tuple[str, ...]]:
        """The names of each field, in lower case."""
        return {name: (_normal(self.columns[name]),) if name in self.columns else aliases for name, aliases in FIELDS.items()}

    def field_of(self, name: str) -> str | None:
        """Return the field that a column, control or question is for."""
        return next((found for found, names in self.names.items() if _normal(name) in names), None)

    def pick(self, *rows: Mapping[str, Any]) -> Row:
        """Return field -> value of the first of its names that a row has; earlier rows go before later ones."""
        found: Row = {}
        for row in rows:
            by_name = {_normal(key): value for key, value in row.items() if value is not None and value != ""}
            for name, aliases in self.names.items():
                alias = next((alias for alias in aliases if alias in by_name), None)
                if alias is not None:
                    found.setdefault(name, by_name[alias])
        return found

    def read_article(self, where: str, fields: Mapping[str, Any]) -> Article:
        """Return the article of picked fields, completed from ``articles``; without an id it gets a hash of its text.

        Raises:
            ValueError: a field is no string, there is neither id nor text, or the text is not the one that ``text_sha256`` names.

        """
        values = {name: _to_string(name, fields.get(name)) for name in ARTICLE_FIELDS}
        id, text = values["id"], values["text"] or ""
        origin, _, line = where.rpartition(":")
        known = self.articles.find(id, text) if self.articles else None
        if known is None and id is None and not text:
            raise ValueError("has neither id nor text")
        _check_hash(fields.get("text_sha256"), id, text if known is None else known.text)
        if known is not None:
            if text and text_key(known.text) != text_key(text):
                self.findings.append(f"{where}: the text of {known.id!r} differs from that of the article given; the article's is taken")
            text, n = replace_surrogates(known.text)
            self.counts["surrogates"] += n
            id, values = known.id, values | {name: value for name in ARTICLE_FIELDS if (value := getattr(known, name)) is not None}
        title, published, source, url = (values[name] for name in ("title", "published", "source", "url"))
        return Article(id or content_hash(text)[:16], text, title, published, source, url, origin, int(line))

    def check_labels(self) -> None:
        """Check that every label was known.

        Raises:
            UnknownLabels: some were not; all are named, with the nearest known one and a count each.

        """
        if self.unknown:
            raise UnknownLabels({name: self.nearest[name] for name, _ in self.unknown.most_common()}, self.unknown)


def _check_hash(given: Any, id: str | None, text: str) -> None:
    """Refuse a text that is not the annotated one. One with U+FFFD is passed: it may stand for a lone surrogate that was hashed."""
    if given is not None and text and "\ufffd" not in text and given != content_hash(text):
        raise ValueError(f"text_sha256 is not that of the text of {id!r}: it was annotated on another text")


def _normal(name: str) -> str:
    return name.strip().strip("\ufeff").strip().lower()


def _to_string(name: str, value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        raise ValueError(f"{name} must be a string, got {type(value).__name__}")
    return None if value is None or not str(value).strip() else str(value)


@dataclass
class Draft:
    """The answers of one annotator on one article while they are read; what cannot be taken becomes a finding with its place."""

    reading: Reading
    where: str
    article: Article
    labels: dict[Group, list[str]] = field(default_factory=lambda: {"activity": [], "industry": []})
    main: str | None = None
    summary: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    mentions: list[Mention] = field(default_factory=list)
    ordered: bool = True  # False where the format does not keep the order of labels, so that the first says nothing

    def find(self, finding: str) -> None:
        """Keep a finding with its place."""
        self.reading.findings.append(f"{self.where} {self.article.id}: {finding}")

    def answer(self, question: str, answers: list[str | int | float]) -> None:
        """Take the answers to a question of ``QUESTIONS``."""
        if question in ("activity", "industry"):
            for name in answers:
                self.add_label(str(name), "activity" if question == "activity" else "industry")
        elif question == "main":
            self._set_main(answers)
        elif question == "summary":
            self.add_summary([str(answer) for answer in answers])
        elif answers:
            self._set_fact(question, answers)

    def add_label(self, name: str, group: Group | None = None) -> None:
        """Take a label; one that no group has is kept for ``UnknownLabels``."""
        label = self._resolve(name, group)
        if label is not None and label[1] not in self.labels[label[0]]:
            self.labels[label[0]].append(label[1])

    def _resolve(self, name: str, group: Group | None) -> tuple[Group, str] | None:
        found = find_labels(name, group, self.reading.taxonomy)
        if len(found) == 1:
            return found[0]
        if found:
            self.find(f"label {name!r} is ambiguous: write {' or '.join(f'{group}/{key}' for group, key in found)}")
            return None
        self.reading.unknown[name] += 1
        self.reading.nearest.setdefault(name, _find_nearest(name.rpartition("/")[2], group, self.reading.taxonomy))
        return None

    def _set_main(self, names: list[str | int | float]) -> None:
        label = self._resolve(str(names[0]), "activity") if names else None
        if len(names) > 1:
            self.find(f"{len(names)} main activities; the first is taken")
        self.main = label[1] if label else self.main

    def add_summary(self, texts: list[str]) -> None:
        """Take the summary; of several the first."""
        given = list(dict.fromkeys(text.strip() for text in (self.summary, *texts) if text.strip()))
        if len(given) > 1:
            self.find(f"{len(given)} summaries; the first is taken")
        self.summary = given[0] if given else ""

    def _set_fact(self, fact: str, answers: list[str | int | float]) -> None:
        if len(answers) > 1:
            self.find(f"{len(answers)} values of {fact}; none is taken")
            return
        try:
            value = parse_fact(fact, answers[0])
        except ValueError as error:
            self.find(str(error))
            return
        if value is not None:
            self.facts[fact] = value

    def add_mention(
        self,
        start: Any,
        end: Any,
        said: str | None,
        values: Mapping[FigureField, str | None],
        normal: Mapping[ValueField, str | None] | None = None,
    ) -> None:
        """Take a marked figure where its place is sure, with its ``values`` and its normalised value (``normal``) as far as known."""
        wrong = [f"{key} {value!r}" for key, value in values.items() if value is not None and value not in FIGURE_VALUES[key]]
        if wrong or values.get("kind") is None:
            self.find(f"figure {said or (start, end)!r} refused: {'unknown ' + ', '.join(wrong) if wrong else 'no kind'}")
            return
        placed = self._place(start, end, said)
        if placed is None:
            return
        self.reading.counts["figures"] += 1
        self.reading.counts[f"counted as {placed.counted}"] += placed.counted != "code points"
        self.reading.counts["figures unverified"] += said is None
        start, end = placed.start, placed.end
        kind, role, scope, status = (values.get(key) for key in ("kind", "role", "scope", "status"))
        value, upper, unit, qualifier = ((normal or {}).get(key) for key in ("value", "max", "unit", "qualifier"))
        surface = self.article.text[start:end]
        self.mentions.append(Mention(surface, start, end, str(kind), role, scope, status, value, upper, unit, qualifier))

    def _place(self, start: Any, end: Any, said: str | None) -> Placed | None:
        """Return where a figure stands, or None with a finding where that is not sure."""
        text = self.article.text
        places = find_places(text, start, end, said) if type(start) is type(end) is int else []
        if len(places) == 1:
            return places[0]
        if places:
            surfaces = " or ".join(repr(text[placed.start : placed.end]) for placed in places)
            self.find(f"figure at {start} to {end} refused: {surfaces}, as one counts, and the file does not say which")
        elif said is None:
            self.find(f"figure at {start} to {end} refused: the text has none there, however one counts")
        else:
            self.find(f"figure {said!r} refused: the text does not hold it at {start} to {end}, however one counts")
        return None

    def close(self, annotator: str, ground_truth: bool = False) -> None:
        """Add the record to the reading, or a finding where nothing was said."""
        record = Record(
            article=self.article,
            annotator=annotator,
            activity=self._order_activities(),
            industry=tuple(self.labels["industry"]),
            summary=self.summary,
            facts=Facts(**self.facts),
            mentions=tuple(sorted(self.mentions, key=lambda mention: (mention.start, mention.end))),
            ground_truth=ground_truth,
        )
        if record.has_labels or record.summary or record.has_facts or record.mentions:
            self.reading.records.append(record)
        else:
            self.reading.counts["empty"] += 1

    def _order_activities(self) -> tuple[str, ...]:
        """Return the activities, the main one first; without one the first is taken."""
        given = self.labels["activity"]
        if self.main is None and len(given) > 1 and not self.ordered:
            self.find(f"no main activity is named among {', '.join(given)}; the first is taken")
        main = self.main or (given[0] if given else None)
        return () if main is None else (main, *(label for label in given if label != main))

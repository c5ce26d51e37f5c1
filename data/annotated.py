"""What one annotator says of one article, in every exchange format: ``Record``, with the figures marked and the conflicts between records."""

import re
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from data.annotations import FACTS
from data.schema import Annotation, Article, Facts, FigureKind, Group, Role, Scope, Status

GROUPS: tuple[Group, Group] = ("activity", "industry")
QUESTIONS = ("activity", "main", "industry", "summary", *FACTS)
ARTICLE_FIELDS = ("id", "title", "text", "source", "url", "published")
FIGURE_VALUES: dict[str, tuple[str, ...]] = {
    "kind": get_args(FigureKind),
    "role": get_args(Role),
    "scope": get_args(Scope),
    "status": get_args(Status),
}
FigureField = Literal["kind", "role", "scope", "status"]
ValueField = Literal["value", "max", "unit", "qualifier"]
_LONE = re.compile("[\ud800-\udfff]")

Row = dict[str, Any]


@dataclass(frozen=True)
class Mention:
    """A figure that an annotator marked: ``article.text[start:end] == text``; what the format does not say is None.

    ``value``, ``max``, ``unit`` and ``qualifier`` are as in ``data.mentions``, decimals as strings.
    """

    text: str
    start: int
    end: int
    kind: str
    role: str | None = None
    scope: str | None = None
    status: str | None = None
    value: str | None = None
    max: str | None = None
    unit: str | None = None
    qualifier: str | None = None

    @property
    def lacks(self) -> tuple[ValueField, ...]:
        """What a line of annotated figures needs and nobody said; ``max`` is of ranges alone."""
        return tuple(name for name in get_args(ValueField) if name != "max" and getattr(self, name) is None)


@dataclass(frozen=True)
class Record:
    """What one annotator says of one article; what is not said is empty. ``activity`` begins with the main one."""

    article: Article
    annotator: str
    activity: tuple[str, ...] = ()
    industry: tuple[str, ...] = ()
    summary: str = ""
    facts: Facts = field(default_factory=Facts)
    mentions: tuple[Mention, ...] = ()
    ground_truth: bool = False

    @property
    def annotation(self) -> Annotation:
        """The labels, summary and facts."""
        return Annotation(self.article.id, self.activity, self.industry, self.summary, self.facts)

    @property
    def has_labels(self) -> bool:
        """Whether anything is said of activities and industries."""
        return bool(self.activity or self.industry)

    @property
    def has_facts(self) -> bool:
        """Whether any of the four facts has a value."""
        return self.facts != Facts()


@dataclass(frozen=True)
class Conflict:
    """A disagreement: the article, ``activity/signing``, ``main``, ``facts.signed_projects`` or ``summary``, and who said what."""

    article_id: str
    field: str
    said: tuple[tuple[str, str], ...]
    kept: str | None = None

    def __str__(self) -> str:
        """Return the conflict as a line to print."""
        said = ", ".join(f"{annotator}: {value}" for annotator, value in self.said)
        return f"{self.article_id} {self.field}: {said}" + (f" (kept: {self.kept})" if self.kept is not None else "")


def write_figure_label(mention: Mention) -> str:
    """Return a figure's values as the one label that doccano and Argilla give a span: ``amount/investment/batch/signed``; ``-`` for none."""
    values = [getattr(mention, name) or "-" for name in FIGURE_VALUES]
    return "/".join(values).rstrip("/-")


def parse_figure_label(label: str) -> dict[FigureField, str | None]:
    """Return what ``write_figure_label`` wrote; the shorter ``amount`` leaves the rest open."""
    names: tuple[FigureField, ...] = get_args(FigureField)
    values = [part.strip() for part in label.split("/")]
    return {name: None if value in ("", "-") else value for name, value in zip(names, values, strict=False)}


def replace_surrogates(value: Any) -> tuple[Any, int]:
    """Return a JSON value with every lone surrogate as U+FFFD, and in how many strings there were any."""
    if isinstance(value, str):
        return (_LONE.sub("\ufffd", value), 1) if not value.isascii() and _LONE.search(value) else (value, 0)
    if isinstance(value, list):
        items = [replace_surrogates(item) for item in value]
        return [item for item, _ in items], sum(n for _, n in items)
    if isinstance(value, dict):
        pairs = {replace_surrogates(key)[0]: replace_surrogates(item) for key, item in value.items()}
        return {key: item for key, (item, _) in pairs.items()}, sum(n for _, n in pairs.values())
    return value, 0


def without_surrogates(text: str) -> str:
    """Return a text with every lone surrogate as U+FFFD; each is one code point before and after."""
    return _LONE.sub("\ufffd", text)

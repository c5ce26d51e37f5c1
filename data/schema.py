"""The frozen records every stage passes on.

``Article`` comes out of the readers, ``Annotation`` out of annotators, ``Figure`` out of the figure grammar,
``Window`` out of windowing, ``Result`` out of the predictor. Offsets are Unicode code points.
"""

import hashlib
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, Literal

Group = Literal["activity", "industry"]
FigureKind = Literal["amount", "count", "date", "percent", "area", "other"]
Qualifier = Literal["exact", "about", "over", "under", "nearly", "range"]
Role = Literal["investment", "fixed_assets", "paid_in", "credit", "output", "tax", "trade", "other"]
Scope = Literal["project", "batch", "part", "threshold", "background"]
Status = Literal["signed", "intent", "planned", "talks", "started", "completed", "promoted", "unknown"]


@dataclass(frozen=True)
class Article:
    """One article as submitted. ``text`` keeps its artefacts: every offset we return is on it.

    ``origin`` and ``line`` say where a file-borne article was read (path, 1-based line or row).
    """

    id: str
    text: str
    title: str | None = None
    published: str | None = None
    source: str | None = None
    url: str | None = None
    origin: str | None = None
    line: int | None = None
    text_extracted: bool = False  # True where the text was extracted from HTML: it is then returned as input.text


@dataclass(frozen=True)
class Facts:
    """The four facts of the annotation guide; amounts in 亿元; None where the article does not say."""

    signed_projects: int | None = None
    signed_amount: float | None = None
    total_projects: int | None = None
    total_amount: float | None = None

    def to_json(self) -> dict[str, int | float | None]:
        """Return the facts as a JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class Annotation:
    """What an annotator says of one article, by the annotation guide."""

    id: str
    activity: tuple[str, ...]
    industry: tuple[str, ...]
    summary: str
    facts: Facts = field(default_factory=Facts)


@dataclass(frozen=True)
class Example:
    """An article with its annotation: one row of a training or evaluation set."""

    article: Article
    annotation: Annotation


@dataclass(frozen=True)
class Figure:
    """One figure of a text: ``text[start:end]`` with its normalised value.

    ``value`` and ``max`` (of a range) are in ``unit``: an ISO 4217 code for amounts (元, not 万元 or 亿元), the measure
    word for counts (个, 家, 项), ``m2`` for areas, ``%`` for percentages. ``role``, ``scope`` and ``status`` are filled by ``models.outcomes``.
    """

    text: str
    start: int
    end: int
    kind: FigureKind
    value: Decimal
    max: Decimal | None = None
    unit: str = ""
    qualifier: Qualifier = "exact"
    role: Role | None = None
    scope: Scope | None = None
    status: Status | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the mention of the contract; decimals become plain strings."""
        row = asdict(self)
        row["value"] = plain(self.value)
        row["max"] = None if self.max is None else plain(self.max)
        return row


def plain(value: Decimal) -> str:
    """Return a decimal without exponent or trailing zeros: ``16000000000``, ``98.3``."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def content_hash(text: str) -> str:
    """Return the sha256 by which annotations without text refer to a text; lone surrogates are allowed."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Window:
    """A piece of an article that fits the encoder: tokens [first, last) of the article's text."""

    article: int
    first: int
    last: int


@dataclass(frozen=True)
class Outcomes:
    """The facts of an article with the figures they rest on, and plain sentences about contradictions."""

    facts: Facts
    mentions: tuple[Figure, ...] = ()
    conflicts: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the ``outcomes`` object of the contract."""
        return {**self.facts.to_json(), "mentions": [m.to_json() for m in self.mentions], "conflicts": list(self.conflicts)}

"""One scored article, as the contract gives it to every route: ``Result.to_json()``.

Spans in a ``Result`` are on the submitted text.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from data.schema import Group, Outcomes

ReviewReason = Literal["low_confidence", "windows_disagree", "out_of_domain", "damaged_input", "ungrounded", "conflict", "truncated"]


@dataclass(frozen=True)
class Options:
    """What a caller asks for; the same names in the API, in ``score`` and in Python.

    ``labels`` and ``summary`` switch the two halves; ``probs="all"`` adds every label's probability;
    ``evidence`` adds to each label the sentence that carries it. ``summaries="domain"`` summarises only articles inside the domain,
    ``"none"`` no article.
    """

    labels: bool = True
    summary: bool = True
    probs: Literal["labels", "all"] = "labels"
    evidence: bool = False
    summaries: Literal["all", "domain", "none"] = "all"


@dataclass(frozen=True)
class Evidence:
    """A span of the submitted text."""

    text: str
    start: int
    end: int

    def to_json(self) -> dict[str, Any]:
        """Return the span as JSON."""
        return {"text": self.text, "start": self.start, "end": self.end}


@dataclass(frozen=True)
class LabelScore:
    """One label with its Chinese name and calibrated probability."""

    label: str
    name: str
    prob: float
    evidence: Evidence | None = None

    def to_json(self, with_evidence: bool) -> dict[str, Any]:
        """Return the entry of the label list; probabilities are rounded to six places."""
        row: dict[str, Any] = {"label": self.label, "name": self.name, "prob": round(self.prob, 6)}
        if with_evidence:
            row["evidence"] = self.evidence.to_json() if self.evidence else None
        return row


@dataclass(frozen=True)
class Summary:
    """The summary and what of it the article does not support."""

    text: str
    method: Literal["abstractive", "extractive"]
    ungrounded: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the ``summary`` object of the contract."""
        return {"text": self.text, "method": self.method, "ungrounded": list(self.ungrounded)}


@dataclass(frozen=True)
class InputReport:
    """What was read of an article: nothing is cut without saying so here."""

    characters: int
    tokens: int
    tokens_used: int
    cleaning: tuple[str, ...]
    text: str | None = None  # for HTML and WARC: the extracted text the offsets are on

    def to_json(self) -> dict[str, Any]:
        """Return the ``input`` object of the contract."""
        row: dict[str, Any] = {
            "characters": self.characters,
            "tokens": self.tokens,
            "tokens_used": self.tokens_used,
            "truncated": self.tokens_used < self.tokens,
            "cleaning": list(self.cleaning),
        }
        return row if self.text is None else {**row, "text": self.text}


@dataclass(frozen=True)
class Result:
    """Everything we say of one article. ``activity`` and ``industry`` are None where labels were not asked for."""

    id: str
    input: InputReport
    model: dict[str, Any]
    activity: tuple[LabelScore, ...] | None = None
    industry: tuple[LabelScore, ...] | None = None
    summary: Summary | None = None
    outcomes: Outcomes | None = None
    review_reasons: tuple[ReviewReason, ...] = ()
    probs: dict[Group, dict[str, float]] | None = None
    with_evidence: bool = False
    main_prob: float | None = None  # calibrated probability of the main activity; for evaluation, not part of the JSON
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the result object of the contract, keys in its order."""
        row: dict[str, Any] = {"id": self.id}
        if self.activity is not None and self.industry is not None:
            row["activity"] = [label.to_json(self.with_evidence) for label in self.activity]
            row["industry"] = [label.to_json(self.with_evidence) for label in self.industry]
        if self.probs is not None:
            row["probs"] = {group: {key: round(p, 6) for key, p in probs.items()} for group, probs in self.probs.items()}
        if self.summary is not None:
            row["summary"] = self.summary.to_json()
        if self.outcomes is not None:
            row["outcomes"] = self.outcomes.to_json()
        row["review"] = {"needed": bool(self.review_reasons), "reasons": list(self.review_reasons)}
        row["input"] = self.input.to_json()
        row["model"] = self.model
        return row | self.extra

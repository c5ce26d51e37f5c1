"""A small predictor of real ``Result`` objects: what it says depends on the text alone, and it can block or fail."""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from data.clean import clean_text
from data.errors import RecordError
from data.schema import Article, Facts, Figure, Outcomes
from data.taxonomy import load_taxonomy
from models.result import Evidence, InputReport, LabelScore, Options, Result, Summary

TAXONOMY = load_taxonomy()
MODEL = {"classifier": "fake@1", "summarizer": "fake@2", "taxonomy": TAXONOMY.version}
POISON = "让模型出错"
AMOUNT = re.compile(r"(\d+)亿元")


@dataclass
class FakePredictor:
    """``gate`` holds ``analyze`` back until it is set; ``entered`` tells that it has begun."""

    taxonomy: Any = TAXONOMY
    gate: threading.Event | None = None
    entered: threading.Event = field(default_factory=threading.Event)
    batches: list[list[str]] = field(default_factory=list)
    version: str = "1"

    def analyze(self, articles: Sequence[Article], options: Options = Options()) -> list[Result | RecordError]:  # noqa: B008
        self.batches.append([article.id for article in articles])
        if self.gate and articles[0].id != "warm-up":
            self.entered.set()
            assert self.gate.wait(30)
        if any(POISON in article.text for article in articles):
            raise RuntimeError(f"poisoned by {articles[0].text}")
        return [make_outcome(article, options) for article in articles]

    def describe(self) -> dict[str, Any]:
        return {**MODEL, "models": {"classifier": {"sha256": self.version}}, "labels": self.taxonomy.to_json(), "engine": {"device": "cpu"}}

    def count_tokens(self, text: str) -> int:
        return len(text)


def make_outcome(article: Article, options: Options = Options()) -> Result | RecordError:  # noqa: B008
    if "清洗后为空" in article.text or not clean_text(article.text).text.strip():
        return RecordError("empty_text", "the text is empty (after cleaning)", article.origin, article.line, article.id)
    figures = tuple(
        Figure(m.group(), m.start(), m.end(), "amount", Decimal(m.group(1)) * 10**8, unit="CNY", role="investment", scope="project", status="signed")
        for m in AMOUNT.finditer(article.text)
    )
    proof = Evidence(article.text[:5], 0, len(article.text[:5])) if options.evidence else None
    activity = (LabelScore("signing", TAXONOMY.name("activity", "signing"), 0.875, proof),)
    summary = Summary(f"={article.text[:30]}", "extractive") if options.summaries == "all" else None
    return Result(
        id=article.id,
        input=InputReport(len(article.text), len(article.text), len(article.text), (), article.text if article.text_extracted else None),
        model=MODEL,
        activity=activity if options.labels else None,
        industry=() if options.labels else None,
        summary=summary if options.summary else None,
        outcomes=Outcomes(Facts(signed_projects=1, signed_amount=46.5), figures) if options.summary else None,
        review_reasons=("low_confidence",) if "疑" in article.text else (),
        probs={"activity": {"signing": 0.875}, "industry": {}} if options.probs == "all" else None,
        with_evidence=options.evidence,
    )

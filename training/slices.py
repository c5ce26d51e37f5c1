"""Where a checkpoint is good and where not: the same scores by length, source, year, script and artefact of the articles."""

from collections.abc import Iterator, Sequence
from typing import Any

from data.errors import RecordError
from data.schema import Example
from models.result import Result
from training.baselines import BaselinePrediction
from training.scoring import evaluate_predictions

LENGTHS = ((0, 300), (300, 800), (800, 2000), (2000, None))  # characters as submitted
SMALLEST = 8  # articles; fewer say nothing


def slices_of(example: Example, result: Result | RecordError) -> Iterator[tuple[str, str]]:
    """Yield the (kind, value) slices that an article belongs to."""
    n = len(example.article.text)
    low, high = next((low, high) for low, high in LENGTHS if high is None or n < high)
    yield "length", f"{low} to {high} characters" if high else f"{low} characters and more"
    yield "source", example.article.source or "unknown"
    yield "year", (example.article.published or "")[:4] or "unknown"
    if isinstance(result, Result):
        yield "script", "traditional" if "traditional" in result.input.cleaning else "simplified"
        yield from (("artefact", step) for step in result.input.cleaning or ("none",))
        yield "windows", "cut" if result.input.tokens_used < result.input.tokens else "read whole"


def score_slices(
    examples: Sequence[Example], predictions: Sequence[BaselinePrediction], results: Sequence[Result | RecordError]
) -> list[dict[str, Any]]:
    """Return a row for each slice of at least ``SMALLEST`` articles: kind, value, n, the scores of labels and their intervals."""
    members: dict[tuple[str, str], list[int]] = {}
    for i, (example, result) in enumerate(zip(examples, results, strict=True)):
        for name in slices_of(example, result):
            members.setdefault(name, []).append(i)
    rows = []
    for (kind, value), chosen in sorted(members.items()):
        if len(chosen) < SMALLEST:
            continue
        scores = evaluate_predictions([examples[i] for i in chosen], [predictions[i] for i in chosen], resamples=200)
        named = {"activity_micro_f1": scores["activity"]["micro_f1"], "main_accuracy": scores["activity"]["main_accuracy"], "industry_micro_f1": scores["industry"]["micro_f1"]}  # fmt: skip
        rows.append({"kind": kind, "value": value, "n": len(chosen), **named, "intervals": {key: scores["intervals"][key] for key in named}})
    return rows


def confusion_of(examples: Sequence[Example], predictions: Sequence[BaselinePrediction], keys: Sequence[str]) -> list[list[int]]:
    """Return how often each main activity (row, gold) was called what (column); an article without answer counts in the last column."""
    table = [[0] * (len(keys) + 1) for _ in keys]
    for example, prediction in zip(examples, predictions, strict=True):
        said = prediction.activity[0] if prediction.activity else None
        table[keys.index(example.annotation.activity[0])][keys.index(said) if said else len(keys)] += 1
    return table

"""Scores of one system's predictions against gold, with bootstrap intervals over the articles.

``evaluate_predictions(examples, predictions)`` gives a section for each question the system answers. Metrics are modules of
``evaluate`` in ``training/metrics``, loaded by path, so nothing is fetched.
"""

import atexit
import os
import tempfile
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import evaluate
import numpy as np
import numpy.typing as npt

from data.clean import clean_text, clean_title
from data.schema import Article, Example, Facts, Group
from data.taxonomy import load_taxonomy
from training.baselines import BaselinePrediction
from training.summary_traits import count_traits

METRICS = Path(__file__).with_name("metrics")
RESAMPLES = 1000
FREQUENT = 8  # gold cases from which the F1 of a label is more than chance
_TRAITS = ("key_figure_recall", "name_precision", "repeated_4grams", "novel_4grams", "copies_one_sentence", "mean_characters")
Floats = npt.NDArray[np.float64]
Statistic = Callable[[Floats], Floats]  # (resamples, n_articles) weights -> (resamples,) values
Vectors = dict[str, Statistic]


# Metrics ------------------------------------------------------------------------------------------------------


@cache
def load_metric(name: str) -> Any:
    """Return one of our ``evaluate`` modules: rouge_zh, multilabel, figures or facts.

    ``evaluate`` imports a copy of the script from its own cache and keeps its rows in memory; both folders are
    outside the repository, which may be read-only.

    Raises:
        ValueError: there is no such metric.

    """
    if not (METRICS / name / f"{name}.py").is_file():
        raise ValueError(f"no metric {name!r}; there are {', '.join(sorted(p.parent.name for p in METRICS.glob('*/[a-z]*.py')))}")
    if not _can_write(Path(evaluate.config.HF_MODULES_CACHE)):
        evaluate.config.HF_MODULES_CACHE = str(_scratch() / "modules")
    return evaluate.load(str(METRICS / name), cache_dir=str(_scratch()), keep_in_memory=True)


def _can_write(folder: Path) -> bool:
    """Return whether the folder, or the first parent that exists, takes files."""
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return existing.is_dir() and os.access(existing, os.W_OK)


@cache
def _scratch() -> Path:
    """Return a folder that goes with the process."""
    folder = tempfile.TemporaryDirectory(prefix="zhaoshang-metrics-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


# Scores of one system -----------------------------------------------------------------------------------------


def evaluate_predictions(
    examples: Sequence[Example], predictions: Sequence[BaselinePrediction], resamples: int = RESAMPLES, seed: int = 20
) -> dict[str, Any]:
    """Score one system: a section for each question it answers, and 95 % bootstrap intervals over the articles.

    Args:
        examples: annotated articles.
        predictions: one per example, in order. A question that no prediction answers has no section; one that only some
            leave open counts as answered with nothing.
        resamples: bootstrap samples of articles.
        seed: of the samples; the same for every system, so that their intervals compare.

    Returns:
        ``activity`` and ``industry`` (multilabel), ``summary`` (rouge_zh, figure precision and recall), ``facts``, ``intervals``.

    Raises:
        ValueError: no examples, or predictions that are not those of the examples.

    """
    report, vectors = _score_all(examples, predictions)
    weights = _draw_weights(len(examples), resamples, seed)
    report["intervals"] = {name: _interval(statistic(weights)) for name, statistic in vectors.items()}
    return report


def paired_differences(
    examples: Sequence[Example], ours: Sequence[BaselinePrediction], theirs: Sequence[BaselinePrediction], resamples: int = RESAMPLES, seed: int = 20
) -> dict[str, tuple[float, float, float]]:
    """Return ours minus theirs of every score that both have: the difference and its 95 % interval, both systems on the same resampled articles.

    Source: paired bootstrap (https://aclanthology.org/W04-3250).
    """
    (_, own), (_, other) = _score_all(examples, ours), _score_all(examples, theirs)
    weights, once = _draw_weights(len(examples), resamples, seed), np.ones((1, len(examples)))
    out = {}
    for name in own.keys() & other.keys():
        low, high = _interval(own[name](weights) - other[name](weights))
        out[name] = (float(own[name](once)[0] - other[name](once)[0]), low, high)
    return out


def _score_all(examples: Sequence[Example], predictions: Sequence[BaselinePrediction]) -> tuple[dict[str, Any], Vectors]:
    if not examples or [e.article.id for e in examples] != [p.id for p in predictions]:
        raise ValueError(f"expected one prediction for each of {len(examples)} examples (at least one), in order; got {len(predictions)}")
    report: dict[str, Any] = {}
    vectors: Vectors = {}
    for score in (_score_activity, _score_industry, _score_summary, _score_facts):
        score(examples, predictions, report, vectors)
    return report, vectors


def _draw_weights(n: int, resamples: int, seed: int) -> Floats:
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples).astype(float)


def _interval(values: Floats) -> list[float]:
    return [float(q) for q in np.quantile(values, [0.025, 0.975])]


def ratio(part: Sequence[float] | Floats, whole: Sequence[float] | Floats, empty: float = 1.0) -> Statistic:
    """Return the statistic sum(part) / sum(whole) over the articles; ``empty`` where the whole is 0."""
    parts, wholes = np.asarray(part, float), np.asarray(whole, float)

    def statistic(weights: Floats) -> Floats:
        total = weights @ wholes
        return np.where(total > 0, weights @ parts / np.where(total > 0, total, 1), empty)

    return statistic


def macro_f1(right: Floats, claimed: Floats, gold: Floats) -> Statistic:
    """Return the statistic macro F1 over the labels with support; all three are (n_articles, n_labels)."""

    def statistic(weights: Floats) -> Floats:
        both = weights @ (claimed + gold)
        f1 = 2 * (weights @ right) / np.where(both > 0, both, 1)
        supported = weights @ gold > 0
        return np.asarray((f1 * supported).sum(axis=1) / np.maximum(supported.sum(axis=1), 1))

    return statistic


def _score_activity(examples: Sequence[Example], predictions: Sequence[BaselinePrediction], report: dict[str, Any], vectors: Vectors) -> None:
    if any(p.activity is not None for p in predictions):
        gold, ours = [e.annotation.activity for e in examples], [p.activity or () for p in predictions]
        report["activity"] = _score_labels("activity", gold, ours, vectors)
        report["activity"]["main_accuracy"] = report["activity"].pop("first_accuracy")
        vectors["main_accuracy"] = ratio([a[:1] == b[:1] for a, b in zip(gold, ours, strict=True)], np.ones(len(gold)))


def _score_industry(examples: Sequence[Example], predictions: Sequence[BaselinePrediction], report: dict[str, Any], vectors: Vectors) -> None:
    if any(p.industry is not None for p in predictions):
        gold, ours = [e.annotation.industry for e in examples], [p.industry or () for p in predictions]
        report["industry"] = _score_labels("industry", gold, ours, vectors)
        del report["industry"]["first_accuracy"]  # the order of industries means nothing


def _score_labels(group: Group, gold: Sequence[tuple[str, ...]], ours: Sequence[tuple[str, ...]], vectors: Vectors) -> dict[str, Any]:
    keys = load_taxonomy().group(group)
    truth, claims = _marks(gold, keys), _marks(ours, keys)
    right = truth * claims
    vectors[f"{group}_micro_f1"] = ratio(2 * right.sum(axis=1), (truth + claims).sum(axis=1), empty=0.0)
    vectors[f"{group}_macro_f1"] = macro_f1(right, claims, truth)
    frequent = truth.sum(axis=0) >= FREQUENT
    vectors[f"{group}_frequent_macro_f1"] = macro_f1(right[:, frequent], claims[:, frequent], truth[:, frequent])
    vectors |= {f"{group}/{key}": ratio(2 * right[:, i], (truth + claims)[:, i], empty=0.0) for i, key in enumerate(keys)}
    scores: dict[str, Any] = load_metric("multilabel").compute(
        predictions=[list(r) for r in ours], references=[list(r) for r in gold], labels=list(keys)
    )
    often = [row["f1"] for row in scores["per_label"].values() if row["support"] >= FREQUENT]
    return scores | {"frequent_macro_f1": sum(often) / max(1, len(often)), "n_frequent": len(often)}


def _marks(rows: Sequence[tuple[str, ...]], keys: Sequence[str]) -> Floats:
    return np.array([[key in row for key in keys] for row in rows], dtype=float)


def _score_summary(examples: Sequence[Example], predictions: Sequence[BaselinePrediction], report: dict[str, Any], vectors: Vectors) -> None:
    if all(p.summary is None for p in predictions):
        return
    texts = [p.summary or "" for p in predictions]
    gold = [e.annotation.summary for e in examples]
    has_gold = np.array([bool(text) for text in gold], dtype=float)
    rouge = load_metric("rouge_zh").compute(predictions=texts, references=gold, aggregate=False)
    figures = load_metric("figures").compute(predictions=texts, references=gold, sources=[source_text(e.article) for e in examples], aggregate=False)
    vectors |= {name: ratio(np.array(values) * has_gold, has_gold, empty=0.0) for name, values in rouge.items()}
    vectors["figure_precision"] = ratio(figures["n_supported"], figures["n_figures"])
    vectors["figure_recall"] = ratio(figures["n_found"], figures["n_gold"])
    rows = [_traits(e, text) for e, text in zip(examples, texts, strict=True)]
    traits = {name: np.array([row[name] for row in rows], dtype=float) for name in rows[0]}
    ones = np.array([bool(text) for text in texts], dtype=float)
    vectors["key_figure_recall"] = ratio(traits["n_key_found"], traits["n_key_figures"])
    vectors["name_precision"] = ratio(traits["n_named"], traits["n_names"])
    vectors["repeated_4grams"] = ratio(traits["n_repeated"], traits["n_grams"], empty=0.0)
    vectors["novel_4grams"] = ratio(traits["n_novel"], traits["n_grams"], empty=0.0)
    vectors["copies_one_sentence"] = ratio(traits["copies_sentence"], ones, empty=0.0)
    vectors["mean_characters"] = ratio(traits["characters"], ones, empty=0.0)
    everything = np.ones((1, len(examples)))
    names = (*rouge, "figure_precision", "figure_recall", *_TRAITS)
    totals = {name: sum(values) for name, values in figures.items()} | {
        name: int(traits[name].sum()) for name in ("n_key_figures", "n_key_found", "n_names", "n_named")
    }
    report["summary"] = {name: float(vectors[name](everything)[0]) for name in names} | totals | {"n_summaries": sum(bool(text) for text in texts)}


def _traits(example: Example, summary: str) -> dict[str, int]:
    """Return the counts of one summary; an annotation without summary has no figures to find."""
    return count_traits(summary, example.annotation.summary, *cleaned(example.article), example.annotation.facts)


def source_text(article: Article) -> str:
    """Return what a summary may take figures from: the title and the cleaned text."""
    title, text = cleaned(article)
    return f"{title or ''}\n{text}"


@lru_cache(maxsize=2048)  # every system that summarises is held to the same articles
def cleaned(article: Article) -> tuple[str | None, str]:
    """Return title and text of an article as serving reads them."""
    return clean_title(article.title), clean_text(article.text).text


def _score_facts(examples: Sequence[Example], predictions: Sequence[BaselinePrediction], report: dict[str, Any], vectors: Vectors) -> None:
    if all(p.facts is None for p in predictions):
        return
    # An annotation without summary answers for labels alone: nothing claimed of it is wrong, or right.
    claims = [p.facts or Facts() if e.annotation.summary else Facts() for p, e in zip(predictions, examples, strict=True)]
    rows = {"predictions": [facts.to_json() for facts in claims], "references": [e.annotation.facts.to_json() for e in examples]}
    report["facts"] = load_metric("facts").compute(**rows)
    counts = load_metric("facts").compute(**rows, aggregate=False)
    vectors["fact_precision"] = ratio(counts["n_right"], counts["n_claimed"])
    vectors["fact_recall"] = ratio(counts["n_right"], counts["n_gold"])

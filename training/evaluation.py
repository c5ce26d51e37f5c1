"""How good a checkpoint is, beside the baselines, on annotated articles.

``run_evaluation(config)`` reads the articles, runs the checkpoint and every baseline in one go and returns one JSON
object; ``training.report`` makes the table of it, ``training.scoring`` the scores.
"""

import json
import logging
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data.annotations import join_gold, read_examples
from data.clean import clean_text
from data.errors import InputError
from data.schema import Example, Facts, Group
from models.paths import DEFAULT_CHECKPOINT
from models.predictor import Predictor
from models.result import Options, Result
from training.baselines import BASELINES, BaselinePrediction
from training.calibration import expected_calibration_error
from training.config import EvaluateConfig
from training.dataset import read_training
from training.report import provenance
from training.scoring import evaluate_predictions, load_metric

logger = logging.getLogger(__name__)

ANNOTATIONS = Path(__file__).parent.parent / "data" / "annotations"
BATCH_ARTICLES = 16


# The model ----------------------------------------------------------------------------------------------------


def prediction_of(result: Result) -> BaselinePrediction:
    """Return what the metrics look at of a result."""
    return BaselinePrediction(
        result.id,
        None if result.activity is None else tuple(score.label for score in result.activity),
        None if result.industry is None else tuple(score.label for score in result.industry),
        None if result.summary is None else result.summary.text,
        None if result.outcomes is None else result.outcomes.facts,
    )


def run_model(predictor: Predictor, examples: Sequence[Example]) -> tuple[list[BaselinePrediction], dict[str, Any]]:
    """Return the checkpoint's predictions (empty ones where it failed) and what only a checkpoint can be asked."""
    started = time.perf_counter()
    results = []
    for first in range(0, len(examples), BATCH_ARTICLES):
        results += predictor.analyze([e.article for e in examples[first : first + BATCH_ARTICLES]], Options(probs="all"))
        logger.info("analyzed %d of %d articles", len(results), len(examples))
    elapsed_s = time.perf_counter() - started
    predictions = [
        prediction_of(r) if isinstance(r, Result) else BaselinePrediction(e.article.id, (), (), "", Facts())
        for r, e in zip(results, examples, strict=True)
    ]
    scored = [(r, e) for r, e in zip(results, examples, strict=True) if isinstance(r, Result)]
    about = {"ms_per_article": 1000 * elapsed_s / max(len(examples), 1), "n_failed": len(examples) - len(scored)}
    return predictions, {**about, **_describe_results(scored)}


def _describe_results(scored: Sequence[tuple[Result, Example]]) -> dict[str, Any]:
    results = [result for result, _ in scored]
    summaries = [result.summary for result in results if result.summary is not None]
    mains = [(r.main_prob or 0.0, e.annotation.activity[0] == r.activity[0].label) for r, e in scored if r.activity]
    return {
        "review_needed": _share(bool(result.review_reasons) for result in results),
        "abstractive": _share(summary.method == "abstractive" for summary in summaries),
        "ungrounded": _share(bool(summary.ungrounded) for summary in summaries),
        "ece": {
            "activity": _label_ece(scored, "activity"),
            "industry": _label_ece(scored, "industry"),
            "main": expected_calibration_error(np.array([p for p, _ in mains]), np.array([right for _, right in mains], dtype=bool)),
        },
    }


def _label_ece(scored: Sequence[tuple[Result, Example]], group: Group) -> float:
    """Return the calibration error over every pair of article and label of a group."""
    pairs = [
        (prob, key in (e.annotation.activity if group == "activity" else e.annotation.industry))
        for r, e in scored
        for key, prob in (r.probs or {}).get(group, {}).items()
    ]
    return expected_calibration_error(np.array([p for p, _ in pairs]), np.array([y for _, y in pairs], dtype=bool))


def _share(marks: Iterable[bool]) -> float:
    listed = list(marks)
    return sum(listed) / max(len(listed), 1)


# The run ------------------------------------------------------------------------------------------------------


def gold_file(data: Path) -> Path:
    """Return the file that holds the annotations of ``data``."""
    return data / "gold.jsonl" if data.is_dir() else data


def load_examples(data: Path) -> list[Example]:
    """Return the examples of an annotated file, or of a folder of ``articles.jsonl`` and ``gold.jsonl``.

    Raises:
        InputError: nothing there, or no article with an annotation.

    """
    if not gold_file(data).is_file():
        raise InputError(f"{data}: expected an annotated .jsonl file, or a folder of articles.jsonl and gold.jsonl")
    examples = join_gold(data / "articles.jsonl", data / "gold.jsonl") if data.is_dir() else read_examples(data)
    if not examples:
        raise InputError(f"{data}: no article with an annotation")
    return examples


def load_training(config: EvaluateConfig) -> list[Example]:
    """Return the articles the baselines learn from, cleaned: by default those that the shipped model learnt from, without those that measure."""
    return read_training(config.train or f"{ANNOTATIONS / 'authored'},{ANNOTATIONS / 'real'}", config.corpora)


def run_evaluation(config: EvaluateConfig) -> dict[str, Any]:
    """Run the systems on the articles and return the whole report; written to ``config.json`` too."""
    examples = load_examples(config.data)[: config.limit or None]
    ids, texts = {e.article.id for e in examples}, {clean_text(e.article.text).text for e in examples}
    train = [e for e in load_training(config) if e.article.id not in ids and e.article.text not in texts]
    report: dict[str, Any] = {**provenance(gold_file(config.data)), "n_articles": len(examples), "n_train": len(train), "systems": {}}
    predictions: dict[str, list[BaselinePrediction]] = {}
    for name in config.names:
        predictions[name], about = _run_system(name, config, train, examples)
        report["systems"][name] = evaluate_predictions(examples, predictions[name]) | about
        logger.info("evaluated %s", name)
    report["worst"] = worst_articles(examples, predictions[config.names[0]])[: config.worst]
    if config.json is not None:
        config.json.parent.mkdir(parents=True, exist_ok=True)
        config.json.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return report


def _run_system(
    name: str, config: EvaluateConfig, train: Sequence[Example], examples: Sequence[Example]
) -> tuple[list[BaselinePrediction], dict[str, Any]]:
    if name == "model":
        predictor = Predictor.load(config.checkpoint or DEFAULT_CHECKPOINT, config.device)
        predictions, about = run_model(predictor, examples)
        return predictions, {**about, "tag": predictor.tag}
    baseline = BASELINES[name]()
    baseline.fit(train)
    started = time.perf_counter()
    predictions = baseline.predict([e.article for e in examples])
    return predictions, {"ms_per_article": 1000 * (time.perf_counter() - started) / len(examples)}


def worst_articles(examples: Sequence[Example], predictions: Sequence[BaselinePrediction]) -> list[dict[str, Any]]:
    """Return id and score of each article, the worst first: the mean of label overlap and ROUGE-L, where answered."""
    rouge = load_metric("rouge_zh").compute(
        predictions=[p.summary or "" for p in predictions], references=[e.annotation.summary for e in examples], aggregate=False
    )
    rows = []
    for e, p, summary in zip(examples, predictions, rouge["rougeL"], strict=True):
        parts = [
            _overlap(gold, ours) for gold, ours in ((e.annotation.activity, p.activity), (e.annotation.industry, p.industry)) if ours is not None
        ]
        parts += [summary] if p.summary is not None else []
        rows.append({"id": e.article.id, "score": sum(parts) / max(len(parts), 1)})
    return sorted(rows, key=lambda row: (row["score"], row["id"]))


def _overlap(gold: Sequence[str], ours: Sequence[str]) -> float:
    """Return the F1 of two label lists; 1 where both are empty."""
    both = len(gold) + len(ours)
    return 2 * len(set(gold) & set(ours)) / both if both else 1.0

"""How good a checkpoint is, beside the baselines, on annotated articles.

``run_evaluation(config)`` reads the articles, runs the checkpoint and every baseline in one go and returns one JSON
object; ``training.report`` makes the table of it, ``training.scoring`` the scores.
"""

import json
import logging
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.annotations import join_gold, read_examples
from data.clean import clean_text
from data.errors import InputError, RecordError
from data.schema import Example, Facts
from models.paths import DEFAULT_CHECKPOINT
from models.predictor import Predictor
from models.result import Options, Result
from training.baselines import BASELINES, BaselinePrediction
from training.config import EvaluateConfig
from training.dataset import read_examples as read_prepared
from training.dataset import read_training
from training.floors import check_floors, gold_hash, read_floors
from training.page import write_page
from training.reliability import brier_score, equal_mass_error, expected_calibration_error, main_is_right, reliability_pairs
from training.report import provenance
from training.scoring import evaluate_predictions, load_metric
from training.slices import score_slices

logger = logging.getLogger(__name__)

ANNOTATIONS = Path(__file__).parent.parent / "data" / "annotations"
BATCH_ARTICLES = 16
LIKELY = 0.1  # labels below this probability are plainly absent: hundreds of them would hide how honest the others are


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


@dataclass(frozen=True)
class ModelRun:
    """What a checkpoint said of every article (an error where it failed), and how long it took."""

    results: list[Result | RecordError]
    elapsed_s: float

    def predictions(self, examples: Sequence[Example]) -> list[BaselinePrediction]:
        """Return what the metrics look at; an empty answer where the checkpoint failed."""
        return [
            prediction_of(r) if isinstance(r, Result) else BaselinePrediction(e.article.id, (), (), "", Facts())
            for r, e in zip(self.results, examples, strict=True)
        ]


def run_model(predictor: Predictor, examples: Sequence[Example]) -> ModelRun:
    """Run a checkpoint over the articles, in batches."""
    started = time.perf_counter()
    results: list[Result | RecordError] = []
    for first in range(0, len(examples), BATCH_ARTICLES):
        results += predictor.analyze([e.article for e in examples[first : first + BATCH_ARTICLES]], Options(probs="all"))
        logger.info("analyzed %d of %d articles", len(results), len(examples))
    return ModelRun(results, time.perf_counter() - started)


def describe_run(run: ModelRun, examples: Sequence[Example]) -> dict[str, Any]:
    """Return what only a checkpoint can be asked: calibration, abstention, how summaries were made, time.

    ``ece`` is over bins of equal width and all pairs of article and label; ``equal_mass_ece`` over bins of equal mass, of the pairs with a probability of
    at least ``LIKELY`` (and of the main activity); ``trusted`` is what is not sent to review.
    """
    scored = [(r, e) for r, e in zip(run.results, examples, strict=True) if isinstance(r, Result)]
    results = [result for result, _ in scored]
    summaries = [result.summary for result in results if result.summary is not None]
    pairs = {name: reliability_pairs(scored, name) for name in ("activity", "industry", "main")}
    likely = {name: (probs[probs >= LIKELY], correct[probs >= LIKELY]) for name, (probs, correct) in pairs.items()}
    likely["main"] = pairs["main"]
    together = [np.concatenate(parts) for parts in zip(likely["activity"], likely["industry"], strict=True)]
    trusted = [(r, e) for r, e in scored if not r.review_reasons and r.activity]
    return {
        "ms_per_article": 1000 * run.elapsed_s / max(len(examples), 1),
        "n_failed": len(examples) - len(scored),
        "review_needed": _share(bool(result.review_reasons) for result in results),
        "review_reasons": dict(Counter(reason for result in results for reason in result.review_reasons).most_common()),
        "trusted": {"share": len(trusted) / max(len(examples), 1), "main_accuracy": _share(main_is_right(r, e) for r, e in trusted)},
        "abstractive": _share(summary.method == "abstractive" for summary in summaries),
        "ungrounded": _share(bool(summary.ungrounded) for summary in summaries),
        "ece": {name: expected_calibration_error(*pair) for name, pair in pairs.items()},
        "equal_mass_ece": {"labels": equal_mass_error(together[0], together[1]), **{name: equal_mass_error(*pair) for name, pair in likely.items()}},
        "brier": {name: brier_score(*pair) for name, pair in pairs.items()},
    }


def _share(marks: Iterable[bool]) -> float:
    listed = list(marks)
    return sum(listed) / max(len(listed), 1)


# The run ------------------------------------------------------------------------------------------------------


def load_examples(data: Path) -> list[Example]:
    """Return the examples of an annotated file, of a Parquet split of ``python -m data prepare``, or of a folder of ``articles.jsonl`` and ``gold.jsonl``.

    Raises:
        InputError: nothing there, or no article with an annotation.

    """
    if not (data / "gold.jsonl" if data.is_dir() else data).is_file():
        raise InputError(f"{data}: expected an annotated .jsonl or .parquet file, or a folder of articles.jsonl and gold.jsonl")
    if data.suffix == ".parquet":
        examples = read_prepared(str(data))
    else:
        examples = join_gold(data / "articles.jsonl", data / "gold.jsonl") if data.is_dir() else read_examples(data)
    if not examples:
        raise InputError(f"{data}: no article with an annotation")
    return examples


def load_training(config: EvaluateConfig) -> list[Example]:
    """Return the articles the baselines learn from, cleaned: by default those that the shipped model learnt from, without those that measure."""
    return read_training(config.train or f"{ANNOTATIONS / 'authored'},{ANNOTATIONS / 'real'}", config.corpora)


def run_evaluation(config: EvaluateConfig) -> dict[str, Any]:
    """Run the systems on the articles and return the whole report; written to ``config.json`` and as a page to ``config.report`` too."""
    examples = load_examples(config.data)[: config.limit or None]
    train = _load_apart(config, examples) if set(config.names) - {"model"} else []
    report: dict[str, Any] = {**provenance(), "gold_sha256": gold_hash(examples), "n_articles": len(examples), "n_train": len(train), "systems": {}}
    predictions: dict[str, list[BaselinePrediction]] = {}
    run: ModelRun | None = None
    for name in config.names:
        if name == "model":
            predictor = Predictor.load(config.checkpoint or DEFAULT_CHECKPOINT, config.device)
            run = run_model(predictor, examples)
            predictions[name], about = run.predictions(examples), {**describe_run(run, examples), "tag": predictor.tag}
        else:
            predictions[name], about = _run_baseline(name, train, examples)
        report["systems"][name] = evaluate_predictions(examples, predictions[name]) | about
        logger.info("evaluated %s", name)
    report["worst"] = worst_articles(examples, predictions[config.names[0]])[: config.worst]
    if run is not None:
        report["slices"] = score_slices(examples, predictions["model"], run.results)
        report["floors"] = dict(zip(("name", "below"), check_floors(report, read_floors()), strict=True))
    if config.json is not None:
        config.json.parent.mkdir(parents=True, exist_ok=True)
        config.json.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", "utf-8")
    if config.report is not None and run is not None:
        write_page(config.report, report, examples, predictions["model"], run.results)
    return report


def _load_apart(config: EvaluateConfig, examples: Sequence[Example]) -> list[Example]:
    """Return the articles for the baselines without those that are evaluated."""
    ids, texts = {e.article.id for e in examples}, {clean_text(e.article.text).text for e in examples}
    return [e for e in load_training(config) if e.article.id not in ids and e.article.text not in texts]


def _run_baseline(name: str, train: Sequence[Example], examples: Sequence[Example]) -> tuple[list[BaselinePrediction], dict[str, Any]]:
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

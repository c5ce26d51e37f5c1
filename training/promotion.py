"""Putting a checkpoint in the place that is served, and the way back.

``promote`` measures the candidate and what is in place on the same annotated articles. It refuses one that falls below a floor (``training/floors.json``) or that loses: a score whose
difference lies below 0 in 97.5 % of the paired resamples. ``despite`` overrides that, visibly: the reason goes into the history beside the findings. What was in place is kept in
``PLACE.previous``, numbered; ``rollback`` puts the last one back. Folders are swapped by renaming, so a stop leaves the old or the new checkpoint whole.
"""

import json
import logging
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from data.errors import CheckpointRefused
from data.schema import Example
from models.predictor import Predictor
from models.registry import Kind, open_checkpoint
from training.baselines import BaselinePrediction
from training.config import PromoteConfig, RollbackConfig
from training.evaluation import describe_run, load_examples, run_model
from training.floors import check_floors, figures_of, gold_hash, read_floors
from training.scoring import evaluate_predictions, paired_differences

logger = logging.getLogger(__name__)
KINDS: tuple[Kind, ...] = get_args(Kind)
HISTORY = "history.jsonl"
# Scores in which a candidate may not lose; the F1 of single labels swings too much to decide.
COMPARED = (
    "activity_micro_f1", "activity_frequent_macro_f1", "main_accuracy", "industry_micro_f1", "industry_frequent_macro_f1",
    "rouge2", "rougeL", "figure_precision", "figure_recall", "fact_precision", "fact_recall",
)  # fmt: skip


def promote(config: PromoteConfig) -> dict[str, Any]:
    """Measure, decide, swap; return the row of the history.

    Raises:
        CheckpointRefused: the candidate is broken, falls below a floor or loses, and no ``despite`` was given.
        InputError: no annotated articles.

    """
    place, fresh = config.place, config.place.with_name(config.place.name + ".new")
    _recover(place)
    examples = load_examples(config.data)
    replaced = _stage(config.checkpoint, place, fresh)
    try:
        ours, report = _measure(fresh, examples, config.device)
        name, below = check_floors(report, read_floors())
        findings = [f"below the floors of {name}: {finding}" for finding in below]
        differences: dict[str, list[float]] = {}
        if place.exists():
            theirs, _ = _measure(place, examples, config.device)
            paired = paired_differences(examples, ours, theirs)
            differences = {key: [round(v, 4) for v in paired[key]] for key in COMPARED if key in paired}
            findings += [f"loses {key}: {low:+.3f} to {high:+.3f}" for key, (_, low, high) in differences.items() if high < 0]
        if findings and not config.despite:
            raise CheckpointRefused(f"{config.checkpoint} is not promoted: {'; '.join(findings)} (--despite REASON overrides)")
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    row = {
        "date": _today(), "did": "promote", "kinds": replaced, "now": _tags(fresh), "before": _tags(place), "gold_sha256": report["gold_sha256"],
        "floors": name, "figures": {key: round(value, 4) for key, value in figures_of(report).items()}, "differences": differences,
        "findings": findings, "despite": config.despite,
    }  # fmt: skip
    if place.exists():
        place.rename(_next_slot(_shelf(place)))
    fresh.rename(place)
    _write_history(place, row)
    return row


def rollback(config: RollbackConfig) -> dict[str, Any]:
    """Put the checkpoint back that was in place before the last promotion; the one taken out is kept beside it.

    Raises:
        CheckpointRefused: nothing to go back to, or what was kept is broken.

    """
    place = config.place
    _recover(place)
    kept = _slots(_shelf(place))
    if not kept:
        raise CheckpointRefused(f"{_shelf(place)}: no earlier checkpoint to go back to")
    for kind in KINDS:
        if (kept[-1] / kind).exists():
            open_checkpoint(kept[-1] / kind, kind)
    row = {"date": _today(), "did": "rollback", "now": _tags(kept[-1]), "before": _tags(place)}
    place.rename(_next_slot(place.with_name(place.name + ".withdrawn")))
    kept[-1].rename(place)
    _write_history(place, row)
    return row


def _stage(candidate: Path, place: Path, fresh: Path) -> list[Kind]:
    """Make what would be in place: the candidate's parts, and of what is there the parts that it has not."""
    parts = [kind for kind in KINDS if (candidate / kind).exists()]
    if not parts:
        raise CheckpointRefused(f"{candidate}: none of {', '.join(f'{kind}/' for kind in KINDS)} is there")
    shutil.rmtree(fresh, ignore_errors=True)
    if place.exists():
        shutil.copytree(place, fresh)
    for kind in parts:
        open_checkpoint(candidate / kind, kind)
        shutil.rmtree(fresh / kind, ignore_errors=True)
        shutil.copytree(candidate / kind, fresh / kind)
    return parts


def _measure(checkpoint: Path, examples: Sequence[Example], device: str) -> tuple[list[BaselinePrediction], dict[str, Any]]:
    run = run_model(Predictor.load(checkpoint, device), examples)
    predictions = run.predictions(examples)
    system = evaluate_predictions(examples, predictions) | describe_run(run, examples)
    return predictions, {"gold_sha256": gold_hash(examples), "n_articles": len(examples), "systems": {"model": system}}


def _tags(checkpoint: Path) -> dict[str, str]:
    return {kind: open_checkpoint(checkpoint / kind, kind).tag for kind in KINDS if (checkpoint / kind).exists()}


def _shelf(place: Path) -> Path:
    return place.with_name(place.name + ".previous")


def _slots(shelf: Path) -> list[Path]:
    return sorted(path for path in shelf.glob("[0-9]*") if path.is_dir()) if shelf.exists() else []


def _next_slot(shelf: Path) -> Path:
    shelf.mkdir(parents=True, exist_ok=True)
    taken = _slots(shelf)
    return shelf / f"{int(taken[-1].name) + 1 if taken else 1:04d}"


def _recover(place: Path) -> None:
    """Bring back what a promotion was about to replace when it was killed between its two renames."""
    kept = _slots(_shelf(place))
    if not place.exists() and kept:
        logger.warning("%s is missing: %s goes back into place", place, kept[-1])
        kept[-1].rename(place)


def _write_history(place: Path, row: dict[str, Any]) -> None:
    shelf = _shelf(place)
    shelf.mkdir(parents=True, exist_ok=True)
    with (shelf / HISTORY).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _today() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d")

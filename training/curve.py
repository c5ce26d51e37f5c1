"""The learning curve: what more real articles, and the written ones, are worth.

``python -m training curve --data data/processed --base FOLDER`` trains on 25, 50, 75 and 100 % of the real training articles, with and without the written
ones, and scores each on the development articles, that none of them saw. The parts are nested: each holds the smaller ones.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from data.errors import InputError
from data.schema import Example, content_hash
from data.taxonomy import load_taxonomy
from models.device import pick_device
from training.baselines import BaselinePrediction, TfidfLogistic
from training.calibration import decode_scores, fit_decoding
from training.config import CurveConfig, FinetuneConfig
from training.dataset import read_rows, to_example
from training.finetune import build_classifier, fit, score_examples, shorten
from training.scoring import evaluate_predictions

logger = logging.getLogger(__name__)
MEASURED = (("activity", "micro_f1"), ("activity", "macro_f1"), ("activity", "main_accuracy"), ("industry", "micro_f1"), ("industry", "macro_f1"))


def run_curve(config: CurveConfig) -> list[dict[str, Any]]:
    """Run every part and return a row each; written to ``config.json`` after each row, so that a stop loses one."""
    parts = _read_parts(config)
    rows: list[dict[str, Any]] = []
    for share in config.shares:
        real = parts["real"][: round(share * len(parts["real"]))]
        for written in ((), parts["authored"]):
            for system in config.names:
                train = [*real, *written]
                scores = _run(system, train, parts["calibration"], parts["measured"], config)
                rows.append({"system": system, "real": len(real), "share": share, "authored": len(written), **scores})
                logger.info("%s", rows[-1])
                if config.json is not None:
                    config.json.parent.mkdir(parents=True, exist_ok=True)
                    config.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    return rows


def _read_parts(config: CurveConfig) -> dict[str, list[Example]]:
    """Return the training articles by origin in a fixed random order, the ones to calibrate on and the ones to measure on."""
    parts: dict[str, list[Example]] = {"real": [], "authored": [], "calibration": [], "measured": []}
    for row in sorted(read_rows(config.data), key=lambda row: content_hash(row["id"])):
        split = row.get("split")
        name = row["origin"] if split == "train" else "calibration" if split == "calibration" else "measured" if split == "development" else ""
        if name in parts:
            parts[name].append(shorten(to_example(row), config.characters))
    if empty := [name for name, examples in parts.items() if not examples]:
        raise InputError(f"{config.data}: no articles for {', '.join(empty)}; give what `python -m data prepare --corpora …` wrote")
    return parts


def _run(system: str, train: Sequence[Example], calibration: Sequence[Example], measured: Sequence[Example], config: CurveConfig) -> dict[str, float]:
    if system == "tfidf":
        baseline = TfidfLogistic()
        baseline.fit(train)
        predictions = baseline.predict([e.article for e in measured])
    else:
        predictions = _run_model(train, calibration, measured, config)
    report = evaluate_predictions(measured, predictions, resamples=2)
    return {f"{section}_{key}": round(report[section][key], 4) for section, key in MEASURED}


def _run_model(
    train: Sequence[Example], calibration: Sequence[Example], measured: Sequence[Example], config: CurveConfig
) -> list[BaselinePrediction]:
    """Fine-tune the base without choosing an epoch; calibration and thresholds on the calibration split."""
    taxonomy, device = load_taxonomy(), pick_device(config.device)
    settings = FinetuneConfig(
        base=config.base or "", output=Path(config.data), epochs=config.epochs, lr=config.lr, max_length=config.max_length, seed=config.seed
    )
    torch.manual_seed(config.seed)
    tokenizer, model = build_classifier(settings, taxonomy)
    model.to(device)
    fit(model, tokenizer, train, (), taxonomy, settings, device)
    known = score_examples(model, tokenizer, calibration, taxonomy, settings.max_length, device)
    scores = score_examples(model, tokenizer, measured, taxonomy, settings.max_length, device)
    decoded = decode_scores(scores, taxonomy, fit_decoding(known, taxonomy))
    return [BaselinePrediction(e.article.id, activity, industry) for e, (activity, industry) in zip(measured, decoded, strict=True)]


def curve_table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    head = ["system", "real", "written", *(f"{section} {key.replace('_', ' ')}" for section, key in MEASURED)]
    cells = [
        [row["system"], f"{row['real']} ({row['share']:.0%})", str(row["authored"]), *(f"{row[f'{section}_{key}']:.3f}" for section, key in MEASURED)]
        for row in rows
    ]
    lines = [head, ["---", *("---:" for _ in head[1:])], *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

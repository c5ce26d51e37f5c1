"""Bases side by side: what each is worth to the classifier, and what its frozen states know of a newspaper's sections.

``python -m training bases --bases A,B,random:A --data data/processed --corpora DIR`` fine-tunes every base alike, seed by seed, and scores it on the development articles. Nothing
of the data chooses an epoch; thresholds come from the calibration split. ``random:A`` is the architecture and tokenizer of A with fresh weights.
"""

import json
import logging
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from transformers import AutoModelForSequenceClassification

from data.clean import clean_text, clean_title
from data.errors import InputError
from data.schema import Example
from data.taxonomy import load_taxonomy
from models.classifier import LENGTH_STEP, pad_windows
from models.device import pick_device
from training.baselines import BaselinePrediction
from training.calibration import decode_scores, fit_decoding
from training.config import BasesConfig, FinetuneConfig
from training.corpus import iter_documents
from training.curve import MEASURED
from training.dataset import read_splits
from training.finetune import build_classifier, fit, score_examples, shorten
from training.scoring import evaluate_predictions

logger = logging.getLogger(__name__)
RANDOM = "random:"
# Sections of one news agency by the key in its addresses: home, economy, society, world, culture, sports, bay area, Chinese abroad, Hong Kong and Macau, health.
SECTIONS = ("gn", "cj", "sh", "gj", "cul", "ty", "dwq", "hr", "ga", "jk")
_ARTICLES_A_SECTION = 300
_PROBE_CHARACTERS = 300
_PROBE_TEST_SHARE = 0.4


def run_bases(config: BasesConfig) -> list[dict[str, Any]]:
    """Fine-tune and score every base with every seed; a row each, written to ``config.json`` as they come.

    Rows that the file holds already are not run again, so that a stop loses one; sections are told apart with the first seed alone.
    """
    names = [_name(base) for base in config.names]
    if len(set(names)) < len(names):
        raise InputError(f"bases whose folders end alike cannot be told apart in the rows: {', '.join(config.names)}")
    if config.threads:
        torch.set_num_threads(config.threads)
    splits = read_splits(config.data, config.corpora, 0.2)
    # Whole articles choose thresholds, as whole ones are measured.
    chosen = random.Random(0).sample(splits.train, min(config.articles or len(splits.train), len(splits.train)))
    parts = {"train": [shorten(e, config.characters) for e in chosen], "calibration": splits.calibration}
    if not parts["calibration"]:
        raise InputError(f"{config.data}: no calibration split; give what `python -m data prepare` wrote")
    sections = list(read_sections(config.corpora)) if config.corpora else []
    rows: list[dict[str, Any]] = json.loads(config.json.read_text("utf-8")) if config.json and config.json.exists() else []
    if sections and not any(row["base"] == "tfidf" for row in rows):
        rows.append({"base": "tfidf", "seed": 0, "section_accuracy": probe_tfidf(sections)})
        _write(rows, config.json)
    settings = {key: getattr(config, key) for key in ("articles", "epochs", "lr", "characters", "max_length", "loss", "agreement", "average")}
    if any(row.get("settings", settings) != settings for row in rows):
        raise InputError(f"{config.json} holds rows of other settings; give another file")
    for seed in config.seed_numbers:
        for base in config.names:
            if any((row["base"], row["seed"]) == (_name(base), seed) for row in rows):
                continue
            row = _run(base, seed, parts, splits.development, sections if seed == config.seed_numbers[0] else [], config)
            rows.append(row | {"settings": settings})
            logger.info("%s", rows[-1])
            _write(rows, config.json)
    return rows


def _run(
    base: str, seed: int, parts: dict[str, list[Example]], development: Sequence[Example], sections: Sequence[tuple[str, str]], config: BasesConfig
) -> dict[str, Any]:
    taxonomy, device = load_taxonomy(), pick_device(config.device)
    folder = base.removeprefix(RANDOM)
    settings = FinetuneConfig(
        base=folder, output=Path(config.data), epochs=config.epochs, lr=config.lr, max_length=config.max_length, seed=seed, noise=0.0,
        loss=config.loss, agreement=config.agreement, average=config.average,
    )  # fmt: skip
    torch.manual_seed(seed)
    tokenizer, model = build_classifier(settings, taxonomy)
    if base.startswith(RANDOM):
        torch.manual_seed(seed)
        model = AutoModelForSequenceClassification.from_config(model.config)  # type: ignore[no-untyped-call]
    probed = probe_base(model, tokenizer, sections, device, min(256, config.max_length)) if sections else None
    model.to(device)
    fit(model, tokenizer, parts["train"], (), taxonomy, settings, device)
    known = score_examples(model, tokenizer, parts["calibration"], taxonomy, settings.max_length, device)
    started_at = time.perf_counter()
    scores = score_examples(model, tokenizer, development, taxonomy, settings.max_length, device)
    spent = time.perf_counter() - started_at
    decoded = decode_scores(scores, taxonomy, fit_decoding(known, taxonomy))
    predictions = [BaselinePrediction(e.article.id, activity, industry) for e, (activity, industry) in zip(development, decoded, strict=True)]
    report = evaluate_predictions(development, predictions, resamples=2)
    told = Path(folder) / "pretraining.json"
    pretraining = json.loads(told.read_text("utf-8")) if told.exists() and not base.startswith(RANDOM) else {}
    return {
        "base": _name(base), "seed": seed, "parameters": sum(p.numel() for p in model.parameters()), "characters": pretraining.get("characters", 0),
        "held_out_loss": pretraining.get("held_out_loss_per_character"), **{f"{section}_{key}": round(report[section][key], 4) for section, key in MEASURED},
        "tokens_an_article": round(sum(len(tokenizer(e.article.text, verbose=False)["input_ids"]) for e in development) / len(development)),
        "ms_an_article": round(1000 * spent / len(development), 1), "section_accuracy": probed,
    }  # fmt: skip


def _write(rows: Sequence[dict[str, Any]], path: Path | None) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
        fresh.replace(path)  # rows are read back: a stop must not leave half of them


def _name(base: str) -> str:
    """Return the last two parts of a folder: the run and which base of it."""
    return (RANDOM if base.startswith(RANDOM) else "") + "/".join(Path(base.removeprefix(RANDOM)).parts[-2:])


# Probing ------------------------------------------------------------------------------------------------------


def read_sections(corpora: Path) -> Iterator[tuple[str, str]]:
    """Yield (section, title and beginning) of up to 300 articles of each of ``SECTIONS``, the same ones each time."""
    by_section: dict[str, list[tuple[str, str, str]]] = {section: [] for section in SECTIONS}
    for path in sorted(corpora.glob("news-*.jsonl.zst")):
        for document in iter_documents(path):
            if document.label in by_section and len(document.text) >= 100:
                by_section[document.label].append((document.id, f"{clean_title(document.title) or ''}\n", document.text[:_PROBE_CHARACTERS]))
    for section, pages in by_section.items():
        for _, title, text in sorted(random.Random(5).sample(sorted(pages), min(len(pages), _ARTICLES_A_SECTION))):
            yield section, title + clean_text(text).text


def probe_tfidf(sections: Sequence[tuple[str, str]]) -> float:
    """Return the accuracy of a logistic regression on character TF-IDF in telling the sections apart."""
    features = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True, max_features=200_000, dtype=np.float32)
    return _probe(features.fit_transform([page for _, page in sections]), [section for section, _ in sections], 10.0)


def probe_base(model: Any, tokenizer: Any, sections: Sequence[tuple[str, str]], device: torch.device, max_length: int = 256) -> float:
    """Return the accuracy of a logistic regression on the base's frozen states, mean over the tokens, last layer and middle one."""
    encoder = getattr(model, model.base_model_prefix).to(device).eval()
    states: list[npt.NDArray[np.float32]] = []
    for start in range(0, len(sections), 16):
        rows = [
            tokenizer(page, truncation=True, max_length=max_length // LENGTH_STEP * LENGTH_STEP)["input_ids"]
            for _, page in sections[start : start + 16]
        ]
        inputs = {key: value.to(device) for key, value in pad_windows(rows, int(tokenizer.pad_token_id)).items()}
        with torch.inference_mode():
            hidden = encoder(**inputs, output_hidden_states=True).hidden_states
        weights = inputs["attention_mask"][:, :, None].float()
        means = [(layer.float() * weights).sum(1) / weights.sum(1) for layer in (hidden[len(hidden) // 2], hidden[-1])]
        states.append(torch.cat(means, dim=1).cpu().numpy())
    return _probe(StandardScaler().fit_transform(np.concatenate(states)), [section for section, _ in sections], 0.01)


def _probe(features: Any, names: Sequence[str], strength: float) -> float:
    order = np.random.default_rng(3).permutation(len(names))
    cut = round(len(names) * (1 - _PROBE_TEST_SHARE))
    labels = np.array(names)
    fitted = LogisticRegression(C=strength, max_iter=500).fit(features[order[:cut]], labels[order[:cut]])
    return round(float(fitted.score(features[order[cut:]], labels[order[cut:]])), 4)


# Table --------------------------------------------------------------------------------------------------------


def bases_table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table, one line a base: the mean over its seeds, with the spread where there are several."""
    head = [
        "base",
        "seeds",
        "M parameters",
        "M characters",
        "held-out loss",
        *(f"{s} {k.replace('_', ' ')}" for s, k in MEASURED),
        "sections",
        "tokens an article",
        "ms an article",
    ]
    lines = [head, ["---", *("---:" for _ in head[1:])]]
    for base in dict.fromkeys(row["base"] for row in rows):
        own = [row for row in rows if row["base"] == base]
        first = own[0]
        measured = [_spread([row[f"{s}_{k}"] for row in own]) if f"{s}_{k}" in first else "–" for s, k in MEASURED]
        section = next((f"{row['section_accuracy']:.3f}" for row in own if row.get("section_accuracy") is not None), "–")
        numbers = (
            [f"{first['parameters'] / 1e6:.1f}", f"{first['characters'] / 1e6:.1f}", _or_dash(first["held_out_loss"])]
            if "parameters" in first
            else ["–"] * 3
        )
        lines.append(
            [base, str(len(own)), *numbers, *measured, section, *(_or_dash(first.get(key)) for key in ("tokens_an_article", "ms_an_article"))]
        )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _spread(values: Sequence[float]) -> str:
    mean = f"{sum(values) / len(values):.3f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.3f}–{max(values):.3f})"


def _or_dash(value: Any) -> str:
    return "–" if value is None else str(value)

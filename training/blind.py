"""A blind comparison of two ways to summarise: a reader sees two summaries of an article without names, in random order, and says which an analyst would rather have.

``python -m training blind --data D --output SHEET --against lead2`` writes SHEET (JSON lines to fill in: ``better`` is a, b or same, ``why`` a few words) and SHEET.key, which the reader does not open;
``python -m training blind --count SHEET`` counts. Pairs whose two summaries are the same are left out and counted as such. The sheets hold text of the articles: they are not for the repository.
"""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

from data.clean import clean_text, clean_title
from data.errors import InputError
from data.schema import Example
from data.taxonomy import OTHER
from models.paths import DEFAULT_CHECKPOINT
from models.predictor import Predictor
from training.baselines import BASELINES
from training.config import BlindConfig
from training.evaluation import load_examples, run_model

_SHOWN = 1500  # characters of an article that the reader sees; the rest is in the data by its id
CHOICES = ("a", "b", "same")


def write_sheet(config: BlindConfig) -> int:
    """Write the sheet and its key; return the number of pairs.

    Raises:
        InputError: no article with a summary.

    """
    told = [e for e in load_examples(config.data) if e.annotation.summary and e.annotation.activity[:1] != (OTHER,)]
    if not told:
        raise InputError(f"{config.data}: no annotated article of the domain with a summary")
    rng = random.Random(config.seed)
    examples = rng.sample(told, min(config.articles, len(told)))
    ours = [
        p.summary or "" for p in run_model(Predictor.load(config.checkpoint or DEFAULT_CHECKPOINT, config.device), examples).predictions(examples)
    ]
    theirs = [p.summary or "" for p in BASELINES[config.against]().predict([e.article for e in examples])]
    rows, key = make_sheet(examples, ours, theirs, config.against, rng)
    config.output.parent.mkdir(parents=True, exist_ok=True)
    config.output.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    key_of(config.output).write_text(json.dumps(key, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return len(rows)


def make_sheet(
    examples: list[Example], ours: list[str], theirs: list[str], against: str, rng: random.Random
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the rows to fill in, and which side is whose."""
    rows, sides = [], {}
    for example, own, other in zip(examples, ours, theirs, strict=True):
        if own == other:
            continue
        first = rng.random() < 0.5
        sides[example.article.id] = "a" if first else "b"
        rows.append(
            {
                "id": example.article.id, "title": clean_title(example.article.title), "text": clean_text(example.article.text).text[:_SHOWN],
                "a": own if first else other, "b": other if first else own, "better": "", "why": "",
            }
        )  # fmt: skip
    return rows, {"against": against, "articles": len(examples), "same_text": len(examples) - len(rows), "ours": sides}


def count_sheet(sheet: Path) -> dict[str, Any]:
    """Return how often ours was preferred in a filled sheet, with the 95 % interval of the share; ``same`` counts half for each.

    Raises:
        InputError: an answer that is none, or a sheet and a key that do not belong together.

    """
    rows = [json.loads(line) for line in sheet.read_text("utf-8").splitlines() if line.strip()]
    key = json.loads(key_of(sheet).read_text("utf-8"))
    if {row["id"] for row in rows} != set(key["ours"]):
        raise InputError(f"{sheet}: its articles are not those of {key_of(sheet)}")
    if wrong := [row["id"] for row in rows if row["better"] not in CHOICES]:
        raise InputError(f"{sheet}: better must be a, b or same in every row, see {', '.join(wrong[:5])}")
    counts = Counter("same" if row["better"] == "same" else "ours" if row["better"] == key["ours"][row["id"]] else "theirs" for row in rows)
    n = len(rows)
    share = (counts["ours"] + counts["same"] / 2) / max(1, n)
    interval = binomtest(round(share * n), n).proportion_ci(method="wilson") if n else None
    return {
        "against": key["against"], "pairs": n, "same_text": key["same_text"], **{name: counts[name] for name in ("ours", "theirs", "same")},
        "preferred": round(share, 3), "interval": [round(float(interval.low), 3), round(float(interval.high), 3)] if interval else [0.0, 1.0],
    }  # fmt: skip


def key_of(sheet: Path) -> Path:
    """Return the file that says which side is whose."""
    return sheet.with_name(sheet.name + ".key")

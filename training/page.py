"""``evaluate --report FILE``: one self-contained HTML page about a checkpoint.

Labels with intervals, confusion of main activities, precision against recall, reliability, slices, the worst articles. Articles are named by id alone: no text of theirs is on the page.
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from sklearn.metrics import average_precision_score, precision_recall_curve

from data.errors import InputError, RecordError
from data.schema import Example, Group
from data.taxonomy import load_taxonomy
from models.result import Result
from training.baselines import BaselinePrediction
from training.reliability import reliability_bins, reliability_pairs
from training.report import COLUMNS
from training.slices import confusion_of

TEMPLATES = Path(__file__).with_name("templates")
_WORST = 25
_NAMES = {"activity": "activities", "industry": "industries", "main": "main activity"}


def write_page(
    path: Path,
    report: Mapping[str, Any],
    examples: Sequence[Example],
    predictions: Sequence[BaselinePrediction],
    results: Sequence[Result | RecordError],
) -> None:
    """Write the page of a report of ``run_evaluation``.

    Raises:
        InputError: matplotlib is not installed.

    """
    model, taxonomy = report["systems"]["model"], load_taxonomy()
    scored = [(r, e) for r, e in zip(results, examples, strict=True) if isinstance(r, Result)]
    pairs = {name: reliability_pairs(scored, name) for name in _NAMES}
    activities = list(taxonomy.activity)
    template = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True).get_template("evaluation.html")
    text = template.render(
        tag=model["tag"]["classifier"], report=report, model=model, columns=[column for column, _, _ in COLUMNS],
        systems=[(name, [_cell(system.get(section, {}).get(key)) for _, section, key in COLUMNS]) for name, system in report["systems"].items()],
        plots=[Markup(_draw(pairs))],  # noqa: S704 (our own drawing)
        labels=[(_NAMES[group], _label_rows(model, group)) for group in ("activity", "industry")],
        activities=activities, confusion=list(zip(activities, confusion_of(examples, predictions, activities), strict=True)),
        loop0={key: i for i, key in enumerate(activities)}, worst=_worst_rows(examples, predictions),
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _label_rows(model: Mapping[str, Any], group: Group) -> list[dict[str, Any]]:
    taxonomy = load_taxonomy()
    rows = []
    for key, scores in model[group]["per_label"].items():
        low, high = model["intervals"][f"{group}/{key}"]
        rows.append({"key": key, "name": taxonomy.name(group, key), **scores, "low": low, "high": high})
    return sorted(rows, key=lambda row: (-row["support"], row["key"]))


def _worst_rows(examples: Sequence[Example], predictions: Sequence[BaselinePrediction]) -> list[dict[str, Any]]:
    rows = []
    for example, prediction in zip(examples, predictions, strict=True):
        gold = (*example.annotation.activity, *example.annotation.industry)
        answer = (*(prediction.activity or ()), *(prediction.industry or ()))
        score = 2 * len(set(gold) & set(answer)) / max(1, len(gold) + len(answer))
        rows.append({"id": example.article.id, "score": score, "gold": ", ".join(gold), "answer": ", ".join(answer)})
    return sorted(rows, key=lambda row: (row["score"], row["id"]))[:_WORST]


def _draw(pairs: Mapping[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]]) -> str:
    """Return the plots as one SVG element: precision against recall, and how often what is said with some probability is so."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError("--report needs matplotlib: python -m pip install -c constraints.txt -e '.[notebooks]'") from error
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    curves, reliability = figure.subplots(1, 2)
    for name, (probs, correct) in pairs.items():
        if name != "main" and correct.any():
            precision, recall, _ = precision_recall_curve(correct, probs)
            curves.plot(recall, precision, label=f"{_NAMES[name]}, average precision {average_precision_score(correct, probs):.3f}")
        likely = probs >= (0.0 if name == "main" else 0.1)
        bins = reliability_bins(probs[likely], correct[likely])
        reliability.plot(
            [confidence for confidence, _, _ in bins], [frequency for _, frequency, _ in bins], marker="o", markersize=4, label=_NAMES[name]
        )
    reliability.plot([0, 1], [0, 1], color="grey", linestyle=":", linewidth=1)
    curves.set(title="Precision against recall, all labels of a group", xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    reliability.set(title="Reliability, 15 bins of equal mass", xlabel="probability said", ylabel="share that is so", xlim=(0, 1), ylim=(0, 1.02))
    for axes in (curves, reliability):
        axes.grid(alpha=0.3)
        axes.legend(loc="best")
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    text = out.getvalue()
    return text[text.index("<svg") :]

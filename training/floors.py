"""Quality floors: figures below which a checkpoint is not shipped, pinned to the gold set they were measured on.

``training/floors.json`` maps a name to ``{"gold_sha256", "articles", "floors": {figure: least value}}``. A gold set that has changed matches no entry, so that floors
never speak of other articles.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data.errors import InputError
from data.schema import Example

FLOORS = Path(__file__).with_name("floors.json")
# What is pinned: (figure, section, key), all of the system "model"; higher is better.
FIGURES = (
    ("activity_micro_f1", "activity", "micro_f1"), ("activity_frequent_macro_f1", "activity", "frequent_macro_f1"), ("main_accuracy", "activity", "main_accuracy"),
    ("industry_micro_f1", "industry", "micro_f1"), ("industry_frequent_macro_f1", "industry", "frequent_macro_f1"),
    ("rougeL", "summary", "rougeL"), ("figure_precision", "summary", "figure_precision"), ("figure_recall", "summary", "figure_recall"),
    ("fact_precision", "facts", "precision"), ("fact_recall", "facts", "recall"),
)  # fmt: skip
_SLACK = 0.005  # other processors round otherwise: an article on the edge may fall to the other side


def gold_hash(examples: Sequence[Example]) -> str:
    """Return one hash over the ids and annotations of a gold set, whatever file they stand in."""
    rows = sorted(
        json.dumps([a.id, list(a.activity), list(a.industry), a.summary, a.facts.to_json()], ensure_ascii=False, sort_keys=True)
        for a in (example.annotation for example in examples)
    )
    return hashlib.sha256("\n".join(rows).encode("utf-8", "surrogatepass")).hexdigest()


def figures_of(report: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures of the model in an evaluation report, as far as it answers them."""
    system = report["systems"].get("model", {})
    return {name: float(system[section][key]) for name, section, key in FIGURES if section in system}


def read_floors(path: Path = FLOORS) -> dict[str, Any]:
    """Return the content of a floors file; nothing where there is none.

    Raises:
        InputError: it is no such file.

    """
    if not path.exists():
        return {}
    try:
        floors: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if any(set(entry) != {"gold_sha256", "articles", "floors"} for entry in floors.values()):
            raise ValueError("each entry must have gold_sha256, articles and floors")
    except (ValueError, AttributeError, TypeError) as error:
        raise InputError(f"{path}: not a file of floors ({error})") from error
    return floors


def check_floors(report: Mapping[str, Any], floors: Mapping[str, Any]) -> tuple[str | None, list[str]]:
    """Return the name of the floors that fit the gold set of a report (None: there are none) and what falls below them."""
    name = next((name for name, entry in floors.items() if entry["gold_sha256"] == report["gold_sha256"]), None)
    if name is None:
        return None, []
    found = figures_of(report)
    least: dict[str, float] = floors[name]["floors"]
    below = [f"{key} {found[key]:.3f}, floor {value:.3f}" for key, value in least.items() if key in found and found[key] < value]
    return name, below + [f"{key} is not answered, floor {value:.3f}" for key, value in least.items() if key not in found]


def pin_floors(report: Mapping[str, Any], name: str, path: Path = FLOORS, lower: bool = False) -> dict[str, float]:
    """Write the figures of a report as the floors of ``name``, a little below what was measured, and return them.

    Raises:
        InputError: a floor would fall, or the gold set is another one, and ``lower`` does not allow it.

    """
    floors = read_floors(path)
    fresh = {key: round(max(0.0, value - _SLACK), 3) for key, value in figures_of(report).items()}
    before = floors.get(name)
    if before and not lower:
        if before["gold_sha256"] != report["gold_sha256"]:
            raise InputError(f"floors of {name} belong to another gold set; --lower-floors replaces them")
        fallen = [f"{key} from {value} to {fresh.get(key)}" for key, value in before["floors"].items() if fresh.get(key, -1.0) < value]
        if fallen:
            raise InputError(f"floors of {name} would fall: {', '.join(fallen)}; --lower-floors allows it")
    floors[name] = {"gold_sha256": report["gold_sha256"], "articles": report["n_articles"], "floors": fresh}
    path.write_text(json.dumps(floors, indent=1, sort_keys=True) + "\n", "utf-8")
    return fresh

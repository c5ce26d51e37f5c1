"""An evaluation report for people: a Markdown table, and an entry of ``EXPERIMENTS.md``.

A report of ``training.evaluation`` comes in, text goes out. ``provenance`` is what makes a number repeatable: date,
commit, command; beside it stands the hash of the gold set.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent

# (column, section, key) of the table.
COLUMNS = (
    ("activity micro F1", "activity", "micro_f1"), ("activity macro F1", "activity", "macro_f1"), ("main accuracy", "activity", "main_accuracy"),
    ("industry micro F1", "industry", "micro_f1"), ("industry macro F1", "industry", "macro_f1"),
    ("R-1", "summary", "rouge1"), ("R-2", "summary", "rouge2"), ("R-L", "summary", "rougeL"),
    ("figure P", "summary", "figure_precision"), ("figure R", "summary", "figure_recall"),
    ("fact P", "facts", "precision"), ("fact R", "facts", "recall"),
)  # fmt: skip
# A table of its own for what summaries are like.
SUMMARY_COLUMNS = (
    ("R-1", "rouge1"), ("R-2", "rouge2"), ("R-L", "rougeL"), ("key figures R", "key_figure_recall"), ("figure P", "figure_precision"), ("names P", "name_precision"),
    ("repeated 4-grams", "repeated_4grams"), ("novel 4-grams", "novel_4grams"), ("copies one sentence", "copies_one_sentence"), ("characters", "mean_characters"),
)  # fmt: skip
# Intervals worth a second table: the numbers a decision rests on.
INTERVALS = (
    "activity_micro_f1",
    "main_accuracy",
    "industry_micro_f1",
    "rougeL",
    "figure_precision",
    "figure_recall",
    "key_figure_recall",
    "fact_precision",
    "fact_recall",
)


def provenance() -> dict[str, str]:
    """Return date, commit and command."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": _commit(),
        "command": portable_command(sys.argv),
    }


def _commit() -> str:
    """Return the short commit, with + where files differ from it; ``unknown`` without git or a repository."""
    git = shutil.which("git")
    try:
        if git is None:
            return "unknown"
        read = [subprocess.run([git, "-C", str(ROOT), *rest], capture_output=True, text=True, check=True, timeout=30).stdout for rest in _QUERIES]  # noqa: S603 (fixed arguments)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return read[0].strip() + ("+" if read[1].strip() else "")


_QUERIES = (("rev-parse", "--short", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))


_UNSAID = ("--note", "--log")  # they say where the entry stands, not how it came about


def portable_command(argv: list[str]) -> str:
    """Return the command line with paths relative to the repository, so that it says nothing of this machine."""
    words = [word for i, word in enumerate(argv[1:]) if word not in _UNSAID and (i == 0 or argv[i] not in _UNSAID)]
    arguments = [os.path.relpath(word, ROOT) if Path(word).is_absolute() else word for word in words]
    program = Path(argv[0])
    start = f"python -m {program.parent.name}" if program.name == "__main__.py" else program.name
    return f"{start} {shlex.join(arguments)}".strip()


def markdown_table(report: Mapping[str, Any]) -> str:
    """Return the scores of every system as a Markdown table; – where a system does not answer the question."""
    rows = [[name, *(_cell(system.get(section, {}).get(key)) for _, section, key in COLUMNS)] for name, system in report["systems"].items()]
    return _table(["system", *(column for column, _, _ in COLUMNS)], rows)


def summary_table(report: Mapping[str, Any]) -> str:
    """Return what the summaries of every system that writes some are like, as a Markdown table."""
    rows = [
        [name, *(_cell(system["summary"].get(key)) for _, key in SUMMARY_COLUMNS)]
        for name, system in report["systems"].items()
        if "summary" in system
    ]
    return _table(["summaries", *(column for column, _ in SUMMARY_COLUMNS)], rows) if rows else ""


def interval_table(report: Mapping[str, Any]) -> str:
    """Return the 95 % bootstrap intervals of the main scores as a Markdown table."""
    rows = [[name, *(_range(system["intervals"].get(key)) for key in INTERVALS)] for name, system in report["systems"].items()]
    return _table(["95 % interval", *(key.replace("_", " ") for key in INTERVALS)], rows)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _range(pair: list[float] | None) -> str:
    return "–" if pair is None else f"{pair[0]:.3f}–{pair[1]:.3f}"


def markdown_report(report: Mapping[str, Any]) -> str:
    """Return the whole report as Markdown: where the numbers come from, both tables, the model's own lines, the worst articles."""
    lines = [
        f"{report['date']}, commit {report['commit']}, `{report['command']}`",
        f"{report['n_articles']} articles, gold sha256 {report['gold_sha256'][:16]}{_fitted(report)}",
        "", markdown_table(report), "", interval_table(report), *(["", table] if (table := summary_table(report)) else []),
    ]  # fmt: skip
    model = report["systems"].get("model")
    if model:
        lines += ["", _model_line(model), *_floor_lines(report.get("floors", {}))]
    if report.get("worst"):
        lines += ["", "Worst articles: " + ", ".join(f"{row['id']} ({row['score']:.2f})" for row in report["worst"])]
    return "\n".join(lines) + "\n"


def _fitted(report: Mapping[str, Any]) -> str:
    return f"; baselines fitted on {report['n_train']} articles" if set(report["systems"]) - {"model"} else ""


def _model_line(model: Mapping[str, Any]) -> str:
    ece = ", ".join(f"{name} {value:.3f}" for name, value in model["equal_mass_ece"].items())
    often = ", ".join(f"{group} {model[group]['frequent_macro_f1']:.3f} ({model[group]['n_frequent']} labels)" for group in ("activity", "industry"))
    trusted = model["trusted"]
    return (
        f"Model {model['tag']['classifier']} and {model['tag']['summarizer']}: macro F1 of labels with 8 cases {often}; calibration error in bins of equal mass, of pairs likely at all, "
        f"{ece}; not for review {trusted['share']:.1%}, main accuracy there {trusted['main_accuracy']:.3f}; abstractive {model['abstractive']:.1%}; ungrounded {model['ungrounded']:.1%}; {model['ms_per_article']:.0f} ms an article; {model['n_failed']} failed"
    )


def _floor_lines(floors: Mapping[str, Any]) -> list[str]:
    if not floors.get("name"):
        return []
    return ["", f"Floors of {floors['name']}: " + ("all held" if not floors["below"] else "BELOW: " + "; ".join(floors["below"]))]


def append_experiment(path: Path, report: Mapping[str, Any], title: str, note: str = "") -> None:
    """Append a dated entry to ``EXPERIMENTS.md``: what was tried, the report, what we learnt from it."""
    entry = f"## {report['date']} {title}\n\n{note.strip() + chr(10) * 2 if note.strip() else ''}{markdown_report(report)}"
    before = path.read_text("utf-8").rstrip("\n") + "\n\n" if path.exists() else "# Experiments\n\n"
    path.write_text(before + entry, "utf-8")

"""Results as a table to read: labels with their Chinese names, summary, outcomes, what to look at.

Plain text without colours; widths count Chinese characters as two columns, as terminals do.
"""

import shutil
from collections.abc import Iterator

from rich.cells import cell_len, chop_cells

from data.errors import RecordError
from models.result import LabelScore, Result

NAMES = {"signed_projects": "签约项目", "signed_amount": "签约金额", "total_projects": "项目总数", "total_amount": "总投资"}
UNITS = {"signed_projects": "个", "signed_amount": "亿元", "total_projects": "个", "total_amount": "亿元"}
LABEL_COLUMNS = 8  # the widest row name, 需复核/outcomes in Chinese, in terminal columns
MIN_WIDTH, MAX_WIDTH = 40, 120


def terminal_width() -> int:
    """Return the columns to use: those of the terminal within bounds, 100 where there is none."""
    return max(MIN_WIDTH, min(shutil.get_terminal_size((100, 24)).columns, MAX_WIDTH))


def format_result(outcome: Result | RecordError, width: int) -> str:
    """Return the block of one article, every line at most ``width`` columns wide."""
    rule = "─" * width
    return "\n".join([rule, *(line for name, text in iter_rows(outcome) for line in wrap_row(name, text, width))])


def iter_rows(outcome: Result | RecordError) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of what an outcome says; what was not asked for has no row."""
    if isinstance(outcome, RecordError):
        yield "编号", str(outcome.id or f"{outcome.source or ''}:{outcome.line or ''}")
        yield "错误", f"{outcome.code}: {outcome.message}"
        return
    yield "编号", outcome.id
    for name, labels in (("活动", outcome.activity), ("产业", outcome.industry)):
        if labels is not None:
            yield name, _labels(labels)
    if outcome.summary is not None:
        yield "摘要", outcome.summary.text
    if outcome.outcomes is not None:
        yield "成果", _facts(outcome)
        if outcome.outcomes.conflicts:
            yield "矛盾", "; ".join(outcome.outcomes.conflicts)
    if outcome.review_reasons:
        yield "需复核", ", ".join(outcome.review_reasons)


def _labels(labels: tuple[LabelScore, ...]) -> str:
    return "  ".join(f"{label.name} {label.label} {label.prob:.0%}" for label in labels) or "—"


def _facts(result: Result) -> str:
    facts = result.outcomes.facts.to_json() if result.outcomes else {}
    return "  ".join(f"{NAMES[key]} {value:g} {UNITS[key]}" for key, value in facts.items() if value is not None) or "—"


def wrap_row(name: str, text: str, width: int) -> Iterator[str]:
    """Yield the lines of one row, continuation lines under the text."""
    room = width - LABEL_COLUMNS
    head = name + " " * (LABEL_COLUMNS - cell_len(name))
    for paragraph in _clean(text).split("\n"):
        for piece in chop_cells(paragraph, room) or [""]:
            yield (head + piece).rstrip()
            head = " " * LABEL_COLUMNS


def _clean(text: str) -> str:
    """Drop what would steer a terminal: an article may hold escape sequences."""
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text)

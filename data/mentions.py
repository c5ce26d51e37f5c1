"""Annotated figures of articles: what each amount, count, date, percentage and area says, by the contract's ``mentions``.

One JSON line an article: ``id``, ``text_sha256`` and ``mentions`` with offsets on the text as submitted, without the text itself.
``read_mentions(paths)`` reads them, ``scan_mentions`` goes on over broken lines, ``check_mentions`` says what is wrong with an article's mentions,
``move_mentions`` moves offsets onto the cleaned text.
"""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

from data.annotations import SHOWN, iter_rows
from data.errors import InputError, RecordError
from data.offsets import OffsetMap
from data.schema import FigureKind, Qualifier, Role, Scope, Status, content_hash

KEYS = ("start", "end", "kind", "value", "max", "unit", "qualifier", "role", "scope", "status")
VALUES: Mapping[str, tuple[str, ...]] = {
    "kind": get_args(FigureKind), "qualifier": get_args(Qualifier), "role": get_args(Role), "scope": get_args(Scope), "status": get_args(Status),
}  # fmt: skip
PLACED = ("amount", "count")  # kinds that have a scope and a status; only amounts have a role
_DECIMAL = re.compile(r"\d+(?:\.\d+)?")
_CURRENCY = re.compile("[A-Z]{3}")
_FIGURE = re.compile(r"[\d〇零一二两三四五六七八九十百千万亿几数半]")

Row = dict[str, Any]


def read_mentions(paths: Iterable[str | Path]) -> dict[str, Row]:
    """Return the annotated articles by id.

    Raises:
        InputError: a line is no such row, or an id stands twice.

    """
    rows, findings = scan_mentions(paths)
    if findings:
        raise InputError("; ".join(findings[:SHOWN]) + (f"; and {len(findings) - SHOWN} more" if len(findings) > SHOWN else ""))
    return rows


def scan_mentions(paths: Iterable[str | Path]) -> tuple[dict[str, Row], list[str]]:
    """Return the annotated articles by id, and what is wrong with the form of lines; of an id that stands twice the first counts.

    Raises:
        InputError: a path does not exist or holds no such files.

    """
    rows: dict[str, Row] = {}
    findings = []
    for where, row in (pair for path in paths for pair in iter_rows(path)):
        if isinstance(row, RecordError):
            findings.append(f"{where}: {row}")
        elif not isinstance(row.get("id"), str) or not isinstance(row.get("mentions"), list):
            findings.append(f"{where}: not a line of annotated figures (id, text_sha256, mentions)")
        elif row["id"] in rows:
            findings.append(f"{where}: id {row['id']!r} stands before")
        else:
            rows[row["id"]] = row
    return rows, findings


def check_mentions(row: Row, text: str | None) -> list[str]:
    """Return what is wrong with one article's mentions; their place in the text only where it is given."""
    findings = [] if text is None or row.get("text_sha256") == content_hash(text) else ["text_sha256 is not that of the text"]
    spans = []
    for i, mention in enumerate(row["mentions"]):
        wrong = _check_form(mention)
        if not wrong and text is not None:
            wrong = _check_place(mention, text)
        findings += [f"mention {i}: {finding}" for finding in wrong]
        if not wrong:
            spans.append((mention["start"], mention["end"]))
    findings += [f"mentions overlap at {b[0]}" for a, b in itertools.pairwise(sorted(spans)) if b[0] < a[1]]
    return findings


def _check_form(mention: Any) -> list[str]:
    """Return which fields are of a wrong type or unknown; how they fit each other is asked of sound ones alone."""
    if not isinstance(mention, dict) or set(mention) != set(KEYS):
        return [f"must be an object with {', '.join(KEYS)}"]
    optional = ("role", "scope", "status")
    findings = [
        f"{key} must be one of {', '.join(allowed)}, got {mention[key]!r}"
        for key, allowed in VALUES.items()
        if mention[key] not in allowed and not (key in optional and mention[key] is None)
    ]
    for key in ("value", "max"):
        if not (isinstance(mention[key], str) and _DECIMAL.fullmatch(mention[key])) and not (key == "max" and mention[key] is None):
            findings.append(f"{key} must be a decimal string, got {mention[key]!r}")
    if not (isinstance(mention["unit"], str) and mention["unit"]):
        findings.append(f"unit must be a string, not an empty one, got {mention['unit']!r}")
    if not (type(mention["start"]) is type(mention["end"]) is int and 0 <= mention["start"] < mention["end"]):  # True is an int by isinstance
        findings.append(f"start and end must be a span, got {mention['start']!r} and {mention['end']!r}")
    return findings or _check_fit(mention)


def _check_fit(mention: Row) -> list[str]:
    """Return where fields do not fit each other: roles are of amounts, ranges have a max above the value."""
    kind, findings = mention["kind"], []
    if (mention["role"] is not None) != (kind == "amount"):
        findings.append(f"role must be given for amounts alone, got {mention['role']!r} for {kind}")
    for key in ("scope", "status"):
        if (mention[key] is not None) != (kind in PLACED):
            findings.append(f"{key} must be given for amounts and counts alone, got {mention[key]!r} for {kind}")
    if kind == "amount" and not _CURRENCY.fullmatch(mention["unit"]):
        findings.append(f"unit of an amount must be an ISO 4217 code, got {mention['unit']!r}")
    return findings + _check_range(mention)


def _check_range(mention: Row) -> list[str]:
    """Return where ``max`` and ``qualifier`` disagree, or ``max`` is not above ``value``.

    A date without its year may run into the next month or year (28日至2日 is 28 to 2), so only dates with a year are held to an order.
    """
    if (mention["max"] is not None) != (mention["qualifier"] == "range"):
        return [f"max must be given for ranges alone, got {mention['max']!r} for {mention['qualifier']}"]
    turns = mention["kind"] == "date" and not mention["unit"].startswith("YYYY")
    if mention["max"] is None or turns or Decimal(mention["max"]) > Decimal(mention["value"]):
        return []
    return [f"max {mention['max']} is not above value {mention['value']}"]


def _check_place(mention: Row, text: str) -> list[str]:
    if mention["end"] > len(text):
        return [f"ends at {mention['end']}, the text has {len(text)} characters"]
    surface = text[mention["start"] : mention["end"]]
    return [] if _FIGURE.search(surface.translate(_HALF)) else [f"{surface!r} holds no number"]


_HALF = str.maketrans("０１２３４５６７８９", "0123456789")


def move_mentions(mentions: Sequence[Row], offsets: OffsetMap) -> list[Row]:
    """Return mentions with offsets on the cleaned text; those that cleaning took away are left out."""
    moved = []
    for mention in mentions:
        span = offsets.from_source(mention["start"], mention["end"])
        if span is not None:
            moved.append({**mention, "start": span[0], "end": span[1]})
    return moved

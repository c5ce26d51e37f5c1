"""doccano: its JSONL and CSV exports in, JSONL for its import out.

Labels of both groups live in one list: ``activity/signing``, ``signing`` or ``项目签约``. The first activity is the main one, unless the row has a
``main`` that is among them: doccano keeps metadata but sorts labels, so the files we write carry it. Of a text-generation
project the list holds the summary. Spans are figures, labelled ``amount`` or ``amount/investment/batch/signed``.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from data.annotated import Row, parse_figure_label
from data.annotations import FACTS, MIN_SUMMARY
from data.answers import Draft, Reading, find_labels
from data.outgoing import Outgoing, iter_outgoing
from data.schema import Article, Example
from data.streams import write_lines

LABEL_KEYS = ("label", "labels", "cats", "entities")
_ENDS = ("。", "！", "？")


# --- reading ---------------------------------------------------------------------------------------------------------


def looks_like(row: Row) -> bool:
    """Tell whether a row is one of doccano's."""
    return any(key in row for key in LABEL_KEYS)


def read_rows(rows: Iterable[tuple[str, Row]], reading: Reading) -> None:
    """Add a record for each row that says something; the annotator is the file's name, as doccano writes a file for each.

    Args:
        rows: (place as ``file:line``, object of the JSONL or row of the CSV).
        reading: takes records, findings and counts; its columns may name ``label`` too.

    """
    for where, row in rows:
        try:
            _read_row(where, row, reading)
        except ValueError as error:
            reading.findings.append(f"{where}: {error}")


def _read_row(where: str, row: Row, reading: Reading) -> None:
    meta = row.get("meta") if isinstance(row.get("meta"), dict) else {}
    fields = reading.pick(meta or {}, row, {"text": row.get("data")})  # older versions write data
    draft = Draft(reading, where, reading.read_article(where, fields))
    for question in ("summary", *FACTS):  # metadata that we wrote
        if question in fields:
            draft.answer(question, [fields[question]])
    label_keys = (reading.columns["label"],) if "label" in reading.columns else LABEL_KEYS
    for item in [item for key in label_keys for item in _split(row.get(key))]:
        _read_item(draft, item)
    if (main := _main_of(draft, fields.get("main"))) is not None:
        draft.main = main
    elif len(draft.labels["activity"]) > 1:
        reading.counts["main by order"] += 1
    draft.close(Path(where.rpartition(":")[0]).name.partition(".")[0])


def _split(value: Any) -> list[Any]:
    """Return the items of a label list; a string is one of the CSV, joined with ``#``.

    Raises:
        ValueError: a part between two ``#`` is empty: labels may hold the sign, so nobody can say which these are.

    """
    if value is None or value == "":
        return []
    if not isinstance(value, str):
        return value if isinstance(value, list) else [value]
    parts = [part.strip() for part in value.split("#")]
    if not all(parts):
        raise ValueError(f"label list {value!r} is ambiguous: it has an empty part")
    return parts


def _read_item(draft: Draft, item: Any) -> None:
    """Take a label, a summary or a span."""
    if isinstance(item, str):
        if not find_labels(item, taxonomy=draft.reading.taxonomy) and (item.strip().endswith(_ENDS) or len(item) >= MIN_SUMMARY):
            draft.add_summary([item])
        else:
            draft.add_label(item)
        return
    if isinstance(item, dict):
        item = [item.get("start_offset"), item.get("end_offset"), item.get("label")]
    if isinstance(item, list | tuple) and len(item) == 3 and isinstance(item[2], str):
        draft.add_mention(item[0], item[1], None, parse_figure_label(item[2]))
    else:
        draft.find(f"label {item!r} refused: neither a label nor a span")


def _main_of(draft: Draft, name: Any) -> str | None:
    """Return the main activity that the row's metadata names, where the annotator left it among the labels."""
    keys = [key for group, key in find_labels(str(name), "activity", draft.reading.taxonomy)] if name is not None else []
    return next((key for key in keys if key in draft.labels["activity"]), None)


# --- writing ---------------------------------------------------------------------------------------------------------


def write_rows(articles: Iterable[Article | Example], results: Mapping[str, Row] | None, path: str | Path) -> int:
    """Write JSONL for doccano's import (text classification) and return the number of lines.

    doccano has no predictions: what the model says of an article (``results``, id -> result) stands as its labels, to be corrected. Summary and
    facts of annotated articles go along as metadata.
    """
    return write_lines(Path(path), map(_to_row, iter_outgoing(articles, results)))


def _to_row(outgoing: Outgoing) -> Row:
    article, record = outgoing.article, outgoing.annotated or outgoing.predicted
    labels = [f"{group}/{key}" for group in ("activity", "industry") for key in getattr(record, group)] if record else []
    meta: Row = {name: getattr(article, name) for name in ("title", "source", "url", "published")}
    meta |= {"main": record.activity[0]} if record and record.activity else {}
    if outgoing.annotated is not None:
        meta |= {"summary": outgoing.annotated.summary or None, **outgoing.annotated.facts.to_json()}
    return {"id": article.id, "text": article.text, "label": labels, **{key: value for key, value in meta.items() if value is not None}}

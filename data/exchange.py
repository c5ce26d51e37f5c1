"""Annotations of other tools to our own JSON lines: ``import_annotations(paths)``.

In: exports of Label Studio (JSON, JSON_MIN, CSV), doccano (JSONL, CSV) and Argilla (JSON, JSONL), tables (CSV, XLSX), and our own JSONL of one or
several annotators; files (those of text also .gz and .zst), folders, globs. The format is told by content. Out: one record an annotator and
article, the joined articles with the guide's keys, findings, conflicts and a report of everything that was changed or left out.
"""

import glob
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from data import argilla, doccano, labelstudio, mentions, spreadsheets
from data.annotated import QUESTIONS, Conflict, Mention, Record, Row, replace_surrogates
from data.annotations import FACTS, to_row
from data.answers import FIELDS, Articles, Draft, Reading, flatten
from data.errors import InputError, RecordError
from data.inputs import COMPRESSIONS
from data.joining import JoinedFigures, join_figures, join_records
from data.readers import SkipReport, iter_articles, parse_row
from data.schema import Article, Example, Facts, content_hash
from data.streams import iter_bytes, iter_elements, iter_lines, open_text, write_lines

Format = Literal["auto", "labelstudio", "doccano", "argilla", "csv", "xlsx"]
SUFFIXES = (".json", ".jsonl", ".csv", ".xlsx")
_SHOWN = 10  # annotators in the report
_ZIP = b"PK\x03\x04"
_TABLES = ("csv", "xlsx")
_MANY = 50  # rows that detection looks at: the first may be of an article that nobody annotated


@dataclass(frozen=True)
class Imported:
    """What an import gives.

    ``records`` has one entry an annotator and article; ``examples`` the joined articles. What an import lacks (a summary, facts)
    is "" or null there and counted in ``report``. Articles without text or activity are findings, not examples.
    """

    records: tuple[Record, ...]
    examples: tuple[Example, ...]
    findings: tuple[str, ...]
    conflicts: tuple[Conflict, ...]
    report: "Report"

    def write(self, path: str | Path) -> int:
        """Write the examples as JSON lines with the guide's keys and return their number."""
        return write_lines(Path(path), map(to_row, self.examples))

    def join_figures(self) -> JoinedFigures:
        """Return the figures of the examples, those of several annotators joined."""
        return join_figures(self.records, [example.article for example in self.examples])

    def write_figures(self, path: str | Path) -> "WrittenFigures":
        """Write the figures of the examples in the form of ``data.mentions``, an article a line.

        Nothing is invented: a figure that lacks a value, a unit or a qualifier, or breaks the form, is left out with a finding. Articles
        without a figure have no line: nobody may have looked for any.
        """
        joined = self.join_figures()
        findings = list(joined.findings)
        articles = {example.article.id: example.article for example in self.examples}
        rows = []
        for id, figures in joined.by_id.items():
            checked = [(mention, _check_figure(mention, articles[id].text)) for mention in figures]
            findings += [f"{id}: figure {mention.text!r} at {mention.start} left out: {'; '.join(wrong)}" for mention, wrong in checked if wrong]
            if kept := [_to_figure(mention) for mention, wrong in checked if not wrong]:
                rows.append({"id": id, "text_sha256": content_hash(articles[id].text), "mentions": kept})
        write_lines(Path(path), rows)
        return WrittenFigures(len(rows), sum(len(row["mentions"]) for row in rows), tuple(findings), joined.conflicts)


@dataclass(frozen=True)
class WrittenFigures:
    """What became of the figures of an import: the lines written and the figures in them, and what is left to look at."""

    n_articles: int
    n_figures: int
    findings: tuple[str, ...]
    conflicts: tuple[Conflict, ...]


def _to_figure(mention: Mention) -> Row:
    return {key: getattr(mention, key) for key in mentions.KEYS}


def _check_figure(mention: Mention, text: str) -> list[str]:
    """Return why a figure cannot stand in a line of annotated figures."""
    if mention.lacks:
        return [f"it has no {' and no '.join(mention.lacks)}"]
    row = {"text_sha256": content_hash(text), "mentions": [_to_figure(mention)]}
    return [finding.removeprefix("mention 0: ") for finding in mentions.check_mentions(row, text)]


@dataclass(frozen=True)
class Report:
    """What was read and what became of it. ``counts`` names what was changed or passed over on the way."""

    formats: Counter[str]  # files by format
    n_records: int
    n_examples: int
    n_without_summary: int
    n_without_facts: int
    n_figures: int
    annotators: tuple[str, ...]
    counts: Counter[str]

    def lines(self) -> list[str]:
        """Return the report as lines to print; what did not happen has no line."""
        files = ", ".join(f"{name} {n}" for name, n in self.formats.most_common())
        shown = ", ".join(self.annotators[:_SHOWN]) + (", …" if len(self.annotators) > _SHOWN else "")
        lines = [
            f"read {self.n_records} annotations of {len(self.annotators)} annotators ({shown}) from files: {files}",
            f"joined {self.n_examples} articles, {self.n_without_summary} without summary, {self.n_without_facts} without facts",
        ]
        if self.n_figures:
            lines.append(f"figures marked: {self.n_figures}")
        return lines + [f"{_SENTENCES.get(name, name)}: {n}" for name, n in sorted(self.counts.items()) if n and name != "figures"]


_SENTENCES = {
    "cancelled": "cancelled annotations passed over",
    "not annotated": "articles that nobody annotated",
    "not submitted": "responses not submitted, passed over",
    "empty": "annotations that say nothing, passed over",
    "surrogates": "strings with lone surrogates, replaced by U+FFFD",
    "figures unverified": "figures whose text the format does not give, so that their place could not be compared",
    "main by order": "main activities taken by the order of labels (doccano sorts them when it exports)",
    "counted as UTF-16": "figures repaired, counted in UTF-16 code units",
    "counted as CRLF as one": "figures repaired, counted with CRLF as one character",
    "counted as UTF-16, CRLF as one": "figures repaired, counted in UTF-16 code units with CRLF as one",
}


def import_annotations(
    paths: Sequence[str | Path],
    format: Format = "auto",
    articles: Sequence[str | Path] | None = None,
    columns: Mapping[str, str] | None = None,
) -> Imported:
    """Read the annotations of all files and join those of several annotators.

    Args:
        paths: files, folders (recursively) and globs.
        format: of all files; ``auto`` tells it for each by its content.
        articles: files, folders or globs of the articles, for annotations without text or id: found by id, else by text.
        columns: field of ``annotated.FIELDS`` (or ``label`` of doccano) -> name it has in the files.

    Raises:
        InputError: an input does not exist or holds nothing to read, a format cannot be told, a field is unknown.
        UnknownLabel: labels outside the taxonomy, all of them together with counts.

    """
    reading = read_annotations(paths, format, articles, columns)
    joined = join_records(reading.records)
    report = Report(
        reading.formats,
        n_records=len(reading.records),
        n_examples=len(joined.examples),
        n_without_summary=sum(not example.annotation.summary for example in joined.examples),
        n_without_facts=sum(example.annotation.facts == Facts() for example in joined.examples),
        n_figures=sum(len(record.mentions) for record in reading.records),
        annotators=tuple(dict.fromkeys(record.annotator for record in reading.records)),
        counts=reading.counts,
    )
    return Imported(tuple(reading.records), joined.examples, (*reading.findings, *joined.findings), joined.conflicts, report)


def read_annotations(
    paths: Sequence[str | Path],
    format: Format = "auto",
    articles: Sequence[str | Path] | None = None,
    columns: Mapping[str, str] | None = None,
) -> Reading:
    """Return the records of all files as they are, not joined; arguments and errors as for ``import_annotations``."""
    reading = Reading(_check_columns(columns or {}), _read_articles(articles) if articles else None)
    for path in find_annotation_files(paths):
        reading.formats[_read_file(path, format, reading)] += 1
    reading.check_labels()
    return reading


def _check_columns(columns: Mapping[str, str]) -> Mapping[str, str]:
    unknown = [name for name in columns if name not in (*FIELDS, "label")]
    if unknown:
        raise InputError(f"unknown field {unknown[0]!r} of a column; fields are {', '.join(FIELDS)}, and label for doccano")
    return columns


def _read_articles(inputs: Sequence[str | Path]) -> Articles:
    report = SkipReport()
    found = Articles(record for record in iter_articles(inputs, report=report) if isinstance(record, Article))
    if not found.by_id:
        raise InputError(f"no article could be read ({'; '.join(report.lines())})")
    return found


# --- files -----------------------------------------------------------------------------------------------------------


def find_annotation_files(inputs: Sequence[str | Path]) -> list[Path]:
    """Return the files of all inputs, those of folders in the order of names.

    Raises:
        InputError: an input does not exist or holds no file of a format we read.

    """
    if isinstance(inputs, str | Path) or not inputs:
        raise InputError(f"inputs must be a list of at least one path, got {inputs!r}")
    return [path for given in inputs for path in _expand(given)]


def _expand(given: str | Path) -> list[Path]:
    path = Path(given)
    if path.is_file():
        return [path]
    if path.is_dir():
        found = sorted(child for child in path.rglob("*") if child.is_file() and not child.name.startswith("."))
    else:
        found = sorted(Path(match) for match in glob.glob(str(given), recursive=True))  # noqa: PTH207  Path.glob takes no absolute pattern
    files = [child for child in found if child.is_file() and _suffix(child) in SUFFIXES]
    if not files:
        raise InputError(f"{'no annotations in' if found or path.is_dir() else 'input does not exist:'} {given}; {', '.join(SUFFIXES)} are read")
    return files


def _suffix(path: Path) -> str:
    return (Path(path.stem) if path.suffix.lower() in COMPRESSIONS else path).suffix.lower()


def _read_file(path: Path, format: Format, reading: Reading) -> str:
    """Read one file and return its format; what ends it early is a finding."""
    try:
        rows, kind = _read_rows(path, reading)
    except RecordError as error:
        reading.findings.append(f"{path}: {error.message}")
        return "unreadable"
    cleaned = []
    for where, row in rows:
        clean, n = replace_surrogates(row)
        reading.counts["surrogates"] += n
        cleaned.append((where, clean))
    if not rows:
        reading.findings.append(f"{path}: holds no rows")
    name = _detect(path, [row for _, row in cleaned], kind) if format == "auto" else format
    if name in _TABLES and kind not in _TABLES:
        raise InputError(f"{path} is no table, though --format {name} is given", "bad_field")
    if name == "labelstudio" and kind in _TABLES:
        cleaned = [(where, {key: _decode_cell(value) for key, value in row.items()}) for where, row in cleaned]
    _READERS[name](cleaned, reading)
    return name


def _read_rows(path: Path, reading: Reading) -> tuple[list[tuple[str, Row]], str]:
    """Return the rows of a file with their places, and whether it is ``json``, ``csv`` or ``xlsx``; broken ones become findings.

    Raises:
        RecordError: the file cannot be read.

    """
    compression = COMPRESSIONS.get(path.suffix.lower(), "")
    head = b"".join(block for block, _ in zip(iter_bytes(path, compression), range(4), strict=False))
    if head.startswith(_ZIP):
        return spreadsheets.read_xlsx(path), "xlsx"
    first = next((char for char in "".join(open_text(iter([head]))[1]) if not char.isspace() and char != "\ufeff"), "")
    if first not in ("{", "["):
        rows, findings = spreadsheets.read_csv(path, compression)
        reading.findings += findings
        return rows, "csv"
    by_line = first == "{" and _suffix(path) == ".jsonl"
    return list(_iter_objects(path, compression, by_line, reading)), "json"


def _iter_objects(path: Path, compression: str, by_line: bool, reading: Reading) -> Iterator[tuple[str, Row]]:
    pieces = open_text(iter_bytes(path, compression))[1]
    sources = iter_lines(pieces) if by_line else iter_elements(pieces)
    for number, source in enumerate(sources, 1):
        if by_line and source is not None and not source.strip():
            continue
        row = parse_row(source)
        if isinstance(row, RecordError):
            reading.findings.append(f"{path}:{number}: {row.message}")
        else:
            yield f"{path}:{number}", row


def _detect(path: Path, rows: Sequence[Row], kind: str) -> str:
    """Return the format of a file by the keys of its first rows."""
    for row in rows[:_MANY]:
        for name, looks_like in _SIGNS.items():
            if looks_like(row):
                return name
    if kind in _TABLES:
        return kind
    if not rows:
        return "ours"
    raise InputError(f"cannot tell the format of {path} by its keys ({', '.join(rows[0])}); name it with --format", "bad_field")


def _is_ours(row: Row) -> bool:
    return isinstance(row.get("activity"), list) and isinstance(row.get("facts"), dict)


def _decode_cell(value: Any) -> Any:
    """Return the value of a cell of Label Studio's CSV, where lists and objects are JSON."""
    if not isinstance(value, str) or not value.startswith(("[", "{")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _read_ours(rows: Iterable[tuple[str, Row]], reading: Reading) -> None:
    """Read our own lines, with text or without; the annotator is a key of the line or the file's name."""
    for where, row in rows:
        try:
            fields = reading.pick(row)
            draft = Draft(reading, where, reading.read_article(where, fields))
            facts = row.get("facts") if isinstance(row.get("facts"), dict) else {}
            answers = {**{question: row.get(question) for question in QUESTIONS}, **{fact: (facts or {}).get(fact) for fact in FACTS}}
            for question, value in answers.items():
                draft.answer(question, flatten(value))
        except ValueError as error:
            reading.findings.append(f"{where}: {error}")
            continue
        draft.close(str(fields.get("annotator") or Path(where.rpartition(":")[0]).name.partition(".")[0]))


_READERS: dict[str, Callable[[Iterable[tuple[str, Row]], Reading], None]] = {
    "ours": _read_ours,
    "labelstudio": labelstudio.read_tasks,
    "doccano": doccano.read_rows,
    "argilla": argilla.read_records,
    "csv": spreadsheets.read_rows,
    "xlsx": spreadsheets.read_rows,
}
# In this order: rows of JSON_MIN have a column for each control, and "label" may be one of them.
_SIGNS: dict[str, Callable[[Row], bool]] = {
    "ours": _is_ours,
    "labelstudio": labelstudio.looks_like,
    "argilla": argilla.looks_like,
    "doccano": doccano.looks_like,
}
FORMATS = get_args(Format)

"""Annotated articles: reading, writing and checking them by the annotation guide.

One JSON line an article, with the keys of ``KEYS``; without ``summary`` and ``facts`` it answers for labels alone. In: such files (also .gz, .zst), folders of them, or articles
and gold annotations apart. Out: ``Example`` records, or findings as plain sentences with their place.
"""

import glob
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from data.errors import InputError, RecordError, UnknownLabel
from data.inputs import InputFile, find_files
from data.readers import iter_articles, parse_row
from data.schema import Annotation, Article, Example, Facts
from data.streams import iter_bytes, iter_lines, open_text, write_lines
from data.taxonomy import load_taxonomy
from data.width import to_half_width

KEYS = ("id", "title", "text", "activity", "industry", "summary", "facts", "source", "url", "published")
ANNOTATION_KEYS = ("id", "activity", "industry", "summary", "facts")  # what a line must have; the others may be left out
EXAMPLE_KEYS = (*ANNOTATION_KEYS, "text")
LABEL_KEYS = ("id", "activity", "industry")  # what a line has that answers for labels alone
FACTS = ("signed_projects", "signed_amount", "total_projects", "total_amount")
COUNTS = ("signed_projects", "total_projects")
MIN_SUMMARY, MAX_SUMMARY = 30, 160  # characters
SHOWN = 20  # findings in one message
_STRINGS = ("id", "text", "summary")
_STRINGS_OR_NULL = ("title", "source", "url", "published")
# 4,000 and 28.6 are one figure each: "8亿元" is not supported by a text that says 18亿元.
_DIGITS = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")

Clean = Callable[[str], str]


def read_examples(path: str | Path) -> list[Example]:
    """Return all examples of a file or folder.

    Raises:
        InputError: it does not exist, or a line is no annotated article (``read_checked`` goes on and lists them all).

    """
    return list(iter_examples(path))


def read_checked(paths: Iterable[str | Path]) -> tuple[list[Example], list[str]]:
    """Return the examples of all files, and what is wrong with the form of their lines (those are left out).

    An unknown key (``sumary``) is a finding too, though its line is read.
    """
    examples, findings = [], []
    for where, row in (pair for path in paths for pair in iter_rows(path)):
        wrong = [str(row)] if isinstance(row, RecordError) else check_row(row, EXAMPLE_KEYS)
        findings += [f"{where}: {finding}" for finding in wrong]
        if not isinstance(row, RecordError):
            findings += [f"{where}: unknown key {key!r}" for key in row if key not in KEYS]
            examples += [] if wrong else [build_example(row, where)]
    return examples, findings


def iter_examples(path: str | Path) -> Iterator[Example]:
    """Yield the examples of a file, or of the ``.jsonl`` files of a folder in the order of names.

    Raises:
        InputError: a line is no annotated article.

    """
    for where, row in iter_rows(path):
        wrong = [str(row)] if isinstance(row, RecordError) else check_row(row, EXAMPLE_KEYS)
        _refuse([f"{where}: {finding}" for finding in wrong])
        yield build_example(cast("dict[str, Any]", row), where)


def write_examples(examples: Iterable[Example], path: str | Path) -> int:
    """Write examples as JSON lines and return their number; the file appears whole or not at all."""
    return write_lines(Path(path), map(to_row, examples))


def to_row(example: Example) -> dict[str, Any]:
    """Return the JSON object of an example, keys in the guide's order."""
    article, annotation = example.article, example.annotation
    return {
        "id": article.id,
        "title": article.title,
        "text": article.text,
        "activity": list(annotation.activity),
        "industry": list(annotation.industry),
        "summary": annotation.summary,
        "facts": annotation.facts.to_json(),
        "source": article.source,
        "url": article.url,
        "published": article.published,
    }


def join_gold(articles: str | Path, gold: str | Path) -> list[Example]:
    """Return the examples of gold annotations without text, joined by id with their articles.

    ``articles`` is any input of ``iter_articles`` (a file, folder or glob); of a folder with ``.txt`` files only these
    are articles, because the gold file may lie beside them. Articles without gold are left out.

    Raises:
        InputError: gold lines are broken or have no article: all of them are listed, up to twenty.

    """
    annotations, findings = {}, []
    for where, row in iter_rows(gold):
        wrong = [str(row)] if isinstance(row, RecordError) else check_row(row, ANNOTATION_KEYS)
        findings += [f"{where}: {finding}" for finding in wrong]
        if not isinstance(row, RecordError) and not wrong:
            findings += [f"{where}: id {row['id']!r} stands before"] if row["id"] in annotations else []
            annotations[row["id"]] = _build_annotation(row)
    source = f"{glob.escape(str(articles))}/*.txt" if any(Path(articles).glob("*.txt")) else articles
    by_id = {record.id: record for record in iter_articles([source]) if isinstance(record, Article) and record.id in annotations}
    findings += [f"{gold}: no article {id!r} in {articles}" for id in annotations if id not in by_id]
    _refuse(findings)
    return [Example(by_id[id], annotation) for id, annotation in annotations.items()]


def _refuse(findings: list[str]) -> None:
    if findings:
        more = f"; and {len(findings) - SHOWN} more" if len(findings) > SHOWN else ""
        raise InputError("no annotated articles: " + "; ".join(findings[:SHOWN]) + more)


# --- rows ------------------------------------------------------------------------------------------------------------


def iter_rows(path: str | Path) -> Iterator[tuple[str, dict[str, Any] | RecordError]]:
    """Yield ("file:line", row or what is wrong with it) of every line."""
    files = [file for file in find_files(path) if isinstance(file, RecordError) or file.format == "jsonl"]
    if not files:
        raise InputError(f"no .jsonl file of annotations in {path}")
    for file in files:
        if isinstance(file, RecordError):
            yield str(file.source), file
        else:
            yield from _iter_file(file)


def _iter_file(file: InputFile) -> Iterator[tuple[str, dict[str, Any] | RecordError]]:
    number = 0
    try:
        for number, line in enumerate(iter_lines(open_text(iter_bytes(file.path, file.compression))[1]), 1):
            if line is None or line.strip():
                row = parse_row(line)
                yield f"{file.path}:{number}", row if isinstance(row, RecordError) else complete_row(row)
    except RecordError as error:
        yield f"{file.path}:{number + 1}", error


def complete_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with an empty summary and no facts where it has neither key: it answers for labels alone."""
    if "activity" not in row or "summary" in row or "facts" in row:
        return row
    return {**row, "summary": "", "facts": dict.fromkeys(FACTS)}


def check_row(row: dict[str, Any], keys: Iterable[str]) -> list[str]:
    """Return why a row cannot be an example: missing keys and wrong types."""
    findings = [f"{key} is missing" for key in keys if key not in row]
    findings += [f"{key} must be a string" for key in _STRINGS if key in row and not isinstance(row[key], str)]
    findings += [f"{key} must be a string or null" for key in _STRINGS_OR_NULL if not isinstance(row.get(key), str | None)]
    for key in ("activity", "industry"):
        if key in row and not (isinstance(row[key], list) and all(isinstance(label, str) for label in row[key])):
            findings.append(f"{key} must be a list of strings")
    return findings + (_check_fact_types(row["facts"]) if "facts" in row else [])


def _check_fact_types(facts: Any) -> list[str]:
    if not isinstance(facts, dict):
        return ["facts must be an object"]
    findings = [f"facts.{key} is missing" for key in FACTS if key not in facts]
    findings += [f"facts has an unknown key {key!r}" for key in facts if key not in FACTS]
    values = [(key, facts[key]) for key in FACTS if key in facts]
    return findings + [f"facts.{key} must be a number or null" for key, value in values if type(value) not in (int, float, type(None))]


def build_example(row: dict[str, Any], where: str) -> Example:
    """Return the example of a checked row; ``where`` is its "file:line"."""
    origin, _, line = where.rpartition(":")
    title, source, url, published = (row.get(key) for key in ("title", "source", "url", "published"))
    article = Article(row["id"], row["text"], title, published, source, url, origin, int(line))
    return Example(article, _build_annotation(row))


def _build_annotation(row: dict[str, Any]) -> Annotation:
    return Annotation(row["id"], tuple(row["activity"]), tuple(row["industry"]), row["summary"], Facts(**row["facts"]))


# --- checks ----------------------------------------------------------------------------------------------------------


def check_examples(examples: Iterable[Example], clean: Clean = to_half_width) -> list[str]:
    """Return what the guide forbids in examples, each finding with its file, line and id.

    ``clean`` gives the text on which the summary's figures must stand: the cleaned article.
    """
    findings: list[str] = []
    first: dict[str, str] = {}
    for example in examples:
        article = example.article
        where = f"{article.origin}:{article.line} {article.id}" if article.origin else article.id
        findings += [f"{where}: {finding}" for finding in _check_example(example, clean)]
        if article.id in first:
            findings.append(f"{where}: id stands before at {first[article.id]}")
        first.setdefault(article.id, where)
    return findings


def _check_example(example: Example, clean: Clean) -> list[str]:
    article, annotation = example.article, example.annotation
    findings = [] if article.id.strip() else ["id is empty"]
    findings += [] if article.text.strip() else ["text is empty"]
    findings += _check_labels(annotation)
    if not annotation.summary and annotation.facts == Facts():  # labels alone
        return findings
    findings += _check_summary(annotation.summary, clean(f"{article.title or ''}\n{article.text}"))
    return findings + _check_facts(annotation.facts)


def _check_labels(annotation: Annotation) -> list[str]:
    try:
        load_taxonomy().check(annotation.activity, annotation.industry)
    except (UnknownLabel, ValueError) as error:
        return [str(error)]
    return []


def _check_summary(summary: str, cleaned: str) -> list[str]:
    findings = []
    if not MIN_SUMMARY <= len(summary) <= MAX_SUMMARY:
        findings.append(f"summary has {len(summary)} characters, not {MIN_SUMMARY} to {MAX_SUMMARY}")
    if not summary.endswith("。"):
        findings.append("summary does not end with 。")
    known = set(_DIGITS.findall(cleaned))
    unsupported = [figure for figure in dict.fromkeys(_DIGITS.findall(summary)) if figure not in known]
    return findings + ([f"summary has figures that the article has not: {', '.join(unsupported)}"] if unsupported else [])


def _check_facts(facts: Facts) -> list[str]:
    values = facts.to_json()
    findings = [f"{key} must not be negative, got {value}" for key, value in values.items() if value is not None and value < 0]
    findings += [f"{key} must be an integer, got {values[key]}" for key in COUNTS if isinstance(values[key], float)]
    return findings

"""Checks of a whole folder of annotations: every rule of the guide that a program can check, over all its files together.

``check_corpus(folder, corpora)`` reads annotations with and without text, double annotations, figures and splits, and returns what is wrong as
plain sentences. What needs the text is checked where the text is in the row or in the corpora folder.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.annotations import ANNOTATION_KEYS, KEYS, build_example, check_examples, check_row, iter_rows
from data.corpora import join_texts
from data.dedup import overlap, shingles
from data.errors import InputError, RecordError
from data.mentions import check_mentions, scan_mentions
from data.prepare import DOUBLE_FOLDER, MENTIONS_FOLDER, find_annotation_files, read_splits
from data.schema import Example

SKELETON = 13  # characters; longer than any phrase of the trade
MAX_COPIED = 50  # characters in a row that a summary may share with an article that is not ours: names and figures stand together
SKELETON_JACCARD = 0.05  # of two articles that we wrote

Clean = Callable[[str], str]
Claims = Callable[[Example], Iterable[str]]  # what summary and facts claim that the (cleaned) article does not hold
Row = dict[str, Any]


@dataclass
class CorpusCheck:
    """Counts and findings of ``check_corpus``."""

    n_written: int = 0
    n_referred: int = 0
    n_without_text: int = 0
    n_double: int = 0
    n_mentions: int = 0
    findings: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return findings and counts as lines to print."""
        unread = f" ({self.n_without_text} without their text here: their form alone was checked)" if self.n_without_text else ""
        counts = (
            f"{self.n_written} articles with text, {self.n_referred} by id{unread}, {self.n_double} annotated twice, {self.n_mentions} with figures"
        )
        return [*self.findings, counts, f"{self.n_written + self.n_referred} annotated articles, {len(self.findings)} findings"]


def check_corpus(folder: Path, corpora: Path | None, clean: Clean, claims: Claims) -> CorpusCheck:
    """Check all annotations below a folder.

    Raises:
        InputError: the folder does not exist or holds no annotations.

    """
    made = CorpusCheck()
    rows = _read(find_annotation_files(folder), made)
    made.n_written = sum("text" in row for row, _ in rows.values())
    made.n_referred = len(rows) - made.n_written
    made.findings += _skeletons([(id, row["text"]) for id, (row, _) in rows.items() if "text" in row], clean)
    _join(rows, corpora, made)
    _check_annotations(rows, clean, claims, made)
    times = _check_double(folder, rows, clean, made)
    _check_splits(folder, rows, times, made)
    _check_figures(folder, rows, made)
    return made


def _check_double(folder: Path, rows: dict[str, tuple[Row, str]], clean: Clean, made: CorpusCheck) -> Counter[str]:
    """Check each annotator's file; return how often each article was annotated."""
    times = Counter[str]()
    for path in sorted((folder / DOUBLE_FOLDER).glob("*.jsonl")):
        own = _read([path], made)
        for id, (row, where) in own.items():
            if id not in rows:
                made.findings.append(f"{where}: {id} is not among the annotated articles")
            row |= {key: rows[id][0][key] for key in ("title", "text") if id in rows and key in rows[id][0]}
        _check_annotations(own, clean, _no_claims, made)  # what an annotator said stays said; the adjudicated one is held to the text
        times.update(list(own))
    made.n_double = sum(n >= 2 for n in times.values())
    return times


def _read(files: Iterable[Path], made: CorpusCheck) -> dict[str, tuple[Row, str]]:
    """Return the sound rows by id with their place; findings for the others."""
    rows: dict[str, tuple[Row, str]] = {}
    for where, row in (pair for path in files for pair in iter_rows(path)):
        wrong = [str(row)] if isinstance(row, RecordError) else check_row(row, ANNOTATION_KEYS)
        made.findings += [f"{where}: {finding}" for finding in wrong]
        if isinstance(row, RecordError) or wrong:
            continue
        made.findings += [f"{where}: unknown key {key!r}" for key in row if key not in (*KEYS, "text_sha256")]
        if ("text" in row) == ("text_sha256" in row):
            made.findings.append(f"{where}: must have either text or text_sha256")
        if row["id"] in rows:
            made.findings.append(f"{where}: id {row['id']!r} stands before at {rows[row['id']][1]}")
        rows[row["id"]] = (row, where)
    return rows


def _join(rows: dict[str, tuple[Row, str]], corpora: Path | None, made: CorpusCheck) -> None:
    bare = {id: row for id, (row, _) in rows.items() if "text" not in row}
    if corpora is None:
        made.n_without_text = len(bare)
        return
    made.findings += [f"{rows[id][1]}: {id} is not in {corpora.name}, or its text is another one" for id in join_texts(bare, corpora)]


def _check_annotations(rows: dict[str, tuple[Row, str]], clean: Clean, claims: Claims, made: CorpusCheck) -> None:
    """Check labels, summary and facts; those without text by what needs none."""
    examples = {id: (build_example({"text": row["summary"] or row["id"], **row}, where), "text" in row) for id, (row, where) in rows.items()}
    made.findings += check_examples((example for example, _ in examples.values()), clean)
    texts = {id: "".join(row["text"].split()) for id, (row, _) in rows.items() if "text" in row and "text_sha256" in row}
    for id, text in texts.items():
        if (copied := longest_copied(rows[id][0]["summary"], text)) >= MAX_COPIED:
            made.findings.append(f"{rows[id][1]} {id}: summary copies {copied} characters in a row; say it in other words")
    for example, has_text in examples.values():
        if has_text and (missing := list(claims(example))):
            made.findings.append(f"{example.article.origin}:{example.article.line} {example.article.id}: the article has not: {', '.join(missing)}")


def longest_copied(summary: str, text: str) -> int:
    """Return the length of the longest run of characters that a summary shares with a text."""
    best = start = 0
    while start + best < len(summary):
        while start + best < len(summary) and summary[start : start + best + 1] in text:
            best += 1
        start += 1
    return best


def _no_claims(example: Example) -> tuple[str, ...]:
    return ()


def _skeletons(texts: list[tuple[str, str]], clean: Clean) -> list[str]:
    grams = [shingles("".join(clean(text).split()), SKELETON) for _, text in texts]
    pairs = overlap(grams, SKELETON_JACCARD)
    return [f"{texts[a][0]} and {texts[b][0]} share a skeleton: {SKELETON}-gram Jaccard {jaccard:.3f}" for a, b, jaccard in pairs]


def _check_splits(folder: Path, rows: dict[str, tuple[Row, str]], times: Counter[str], made: CorpusCheck) -> None:
    try:
        split_of = read_splits(folder, rows) or {}
    except InputError as error:
        made.findings.append(error.message)
        return
    once = [id for id in split_of if times[id] < 2]
    made.findings += [f"splits: {len(once)} articles of measuring splits were not annotated twice: {', '.join(once[:5])}"] if once else []


def _check_figures(folder: Path, rows: dict[str, tuple[Row, str]], made: CorpusCheck) -> None:
    if not (folder / MENTIONS_FOLDER).is_dir():
        return
    try:
        figures, broken = scan_mentions([folder / MENTIONS_FOLDER])
    except InputError as error:  # a folder without files
        made.findings.append(error.message)
        return
    made.findings += broken
    made.n_mentions = len(figures)
    for id, row in figures.items():
        if id not in rows:
            made.findings.append(f"{MENTIONS_FOLDER}: {id} has no annotation")
            continue
        text = rows[id][0].get("text")
        made.findings += [f"{MENTIONS_FOLDER} {id}: {finding}" for finding in check_mentions(row, text)]
        known = rows[id][0].get("text_sha256")
        if text is None and known != row.get("text_sha256"):
            made.findings.append(f"{MENTIONS_FOLDER} {id}: text_sha256 differs from that of the annotation")

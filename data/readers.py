"""Crawl dumps to articles: ``iter_articles(inputs)`` yields an ``Article`` or a ``RecordError`` per record, in order.

In: files (``.jsonl``, ``.json``, ``.csv``, ``.txt``, ``.html``, each also ``.gz`` or ``.zst``), folders of them, globs.
Out: records one by one, in constant memory but for a hash per id. A broken record never ends the run.
"""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

from data.encodings import MARK, decode
from data.errors import InputError, RecordError
from data.inputs import InputFile, find_files
from data.pages import decode_page, extract_page
from data.schema import Article
from data.streams import iter_bytes, iter_elements, iter_lines, open_text, read_bytes

MAX_CHARACTERS = 200_000  # of one article, by the contract
MAX_TEXT_BYTES = 2**23  # of a .txt file: ten times what 200,000 characters take
MAX_PAGE_BYTES = 2**21  # of a page: news pages stay under 0.5 MB, and the parser takes up to 10 s a MB for hostile ones
MAX_FIELD = 2**21  # characters of a CSV field; a quote that is never closed costs at most this much of the file
COLUMNS = {
    "text": ("text", "content", "正文", "body"),
    "title": ("title", "标题"),
    "id": ("id",),
    "url": ("url",),
    "published": ("published", "date", "日期"),
    "source": ("source",),
}

Record = Article | RecordError
Row = dict[str, Any]
Rows = Iterator[tuple[int, Row | RecordError]]  # (line, row or element from 1, its columns)


@dataclass
class SkipReport:
    """What was read and what was not, filled while ``iter_articles`` runs.

    ``formats`` counts the articles read, ``encodings`` files, ``skipped`` records by code, ``ignored`` the files of
    folders and globs that are no input, by suffix; ``cut_files`` whole-file articles whose last character was cut off.
    """

    n_files: int = 0
    n_read: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    encodings: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    cut_files: int = 0

    @property
    def n_skipped(self) -> int:
        """Number of records, or whole files, that could not be read."""
        return self.skipped.total()

    def lines(self) -> list[str]:
        """Return the report as lines to print."""
        lines = [f"read {self.n_read} articles from {self.n_files} files, skipped {self.n_skipped} records"]
        counters = {"articles by format": self.formats, "files by encoding": self.encodings, "skipped": self.skipped, "ignored files": self.ignored}
        lines += [f"{name}: {', '.join(f'{key} {n}' for key, n in counter.most_common())}" for name, counter in counters.items() if counter]
        return lines + ([f"files cut inside their last character: {self.cut_files}"] if self.cut_files else [])


def iter_articles(
    inputs: Sequence[str | Path],
    columns: Mapping[str, str] | None = None,
    report: SkipReport | None = None,
    *,
    max_characters: int = MAX_CHARACTERS,
) -> Iterator[Record]:
    """Return an iterator over the records of all inputs, as one stream.

    Args:
        inputs: files, folders (read recursively, in the order of names) and globs.
        columns: field of ``COLUMNS`` -> name of the column, where ours do not fit.
        report: filled while the iterator runs.
        max_characters: longest text of an article; beyond is ``too_long``.

    Returns:
        Articles and errors in the order of the inputs. ``line`` is the line (JSONL), the row with the header as row 1
        (CSV), the element from 1 (JSON), None where the file is the article. Texts stay as submitted: JSON may put lone
        surrogates into them, which ``encodings.encode_line`` can write.

    Raises:
        InputError: at the call: an input that does not exist or holds no articles, a format or field we do not know.

    """
    if isinstance(inputs, str | Path) or not inputs:
        raise InputError(f"inputs must be a list of at least one path, got {inputs!r}")
    report = report if report is not None else SkipReport()
    reader = _Reader(_build_columns(columns or {}), report, max_characters)
    files = [find_files(given, report.ignored) for given in inputs]
    return _iter_unique(chain.from_iterable(files), reader)


def _iter_unique(files: Iterable[InputFile | RecordError], reader: "_Reader") -> Iterator[Record]:
    """Yield all records, the second of an id as ``duplicate_id``, and count them.

    Keeps 8 bytes of hash per id, with the set about 80 bytes: 80 MB for a million articles. Among ten million ids
    some two share a hash with a chance of 3e-6.
    """
    seen: set[int] = set()
    for file in files:
        for record in [file] if isinstance(file, RecordError) else reader.read(file):
            checked = _check_new(record, seen)
            if isinstance(checked, RecordError):
                reader.report.skipped[checked.code] += 1
            else:
                reader.report.n_read += 1
                reader.report.formats[file.format if isinstance(file, InputFile) else ""] += 1
            yield checked


def _check_new(record: Record, seen: set[int]) -> Record:
    if isinstance(record, RecordError):
        return record
    key = int.from_bytes(hashlib.blake2b(_bytes(record.id), digest_size=8).digest(), "big")
    if key in seen:
        return RecordError("duplicate_id", "an earlier record of this run has the same id", record.origin, record.line, record.id)
    seen.add(key)
    return record


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def hash_id(name: str, line: int | None, text: str) -> str:
    """Return the id of a record without one: 16 hex digits of its file's name below the input, position and text."""
    return hashlib.sha256(_bytes(f"{name}\0{line}\0{text}")).hexdigest()[:16]


@dataclass(frozen=True)
class _Reader:
    """Reads one file after the other with the same columns, limits and report."""

    columns: dict[str, tuple[str, ...]]
    report: SkipReport
    max_characters: int

    def read(self, file: InputFile) -> Iterator[Record]:
        """Yield the records of a file; what ends it early is its last one."""
        self.report.n_files += 1
        try:
            if file.format in ("txt", "html"):
                yield self._read_whole(file)
            else:
                yield from self._iter_records(file)
        except RecordError as error:
            yield _place(error, file)

    def _read_whole(self, file: InputFile) -> Record:
        is_page = file.format == "html"
        raw = read_bytes(file.path, file.compression, MAX_PAGE_BYTES if is_page else MAX_TEXT_BYTES)
        decoded = decode_page(raw) if is_page else decode(raw)
        self.report.encodings[decoded.encoding] += 1
        self.report.cut_files += decoded.dropped_bytes > 0
        row: Row = {"id": file.stem, "text": decoded.text}
        if is_page:
            page = extract_page(decoded.text)
            row |= {"text": page.text, "title": page.title, "published": page.published}
        article = self._build_article(file, None, row)
        return replace(article, text_extracted=is_page) if isinstance(article, Article) else article

    def _iter_records(self, file: InputFile) -> Iterator[Record]:
        encoding, pieces = open_text(iter_bytes(file.path, file.compression))
        self.report.encodings[encoding] += 1
        rows = {"jsonl": _iter_jsonl, "json": _iter_json, "csv": _iter_csv}[file.format](pieces)
        for line, row in rows:
            if isinstance(row, RecordError):
                yield _place(row, file, line)
            else:
                fields = _pick(row, self.columns)
                yield self._build_article(file, line, fields)
                if "text" not in fields and file.format == "csv":  # the header's fault: said once, not for each of its rows
                    return

    def _build_article(self, file: InputFile, line: int | None, fields: Row) -> Record:
        """Return the article of a record's fields, or what is wrong with them."""
        id = None
        try:
            id = _to_string("id", fields.get("id"))
            title, published, source, url = (_to_string(name, fields.get(name)) for name in ("title", "published", "source", "url"))
            text = self._check_text(fields)
        except RecordError as error:
            return _place(error, file, line, id)
        return Article(id or hash_id(file.name, line, text), text, title, published, source, url, str(file.path), line)

    def _check_text(self, fields: Row) -> str:
        if "text" not in fields:
            raise RecordError("missing_column", f"no column {' or '.join(self.columns['text'])} (name it with --column text=NAME)")
        text = fields["text"]
        if text is not None and not isinstance(text, str):
            raise RecordError("bad_field", f"text must be a string, got {type(text).__name__}")
        if text is None or not text.strip():
            raise RecordError("empty_text", "the text is empty")
        if len(text) > self.max_characters:
            raise RecordError("too_long", f"the text has {len(text)} characters, at most {self.max_characters} are read")
        return text


def _place(error: RecordError, file: InputFile, line: int | None = None, id: str | None = None) -> RecordError:
    return RecordError(error.code, error.message, str(file.path), line, id)


# --- columns ---------------------------------------------------------------------------------------------------------


def _build_columns(given: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    unknown = sorted(set(given) - set(COLUMNS))
    if unknown:
        raise InputError(f"unknown field {unknown[0]!r} of a column; fields are {', '.join(COLUMNS)}")
    return {name: (_normal(given[name]),) if name in given else names for name, names in COLUMNS.items()}


def _normal(column: str) -> str:
    return column.strip().strip("\ufeff").strip().lower()


def _pick(row: Row, columns: dict[str, tuple[str, ...]]) -> Row:
    """Return field -> value of the first of its columns that the record has."""
    by_name = {_normal(key): value for key, value in row.items()}
    found = {name: next((alias for alias in names if alias in by_name), None) for name, names in columns.items()}
    return {name: by_name[alias] for name, alias in found.items() if alias is not None}


def _to_string(name: str, value: Any) -> str | None:
    """Return a field as string, None where it is empty; numbers (ids, years) are taken as they are written."""
    if isinstance(value, str):
        return value if value.strip() else None
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return None if value is None else str(value)
    raise RecordError("bad_field", f"{name} must be a string, got {type(value).__name__}")


# --- formats ---------------------------------------------------------------------------------------------------------


def parse_row(source: str | None) -> Row | RecordError:
    """Return the object of a JSON line or element (None: it was too long), or what is wrong with it."""
    if source is None:
        return RecordError("too_long", "the record is longer than any article with its page")
    if MARK in source:
        return RecordError("bad_encoding", "holds bytes that do not fit the encoding of the file")
    if not source.strip():
        return RecordError("bad_json", "an element is missing, or the file is cut off here")
    try:
        row = json.loads(source, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        return RecordError("bad_json", f"{error.msg} at character {error.pos + 1}")
    except RecursionError:
        return RecordError("bad_json", "nested too deeply")
    except ValueError as error:  # NaN, or a number of thousands of digits
        return RecordError("bad_json", str(error))
    return row if isinstance(row, dict) else RecordError("bad_json", f"a record must be an object, got {type(row).__name__}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _iter_jsonl(pieces: Iterator[str]) -> Rows:
    for number, line in enumerate(iter_lines(pieces), 1):
        if line is None or line.strip():
            yield number, parse_row(line)


def _iter_json(pieces: Iterator[str]) -> Rows:
    for number, element in enumerate(iter_elements(pieces), 1):
        yield number, parse_row(element)


def _iter_csv(pieces: Iterator[str]) -> Rows:
    """Yield the rows below the header; blank ones count but are not given out.

    Quotes are read strictly: text behind a closing quote would otherwise glue records together unseen. Behind a
    broken row, reading goes on at the next line.
    """
    csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD))  # of the whole process; raised only
    too_long = "x" * (csv.field_size_limit() + 1) + "\n"
    lines = (too_long if line is None else line for line in iter_lines(_unify_newlines(pieces)))
    first = next(lines, "")
    delimiter = max(",;\t", key=first.count)  # the first of equals
    reader = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
    header = _next_row(reader)
    if isinstance(header, RecordError) or header is None:
        yield from [] if header is None else [(1, header)]
        return
    number = 1
    while (row := _next_row(reader)) is not None:
        number += 1
        if isinstance(row, RecordError):
            yield number, row
        elif any(cell.strip() for cell in row):
            yield number, _name_cells(header, row)


def _next_row(reader: Iterator[list[str]]) -> list[str] | RecordError | None:
    try:
        return next(reader, None)
    except csv.Error as error:
        code = "too_long" if "limit" in str(error) else "bad_field"
        return RecordError(code, f"broken CSV row: {error} (a quote that is never closed, or not doubled?)")


def _name_cells(header: list[str], row: list[str]) -> Row | RecordError:
    if any(MARK in cell for cell in row):
        return RecordError("bad_encoding", "holds bytes that do not fit the encoding of the file")
    if any(cell.strip() for cell in row[len(header) :]):
        return RecordError("bad_field", f"{len(row)} cells under {len(header)} columns (a comma outside quotes?)")
    return dict(zip(header, [*row, *[""] * (len(header) - len(row))], strict=False))


def _unify_newlines(pieces: Iterator[str]) -> Iterator[str]:
    r"""Turn the bare ``\r`` of old spreadsheets into ``\n``; files with any ``\n`` at their beginning stay as they are."""
    first = next(pieces, "")
    bare = "\r" in first and "\n" not in first
    for piece in chain([first], pieces):
        yield piece.replace("\r", "\n") if bare else piece

"""Tables of annotated articles: CSV and XLSX, in and out.

A row is an article (of an annotator, where there is a column for it), the columns are those of ``annotated.FIELDS``, English or Chinese. Lists are joined
with ``;``; on the way in ``#``, ``、`` and ``,`` do too where a cell holds one kind only. XLSX is read from the first sheet.
"""

import csv
import io
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
from openpyxl.cell import WriteOnlyCell  # type: ignore[import-untyped]

from data.annotated import ARTICLE_FIELDS, Record, Row
from data.annotations import FACTS
from data.answers import Draft, Reading, find_labels, flatten
from data.encodings import MARK
from data.errors import InputError, RecordError
from data.outgoing import Outgoing, iter_outgoing, write_blocks
from data.readers import MAX_FIELD
from data.schema import Article, Example
from data.streams import MAX_RATIO, RATIO_FROM_BYTES, iter_bytes, open_text

COLUMNS = (*ARTICLE_FIELDS, "activity", "industry", "summary", *FACTS)
MAX_CELL = 32_767  # characters of an XLSX cell
MAX_COLUMNS = 256  # of a sheet that is read: openpyxl fills up to the last cell of a row, 16,384 columns in 5 kB of file
MAX_REREAD = 20  # times that lines of a CSV file are read again behind open quotes, all together
_SEPARATORS = (";；", "#", "、", ",，")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")
# XML cannot hold control characters, and its readers turn \r\n into \n: Excel writes them as _x000D_.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")

Rows = list[tuple[str, Row]]  # (place as file:row with the header as row 1, its cells by column)


# --- reading ---------------------------------------------------------------------------------------------------------


def read_csv(path: Path, compression: str = "") -> tuple[Rows, list[str]]:
    """Return the rows of a CSV file in any encoding of the ladder, and findings about rows that cannot be read.

    The delimiter is the comma, semicolon or tab that the header has most of. Behind a broken row, rows must have a cell for each column: what
    has not may be the rest of the broken one.

    Raises:
        RecordError: the file cannot be read or decoded.
        InputError: two columns have one name.

    """
    text = "".join(open_text(iter_bytes(path, compression))[1])
    if "\n" not in text:
        text = text.replace("\r", "\n")
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    given = ((number, cells) for number, cells in enumerate(_iter_cells(text, delimiter), 1) if cells)
    number, first = next(given, (1, []))
    if isinstance(first, str):
        return [], [f"{path}:{number}: {first}; without its header nothing of the file is read"]
    header = [cell.strip().strip("\ufeff") for cell in first]
    _check_header(path, header)
    rows: Rows = []
    findings: list[str] = []
    torn = False
    for number, cells in given:
        wrong = cells if isinstance(cells, str) else _check_cells(cells, header, torn)
        torn = isinstance(cells, str) or (torn and bool(wrong))
        if wrong:
            findings.append(f"{path}:{number}: {wrong}")
        elif any(cell.strip() for cell in cells):
            rows.append((f"{path}:{number}", {name: _unescape_formula(cell) for name, cell in zip(header, cells, strict=False)}))
    return rows, findings


def _iter_cells(text: str, delimiter: str) -> Iterator[list[str] | str]:
    """Yield the cells of each row, or what is wrong with it.

    A quote that is never closed takes in all lines up to the next one: reading goes back to the line behind the one where the broken row began.
    """
    csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD))  # of the whole process; raised only
    lines = list(io.StringIO(text, newline=""))
    budget = MAX_REREAD * len(lines)  # each line may have such a quote: going back for all of them would take the square of the lines
    start = 0
    while start < len(lines):
        reader = csv.reader(map(lines.__getitem__, range(start, len(lines))), delimiter=delimiter, strict=True)
        begin = start
        try:
            for cells in reader:
                yield cells
                begin = start + reader.line_num
            return
        except csv.Error as error:
            yield f"broken CSV row: {error} (a quote that is never closed, or not doubled?)"
            reached = start + reader.line_num
            budget -= reached - begin - 1
            start = begin + 1 if budget >= 0 else reached


def _check_header(path: Path, header: Iterable[str]) -> None:
    """Refuse two columns of one name, of which only one could be read."""
    names = Counter(name.strip().lower() for name in header if name.strip())
    if twice := [name for name, n in names.items() if n > 1]:
        raise InputError(f"{path} has several columns of one name: {', '.join(twice)}", "bad_field")


def _check_cells(cells: list[str], header: list[str], torn: bool) -> str:
    """Return what is wrong with a row, or ""."""
    if any(MARK in cell for cell in cells):
        return "holds bytes that do not fit the encoding of the file"
    if any(cell.strip() for cell in cells[len(header) :]):
        return f"{len(cells)} cells under {len(header)} columns (a comma outside quotes?)"
    if torn and len(cells) != len(header) and any(cell.strip() for cell in cells):
        return f"{len(cells)} cells under {len(header)} columns behind a broken row (its rest?)"
    return ""


def _unescape_formula(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell


def read_xlsx(path: Path) -> Rows:
    """Return the rows of the first sheet below its first row that is not blank; formulas give their last value.

    Raises:
        RecordError: the file cannot be read, grows like an archive bomb, or has a cell beyond ``MAX_COLUMNS``.
        InputError: two columns have one name.

    """
    _check_archive(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # parts of the workbook that openpyxl drops: validation, styles
            workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
            try:
                filled = list(_iter_filled(workbook.worksheets[0], path))
            finally:
                workbook.close()
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, OSError, SyntaxError, zipfile.BadZipFile) as error:  # SyntaxError: bad XML
        raise RecordError("unreadable_file", f"not a workbook: {type(error).__name__}: {error}", str(path)) from error
    if not filled:
        return []
    header = [str(value).strip() if value is not None else "" for value in filled[0][1]]
    _check_header(path, header)
    return [(f"{path}:{number}", {name: value for name, value in zip(header, line, strict=False) if name}) for number, line in filled[1:]]


def _iter_filled(sheet: Any, path: Path) -> Iterator[tuple[int, list[Any]]]:
    """Yield the number and the cells of each row that is not blank.

    Raises:
        RecordError: a cell stands beyond ``MAX_COLUMNS``.

    """
    sheet.reset_dimensions()  # else every row is padded to the farthest cell of the sheet
    for number, line in enumerate(sheet.iter_rows(values_only=True), 1):
        beyond = line[MAX_COLUMNS:]
        if beyond.count(None) != len(beyond):
            raise RecordError("unreadable_file", f"row {number} has a cell beyond the first {MAX_COLUMNS} columns", str(path))
        cells = [_read_cell(value) for value in line[:MAX_COLUMNS]]
        if any(value not in (None, "") for value in cells):
            yield number, cells


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            written = sum(info.file_size for info in archive.infolist())
            read = sum(info.compress_size for info in archive.infolist())
    except (OSError, zipfile.BadZipFile) as error:
        raise RecordError("unreadable_file", f"not a workbook: {error}", str(path)) from error
    if written > RATIO_FROM_BYTES and written > MAX_RATIO * read:
        raise RecordError("archive_limit", f"grows more than {MAX_RATIO} times: {read} bytes gave {written}", str(path))


def _read_cell(value: Any) -> Any:
    """Return a cell as string or number."""
    if isinstance(value, str):
        return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    return int(value) if isinstance(value, float) and value.is_integer() else value


def read_rows(rows: Iterable[tuple[str, Row]], reading: Reading) -> None:
    """Add a record for each row that says something; without a column for it the annotator is the file's name.

    Args:
        rows: (place as ``file:row``, cells by column).
        reading: takes records, findings and counts.

    """
    for where, row in rows:
        try:
            fields = reading.pick(row)
            draft = Draft(reading, where, reading.read_article(where, fields))
            for question in ("activity", "industry", "main"):
                draft.answer(question, list(split_list(fields.get(question))))
            for question in ("summary", *FACTS):
                draft.answer(question, flatten(fields.get(question)))
        except ValueError as error:
            reading.findings.append(f"{where}: {error}")
            continue
        draft.close(str(fields.get("annotator") or Path(where.rpartition(":")[0]).name.partition(".")[0]))


def split_list(cell: Any) -> list[str]:
    """Return the labels of a cell, joined with ``;``, ``#``, ``、`` or ``,`` (full-width ones too).

    Raises:
        ValueError: it mixes separators or has an empty part, so that nobody can say which labels these are.

    """
    text = str(cell).strip() if cell is not None else ""
    if not text or find_labels(text):
        return [text] if text else []
    used = [kind for kind in _SEPARATORS if any(sign in text for sign in kind)]
    if not used:
        return [text]
    parts = [part.strip() for part in re.split(f"[{used[0]}]", text)]
    if len(used) > 1 or not all(parts):
        raise ValueError(f"label list {text!r} is ambiguous: {'it mixes separators' if len(used) > 1 else 'it has an empty part'}")
    return parts


# --- writing ---------------------------------------------------------------------------------------------------------


def write_csv(articles: Iterable[Article | Example], results: Mapping[str, Row] | None, path: str | Path) -> int:
    """Write a CSV file (UTF-8 with byte order mark, RFC 4180) and return the number of its rows.

    A cell that a spreadsheet would run as a formula gets a leading ``'``; so does one that already has it, so that reading gives what was
    written.

    Args:
        articles: plain or annotated ones.
        results: id -> result in the JSON shape of ``python -m serving score``: fills the cells of articles without annotation, to be corrected.
        path: the file, replaced if it exists.

    """
    n = 0

    def lines() -> Iterator[bytes]:
        nonlocal n
        yield b"\xef\xbb\xbf" + _csv_line(list(COLUMNS))
        for n, outgoing in enumerate(iter_outgoing(articles, results), 1):  # noqa: B007  the number of the last is returned
            yield _csv_line([_escape_formula(value) for value in _to_cells(outgoing)])

    write_blocks(Path(path), lines())
    return n


def _csv_line(values: list[Any]) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(values)
    return line.getvalue().encode()


def _escape_formula(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.lstrip("'").startswith(_FORMULA) else value


def _to_cells(outgoing: Outgoing) -> list[Any]:
    article = outgoing.article
    record = outgoing.annotated or outgoing.predicted or Record(article, "")
    labels = [";".join(record.activity), ";".join(record.industry)]
    return [*(getattr(article, name) for name in ARTICLE_FIELDS), *labels, record.summary, *record.facts.to_json().values()]


def write_xlsx(articles: Iterable[Article | Example], results: Mapping[str, Row] | None, path: str | Path) -> int:
    """Write a workbook of one sheet and return the number of its rows; strings are cells of text, so nothing runs as a formula.

    Arguments as for ``write_csv``.

    Raises:
        InputError: a text is longer than a cell can hold: Excel would cut it.

    """
    # All cells first: openpyxl streams rows, and a stream that is left half-way complains when it is thrown away.
    lines = [[_to_text(value, outgoing.article.id) for value in _to_cells(outgoing)] for outgoing in iter_outgoing(articles, results)]
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet("articles")
    sheet.freeze_panes = "A2"
    for line in [list(COLUMNS), *lines]:
        sheet.append([_to_cell(sheet, value) for value in line])
    content = io.BytesIO()
    workbook.save(content)
    write_blocks(Path(path), [content.getvalue()])
    return len(lines)


def _to_text(value: Any, id: str) -> Any:
    """Return a string as XLSX spells it; numbers stay."""
    if not isinstance(value, str):
        return value
    escaped = _CONTROL.sub(lambda found: f"_x{ord(found[0]):04X}_", value)
    if len(escaped) > MAX_CELL:
        raise InputError(f"{id}: a cell of XLSX holds at most {MAX_CELL} characters, this text takes {len(escaped)}; export as csv", "too_long")
    return escaped


def _to_cell(sheet: Any, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, value)
    cell.data_type = "s"
    cell.quotePrefix = value.startswith(_FORMULA)  # still text after somebody edits the cell
    return cell

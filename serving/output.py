"""What ``score`` writes: OUT (``.jsonl`` or ``.csv``), ``OUT.errors.jsonl``, and ``OUT.journal`` for ``--resume``.

Rows are appended in batches. ``commit`` makes a batch durable and then notes in the journal how long both files are
and how many records they answer; a resumed run cuts both files to the noted lengths and skips that many records. So
a stop at any moment, power loss included, neither loses nor doubles a record.
"""

import csv
import fcntl
import io
import json
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import orjson

from data.errors import InputError, RecordError
from models.result import Result
from serving.strictjson import without_surrogates

JOURNAL_VERSION = 1
FACTS = ("signed_projects", "signed_amount", "total_projects", "total_amount")
COLUMNS = (
    "id", "activity", "activity_names", "activity_probs", "industry", "industry_names", "industry_probs",
    "summary", "summary_method", "ungrounded", *FACTS, "mentions", "conflicts",
    "review_needed", "review_reasons", "characters", "tokens", "tokens_used", "truncated", "cleaning",
    "classifier", "summarizer", "taxonomy", "probs", "evidence", "text",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")


def errors_path(out: Path) -> Path:
    """Return the path of the error file of an output."""
    return out.with_name(out.name + ".errors.jsonl")


def journal_path(out: Path) -> Path:
    """Return the path of the journal of an output."""
    return out.with_name(out.name + ".journal")


# Rows ----------------------------------------------------------------------------------------------------------


def to_jsonl(result: Result) -> bytes:
    """Return a result as one line."""
    return orjson.dumps(result.to_json(), option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY)


def to_csv(result: Result) -> bytes:
    """Return a result as one CSV row: lists joined with ``;``, outcomes as columns, mentions as JSON."""
    row = result.to_json()
    summary, outcomes = row.get("summary") or {}, row.get("outcomes") or {}
    labels = {f"{group}{suffix}": _join(row.get(group), key) for group in ("activity", "industry") for suffix, key in _LABEL_COLUMNS}
    read = row["input"]
    values = {
        **labels, **{fact: outcomes.get(fact) for fact in FACTS},
        "id": row["id"], "summary": summary.get("text"), "summary_method": summary.get("method"), "ungrounded": ";".join(summary.get("ungrounded", [])),
        "mentions": _dump(outcomes.get("mentions")), "conflicts": ";".join(outcomes.get("conflicts", [])),
        "review_needed": row["review"]["needed"], "review_reasons": ";".join(row["review"]["reasons"]),
        **{key: read[key] for key in ("characters", "tokens", "tokens_used", "truncated")}, "cleaning": ";".join(read["cleaning"]), **row["model"],
        "probs": _dump(row.get("probs")), "evidence": _dump(_evidence(row)) if result.with_evidence else None, "text": read.get("text"),
    }  # fmt: skip
    return _csv_line([values.get(column) for column in COLUMNS])


_LABEL_COLUMNS = (("", "label"), ("_names", "name"), ("_probs", "prob"))


def _join(labels: list[dict[str, Any]] | None, key: str) -> str | None:
    return None if labels is None else ";".join(str(label[key]) for label in labels)


def _evidence(row: dict[str, Any]) -> dict[str, Any]:
    return {f"{group}/{label['label']}": label["evidence"] for group in ("activity", "industry") for label in row.get(group, ())}


def _dump(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _csv_line(values: list[Any]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow([_cell(value) for value in values])  # RFC 4180: CRLF, quotes doubled
    return line.getvalue().encode()


def _cell(value: Any) -> Any:
    """Return a cell that no spreadsheet runs as a formula (OWASP ASVS 1.2.10)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def csv_header() -> bytes:
    """Return the byte order mark by which Excel knows UTF-8, and the header line."""
    return b"\xef\xbb\xbf" + _csv_line(list(COLUMNS))


FORMATS: dict[str, tuple[bytes, Callable[[Result], bytes]]] = {".jsonl": (b"", to_jsonl), ".csv": (csv_header(), to_csv)}


# Journal -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Journal:
    """How far a run is. ``run`` identifies inputs, checkpoint and options: a resumed run must have the same."""

    run: dict[str, Any]
    records: int = 0
    errors: int = 0
    output_bytes: int = 0
    errors_bytes: int = 0
    finished: bool = False
    version: int = field(default=JOURNAL_VERSION)

    def save(self, path: Path) -> None:
        """Replace the journal at once and make that durable."""
        fresh = path.with_name(path.name + ".new")
        with fresh.open("wb") as file:
            file.write(orjson.dumps(asdict(self)))
            _sync(file)
        fresh.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read_journal(out: Path) -> Journal | None:
    """Return the journal of an output, or None where there is none.

    Raises:
        InputError: it cannot be read, or another version wrote it.

    """
    path = journal_path(out)
    try:
        row = json.loads(path.read_bytes())
        if row["version"] != JOURNAL_VERSION:
            raise InputError(f"{path}: written by another version; start again with --overwrite", "bad_field")
        return Journal(**row)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a journal ({type(error).__name__}); start again with --overwrite", "bad_field") from error


def check_resumable(journal: Journal, run: dict[str, Any], out: Path) -> None:
    """Check that a journal is of this very run and that its files are still there.

    Raises:
        InputError: inputs, checkpoint or options differ, or a file is shorter than the journal says.

    """
    differing = [key for key in journal.run if journal.run.get(key) != run.get(key)]
    if differing:
        raise InputError(f"cannot resume {out}: {', '.join(differing)} changed since it was started; use --overwrite to start again", "bad_field")
    for path, size in ((out, journal.output_bytes), (errors_path(out), journal.errors_bytes)):
        if not path.is_file() or path.stat().st_size < size:
            raise InputError(f"cannot resume: {path} is missing or shorter than its journal says; use --overwrite to start again", "bad_field")


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


# Writer --------------------------------------------------------------------------------------------------------


class ResultWriter:
    """Appends outcomes to OUT and its error file; a context manager that closes both.

    Start with ``ResultWriter.create`` or ``ResultWriter.resume``.
    """

    def __init__(self, out: Path, journal: Journal) -> None:
        """Open both files at the lengths of the journal; what stands beyond is cut off."""
        self.out = out
        self.journal = journal
        self._encode = FORMATS[out.suffix][1]
        with ExitStack() as opened:  # closes the first where the second cannot be opened
            sizes = {out: journal.output_bytes, errors_path(out): journal.errors_bytes}
            self._files = [opened.enter_context(_open_at(path, size)) for path, size in sizes.items()]
            opened.pop_all()

    @classmethod
    def create(cls, out: Path, run: dict[str, Any]) -> "ResultWriter":
        """Start a new output in place of whatever is there."""
        journal = Journal(run)
        # The journal first: killed from here on, the run is resumable.
        for path in (out, errors_path(out)):
            path.touch()
        journal.save(journal_path(out))
        writer = cls(out, journal)
        writer._files[0].write(FORMATS[out.suffix][0])
        return writer

    @classmethod
    def resume(cls, out: Path, journal: Journal) -> "ResultWriter":
        """Go on where the journal says; see ``check_resumable``."""
        writer = cls(out, replace(journal, finished=False))
        if journal.output_bytes == 0:
            writer._files[0].write(FORMATS[out.suffix][0])
        return writer

    def write(self, outcome: Result | RecordError) -> None:
        """Append one outcome; durable with the next ``commit``."""
        failed = isinstance(outcome, RecordError)
        if isinstance(outcome, RecordError):
            self._files[1].write(orjson.dumps(without_surrogates(outcome.to_json()), option=orjson.OPT_APPEND_NEWLINE))
        else:
            try:
                self._files[0].write(self._encode(outcome))
            except TypeError:  # orjson's: a value JSON cannot hold
                return self.write(RecordError("model_failed", "the result cannot be encoded", id=outcome.id))
        self.journal = replace(self.journal, records=self.journal.records + 1, errors=self.journal.errors + failed)
        return None

    def commit(self, finished: bool = False) -> None:
        """Make everything written so far durable, then note it in the journal."""
        for file in self._files:
            _sync(file)
        output_bytes, errors_bytes = (file.tell() for file in self._files)
        self.journal = replace(self.journal, output_bytes=output_bytes, errors_bytes=errors_bytes, finished=finished)
        self.journal.save(journal_path(self.out))

    def __enter__(self) -> "ResultWriter":
        """Return the writer."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close both files; what was not committed is cut off by a resumed run."""
        for file in self._files:
            try:
                file.close()
            except OSError:  # a full disk says so again on close; the first error is the one to report
                if error is None:
                    raise


def _open_at(path: Path, size: int) -> BinaryIO:
    with ExitStack() as opened:
        file = opened.enter_context(path.open("r+b"))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # released with the file, kill -9 included
        except BlockingIOError:
            raise InputError(f"{path}: another run is writing it", "busy") from None
        file.truncate(size)
        file.seek(size)
        opened.pop_all()
        return file

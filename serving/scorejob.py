"""The work of ``python -m serving score``: from input paths to OUT, its error file and its journal.

Everything that can be refused is refused before the models are loaded.
"""

import errno
import glob
import hashlib
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import orjson

from data.errors import InputError, RecordError
from data.readers import MAX_CHARACTERS, iter_articles
from data.schema import Article
from models.result import Options, Result
from serving.loading import Predictor
from serving.output import FORMATS, Journal, ResultWriter, check_resumable, errors_path, journal_path, read_journal
from serving.progress import show_progress
from serving.score import score_articles
from serving.table import format_result, terminal_width

COMMIT_EVERY_S = 2.0  # what a kill costs at most, beside the batch in the models


@dataclass(frozen=True)
class ScoreJob:
    """What to score, and how. ``overwrite`` replaces whatever lies there, ``resume`` goes on with an unfinished run."""

    inputs: tuple[str, ...]
    output: Path
    options: Options = Options()
    columns: dict[str, str] = field(default_factory=dict)
    resume: bool = False
    overwrite: bool = False
    table: bool = False


@dataclass(frozen=True)
class ScoreSummary:
    """How a run ended; counts include what earlier runs of the same output did."""

    records: int
    errors: int
    codes: Counter[str]  # of this run only


def run_score_job(job: ScoreJob, load: Callable[[], Predictor]) -> ScoreSummary:
    """Score all records of the inputs.

    Raises:
        InputError: wrong or missing inputs, an output that may not be written, a disk that is full.
        CheckpointRefused: from ``load``.

    """
    with _plain_os_errors(job.output):
        _check_output(job)
        journal = _find_journal(job)
        records = _check_any(job, iter_articles(job.inputs, job.columns, max_characters=MAX_CHARACTERS))
        predictor = load()
        run = describe_run(job, predictor)
        if journal:
            check_resumable(journal, run, job.output)
        if journal and journal.finished:
            return ScoreSummary(journal.records, journal.errors, Counter())
        job.output.parent.mkdir(parents=True, exist_ok=True)
        with ResultWriter.resume(job.output, journal) if journal else ResultWriter.create(job.output, run) as writer:
            codes = _score_all(job, records, predictor, writer)
            return ScoreSummary(writer.journal.records, writer.journal.errors, codes)


def _score_all(job: ScoreJob, records: Iterable[Any], predictor: Predictor, writer: ResultWriter) -> Counter[str]:
    done = writer.journal.records
    codes: Counter[str] = Counter()
    show = _Table() if job.table else None
    committed_at = time.monotonic()
    with show_progress(_counter(job), done, bar=not job.table) as update:
        for outcome in score_articles(islice(records, done, None), predictor, job.options):
            writer.write(outcome)
            done += 1
            if isinstance(outcome, RecordError):
                codes[outcome.code] += 1
            if show:
                show.print(outcome)
            if time.monotonic() - committed_at >= COMMIT_EVERY_S:
                writer.commit()
                committed_at = time.monotonic()
            update(done)
    writer.commit(finished=True)
    return codes


# Before the models are loaded ----------------------------------------------------------------------------------


def _check_output(job: ScoreJob) -> None:
    if job.output.suffix not in FORMATS:
        raise InputError(f"cannot write {job.output.name}: this version writes {', '.join(FORMATS)} (Parquet and XLSX are to come)", "bad_field")
    if job.output.is_dir():
        raise InputError(f"{job.output} is a folder", "bad_field")
    written = {path.resolve() for path in (job.output, errors_path(job.output), journal_path(job.output))}
    for given in job.inputs:
        if written & {Path(found).resolve() for found in _expand(given)}:
            raise InputError(f"the output {job.output} would overwrite the input {given}", "bad_field")


def _find_journal(job: ScoreJob) -> Journal | None:
    """Return the journal to go on with, or None to start anew; unfinished runs and files of others are never dropped unasked."""
    if job.overwrite:
        return None
    journal = read_journal(job.output)
    if journal is None:
        _check_not_foreign(job.output)
    if job.resume:
        return journal
    if journal and not journal.finished:
        told = f"{job.output} holds an unfinished run ({journal.records:,} records)"
        raise InputError(f"{told}: add --resume to go on with it, or --overwrite to start again", "bad_field")
    return None


def _check_not_foreign(out: Path) -> None:
    """Check that a run without a journal replaces nothing; empty files (touched, or killed at the first moment) hold nothing."""
    for path in (out, errors_path(out)):
        if path.is_file() and path.stat().st_size:
            raise InputError(f"{path} has no journal beside it, so it may not be a run of ours: add --overwrite to replace it", "bad_field")


def _check_any(job: ScoreJob, records: Iterator[Article | RecordError]) -> Iterator[Article | RecordError]:
    """Check that there is a first record; return all of them."""
    first = next(records, None)
    if first is None:
        raise InputError(f"no articles in {', '.join(job.inputs)}: what was read holds no record")
    return chain([first], records)


def describe_run(job: ScoreJob, predictor: Predictor) -> dict[str, Any]:
    """Return what must not differ between a run and its resumption; device and engine may."""
    model = {key: value for key, value in predictor.describe().items() if key != "engine"}
    packed = orjson.dumps(model, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY)
    return {
        "inputs": [list(describe_input(given)) for given in job.inputs],
        "checkpoint": hashlib.sha256(packed).hexdigest(),
        "options": asdict(job.options),
        "columns": dict(sorted(job.columns.items())),
    }


def describe_input(given: str) -> tuple[str, int, str]:
    """Return an input as written, its bytes, and a hash over names and sizes of its files."""
    digest, total = hashlib.sha256(), 0
    for path in _expand(given):
        size = path.stat().st_size
        total += size
        digest.update(f"{path}\0{size}\n".encode("utf-8", "surrogateescape"))
    return given, total, digest.hexdigest()


def _expand(given: str) -> Iterator[Path]:
    """Yield the files of an input (file, folder or glob) in a stable order."""
    roots = [given] if os.path.lexists(given) else sorted(glob.glob(given, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    for root in map(Path, roots):
        if root.is_dir():
            yield from sorted(path for path in root.rglob("*") if path.is_file())
        elif root.is_file():
            yield root


# While it runs -------------------------------------------------------------------------------------------------


def _counter(job: ScoreJob) -> Callable[[], Iterable[object]] | None:
    """Return what counts the records; None for pages and archives, where reading costs as much as scoring."""
    if any(
        path.name.lower().removesuffix(".gz").removesuffix(".zst").endswith((".html", ".htm", ".warc"))
        for given in job.inputs
        for path in _expand(given)
    ):
        return None
    return lambda: iter_articles(job.inputs, job.columns, max_characters=MAX_CHARACTERS)


class _Table:
    """Prints results to stdout until nobody reads them."""

    def __init__(self) -> None:
        self._width = terminal_width()
        self._open = True

    def print(self, outcome: Result | RecordError) -> None:
        if not self._open:
            return
        try:
            print(format_result(outcome, self._width), flush=True)
        except BrokenPipeError:  # ``| head``: the files are still wanted
            self._open = False
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _plain_os_errors(output: Path) -> Iterator[None]:
    """Turn what the system says about files into one plain sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InputError(f"the disk is full while writing {output}: free some space and go on with --resume", "disk_full") from error
        raise InputError(f"{error.filename or output}: {error.strerror or error}") from error

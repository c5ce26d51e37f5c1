"""``python -m data annotations import | export | agreement``: results to stdout, the log to stderr.

Exit status: 0 all fine; 1 there are findings or conflicts, or some records were skipped; 2 wrong usage, unknown labels, or nothing could be read.
"""

import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from data import argilla, doccano, labelstudio, spreadsheets
from data.agreement import Agreement, agree, list_conflicts
from data.annotated import GROUPS, replace_surrogates
from data.annotations import read_checked
from data.errors import InputError, RecordError, ZhaoshangError
from data.exchange import Format, import_annotations, read_annotations
from data.inputs import COMPRESSIONS
from data.inspection import find_annotated
from data.outgoing import write_blocks
from data.readers import SkipReport, iter_articles, parse_row
from data.schema import Annotation, Article, Example
from data.streams import iter_bytes, iter_lines, open_text
from data.taxonomy import load_taxonomy

logger = logging.getLogger(__name__)
app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, help="Import and export annotations, compare those of two annotators."
)

ExportFormat = Literal["labelstudio", "doccano", "argilla", "csv", "xlsx"]
SHOWN_ERRORS = 20  # in the log; the counts are complete
_WRITERS: dict[str, Callable[..., int]] = {
    "labelstudio": labelstudio.write_tasks,
    "doccano": doccano.write_rows,
    "argilla": argilla.write_records,
    "csv": spreadsheets.write_csv,
    "xlsx": spreadsheets.write_xlsx,
}


@app.command("import")
def import_(
    inputs: Annotated[list[str], typer.Argument(help=".json, .jsonl, .csv, .xlsx exports (text also .gz, .zst), folders, globs", show_default=False)],
    output: Annotated[Path, typer.Option(help="the .jsonl file to write", show_default=False)],
    format: Annotated[Format, typer.Option(help="of all inputs; auto tells it by content")] = "auto",
    articles: Annotated[
        list[str] | None, typer.Option(help="the articles, where annotations have no text: file, folder or glob", show_default=False)
    ] = None,
    column: Annotated[list[str] | None, typer.Option(help="field=NAME where a column has another name: text=内容", show_default=False)] = None,
) -> None:
    """Read annotations of other tools, join those of several annotators, write a JSON object an article."""
    with _plain_errors():
        _check_output(output, [*inputs, *(articles or [])])
        if output.suffix.lower() != ".jsonl":
            raise InputError(f"--output must end in .jsonl, got {output}")
        imported = import_annotations(inputs, format, articles, _parse_columns(column or []))
        lines = [*imported.report.lines(), *imported.findings, *(f"conflict: {conflict}" for conflict in imported.conflicts)]
        if not imported.examples:
            print("\n".join(lines))
            raise InputError("no annotated article could be read")
        n = imported.write(output)
        counts = f"{len(imported.findings)} findings, {len(imported.conflicts)} conflicts"
        print("\n".join([*lines, f"wrote {n} annotated articles to {output}; {counts}"]))
    raise typer.Exit(1 if imported.findings or imported.conflicts else 0)


@app.command()
def export(
    inputs: Annotated[list[str], typer.Argument(help="articles, or our annotated .jsonl: files, folders, globs", show_default=False)],
    output: Annotated[Path, typer.Option(help="the file to write", show_default=False)],
    format: Annotated[ExportFormat, typer.Option(help="what to write", show_default=False)],
    predictions: Annotated[
        str | None, typer.Option(help="results of `python -m serving score`, to be corrected by annotators", show_default=False)
    ] = None,
    config: Annotated[Path | None, typer.Option(help="write the labelling interface of Label Studio here", show_default=False)] = None,
) -> None:
    """Write articles with their annotations or predictions for an annotation tool."""
    with _plain_errors():
        given = [*inputs, *([predictions] if predictions else [])]
        _check_output(output, given)
        if config is not None and format != "labelstudio":
            raise InputError(f"--config is for --format labelstudio, not {format}")
        if config is not None:
            _check_output(config, given)
            write_blocks(config, [labelstudio.labelling_config().encode()])
        results, n_broken = _read_results(Path(predictions)) if predictions else ({}, 0)
        report = SkipReport()
        n = _WRITERS[format](_iter_entries(inputs, report), results, output)
        lines = [*report.lines(), f"wrote {n} articles to {output}"]
        print("\n".join([*lines, *([f"wrote the labelling interface to {config}"] if config else [])]))
    raise typer.Exit(1 if report.n_skipped or n_broken else 0)


@app.command()
def agreement(
    first: Annotated[str, typer.Argument(help="annotated .jsonl, with text or without: a file or folder", show_default=False)],
    second: Annotated[str, typer.Argument(help="the same of the other annotator", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="print a JSON object instead of the table")] = False,
) -> None:
    """Compare two annotators over the articles both have."""
    with _plain_errors():
        sides = [_read_annotations(path) for path in (first, second)]
        annotations = [found for found, _ in sides]
        findings = [finding for _, given in sides for finding in given]
        try:
            found, conflicts = agree(*annotations), list_conflicts(*annotations)
        except ValueError as error:
            raise InputError(str(error)) from error
        if as_json:
            rows = [{"id": conflict.article_id, "field": conflict.field, **dict(conflict.said)} for conflict in conflicts]
            print(json.dumps({**found.to_json(), "conflicts": rows}, ensure_ascii=False))
        else:
            print("\n".join([*iter_table(found), "", *(f"conflict: {conflict}" for conflict in conflicts), f"{len(conflicts)} conflicts"]))
        for finding in findings:
            logger.warning("%s", finding)
    raise typer.Exit(1 if findings else 0)


def iter_table(found: Agreement) -> Iterator[str]:
    """Yield the table of an agreement: overall numbers, then a line for each label and fact that either side gives."""
    yield f"articles of both: {found.n} (only first {found.n_only_first}, only second {found.n_only_second})"
    yield f"main activity: {found.main_accuracy:.3f}"
    taxonomy = load_taxonomy()
    for name in GROUPS:
        group = found.group(name)
        yield f"{name}: micro F1 {group.micro_f1:.3f}, macro F1 {group.macro_f1:.3f}, exact sets {group.exact_sets:.3f}"
        yield f"  {'label':22}{'first':>7}{'second':>7}{'both':>7}{'F1':>7}{'kappa':>8}"
        for key, label in group.labels.items():
            if label.n_first or label.n_second:
                shown = taxonomy.names.get(f"{name}/{key}", "(unknown)")
                counts = f"{label.n_first:7}{label.n_second:7}{label.n_both:7}"
                yield f"  {key:22}{counts}{label.f1:7.3f}{label.kappa:8.3f}  {shown}"
    yield "facts:"
    yield f"  {'fact':22}{'first':>7}{'second':>7}{'share':>7}{'F1':>7}"
    for fact, row in found.facts.items():
        yield f"  {fact:22}{row.n_first:7}{row.n_second:7}{row.share:7.3f}{row.f1:7.3f}"


# --- inputs ----------------------------------------------------------------------------------------------------------


def _iter_entries(inputs: list[str], report: SkipReport) -> Iterator[Article | Example]:
    """Yield the articles of the inputs, with their annotation where they have one; the first errors go to the log.

    Raises:
        InputError: at the end: there was no article at all. So the output stays as it was.

    """
    examples, findings = read_checked(find_annotated(inputs))
    for finding in findings:
        logger.warning("%s", finding)
    by_id = {example.article.id: example for example in examples}
    for record in iter_articles(inputs, report=report):
        if isinstance(record, Article):
            yield Example(record, by_id[record.id].annotation) if record.id in by_id else record
        elif report.n_skipped <= SHOWN_ERRORS:
            logger.warning("%s%s %s: %s", record.source, f":{record.line}" if record.line else "", record.code, record.message)
    if not report.n_read:
        raise InputError(f"no article could be read ({'; '.join(report.lines())})")


def _read_results(path: Path) -> tuple[dict[str, Any], int]:
    """Return results by id, and the number of lines that are none."""
    results: dict[str, Any] = {}
    n_broken = 0
    try:
        for number, line in enumerate(iter_lines(open_text(iter_bytes(path, COMPRESSIONS.get(path.suffix.lower(), "")))[1]), 1):
            row = parse_row(line)
            if isinstance(row, RecordError) or not isinstance(row.get("id"), str) or "model" not in row:
                logger.warning("%s:%d: not a result", path, number)
                n_broken += 1
            else:
                clean = replace_surrogates(row)[0]
                results[clean["id"]] = clean
    except RecordError as error:
        raise InputError(f"{path}: {error.message}") from error
    if not results:
        raise InputError(f"{path} holds no results of `python -m serving score`")
    return results, n_broken


def _read_annotations(path: str) -> tuple[list[Annotation], list[str]]:
    """Return the annotations of one side; a folder is one annotator."""
    reading = read_annotations([path])
    return [record.annotation for record in reading.records], reading.findings


def _parse_columns(given: list[str]) -> Mapping[str, str]:
    pairs = [entry.partition("=") for entry in given]
    if wrong := [entry for entry, (name, _, column) in zip(given, pairs, strict=True) if not (name and column)]:
        raise InputError(f"--column takes field=NAME, as text=内容; got {wrong[0]!r}")
    return {name.strip(): column for name, _, column in pairs}


def _check_output(output: Path, inputs: list[str]) -> None:
    if any(Path(given).exists() and output.exists() and output.samefile(given) for given in inputs):
        raise InputError(f"{output} is also an input")
    if not output.parent.is_dir():
        raise InputError(f"cannot write {output}: there is no folder {output.parent}")


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Print what stops a command as one line and exit with status 2, mounted or not."""
    try:
        yield
    except ZhaoshangError as error:
        print(f"error: {error.message}", file=sys.stderr)
        raise typer.Exit(2) from error
    except OSError as error:
        print(f"error: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)
        raise typer.Exit(2) from error

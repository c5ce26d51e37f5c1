"""``python -m data annotations import | export | agreement``: results to stdout, the log to stderr.

Exit status: 0 all fine; 1 there are findings or conflicts, or some records were skipped; 2 wrong usage, unknown labels, or nothing could be read.
"""

import json
import logging
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from data import argilla, doccano, labelstudio, spreadsheets
from data.agreement import Agreement, agree, list_conflicts
from data.annotated import GROUPS, replace_surrogates
from data.annotations import read_checked
from data.errors import InputError, RecordError, ZhaoshangError
from data.exchange import Format, import_annotations, read_annotations
from data.inputs import COMPRESSIONS, parse_columns
from data.inspection import find_annotated
from data.mentions import read_mentions
from data.outgoing import Figures, write_blocks
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
    mentions: Annotated[Path | None, typer.Option(help="write the figures marked here, as .jsonl", show_default=False)] = None,
) -> None:
    """Read annotations of other tools, join those of several annotators, write a JSON object an article."""
    with _plain_errors():
        _check_outputs([output, mentions], [*inputs, *(articles or [])])
        for name, path in (("output", output), ("mentions", mentions)):
            if path is not None and path.suffix.lower() != ".jsonl":
                raise InputError(f"--{name} must end in .jsonl, got {path}")
        imported = import_annotations(inputs, format, articles, parse_columns(column or []))
        lines = [*imported.report.lines(), *imported.findings, *(f"conflict: {conflict}" for conflict in imported.conflicts)]
        if not imported.examples:
            print("\n".join(lines))
            raise InputError("no annotated article could be read")
        n = imported.write(output)
        n_findings, n_conflicts = len(imported.findings), len(imported.conflicts)
        if mentions is not None:
            figures = imported.write_figures(mentions)
            lines += [*figures.findings, *(f"conflict: {conflict}" for conflict in figures.conflicts)]
            lines.append(f"wrote {figures.n_figures} figures of {figures.n_articles} articles to {mentions}")
            n_findings, n_conflicts = n_findings + len(figures.findings), n_conflicts + len(figures.conflicts)
        print("\n".join([*lines, f"wrote {n} annotated articles to {output}; {n_findings} findings, {n_conflicts} conflicts"]))
    raise typer.Exit(1 if n_findings or n_conflicts else 0)


@app.command()
def export(
    inputs: Annotated[list[str], typer.Argument(help="articles, or our annotated .jsonl: files, folders, globs", show_default=False)],
    output: Annotated[Path, typer.Option(help="the file to write", show_default=False)],
    format: Annotated[ExportFormat, typer.Option(help="what to write", show_default=False)],
    predictions: Annotated[
        str | None, typer.Option(help="results of `python -m serving score`, to be corrected by annotators", show_default=False)
    ] = None,
    config: Annotated[Path | None, typer.Option(help="write the labelling interface of Label Studio here", show_default=False)] = None,
    mentions: Annotated[
        list[str] | None, typer.Option(help="annotated figures, as data/annotations/mentions; of Label Studio", show_default=False)
    ] = None,
) -> None:
    """Write articles with their annotations or predictions for an annotation tool."""
    with _plain_errors():
        _check_outputs([output, config], [*inputs, *([predictions] if predictions else []), *(mentions or [])])
        for name, given in (("config", config), ("mentions", mentions)):
            if given is not None and format != "labelstudio":
                raise InputError(f"--{name} is for --format labelstudio, not {format}")
        entries = _Entries(inputs)
        results, n_broken = _read_results(Path(predictions)) if predictions else ({}, 0)
        figures = Figures(read_mentions(mentions)) if mentions else None
        write = partial(labelstudio.write_tasks, figures=figures) if figures else _WRITERS[format]
        n = write(iter(entries), results, output)
        if config is not None:
            write_blocks(config, [labelstudio.labelling_config().encode()])
        lost = [*entries.lines(), *([f"lines that are no result, passed over: {n_broken}"] if n_broken else [])]
        lost += _list_unmatched("results", results.keys() - entries.ids)
        if figures:
            lost += [*figures.findings, *_list_unmatched("annotated figures", figures.rows.keys() - figures.met)]
        lines = [*entries.report.lines(), *lost, f"wrote {n} articles to {output}"]
        print("\n".join([*lines, *([f"wrote the labelling interface to {config}"] if config else [])]))
    raise typer.Exit(1 if entries.report.n_skipped or lost else 0)


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


@dataclass
class _Entries:
    """The articles of the inputs, with their annotation where they have one, and what was lost on the way; the first errors go to the log."""

    inputs: list[str]
    report: SkipReport = field(default_factory=SkipReport)
    findings: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def __iter__(self) -> Iterator[Article | Example]:
        """Yield them.

        Raises:
            InputError: at the end: there was no article at all. So the output stays as it was.

        """
        examples, self.findings = read_checked(find_annotated(self.inputs))
        for finding in self.findings:
            logger.warning("%s", finding)
        by_id = {example.article.id: example for example in examples}
        for record in iter_articles(self.inputs, report=self.report):
            if isinstance(record, Article):
                self.ids.add(record.id)
                yield Example(record, by_id[record.id].annotation) if record.id in by_id else record
            elif self.report.n_skipped <= SHOWN_ERRORS:
                logger.warning("%s%s %s: %s", record.source, f":{record.line}" if record.line else "", record.code, record.message)
        if not self.report.n_read:
            raise InputError(f"no article could be read ({'; '.join(self.report.lines())})")

    def lines(self) -> list[str]:
        """Return the count of findings as a line to print, if there are any."""
        return [f"findings about annotations, in the log: {len(self.findings)}"] if self.findings else []


def _list_unmatched(what: str, ids: Collection[str]) -> list[str]:
    """Return a line about ids that no article has, if there are any."""
    shown = ", ".join(sorted(ids)[:SHOWN_ERRORS]) + (", …" if len(ids) > SHOWN_ERRORS else "")
    return [f"{what} whose id no article has: {len(ids)} ({shown})"] if ids else []


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


def _check_outputs(outputs: Sequence[Path | None], inputs: list[str]) -> None:
    given = [output for output in outputs if output is not None]
    for i, output in enumerate(given):
        if any(Path(name).exists() and output.exists() and output.samefile(name) for name in inputs):
            raise InputError(f"{output} is also an input")
        if any(output.resolve() == other.resolve() for other in given[:i]):
            raise InputError(f"{output} is given for two outputs")
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

"""``python -m data inspect | clean | check``: results to stdout, the log to stderr.

Exit status: 0 all fine; 1 some records were skipped, or annotations have findings; 2 wrong usage, or nothing could be read.
"""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from data.annotations import check_examples, check_files, join_gold, read_checked
from data.clean import clean_text, clean_title
from data.errors import InputError, ZhaoshangError
from data.inspection import DumpStatistics, LabelStatistics, find_annotated
from data.readers import SkipReport, iter_articles
from data.schema import Article
from data.streams import write_lines

logger = logging.getLogger(__name__)
app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, help="Look at crawl dumps, clean them, check annotations.")

SHOWN_ERRORS = 20  # in the log; the counts are complete
Inputs = Annotated[list[str], typer.Argument(help=".jsonl, .json, .csv, .txt, .html files (also .gz, .zst), folders, globs", show_default=False)]
Columns = Annotated[list[str] | None, typer.Option("--column", help="field=NAME where a column has another name: text=NAME", show_default=False)]


@app.command()
def inspect(inputs: Inputs, column: Columns = None) -> None:
    """Say what a dump holds: formats, encodings, lengths, years, sources, what cleaning finds; labels where annotated."""
    statistics, report = DumpStatistics(), SkipReport()
    for article in _iter_logged(inputs, column, report):
        statistics.add(article, clean_text(article.text).steps)
    findings: list[str] = []
    lines = [*report.lines(), *statistics.lines()]
    if annotated := find_annotated(inputs):
        examples, findings = read_checked(annotated)
        findings += check_examples(examples, _cleaned)
        agreed = len(examples) - len({finding.split(": ")[0] for finding in findings})
        lines += LabelStatistics.build(examples).lines()
        lines.append(f"agree with the guide's rules: {agreed} of {len(examples)} ({len(findings)} findings; `python -m data check` lists them)")
    print("\n".join(lines))
    _exit(report, failed=bool(findings))


@app.command()
def clean(
    inputs: Inputs,
    output: Annotated[Path, typer.Option(help="the .jsonl file to write", show_default=False)],
    column: Columns = None,
) -> None:
    """Write the articles of a dump cleaned, a JSON object a line: id, title, text, published, source, url, cleaning."""
    if output.suffix.lower() != ".jsonl":
        raise InputError(f"--output must end in .jsonl, got {output}")
    report = SkipReport()
    articles = _iter_logged(inputs, column, report)
    try:
        n = write_lines(output, (_clean_row(article) for article in articles))
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}") from error
    print("\n".join([*report.lines(), f"wrote {n} articles to {output}"]))
    _exit(report)


@app.command()
def check(
    paths: Annotated[list[str], typer.Argument(help="annotated .jsonl files, or folders of them", show_default=False)],
    articles: Annotated[
        str | None, typer.Option(help="file, folder or glob of the articles, where annotations have no text", show_default=False)
    ] = None,
) -> None:
    """Check annotated articles by the annotation guide; each finding is a line."""
    if articles is None:
        n, findings = check_files(paths, _cleaned)
    else:
        examples = [example for path in paths for example in join_gold(articles, path)]
        n, findings = len(examples), check_examples(examples, _cleaned)
    print("\n".join([*findings, f"{n} annotated articles, {len(findings)} findings"]))
    if not n:
        raise InputError("no annotated article could be read")
    raise typer.Exit(1 if findings else 0)


def _cleaned(text: str) -> str:
    return clean_text(text).text


def _clean_row(article: Article) -> dict[str, Any]:
    cleaned = clean_text(article.text)
    return {
        "id": article.id,
        "title": clean_title(article.title),
        "text": cleaned.text,
        "published": article.published,
        "source": article.source,
        "url": article.url,
        "cleaning": list(cleaned.steps),
    }


def _iter_logged(inputs: list[str], column: list[str] | None, report: SkipReport) -> Iterator[Article]:
    """Yield the articles of the inputs; the first errors go to the log.

    Raises:
        InputError: wrong columns or inputs; or, at the end, there was no article at all.

    """
    for record in iter_articles(inputs, _parse_columns(column or []), report):
        if isinstance(record, Article):
            yield record
        elif report.n_skipped <= SHOWN_ERRORS:
            logger.warning("%s%s %s: %s", record.source, f":{record.line}" if record.line else "", record.code, record.message)
    if report.n_skipped > SHOWN_ERRORS:
        logger.warning("and %d more records skipped", report.n_skipped - SHOWN_ERRORS)
    if not report.n_read:
        raise InputError(f"no article could be read ({'; '.join(report.lines())})")


def _parse_columns(given: list[str]) -> dict[str, str]:
    pairs = [entry.partition("=") for entry in given]
    if wrong := [entry for entry, (name, _, column) in zip(given, pairs, strict=True) if not (name and column)]:
        raise InputError(f"--column takes field=NAME, as text=内容; got {wrong[0]!r}")
    return {name.strip(): column for name, _, column in pairs}


def _exit(report: SkipReport, failed: bool = False) -> None:
    raise typer.Exit(1 if report.n_skipped or failed else 0)


def main() -> None:
    """Run the command; a plain line and exit status 2 where it cannot go on."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # our own errors name the page
    try:
        app()
    except ZhaoshangError as error:
        print(f"error: {error.message}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()

"""``python -m data inspect | clean | dedup | annotations | check | prepare | cards``: results to stdout, the log to stderr.

Exit status: 0 all fine; 1 some records were skipped, or annotations have findings; 2 wrong usage, or nothing could be read.
"""

import logging
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from data.annotations import check_examples, join_gold, read_checked
from data.cards import draw_cards
from data.clean import clean_text, clean_title
from data.corpuscheck import check_corpus
from data.dedup import find_pairs, group_duplicates
from data.errors import InputError, ZhaoshangError
from data.exchange_cli import app as exchange_app
from data.inputs import parse_columns
from data.inspection import CorpusStatistics, DumpStatistics, LabelStatistics, find_annotated, is_corpus
from data.prepare import prepare, write_prepared
from data.readers import SkipReport, iter_articles
from data.schema import Article, Example
from data.streams import write_lines

logger = logging.getLogger(__name__)
app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, help="Look at crawl dumps, clean them, check annotations.")

app.add_typer(exchange_app, name="annotations", help="Annotations from and to the tools people annotate with; agreement of annotators.")

SHOWN_ERRORS = 20  # in the log; the counts are complete
Inputs = Annotated[list[str], typer.Argument(help=".jsonl, .json, .csv, .txt, .html files (also .gz, .zst), folders, globs", show_default=False)]
CorporaFolder = Annotated[Path | None, typer.Option(help="folder of .jsonl.zst with the texts that annotations refer to by id", show_default=False)]
Columns = Annotated[list[str] | None, typer.Option("--column", help="field=NAME where a column has another name: text=NAME", show_default=False)]


@app.command()
def inspect(inputs: Inputs, column: Columns = None) -> None:
    """Say what a dump holds: formats, encodings, lengths, years, sources, what cleaning finds; labels where annotated.

    Of a folder of annotations (``data/annotations``): counts of labels, facts, splits.
    """
    if len(inputs) == 1 and is_corpus(Path(inputs[0])):
        print("\n".join(CorpusStatistics.read(Path(inputs[0])).lines()))
        return
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
    report = SkipReport()
    n = _write(output, (_clean_row(article) for article in _iter_logged(inputs, column, report)))
    print("\n".join([*report.lines(), f"wrote {n} articles to {output}"]))
    _exit(report)


@app.command()
def check(
    paths: Annotated[list[str], typer.Argument(help="annotated .jsonl files, or folders of them", show_default=False)],
    articles: Annotated[
        str | None, typer.Option(help="file, folder or glob of the articles, where annotations have no text", show_default=False)
    ] = None,
    corpora: CorporaFolder = None,
) -> None:
    """Check annotated articles by the annotation guide; each finding is a line.

    Of a folder of annotations (``data/annotations``): double annotations, figures, splits and shared skeletons too.
    """
    if len(paths) == 1 and is_corpus(Path(paths[0])):
        if articles is not None:
            raise InputError(f"{paths[0]} is a folder of annotations: give its texts by --corpora, not --articles")
        checked = check_corpus(Path(paths[0]), corpora, _cleaned, _claims)
        print("\n".join(checked.lines()))
        raise typer.Exit(1 if checked.findings else 0)
    if articles is None:
        examples, findings = read_checked(paths)
        n = len(examples)
        findings += check_examples(examples, _cleaned) + _claim_findings(examples)
    else:
        examples = [example for path in paths for example in join_gold(articles, path)]
        n, findings = len(examples), check_examples(examples, _cleaned) + _claim_findings(examples)
    print("\n".join([*findings, f"{n} annotated articles, {len(findings)} findings"]))
    if not n:
        raise InputError("no annotated article could be read")
    raise typer.Exit(1 if findings else 0)


@app.command("dedup")
def dedup_command(
    inputs: Inputs,
    output: Annotated[Path, typer.Option(help="the .jsonl file to write: id, group, related", show_default=False)],
    column: Columns = None,
) -> None:
    """Group reprints: each article with the id of its group's first one, and the ids that share only its template."""
    report = SkipReport()
    articles = list(_iter_logged(inputs, column, report))
    texts = [article.text for article in articles]
    pairs = find_pairs(texts)
    groups = group_duplicates(texts, pairs)
    related: dict[int, list[str]] = {}
    for pair in pairs:
        if pair.relation == "related":
            related.setdefault(pair.first, []).append(articles[pair.second].id)
            related.setdefault(pair.second, []).append(articles[pair.first].id)
    rows = ({"id": article.id, "group": articles[groups[i]].id, "related": related.get(i, [])} for i, article in enumerate(articles))
    n = _write(output, rows)
    print(
        "\n".join(
            [
                *report.lines(),
                f"{n} articles in {len(set(groups))} groups, {sum(p.relation == 'related' for p in pairs)} pairs that only share a template",
            ]
        )
    )
    _exit(report)


@app.command("prepare")
def prepare_command(
    annotations: Annotated[Path, typer.Option(help="folder of annotations")] = Path("data/annotations"),
    corpora: CorporaFolder = None,
    against: Annotated[
        list[str] | None, typer.Option(help="articles kept for evaluation: near-duplicates of them are dropped", show_default=False)
    ] = None,
    output: Annotated[Path, typer.Option(help="folder for a .parquet file a split and manifest.json")] = Path("data/processed"),
) -> None:
    """Build the training sets: clean, join, group reprints, split without leakage, write Parquet with hashes."""
    made = prepare(annotations, corpora, against or ())
    write_prepared(made, output)
    print("\n".join([*made.lines(), f"written to {output}"]))
    raise typer.Exit(1 if corpora is not None and made.without_text else 0)


@app.command("cards")
def cards_command(
    n: Annotated[int, typer.Option(min=1, help="number of cards")],
    output: Annotated[Path, typer.Option(help="the .jsonl file to write", show_default=False)],
    seed: Annotated[int, typer.Option(help="the same seed draws the same cards")] = 1,
) -> None:
    """Draw fact cards for articles to be written: place, publisher, event, parties, figures, length, distractors."""
    print(f"wrote {_write(output, (card.to_json() for card in draw_cards(n, seed)))} cards to {output}")


def _write(output: Path, rows: Iterator[dict[str, Any]]) -> int:
    if output.suffix.lower() != ".jsonl":
        raise InputError(f"--output must end in .jsonl, got {output}")
    try:
        return write_lines(output, rows)
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}") from error


def _cleaned(text: str) -> str:
    return clean_text(text).text


def _claim_findings(examples: Iterable[Example]) -> list[str]:
    missing = ((example.article, _claims(example)) for example in examples)
    return [f"{article.origin}:{article.line} {article.id}: the article has not: {', '.join(claims)}" for article, claims in missing if claims]


def _claims(example: Example) -> tuple[str, ...]:
    """Return what summary and facts claim that the article does not hold.

    The check is the summariser's own, one layer up; the command joins them, the modules of ``data`` do not know it.
    """
    from models.faithfulness import check_annotation

    article, annotation = example.article, example.annotation
    return check_annotation(annotation.summary, annotation.facts, _cleaned(article.text), clean_title(article.title))


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
    for record in iter_articles(inputs, parse_columns(column or []), report):
        if isinstance(record, Article):
            yield record
        elif report.n_skipped <= SHOWN_ERRORS:
            logger.warning("%s%s %s: %s", record.source, f":{record.line}" if record.line else "", record.code, record.message)
    if report.n_skipped > SHOWN_ERRORS:
        logger.warning("and %d more records skipped", report.n_skipped - SHOWN_ERRORS)
    if not report.n_read:
        raise InputError(f"no article could be read ({'; '.join(report.lines())})")


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

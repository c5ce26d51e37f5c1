"""The way back to annotation tools: articles, annotated ones and results of ``python -m serving score`` to what the writers of the formats need."""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from data.annotated import GROUPS, Mention, Record, Row, replace_surrogates
from data.annotations import FACTS
from data.errors import InputError
from data.mentions import check_mentions
from data.schema import Annotation, Article, Example, Facts


@dataclass(frozen=True)
class Outgoing:
    """An article to export: what annotators said of it, and what the model says, each where there is any."""

    article: Article
    annotated: Record | None = None
    predicted: Record | None = None
    score: float | None = None  # the lowest probability of a predicted label


@dataclass
class Figures:
    """Rows of annotated figures by id (``data.mentions``). ``findings`` says which do not fit their article, ``met`` which have one."""

    rows: Mapping[str, Row]
    findings: list[str] = field(default_factory=list)
    met: set[str] = field(default_factory=set)

    def find(self, article: Article) -> tuple[Mention, ...]:
        """Return the figures of an article as submitted; none, and findings, where anything is wrong with them."""
        row = self.rows.get(article.id)
        if row is None:
            return ()
        self.met.add(article.id)
        wrong = check_mentions(row, article.text)
        self.findings += [f"figures of {article.id} left out: {finding}" for finding in wrong]
        text = replace_surrogates(article.text)[0]
        return () if wrong else tuple(Mention(text[mention["start"] : mention["end"]], **mention) for mention in row["mentions"])


def iter_outgoing(
    articles: Iterable[Article | Example], results: Mapping[str, Row] | None = None, figures: Figures | None = None
) -> Iterator[Outgoing]:
    """Yield what to write of each article.

    Args:
        articles: plain or annotated ones; lone surrogates become U+FFFD, because no tool can read them.
        results: id -> result in the JSON shape of ``python -m serving score``.
        figures: annotated ones; an article that has nothing but these is annotated too.

    Raises:
        InputError: a result has not that shape.

    """
    for given in articles:
        submitted = given.article if isinstance(given, Example) else given
        article = _writable(submitted)
        result = (results or {}).get(article.id)
        annotated = _from_annotation(article, given.annotation) if isinstance(given, Example) else None
        if mentions := figures.find(submitted) if figures else ():
            annotated = replace(annotated or Record(article, "annotator"), mentions=mentions)
        yield Outgoing(article, annotated, *(_from_result(article, result) if result is not None else (None, None)))


def _writable(article: Article) -> Article:
    return Article(**{key: replace_surrogates(value)[0] for key, value in vars(article).items()})


def _from_annotation(article: Article, annotation: Annotation) -> Record:
    return Record(article, "annotator", annotation.activity, annotation.industry, replace_surrogates(annotation.summary)[0], annotation.facts)


def _from_result(article: Article, result: Row) -> tuple[Record, float | None]:
    try:
        labels = {group: result.get(group) or [] for group in GROUPS}
        outcomes = result.get("outcomes") or {}
        figures = tuple(Mention(**{name: row.get(name) for name in Mention.__dataclass_fields__}) for row in outcomes.get("mentions", ()))
        record = Record(
            article=article,
            annotator=" ".join(str(value) for key, value in result["model"].items() if key != "taxonomy" and value),
            activity=tuple(row["label"] for row in labels["activity"]),
            industry=tuple(row["label"] for row in labels["industry"]),
            summary=(result.get("summary") or {}).get("text", ""),
            facts=Facts(**{fact: outcomes.get(fact) for fact in FACTS}),
            mentions=figures,
        )
        return record, min((row["prob"] for group in GROUPS for row in labels[group]), default=None)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"the result of {article.id!r} is not in the shape that `python -m serving score` writes: {error!r}", "bad_field") from error


def write_blocks(path: Path, blocks: Iterable[bytes]) -> None:
    """Write a file; it appears whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.writelines(blocks)
        except BaseException:
            Path(file.name).unlink()
            raise
    Path(file.name).chmod(0o644)  # temporary files are private
    Path(file.name).replace(path)


def write_array(path: Path, rows: Iterable[Row]) -> int:
    """Write JSON objects as one array, an object a line, and return their number."""
    n = 0

    def blocks() -> Iterator[bytes]:
        nonlocal n
        for row in rows:
            yield (b",\n" if n else b"[\n") + json.dumps(row, ensure_ascii=False, allow_nan=False).encode()
            n += 1
        yield b"\n]\n" if n else b"[]\n"

    write_blocks(path, blocks())
    return n

"""The one loop under the API, the command line and later jobs: articles in, results or errors out, in order.

``score_articles`` streams: it holds one batch of articles at a time, whatever the length of the dump.
"""

import logging
import traceback
from collections.abc import Iterable, Iterator, Sequence

from data.errors import RecordError
from data.garbage import is_garbage
from data.schema import Article
from models.result import Options, Result
from serving.loading import Predictor
from serving.strictjson import has_lone_surrogate

logger = logging.getLogger(__name__)

BATCH_CHARACTERS = 60_000  # about forty news articles: enough to sort by length, small enough to answer a deadline
BATCH_ARTICLES = 64
MAX_TITLE = 2_000  # characters; a headline has some 40, so a title this long is another column
Record = Article | RecordError
Outcome = Result | RecordError


def score_articles(
    records: Iterable[Record], predictor: Predictor, options: Options = Options(),  # noqa: B008 (frozen)
    batch_characters: int = BATCH_CHARACTERS, batch_articles: int = BATCH_ARTICLES,
) -> Iterator[Outcome]:  # fmt: skip
    """Yield one result or error per record, in order.

    Errors among the records pass through in their place. Where the model fails on a batch, the batch is halved until
    the article it fails on stands alone: that one becomes ``model_failed``, its neighbours are scored.
    """
    for batch in iter_batches(map(guard, records), batch_characters, batch_articles):
        outcomes = iter(analyze_isolated(predictor, [r for r in batch if isinstance(r, Article)], options))
        for record in batch:
            yield next(outcomes) if isinstance(record, Article) else record


def guard(record: Record) -> Record:
    """Return the record, or the error of an article that is not scored by any route.

    ``bad_encoding``: half of a surrogate pair in id, text or title. The cleaning would make it U+FFFD for the models, but
    ids, mentions and evidence are quoted as submitted, which UTF-8 cannot carry. ``bad_field``: a title beyond
    ``MAX_TITLE``. ``not_text``: a text full of control and replacement characters.
    """
    fault = _find_fault(record) if isinstance(record, Article) else None
    return RecordError(*fault, record.origin, record.line, record.id) if isinstance(record, Article) and fault else record


def _find_fault(article: Article) -> tuple[str, str] | None:
    title = article.title or ""
    if any(has_lone_surrogate(text) for text in (article.id, article.text, title)):
        return "bad_encoding", "it holds half of a surrogate pair, which is not Unicode text"
    if len(title) > MAX_TITLE:
        return "bad_field", f"the title has {len(title)} characters, at most {MAX_TITLE} (is it another column?)"
    if is_garbage(article.text):
        return "not_text", "the text is binary or was decoded wrongly (control or replacement characters)"
    return None


def iter_batches(records: Iterable[Record], batch_characters: int, batch_articles: int = BATCH_ARTICLES) -> Iterator[list[Record]]:
    """Yield runs of records that hold up to ``batch_characters`` (a longer article stands alone) and ``batch_articles``."""
    batch: list[Record] = []
    characters = 0
    for record in records:
        size = len(record.text) if isinstance(record, Article) else 0
        if batch and (characters + size > batch_characters or len(batch) >= batch_articles):
            yield batch
            batch, characters = [], 0
        batch.append(record)
        characters += size
    if batch:
        yield batch


def analyze_isolated(predictor: Predictor, articles: Sequence[Article], options: Options) -> list[Outcome]:
    """Return one outcome per article; an article the model fails on fails alone."""
    if not articles:
        return []
    try:
        outcomes = predictor.analyze(articles, options)
        if len(outcomes) != len(articles):
            raise RuntimeError(f"{len(outcomes)} outcomes for {len(articles)} articles")
        return list(outcomes)
    except Exception as error:  # noqa: BLE001 - the edge: whatever the model raises costs one article, not the run
        if len(articles) == 1:
            return [_model_failed(articles[0], error)]
    half = len(articles) // 2
    return analyze_isolated(predictor, articles[:half], options) + analyze_isolated(predictor, articles[half:], options)


def _model_failed(article: Article, error: Exception) -> RecordError:
    # The message of the exception may quote the article, so the log gets the class and the places only.
    places = "".join(traceback.format_tb(error.__traceback__))
    logger.error("the model failed on one article of %d characters: %s\n%s", len(article.text), type(error).__name__, places)
    return RecordError("model_failed", f"the model failed on this record ({type(error).__name__})", article.origin, article.line, article.id)

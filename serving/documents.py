"""From the documents of a request to articles, each checked on its own: one bad document never costs its neighbours.

In: the parsed body. Out: ``Submission``, one ``Article`` or ``RecordError`` per document, in order. What is checked here is
what ``data.readers`` checks of files; the rest is ``serving.score.guard``, which both routes go through.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from data.errors import RecordError
from data.schema import Article
from models.result import Options
from serving.problems import Problem, invalid
from serving.schemas import AnalyzeRequest
from serving.strictjson import without_surrogates

SOURCE = "request"
MAX_KEYS = 50  # an object with more keys than this is refused before any is looked at


@dataclass(frozen=True)
class Submission:
    """A request ready to be scored."""

    records: list[Article | RecordError]
    options: Options
    characters: int

    @property
    def articles(self) -> list[Article]:
        """Return the documents that can be scored."""
        return [record for record in self.records if isinstance(record, Article)]


def read_submission(body: Any, *, labels: bool, summary: bool, max_documents: int, max_characters: int) -> Submission:
    """Check a parsed body and turn it into articles.

    Raises:
        Problem: ``bad_field`` with the field's path, or ``too_many_documents``.

    """
    _check_sizes(body, max_documents)
    request = _validate(without_surrogates(body))
    seen: set[str] = set()
    # Articles are made of the body itself: the validated copy has U+FFFD where there was half of a surrogate pair.
    records = [_read_document(row, position, seen, max_characters) for position, row in enumerate(body["documents"])]
    return Submission(records, request.options.to_options(labels=labels, summary=summary), sum(len(d.text) for d in request.documents))


def make_id(position: int, text: str) -> str:
    """Return the id of a document that came without one: a stable hash of its position and text."""
    return "doc-" + hashlib.sha256(f"{position}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _check_sizes(body: Any, max_documents: int) -> None:
    """Refuse by size before pydantic collects an error for each of a million entries."""
    documents = body.get("documents") if isinstance(body, dict) else None
    if isinstance(documents, list) and len(documents) > max_documents:
        raise Problem("too_many_documents", f"{len(documents)} documents, at most {max_documents} in one request")
    for row in (body, *(documents if isinstance(documents, list) else ())):
        if isinstance(row, dict) and len(row) > MAX_KEYS:
            raise Problem("bad_field", f"an object of {len(row)} fields, of which most are unknown")


def _validate(body: Any) -> AnalyzeRequest:
    try:
        return AnalyzeRequest.model_validate(body)
    except ValidationError as error:
        raise invalid(error.errors(include_url=False, include_input=False, include_context=False)) from None


def _read_document(row: dict[str, Any], position: int, seen: set[str], max_characters: int) -> Article | RecordError:
    """Return the article of a validated document, or what is wrong with it; checks in the order of ``data.readers``."""
    text = row["text"]
    id = row.get("id") or make_id(position, text)
    code, message = _find_fault(text, id in seen, max_characters)
    if code:
        return RecordError(code, message, SOURCE, position + 1, id)
    seen.add(id)
    return Article(id, text, row.get("title"), row.get("published"), row.get("source"), origin=SOURCE, line=position + 1)


def _find_fault(text: str, repeated: bool, max_characters: int) -> tuple[str, str]:
    """Return code and sentence of what keeps a document from being scored, or two empty strings."""
    if not text.strip():
        return "empty_text", "the text is empty"
    if len(text) > max_characters:
        return "too_long", f"{len(text)} characters, at most {max_characters}"
    if repeated:
        return "duplicate_id", "an earlier document of this request has the same id"
    return "", ""

"""Argilla 2.x: records as JSON or JSONL in, nested or flattened (``to_list(flatten=True)``); records with suggestions out.

Fields ``text`` and ``title``; questions ``activity``, ``main``, ``industry``, ``summary``, the four facts (as text), and ``figure`` (spans labelled
``amount`` or ``amount/investment/batch/signed``). Only submitted responses count: drafts and discarded ones are passed over.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from data.annotated import QUESTIONS, Record, Row, parse_figure_label, write_figure_label
from data.annotations import FACTS
from data.answers import Draft, Reading, flatten
from data.outgoing import Outgoing, iter_outgoing, write_array
from data.schema import Article, Example

FIGURE = "figure"
SUBMITTED = "submitted"
_RESPONSES = ".responses"


# --- reading ---------------------------------------------------------------------------------------------------------


def looks_like(row: Row) -> bool:
    """Tell whether a row is a record of Argilla, nested or flattened."""
    return isinstance(row.get("fields"), dict) or any(key.endswith((_RESPONSES, ".suggestion")) for key in row)


def read_records(rows: Iterable[tuple[str, Row]], reading: Reading) -> None:
    """Add a record for each user who submitted responses.

    Args:
        rows: (place as ``file:line``, record).
        reading: takes records, findings and counts.

    """
    for where, row in rows:
        try:
            _read_record(where, row if isinstance(row.get("fields"), dict) else _nest(row), reading)
        except ValueError as error:
            reading.findings.append(f"{where}: {error}")


def _nest(row: Row) -> Row:
    """Return a flattened record as a nested one: users and states stand in lists beside the values."""
    responses: dict[str, list[Row]] = {}
    for key in [key for key in row if key.endswith(_RESPONSES)]:
        columns = [row.get(name) or [] for name in (key, f"{key}.users", f"{key}.status")]
        if not all(isinstance(column, list) and len(column) == len(columns[0]) for column in columns):
            raise ValueError(f"{key} needs as many users and states as values")
        triples = zip(*columns, strict=True)
        responses[key.removesuffix(_RESPONSES)] = [{"value": value, "user_id": user, "status": status} for value, user, status in triples]
    return {"id": row.get("id"), "fields": row, "responses": responses}


def _read_record(where: str, row: Row, reading: Reading) -> None:
    metadata = row.get("metadata") if isinstance(row.get("metadata"), dict) else {}
    article = reading.read_article(where, reading.pick(row["fields"], metadata or {}, {"id": row.get("id")}))
    by_user = _group_by_user(where, row.get("responses") or {}, reading)
    reading.counts["not annotated"] += not by_user
    for user, answers in by_user.items():
        draft = Draft(reading, where, article, ordered=False)
        for name, value in answers:
            _read_answer(draft, name, value)
        draft.close(user)


def _group_by_user(where: str, responses: Any, reading: Reading) -> dict[str, list[tuple[str, Any]]]:
    """Return user -> (question, value) of what was submitted.

    Raises:
        ValueError: responses are not question -> list of objects, or come without their status (the nested export of some versions
            leaves it out): a draft would count as an answer.

    """
    if not isinstance(responses, dict) or not all(isinstance(given, list) for given in responses.values()):
        raise ValueError("responses must be an object of question -> list")
    by_user: dict[str, list[tuple[str, Any]]] = {}
    for question, given in responses.items():
        for response in given:
            if not isinstance(response, dict) or response.get("status") is None:
                raise ValueError(f"a response to {question!r} has no status: export with to_list(flatten=True), which keeps it")
            if response["status"] != SUBMITTED:
                reading.counts["not submitted"] += 1
                continue
            user = response.get("user_id")
            annotator = str(user) if user not in (None, "None") else Path(where.rpartition(":")[0]).name.partition(".")[0]
            by_user.setdefault(annotator, []).append((question, response.get("value")))
    return by_user


def _read_answer(draft: Draft, name: str, value: Any) -> None:
    question = draft.reading.field_of(name)
    if question in QUESTIONS:
        draft.answer(question, flatten(value))
    elif name == FIGURE and isinstance(value, list) and all(isinstance(span, dict) for span in value):
        for span in value:
            draft.add_mention(span.get("start"), span.get("end"), None, parse_figure_label(str(span.get("label") or "")))
    else:
        draft.reading.counts[f"ignored question {name}"] += 1


# --- writing ---------------------------------------------------------------------------------------------------------


def write_records(articles: Iterable[Article | Example], results: Mapping[str, Row] | None, path: str | Path) -> int:
    """Write records with suggestions as a JSON array and return their number.

    What annotators said goes before what the model says (``results``, id -> result); responses need users of an Argilla server, so both are suggestions.
    """
    return write_array(Path(path), map(_to_record, iter_outgoing(articles, results)))


def _to_record(outgoing: Outgoing) -> Row:
    article, record = outgoing.article, outgoing.annotated or outgoing.predicted
    fields = {name: getattr(article, name) for name in ("title", "text") if getattr(article, name) is not None}
    metadata = {name: getattr(article, name) for name in ("source", "url", "published") if getattr(article, name) is not None}
    score = None if record is outgoing.annotated else outgoing.score
    answers = _to_answers(record) if record else {}
    suggestions = {name: {"value": value, "score": score, "agent": record.annotator if record else None} for name, value in answers.items()}
    return {"id": article.id, "fields": fields, "metadata": metadata, "suggestions": suggestions, "responses": {}}


def _to_answers(record: Record) -> Row:
    """Return question -> value; what is not said has no suggestion."""
    spans = [{"label": write_figure_label(mention), "start": mention.start, "end": mention.end} for mention in record.mentions]
    facts = {fact: None if (value := getattr(record.facts, fact)) is None else str(value) for fact in FACTS}
    main = record.activity[0] if record.activity else None
    answers: Row = {
        "activity": list(record.activity),
        "main": main,
        "industry": list(record.industry),
        "summary": record.summary,
        **facts,
        FIGURE: spans,
    }
    return {name: value for name, value in answers.items() if value}

"""The routes: read the request, hand the articles to the service, shape the answer."""

import asyncio
import time
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from data.schema import Article
from serving.auth import require
from serving.documents import Submission, read_submission
from serving.problems import MEDIA_TYPE, TABLE, Problem
from serving.schemas import AnalyzeRequest, AnalyzeResponse, request_body
from serving.service import Service, entry_of
from serving.strictjson import parse_json

router = APIRouter()
JSON = "application/json"


def _problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of error codes, those of one status together."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
    titles: dict[int, list[str]] = {}
    for code in codes:
        titles.setdefault(TABLE[code][0], []).append(f"`{code}`: {TABLE[code][1]}")
    return {status: {"description": "; ".join(lines), "content": content} for status, lines in titles.items()}


_AUTH = ("unauthorized", "forbidden", "not_ready")
_POST: dict[str, Any] = {
    "openapi_extra": request_body(AnalyzeRequest),
    "dependencies": [Depends(require("read"))],
    "responses": {
        200: {"model": AnalyzeResponse, "description": "N documents in, N entries out, in order"},
        **_problems("bad_json", "bad_encoding", "body_too_large", "unsupported_media", "bad_field", "too_many_documents", "busy", *_AUTH, "deadline"),
    },
    "tags": ["articles"],
}


def get_service(request: Request) -> Service:
    """Return the state of this server."""
    service: Service = request.app.state.service
    return service


Live = Annotated[Service, Depends(get_service)]


@router.post("/v1/analyze", summary="Labels, summary and outcomes", **_POST)
async def analyze(request: Request, service: Live) -> Response:
    """Label, summarise and read the figures of 1 to 64 articles."""
    return await _answer(request, service, labels=True, summary=True)


@router.post("/v1/classify", summary="Labels", **_POST)
async def classify(request: Request, service: Live) -> Response:
    """Label 1 to 64 articles; results hold no summary and no outcomes."""
    return await _answer(request, service, labels=True, summary=False)


@router.post("/v1/summarize", summary="Summary and outcomes", **_POST)
async def summarize(request: Request, service: Live) -> Response:
    """Summarise 1 to 64 articles and read their figures; results hold no labels."""
    return await _answer(request, service, labels=False, summary=True)


@router.get("/v1/model", summary="What is loaded", dependencies=[Depends(require("read"))], responses=_problems(*_AUTH), tags=["server"])
async def model(service: Live) -> Response:
    """Return names, versions, hashes, taxonomy, thresholds, metrics and engine of the loaded checkpoints."""
    service.ready_predictor()
    return Response(service.description, media_type=JSON)


# The probes take no lock, no thread and no key: they answer while everything else is busy.
@router.get("/livez", summary="Alive", tags=["server"])
async def livez() -> Response:
    """Return 200 as long as the process can answer."""
    return Response(b'{"status":"alive"}', media_type=JSON)


@router.get("/readyz", summary="Ready", responses=_problems("not_ready"), tags=["server"])
async def readyz(request: Request) -> Response:
    """Return 200 once the models are loaded and warm, 503 before that and from the moment the server stops."""
    get_service(request).ready_predictor()
    return Response(b'{"status":"ready"}', media_type=JSON)


@router.get("/", include_in_schema=False)
async def index() -> Response:
    """Send browsers to the documentation."""
    return RedirectResponse("docs")


async def _answer(request: Request, service: Service, *, labels: bool, summary: bool) -> Response:
    """Read, check, score and shape one request; refusals come before any work they make needless."""
    deadline = time.monotonic() + service.settings.timeout_s
    service.ready_predictor()
    service.worker.check_room()
    submission = await _read(request, service, labels=labels, summary=summary)
    request.state.documents, request.state.characters = len(submission.records), submission.characters
    outcomes = iter(await service.analyze(submission.articles, submission.options, deadline, request.receive))
    results = [entry_of(record, next(outcomes) if isinstance(record, Article) else record) for record in submission.records]
    return Response(orjson.dumps({"results": results, "model": service.model}), media_type=JSON)


async def _read(request: Request, service: Service, *, labels: bool, summary: bool) -> Submission:
    settings = service.settings
    _check_media(request)
    try:
        body = await asyncio.wait_for(request.body(), settings.timeout_s)
    except TimeoutError:
        raise Problem("deadline", "the body did not arrive in time", headers={"Connection": "close"}) from None
    limits = {"max_documents": settings.max_documents, "max_characters": settings.max_characters}
    return read_submission(parse_json(body), labels=labels, summary=summary, **limits)


def _check_media(request: Request) -> None:
    """Refuse what is not plain UTF-8 JSON; requiring the type also keeps forms of foreign web pages out."""
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    if kind.strip().lower() != JSON:
        raise Problem("unsupported_media", f"send Content-Type: {JSON}")
    charset = parameters.lower().partition("charset=")[2].strip(' "')
    if charset not in ("", "utf-8", "utf8"):
        raise Problem("unsupported_media", "send UTF-8")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Problem("unsupported_media", "send the body uncompressed")

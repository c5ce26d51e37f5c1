"""The one table from error code to HTTP status, and RFC 9457 problem+json made from it.

``raise Problem(code, detail)`` anywhere below a route; the handlers that ``app`` registers turn it into the answer.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from data.errors import ZhaoshangError

MEDIA_TYPE = "application/problem+json"
MAX_FINDINGS = 20  # an answer stays small however broken the body was
RETRY_AFTER_S = 5  # while loading or shutting down

# code -> (status, title)
TABLE: dict[str, tuple[int, str]] = {
    "bad_json": (400, "The body is not valid JSON"),
    "bad_encoding": (400, "The body is not UTF-8"),
    "unauthorized": (401, "No valid API key"),
    "forbidden": (403, "The key lacks the scope"),
    "not_found": (404, "No such path"),
    "method_not_allowed": (405, "The path does not take this method"),
    "body_too_large": (413, "The body is too large"),
    "unsupported_media": (415, "The body is not JSON"),
    "bad_field": (422, "A field is not valid"),
    "too_many_documents": (422, "Too many documents"),
    "busy": (429, "Too many requests are waiting"),
    "internal": (500, "The server failed"),
    "not_ready": (503, "Not ready"),
    "deadline": (504, "The deadline has passed"),
}
_CODE_OF_STATUS = {404: "not_found", 405: "method_not_allowed"}


class Problem(ZhaoshangError):
    """A request that gets no result; ``code`` decides the status."""

    def __init__(self, code: str, detail: str, *, headers: Mapping[str, str] | None = None, errors: Sequence[Mapping[str, str]] = ()) -> None:
        """Take a code of the table, a plain sentence, extra headers, and findings ``{"field", "message"}``."""
        super().__init__(detail, code)
        self.status, self.title = TABLE[code]
        self.headers = dict(headers or {})
        self.errors = list(errors)[:MAX_FINDINGS]


def problem_response(problem: Problem, request_id: str | None = None) -> Response:
    """Return the answer for a problem; ``instance`` names the request as the log does."""
    body: dict[str, Any] = {
        "type": f"urn:zhaoshang:problem:{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.message,
        "code": problem.code,
    }
    if request_id:
        body["instance"] = f"urn:zhaoshang:request:{request_id}"
    if problem.errors:
        body["errors"] = problem.errors
    return Response(orjson.dumps(body), problem.status, problem.headers, MEDIA_TYPE)


def findings(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return pydantic's errors as ``{"field": "documents.3.text", "message"}``, without the values that were sent."""
    return [{"field": ".".join(str(part)[:60] for part in error["loc"]), "message": error["msg"]} for error in errors[:MAX_FINDINGS]]


def invalid(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """Return the 422 for pydantic's errors."""
    found = findings(errors)
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return Problem("bad_field", f"{found[0]['field'] or 'body'}: {found[0]['message']}{more}", errors=found)


async def handle_problem(request: Request, error: Exception) -> Response:
    """Answer one of our own problems."""
    assert isinstance(error, Problem)  # noqa: S101 - registered for this class only
    return problem_response(error, request_id_of(request))


async def handle_http_exception(request: Request, error: Exception) -> Response:
    """Answer what the router refuses: unknown paths and methods."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    code = _CODE_OF_STATUS.get(error.status_code)
    if code is None:
        code = "bad_field" if error.status_code < 500 else "internal"
    detail = {"not_found": "nothing is served under this path", "method_not_allowed": f"{request.method} is not served here"}.get(code, error.detail)
    return problem_response(Problem(code, detail, headers=error.headers), request_id_of(request))


async def handle_validation(request: Request, error: Exception) -> Response:
    """Answer query and path parameters that do not validate."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    return problem_response(invalid(error.errors()), request_id_of(request))


def request_id_of(request: Request) -> str | None:
    """Return the id that the request log gave to this request."""
    found: str | None = request.scope.get("state", {}).get("request_id")
    return found

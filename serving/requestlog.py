"""ASGI middleware around everything: the request's id, one log line, and the last net for what nobody expected.

The id is the client's ``X-Request-ID`` where it is harmless, else a new one; it comes back in the same header, in
``instance`` of problems and in the log. Text of articles is never logged.
"""

import logging
import re
import time
import urllib.parse
import uuid
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.problems import Problem, problem_response

logger = logging.getLogger(__name__)
HEADER = "X-Request-ID"
_HARMLESS = re.compile(r"[A-Za-z0-9._:-]{1,128}")
MAX_PATH = 200


class RequestLog:
    """Wraps an ASGI application."""

    def __init__(self, app: ASGIApp) -> None:
        """Take the wrapped application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        state = scope.setdefault("state", {})
        state["request_id"] = choose_id(Headers(scope=scope).get(HEADER))
        started_at, status = time.monotonic(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[HEADER] = state["request_id"]
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception:
            logger.exception("request %s failed", state["request_id"])
            if status:
                raise  # half an answer is out: the server closes the connection
            await problem_response(Problem("internal", "see the server's log"), state["request_id"])(scope, receive, send_with_id)
        finally:
            logger.info("%s", format_line(scope, state, status, time.monotonic() - started_at))


def choose_id(sent: str | None) -> str:
    """Return the client's id where every character is harmless in logs and headers, else a new one."""
    return sent if sent and _HARMLESS.fullmatch(sent) else uuid.uuid4().hex


def format_line(scope: Scope, state: dict[str, Any], status: int, elapsed_s: float) -> str:
    """Return the log line; the path is quoted, so that it cannot fake another line."""
    path = urllib.parse.quote(scope["path"][:MAX_PATH], errors="replace")
    return (
        f"id={state['request_id']} method={scope['method']} path={path} status={status} "
        f"documents={state.get('documents', 0)} characters={state.get('characters', 0)} ms={elapsed_s * 1000:.0f}"
    )

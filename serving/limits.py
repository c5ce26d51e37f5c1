"""ASGI middleware that bounds request bodies, by Content-Length and by counting what really arrives.

Frameworks read a body of any length into memory; this stands before them.
"""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.problems import Problem, problem_response


class BodyLimit:
    """Wraps an ASGI application; a body beyond ``max_bytes`` is answered 413 without being kept."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        """Take the wrapped application and the limit in bytes."""
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared[:20]) > self.max_bytes:
            return await self._refuse(scope, receive, send)
        arrived, started = 0, False

        async def receive_counted() -> Message:
            nonlocal arrived
            message = await receive()
            if message["type"] == "http.request":
                arrived += len(message.get("body", b""))
                if arrived > self.max_bytes:
                    raise self._problem()
            return message

        async def send_noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive_counted, send_noted)
        except Problem as problem:  # raised above, below an application that does not handle it
            if problem.code != "body_too_large" or started:
                raise
            await self._refuse(scope, receive, send)

    def _problem(self) -> Problem:
        # The rest of the body is not read, so the connection cannot be used again.
        return Problem("body_too_large", f"at most {self.max_bytes} bytes", headers={"Connection": "close"})

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        await problem_response(self._problem(), scope.get("state", {}).get("request_id"))(scope, receive, send)

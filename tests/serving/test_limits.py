import asyncio

import pytest

from serving.limits import BodyLimit

LIMIT = 10


def run(chunks, headers=(), app=None):
    """Send a body in chunks through the middleware; return status and what the application received."""
    received, sent = [], []

    async def echo(scope, receive, send):
        while True:
            message = await receive()
            received.append(message.get("body", b""))
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message):
        sent.append(message)

    messages = [{"type": "http.request", "body": chunk, "more_body": i + 1 < len(chunks)} for i, chunk in enumerate(chunks)]
    pending = iter(messages)

    async def receive():
        return next(pending)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(k.encode(), v.encode()) for k, v in headers]}
    asyncio.run(BodyLimit(app or echo, LIMIT)(scope, receive, send))
    return sent, received


@pytest.mark.parametrize(
    ("chunks", "headers", "status"),
    [
        ([b"x" * 10], [("content-length", "10")], 200),
        ([b"x" * 11], [("content-length", "11")], 413),
        ([b"x" * 11], [], 413),
        ([b"x" * 5, b"x" * 5], [("transfer-encoding", "chunked")], 200),
        ([b"x" * 5, b"x" * 5, b"x"], [("transfer-encoding", "chunked")], 413),
        ([b"x" * 20], [("content-length", "5")], 413),  # a Content-Length that lies
        ([b"x" * 5], [("content-length", "9" * 5000)], 413),
        ([b"x" * 5], [("content-length", "-1")], 200),  # the server before us refuses it; not ours to judge
        ([b""], [], 200),
    ],
)
def test_bodies_are_counted(chunks, headers, status):
    sent, received = run(chunks, headers)
    assert sent[0]["status"] == status
    assert sum(map(len, received)) <= LIMIT


def test_declared_size_is_refused_before_the_application_is_called():
    async def app(scope, receive, send):
        pytest.fail("called")

    sent, _ = run([b"x"], [("content-length", "11")], app)
    assert sent[0]["status"] == 413
    assert (b"connection", b"close") in sent[0]["headers"]


def test_body_that_grows_after_the_answer_began_ends_the_connection():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await receive()

    with pytest.raises(Exception, match="at most 10 bytes"):
        run([b"x" * 11], app=app)


def test_other_connections_pass():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    asyncio.run(BodyLimit(app, LIMIT)({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]

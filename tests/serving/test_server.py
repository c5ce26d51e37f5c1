"""A real server on a real socket: stopping, and bodies over HTTP."""

import json
import signal
import socket
import threading
import time
from contextlib import contextmanager

import httpx2 as httpx
import uvicorn

from serving.app import create_app
from serving.server import Server, bind
from tests.serving.conftest import make_settings
from tests.serving.fakes import FakePredictor

DOCUMENT = {"documents": [{"text": "云岭开发区签约，总投资5亿元。"}]}


@contextmanager
def running(predictor, **given):
    """Run a server in a thread; yield it with a client for it."""
    settings = make_settings(port=0, **given)
    app = create_app(settings, predictor)
    server = Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=settings.drain_s), app.state.service)
    with bind(settings) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", trust_env=False, timeout=20) as client:
            wait_until(lambda: server.started)
            try:
                yield server, client
            finally:
                server.should_exit = True
                thread.join(20)
                assert not thread.is_alive()


def wait_until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.005)


def test_readiness_drops_first_and_running_requests_finish():
    predictor = FakePredictor(gate=threading.Event())
    with running(predictor, stop_delay_s=0.5) as (server, client):
        answers = []

        def post():
            with httpx.Client(base_url=client.base_url, trust_env=False, timeout=20) as other:
                answers.append(other.post("/v1/analyze", json=DOCUMENT))

        request = threading.Thread(target=post)
        request.start()
        assert predictor.entered.wait(10)
        server.handle_exit(signal.SIGTERM, None)
        refused = client.get("/readyz")
        assert (refused.status_code, refused.json()["code"]) == (503, "not_ready")
        assert client.get("/livez").status_code == 200
        client.close()
        wait_until(lambda: server.should_exit)
        predictor.gate.set()
        request.join(20)
    assert answers[0].status_code == 200
    assert answers[0].json()["results"][0]["outcomes"]["mentions"][0]["text"] == "5亿元"


def test_small_answers_do_not_wait_for_acknowledgements():
    with bind(make_settings(port=0)) as listener:
        assert listener.proto == socket.IPPROTO_TCP  # what asyncio looks at before it sets TCP_NODELAY


def test_chunked_and_declared_bodies_beyond_the_limit_are_413_on_the_wire():
    with running(FakePredictor()) as (_, client):
        headers = {"Content-Type": "application/json"}
        assert client.post("/v1/analyze", content=b"x" * 20_001, headers=headers).status_code == 413
        chunked = client.post("/v1/analyze", content=iter([b"x" * 4096] * 6), headers=headers)
        assert (chunked.status_code, chunked.json()["code"]) == (413, "body_too_large")
        assert client.post("/v1/analyze", json=DOCUMENT).status_code == 200


def test_client_that_leaves_gives_its_place_back():
    predictor = FakePredictor(gate=threading.Event())
    with running(predictor) as (server, client):
        worker = server.service.worker
        body = json.dumps(DOCUMENT).encode()
        head = b"POST /v1/analyze HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        address = (client.base_url.host, client.base_url.port)
        with socket.create_connection(address) as first, socket.create_connection(address) as second:
            first.sendall(head + body)
            assert predictor.entered.wait(10)
            second.sendall(head + body)
            wait_until(lambda: worker.in_flight == 2)
        wait_until(lambda: worker.in_flight == 1)  # the waiting one left the queue, the running one cannot be stopped
        predictor.gate.set()
        wait_until(lambda: worker.in_flight == 0)
    assert len(predictor.batches) == 2  # the warm-up and the first request

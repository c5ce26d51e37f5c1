"""Run the application under uvicorn: bind first, load in the background, stop without losing a request.

On SIGTERM readiness drops at once, connections are refused ``stop_delay_s`` later (time for a load balancer to
notice), and running requests get ``drain_s`` to finish.
"""

import logging
import signal
import socket
import time
from types import FrameType

import uvicorn

from data.errors import InputError
from serving.app import create_app
from serving.service import Service
from serving.settings import Settings, check_binding

logger = logging.getLogger(__name__)
BACKLOG = 2048


class Server(uvicorn.Server):
    """uvicorn's server with our order of stopping; signals end it with status 0."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        """Stop by itself when the models cannot be loaded."""
        super().__init__(config)
        self.service = service
        self.exit_at: float | None = None
        service.on_failure = self._stop_now

    def _stop_now(self) -> None:
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drop readiness; stop after the delay, at once on Ctrl-C or a second signal."""
        delay_s = self.service.settings.stop_delay_s if sig == signal.SIGTERM and not self.service.stopping else 0
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.service.stopping = True
        self.exit_at = time.monotonic() + delay_s

    async def on_tick(self, counter: int) -> bool:
        """Return whether to stop now; called ten times a second."""
        if self.exit_at is not None and time.monotonic() >= self.exit_at:
            self.should_exit = True
        return await super().on_tick(counter)


def build_server(settings: Settings) -> Server:
    """Return the server for checked settings.

    Raises:
        InputError: the address is beyond loopback and there are no keys.

    """
    check_binding(settings)
    app = create_app(settings)
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=settings.drain_s, lifespan="on")
    return Server(config, app.state.service)


def bind(settings: Settings) -> socket.socket:
    """Return a listening socket.

    Raises:
        InputError: the address is taken or not ours.

    """
    host = settings.host.strip("[]")
    # asyncio sets TCP_NODELAY only on sockets that name their protocol; without it each small answer waits 40 ms.
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, settings.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise InputError(f"cannot listen on {host}:{settings.port}: {error.strerror or error}") from error
    return listener


def serve(settings: Settings) -> None:
    """Serve until a signal comes.

    Raises:
        InputError: refused or impossible address.
        ZhaoshangError: the models cannot be loaded.

    """
    server = build_server(settings)
    with bind(settings) as listener:
        address = f"[{settings.host.strip('[]')}]" if ":" in settings.host else settings.host
        logger.info("listening on http://%s:%d", address, listener.getsockname()[1])
        server.run(sockets=[listener])
    if server.service.failure:
        raise server.service.failure

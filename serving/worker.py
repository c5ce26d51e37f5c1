"""One inference thread behind a bounded queue.

``Worker.run`` gives a job a place in the queue, waits for it until the deadline, and drops it when the client has left.
The event loop never runs a model, so probes answer while a request is being scored.
"""

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from starlette.types import Receive

from serving.problems import RETRY_AFTER_S, Problem

T = TypeVar("T")
Job = Callable[[threading.Event], T]
MAX_RETRY_AFTER_S = 60


class ClientGone(Exception):
    """The client closed the connection before its answer was ready."""


class Worker:
    """Runs jobs one after the other in a thread of its own; ``max_queue`` of them may wait beside the running one."""

    def __init__(self, max_queue: int) -> None:
        """Start no thread yet: the executor does with the first job."""
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="inference")
        self._max_queue = max_queue
        self._in_flight = 0
        self._stops: set[threading.Event] = set()
        self._seconds = 1.0  # moving average of a job, for Retry-After

    @property
    def in_flight(self) -> int:
        """Return how many jobs run or wait."""
        return self._in_flight

    def check_room(self) -> None:
        """Refuse at once when the queue is full.

        Raises:
            Problem: ``busy``, with the seconds after which a place should be free.

        """
        if self._in_flight > self._max_queue:
            wait_s = min(max(math.ceil(self._seconds), 1), MAX_RETRY_AFTER_S)
            raise Problem("busy", f"{self._in_flight} requests are running or waiting", headers={"Retry-After": str(wait_s)})

    async def run(self, job: Job[T], deadline: float | None = None, receive: Receive | None = None) -> T:
        """Run ``job`` in the inference thread and return what it returns.

        Args:
            job: called with an event; once the event is set nobody waits for the job any more.
            deadline: ``time.monotonic()`` of the last moment.
            receive: of the request whose body has been read; tells when the client leaves.

        Raises:
            Problem: ``busy``, ``deadline``, or ``not_ready`` where the server stops first.
            ClientGone: the client left first.

        """
        self.check_room()
        with self._stop_event() as stop:
            answer = asyncio.wrap_future(self._submit(job, stop))
            gone = asyncio.ensure_future(_until_gone(receive)) if receive else None
            timeout = None if deadline is None else max(deadline - time.monotonic(), 0)
            try:
                waited: list[asyncio.Future[Any]] = [answer, gone] if gone else [answer]
                await asyncio.wait(waited, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
                return _take(answer, gone)
            finally:
                answer.cancel()  # takes a waiting job out of the queue; a running one sees its event
                if gone:
                    gone.cancel()

    @contextlib.contextmanager
    def _stop_event(self) -> Iterator[threading.Event]:
        stop = threading.Event()
        self._stops.add(stop)
        try:
            yield stop
        finally:
            stop.set()
            self._stops.discard(stop)

    def _submit(self, job: Job[T], stop: threading.Event) -> "Future[T]":
        loop = asyncio.get_running_loop()

        def timed() -> T:
            started_at = time.monotonic()
            try:
                return job(stop)
            finally:
                self._seconds += 0.2 * (time.monotonic() - started_at - self._seconds)

        def leave(_: "Future[T]") -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody counts any more
                loop.call_soon_threadsafe(self._leave)

        future = self._executor.submit(timed)
        self._in_flight += 1
        future.add_done_callback(leave)  # also when it was cancelled while waiting
        return future

    def _leave(self) -> None:
        self._in_flight -= 1

    def stop(self) -> None:
        """Tell running jobs that nobody waits, drop waiting ones, and end the thread once the running one returns."""
        for event in list(self._stops):
            event.set()
        self._executor.shutdown(wait=True, cancel_futures=True)


def _take(answer: "asyncio.Future[T]", gone: "asyncio.Future[None] | None") -> T:
    if answer.cancelled():
        raise Problem("not_ready", "the server is shutting down", headers={"Retry-After": str(RETRY_AFTER_S)})
    if answer.done():
        return answer.result()
    if gone and gone.done():
        raise ClientGone
    raise Problem("deadline", "the answer was not ready in time; send fewer documents or try again later")


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

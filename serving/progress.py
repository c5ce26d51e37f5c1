"""How far a long run is, on stderr: a bar with rate and time left on a terminal, one line a minute otherwise.

The number of records is counted by a second reader in a thread, so that scoring starts at once; until it has come to
the end there is a rate but no time left.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from data.errors import ZhaoshangError

LINE_EVERY_S = 60.0


class Total:
    """The number of records of the run, once it is known."""

    def __init__(self, count: Callable[[], Iterable[object]] | None) -> None:
        """Start counting what ``count()`` gives; None: the number stays unknown."""
        self.records: int | None = None
        self._stopped = False
        if count:
            threading.Thread(target=self._count, args=(count,), daemon=True).start()

    def _count(self, count: Callable[[], Iterable[object]]) -> None:
        found = 0
        try:
            for _ in count():
                found += 1
                if self._stopped:
                    return
        except (OSError, ZhaoshangError):  # the reader that scores reports it
            return
        self.records = found

    def stop(self) -> None:
        """End the count: the run is over."""
        self._stopped = True


class MinuteLines:
    """Prints one line a minute."""

    def __init__(self, total: Total, done: int, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        """Count the rate from ``done`` records on."""
        self._total, self._first, self._stream, self._clock = total, done, stream, clock
        self._started_at = self._printed_at = clock()

    def update(self, done: int) -> None:
        """Print where a minute has passed since the last line."""
        now = self._clock()
        if now - self._printed_at >= LINE_EVERY_S:
            self._printed_at = now
            print(describe(done, (done - self._first) / (now - self._started_at), self._total.records), file=self._stream, flush=True)


def describe(done: int, per_s: float, total: int | None) -> str:
    """Return ``1,200 of 4,000 records, 20.0/s, 0:02:20 left``."""
    if total is None:
        return f"{done:,} records, {per_s:.1f}/s"
    left = "?" if per_s <= 0 else clock_time(max(total - done, 0) / per_s)
    return f"{done:,} of {total:,} records, {per_s:.1f}/s, {left} left"


def clock_time(seconds: float) -> str:
    """Return seconds as ``h:mm:ss``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


@contextmanager
def show_progress(
    count: Callable[[], Iterable[object]] | None, done: int = 0, *, bar: bool = True, stream: TextIO | None = None
) -> Iterator[Callable[[int], None]]:
    """Give a function to call with the number of records done; ``done`` of them were done by an earlier run."""
    stream = stream or sys.stderr
    total = Total(count)
    try:
        if not (bar and stream.isatty()):
            yield MinuteLines(total, done, stream).update
            return
        yield from _bar(total, done, stream)
    finally:
        total.stop()


def _bar(total: Total, done: int, stream: TextIO) -> Iterator[Callable[[int], None]]:
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=stream), transient=True) as progress:
        task = progress.add_task("", total=None, completed=done, rate="")
        started_at = time.monotonic()

        def update(now_done: int) -> None:
            rate = (now_done - done) / max(time.monotonic() - started_at, 1e-3)
            progress.update(task, completed=now_done, total=total.records, rate=f"{rate:.1f}/s")

        yield update

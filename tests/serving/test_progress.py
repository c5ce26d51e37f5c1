import io
import time

import pytest

from data.errors import InputError
from serving.progress import MinuteLines, Total, clock_time, describe, show_progress


@pytest.mark.parametrize(
    ("done", "per_s", "total", "line"),
    [
        (1200, 20.0, 4000, "1,200 of 4,000 records, 20.0/s, 0:02:20 left"),
        (5, 0.25, None, "5 records, 0.2/s"),
        (0, 0.0, 10, "0 of 10 records, 0.0/s, ? left"),
        (12, 1.0, 10, "12 of 10 records, 1.0/s, 0:00:00 left"),
    ],
)
def test_describe(done, per_s, total, line):
    assert describe(done, per_s, total) == line


def test_clock_time():
    assert [clock_time(s) for s in (0, 59.6, 3600, 360_000)] == ["0:00:00", "0:01:00", "1:00:00", "100:00:00"]


def test_one_line_a_minute_with_the_rate_of_this_run():
    stream, now = io.StringIO(), [0.0]
    lines = MinuteLines(Total(None), 1000, stream, lambda: now[0])
    for second in range(0, 150):
        now[0] = float(second)
        lines.update(1000 + 2 * second)
    assert stream.getvalue() == "1,120 records, 2.0/s\n1,240 records, 2.0/s\n"


def test_total_is_counted_beside_the_run():
    total = Total(lambda: iter(range(7)))
    deadline = time.monotonic() + 10
    while total.records is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert total.records == 7


def test_failing_count_leaves_the_total_unknown():
    def count():
        yield 1
        raise InputError("gone")

    stream = io.StringIO()
    with show_progress(count, stream=stream) as update:
        update(1)
    assert stream.getvalue() == ""


def test_bar_on_a_terminal_shows_rate_and_count(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with show_progress(lambda: iter(range(40)), 10, stream=stream) as update:
        time.sleep(0.3)
        update(20)
        time.sleep(0.3)
    assert "20/40" in stream.getvalue() and "/s" in stream.getvalue()

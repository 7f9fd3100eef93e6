"""Progress on a terminal and elsewhere."""

from __future__ import annotations

import io

import pytest

from monai_mammo.cli import progress_line
from monai_mammo.cli.progress_line import ProgressLine
from monai_mammo.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [0.0]
    monkeypatch.setattr(progress_line.time, "monotonic", lambda: now[0])
    return now


def test_plain_lines_come_seldom_and_the_last_one_always(clock):
    stream = io.StringIO()
    line = ProgressLine("images", stream=stream)
    for n in range(11):
        clock[0] = n * 4.0
        line.update(Progress(n, 10))
    assert stream.getvalue().splitlines() == [
        "0 of 10 images",
        "5 of 10 images, 15.0 a minute, 20 s left",
        "10 of 10 images, 15.0 a minute",
    ]


def test_a_terminal_has_one_moving_line(clock):
    stream = Terminal()
    with ProgressLine("images", stream=stream) as line:
        for n in (0, 1, 2):
            clock[0] += 90.0
            line.update(Progress(n, 4, n / 4))
    text = stream.getvalue()
    assert text.count("\n") == 1 and text.endswith("\n") and text.count("\r") == 3
    assert "2 of 4 images, 0.4 a minute, 4 min 30 s left" in text


def test_what_was_there_before_does_not_count_for_the_rate(clock):
    stream = io.StringIO()
    line = ProgressLine("images", stream=stream)
    line.update(Progress(90, 100, 0.0))
    clock[0] = 20.0
    line.update(Progress(95, 100, 0.5))
    assert stream.getvalue().splitlines()[-1] == "95 of 100 images, 15.0 a minute, 20 s left"


def test_the_rate_is_that_of_the_last_minute(clock):
    stream = io.StringIO()
    line = ProgressLine("files", stream=stream)
    for n in range(1001):  # were there already
        clock[0] = n / 1000
        line.update(Progress(n, 1200))
    for n in range(1, 151):
        clock[0] = 1 + n * 2.0
        line.update(Progress(1000 + n, 1200))
    last = stream.getvalue().splitlines()[-1]
    assert last == "1150 of 1200 files, 30.0 a minute, 1 min 40 s left"


def test_ten_steps_count_where_a_minute_holds_fewer(clock):
    stream = io.StringIO()
    line = ProgressLine("images", stream=stream)
    for n in range(31):
        clock[0] += 30.0 if n <= 15 else 120.0
        line.update(Progress(n, 40))
    assert "30 of 40 images, 0.5 a minute, 20 min 00 s left" in stream.getvalue()


def test_quiet_is_quiet():
    stream = io.StringIO()
    ProgressLine("images", quiet=True, stream=stream).update(Progress(1, 1))
    assert stream.getvalue() == ""

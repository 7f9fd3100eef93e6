"""Settings of all tests."""

from __future__ import annotations

import logging
import os
import signal
import sys

import hypothesis
import pytest

# One thread a process: torch reads this when it is imported, and commands that the tests start inherit it. Threads that
# share their cores with other workers wait for each other, which makes a learning test ten times as long.
os.environ["OMP_NUM_THREADS"] = "1"

# A busy machine is no failure: laws are judged by their values, not by the clock. The same examples are tried on every
# run, so that a red one belongs to the change; `pytest --hypothesis-profile=search` looks for new ones.
hypothesis.settings.register_profile("monai_mammo", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile("monai_mammo")

# A shell that starts the tests in the background lets them ignore Ctrl-C, and so would every command that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def no_wait_for_the_disk(monkeypatch):
    """Files are flushed to the system, not to the disk: no test pulls the plug, and thousands of files are written."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(autouse=True)
def one_thread():
    """Torch on one thread in every test, whatever another test or the code under test left."""
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def logging_as_it_was():
    """The root logger as each test found it: a training configures it, and writes where this test's output went."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in list(root.handlers):
        if handler not in handlers:
            root.removeHandler(handler)
    root.setLevel(level)

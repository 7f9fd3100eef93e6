"""Settings of all tests."""

from __future__ import annotations

import os
import signal

import hypothesis

# A worker of pytest-xdist has one core to itself; torch reads this when it is imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine is no failure: laws are judged by their values, not by the clock. The same examples are tried on every
# run, so that a red one belongs to the change; `pytest --hypothesis-profile=search` looks for new ones.
hypothesis.settings.register_profile("monai_mammo", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile("monai_mammo")

# A shell that starts the tests in the background lets them ignore Ctrl-C, and so would every command that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

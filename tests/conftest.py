"""Settings of all tests."""

from __future__ import annotations

import os

import hypothesis

# A worker of pytest-xdist has one core to itself; torch reads this when it is imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine is no failure: laws are judged by their values, not by the clock.
hypothesis.settings.register_profile("monai_mammo", deadline=None)
hypothesis.settings.load_profile("monai_mammo")

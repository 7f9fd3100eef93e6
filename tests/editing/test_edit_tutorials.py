"""The tutorials on edits run as they are written, with a painter of random weights."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.usefixtures("tiny")


def _run(tutorial: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "tutorials" / tutorial)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


def test_tutorial_05_insert_and_remove():
    said = _run("05_insert_and_remove.py")
    assert "elsewhere equal: True" in said and "lesion.seg.dcm" in said
    assert "removed: the requested box" in said
    assert said.count("in order") == 2 and "not in order" not in said
    assert "1 inserted, 1 removed" in said and "normal_inserted_1 contour" in said and "lesion_removed_1 none" in said


def test_tutorial_06_follow_up():
    said = _run("06_follow_up.py")
    assert said.count("visit ") == 2 and "studies in order: True" in said
    assert "equal at each visit: [True, True, True]" in said and "verified: [True, True]" in said

"""The tutorial runs as it is written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.usefixtures("tiny")
def test_tutorial_01_generate():
    script = ROOT / "tutorials" / "01_generate.py"
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=_environment())
    assert done.returncode == 0, done.stderr
    assert "2 mammograms in" in done.stdout and "in order" in done.stdout
    assert "sample_0001/lesion.seg.dcm" in done.stdout


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT)}

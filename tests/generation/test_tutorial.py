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


def test_tutorial_02_prepare():
    script = ROOT / "tutorials" / "02_prepare.py"
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=_environment())
    assert done.returncode == 0, done.stderr
    assert "no_pixels" in done.stdout and "not_dicom" in done.stdout
    assert "{'read': 13, 'skipped': 1, 'failed': 1}" in done.stdout
    assert "back on (512, 384)" in done.stdout


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT)}

"""The tutorials that need whole bundles run as they are written, on tiny networks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("tiny_bundles")


def _run(tutorial: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "tutorials" / tutorial)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_tutorial_03_train():
    said = _run("03_train.py")
    assert "32 images read, 24 of them for training" in said
    for stage in ("mammo_autoencoder decoder", "mammo_diffusion fine_tune", "mammo_diffusion detail fine_tune"):
        assert f"{stage}: trained" in said
    assert "2 mammograms in" in said and "by mammo_diffusion" in said


def test_tutorial_04_conditions():
    said = _run("04_conditions.py")
    assert "'lesion_shape': 'irregular', 'lesion_margin': 'spiculated'" in said
    assert "not understood: ('impressive',)" in said
    assert "{'kind': 'digital', 'view': 'MLO', 'laterality': 'L', 'density': 'C'}" in said
    assert "from left to right: text, outline, like, kept, guided, by_mask" in said

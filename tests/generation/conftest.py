"""Tiny bundles in place of the shipped ones."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest


def _tiny():
    path = Path(__file__).parents[1] / "tiny_bundles.py"
    if "tiny_bundles" not in sys.modules:
        spec = importlib.util.spec_from_file_location("tiny_bundles", path)
        sys.modules["tiny_bundles"] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["tiny_bundles"]


@pytest.fixture(scope="session")
def bundles(tmp_path_factory):
    """Folder with the three tiny bundles."""
    folder = tmp_path_factory.mktemp("bundles")
    _tiny().write_tiny_bundles(folder)
    return folder


@pytest.fixture(autouse=True)
def _use_tiny_bundles(bundles, monkeypatch):
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(bundles))

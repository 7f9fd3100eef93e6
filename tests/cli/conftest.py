"""Tiny bundles in place of the shipped ones."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """Folder with the three tiny bundles."""
    path = Path(__file__).parents[1] / "tiny_bundles.py"
    if path.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        sys.modules[path.stem] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[path.stem])
    folder = tmp_path_factory.mktemp("bundles")
    sys.modules[path.stem].write_tiny_bundles(folder)
    return folder


@pytest.fixture(autouse=True)
def tiny(tiny_folder, monkeypatch):
    """The tiny bundles found by name, and no other setting from outside."""
    for name in os.environ:
        if name.startswith("MONAI_MAMMO_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(tiny_folder))
    return tiny_folder

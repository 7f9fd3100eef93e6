"""Tiny bundles in place of the shipped ones."""

from __future__ import annotations

import os

import pytest
from tiny_bundles import write_tiny_bundles


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """Folder with the three tiny bundles."""
    folder = tmp_path_factory.mktemp("bundles")
    write_tiny_bundles(folder)
    return folder


@pytest.fixture(autouse=True)
def tiny(tiny_folder, monkeypatch):
    """The tiny bundles found by name, and no other setting from outside."""
    for name in os.environ:
        if name.startswith("MONAI_MAMMO_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(tiny_folder))
    return tiny_folder

"""What `prepare` and `doctor` write and say of files that name a person names nobody."""

from __future__ import annotations

import importlib.util
import json
import logging
import sys
from pathlib import Path

import pytest

from monai_mammo.cli.main import main


def _named_files():
    if "named_files" not in sys.modules:
        path = Path(__file__).parents[1] / "named_files.py"
        spec = importlib.util.spec_from_file_location("named_files", path)
        sys.modules["named_files"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["named_files"])
    return sys.modules["named_files"]


NAME, FILES = _named_files().NAME, _named_files().FILES


@pytest.fixture
def source(tmp_path):
    """All files of the corpus, under numbers."""
    folder = tmp_path / "source"
    folder.mkdir()
    for number, data in enumerate(FILES.values()):
        (folder / f"{number:03d}.dcm").write_bytes(data)
    return folder


def test_a_prepared_folder_names_nobody(source, tmp_path, caplog, capfd):
    out = tmp_path / "out"
    with caplog.at_level(logging.DEBUG):
        assert main(["prepare", str(source), "--out", str(out), "--shape", "32x32"]) == 0
        main(["doctor", str(source), "--out", str(tmp_path / "source report")])
        main(["doctor", str(out), "--out", str(tmp_path / "report")])
    lines = json.loads((out / "report.json").read_text())["files"]
    assert len(lines) == len(FILES)
    assert {line["status"] for line in lines} == {"read", "skipped", "failed"}
    written = [path for path in tmp_path.rglob("*") if path.is_file() and source not in path.parents]
    assert len(written) > 10
    for path in written:
        assert NAME.encode() not in path.read_bytes(), path.name
    assert NAME not in caplog.text + "".join(capfd.readouterr())

"""What `prepare` and `doctor` write and say of files that name a person names nobody."""

from __future__ import annotations

import json
import logging

import pytest
from named_files import FILES, NAME

from monai_mammo.cli.main import main


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

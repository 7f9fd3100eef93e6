"""A folder with bad files among the good ones: each is named once, and the good ones do not notice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from dicom_corpus import write_folder

from monai_mammo.cli.main import main


@pytest.mark.parametrize(
    ("n_good", "n_bad", "workers"), [(40, 10, 1), pytest.param(400, 100, 2, marks=pytest.mark.slow)]
)
def test_good_files_are_as_without_the_bad_ones(tmp_path: Path, n_good, n_bad, workers):
    good, bad = write_folder(tmp_path / "mixed", n_good, n_bad)
    (tmp_path / "good").mkdir()
    for path in good:
        shutil.copy(path, tmp_path / "good")
    for name in ("mixed", "good"):
        words = ["prepare", str(tmp_path / name), "--out", str(tmp_path / f"{name}_out"), "--shape", "64x48", "--quiet"]
        assert main([*words, "--workers", str(workers if name == "mixed" else 1)]) == 0
    mixed, clean = (files_of(tmp_path / f"{name}_out") for name in ("mixed", "good"))
    report = json.loads(mixed.pop("report.json"))
    del clean["report.json"]
    assert len([name for name in mixed if name.startswith("images/")]) == n_good
    assert mixed == clean
    refused = [line["file"] for line in report["files"] if line["status"] != "read"]
    assert refused == [path.name for path in bad]
    assert all(line["reason"] and line["detail"] for line in report["files"] if line["status"] != "read")
    assert report["counts"]["read"] == n_good and len(report["files"]) == n_good + n_bad


def files_of(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}

"""A folder whose files and folders are named after persons becomes one that names nobody."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from pydicom import dcmread

from monai_mammo.cli.main import main
from monai_mammo.dicom import deidentify_folder
from monai_mammo.errors import RequestError

SECRET = b"a secret of the hospital"


@pytest.fixture
def folder(tmp_path, make_dataset, write):
    """Two persons with two images each, and files of other sorts, all under names of persons."""
    source = tmp_path / "SECRETNAME_EVA"
    for person in ("EVA", "ADA"):
        (source / f"SECRETNAME {person}").mkdir(parents=True)
        for number in (1, 2):
            dataset = make_dataset(
                np.arange(256).reshape(16, 16),
                PatientID=f"SECRETNAME-{person}",
                PatientName=f"SECRETNAME^{person}",
                SOPInstanceUID=f"1.2.{ord(person[0])}.{number}",
                StudyInstanceUID=f"1.2.{ord(person[0])}",
                SpecificCharacterSet="SECRETNAME",
            )
            write(dataset, source / f"SECRETNAME {person}" / f"SECRETNAME_{number}.dcm")
    good = (source / "SECRETNAME EVA" / "SECRETNAME_1.dcm").read_bytes()
    (source / "a copy.dcm").write_bytes(good)
    (source / "cut.dcm").write_bytes(good[: len(good) - 200])
    (source / "SECRETNAME.txt").write_text("SECRETNAME")
    (source / "empty.dcm").write_bytes(b"")
    return source


def words_in(out):
    """All bytes and names below a folder."""
    return b"".join(str(p.relative_to(out)).encode() + p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file())


def test_each_file_ends_once_and_nobody_is_named(folder, tmp_path):
    before = words_in(folder)
    report = deidentify_folder(folder, out=tmp_path / "out", secret=SECRET)
    assert {status: report.count(status) for status in ("deidentified", "skipped", "failed")} == {
        "deidentified": 4,
        "skipped": 3,
        "failed": 1,
    }
    assert report.reasons == {"damaged": 1, "duplicate": 1, "not_dicom": 2}
    assert b"SECRET" not in words_in(tmp_path / "out")
    assert words_in(folder) == before
    files = sorted((tmp_path / "out").glob("person-*/*.dcm"))
    assert len(files) == 4
    assert len({path.parent for path in files}) == 2
    for path in files:
        assert {dcmread(path).PatientID, dcmread(path).SOPInstanceUID} == {path.parent.name, path.stem}


def test_report_has_a_line_for_each_file(folder, tmp_path):
    deidentify_folder(folder, out=tmp_path / "out", secret=SECRET)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [line["number"] for line in report["files"]] == list(range(1, 9))
    new = {line["file"] for line in report["files"] if line["status"] == "deidentified"}
    assert new == {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").glob("*/*.dcm")}
    assert all(line["source_sha256"] for line in report["files"])
    assert report["list"] == "monai_mammo kept list 1"


def test_bad_files_change_nothing_for_good_ones(folder, tmp_path):
    deidentify_folder(folder, out=tmp_path / "all", secret=SECRET)
    for name in ("a copy.dcm", "cut.dcm", "SECRETNAME.txt", "empty.dcm"):
        (folder / name).unlink()
    deidentify_folder(folder, out=tmp_path / "good", secret=SECRET)
    for path in (tmp_path / "good").glob("*/*.dcm"):
        assert path.read_bytes() == (tmp_path / "all" / path.relative_to(tmp_path / "good")).read_bytes()


def test_two_images_of_one_uid_do_not_replace_each_other(folder, tmp_path):
    other = dcmread(folder / "SECRETNAME EVA" / "SECRETNAME_1.dcm", force=True)
    other.PixelData = b"\1" * len(other.PixelData)
    other.SpecificCharacterSet = "ISO_IR 100"
    other.save_as(folder / "z.dcm")
    report = deidentify_folder(folder, out=tmp_path / "out", secret=SECRET)
    assert report.files[-1].outcome.reason == "duplicate"
    assert "other content" in report.files[-1].outcome.detail


def test_without_a_secret_persons_stay_together_in_a_call_only(folder, tmp_path):
    one = deidentify_folder(folder, out=tmp_path / "one")
    two = deidentify_folder(folder, out=tmp_path / "two")
    persons = [{f.outcome.person_id for f in report.files if f.status == "deidentified"} for report in (one, two)]
    assert [len(names) for names in persons] == [2, 2]
    assert not persons[0] & persons[1]


@pytest.mark.parametrize(
    ("out", "key"), [("SECRETNAME_EVA/out", None), (".", None), ("out", "out/key.csv"), ("SECRETNAME_EVA", None)]
)
def test_places_that_would_mix_or_undo_are_refused(out, key, folder, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RequestError, match="inside"):
        deidentify_folder(folder, out=tmp_path / out, key_file=key and tmp_path / key)
    assert sorted(tmp_path.rglob("*")) == before


def test_command(folder, tmp_path, capsys):
    (tmp_path / "secret").write_bytes(SECRET)
    words = ["deidentify", str(folder), "--out", str(tmp_path / "out"), "--secret-file", str(tmp_path / "secret")]
    assert main([*words, "--key-file", str(tmp_path / "key.csv")]) == 0
    out, err = capsys.readouterr()
    assert "4 deidentified, 3 skipped, 1 failed" in out
    assert "SECRETNAME^" not in out + err
    rows = list(csv.DictReader((tmp_path / "key.csv").open()))
    assert len(rows) == 8
    for row in rows:
        assert (folder / row["source"]).is_file()
        assert (row["status"] == "deidentified") == bool(row["file"])
        assert not row["file"] or (tmp_path / "out" / row["file"]).is_file()
    assert main([*words, "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((tmp_path / "out" / "report.json").read_text())


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--secret-file", "{tmp}/none"], 2, "none could not be read"),
        (["--secret-file", "{tmp}/short"], 2, "at least 16"),
        (["--burned-in", "mask"], 2, "refuse, keep"),
    ],
)
def test_command_refuses(words, code, message, folder, tmp_path, capsys):
    (tmp_path / "short").write_bytes(b"SECRETNAME")
    words = [word.format(tmp=tmp_path) for word in words]
    assert main(["deidentify", str(folder), "--out", str(tmp_path / "out"), *words]) == code
    err = capsys.readouterr().err
    assert message in err
    assert not (tmp_path / "out").exists()


def test_a_folder_without_mammograms_is_work_that_failed(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    assert main(["deidentify", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()
    (tmp_path / "in" / "note.txt").write_text("SECRETNAME")
    assert main(["deidentify", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 1
    assert "SECRETNAME" not in capsys.readouterr().err

"""A folder whose files and folders are named after persons becomes one that names nobody."""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from monai_mammo.cli.main import main
from monai_mammo.dicom import deidentify_file, deidentify_folder
from monai_mammo.dicom.deidentification import deidentified_folder, guarded
from monai_mammo.dicom.deidentification.guarded import GuardedDeidentifier
from monai_mammo.dicom.process.worker_handle import ReadingProcess
from monai_mammo.errors import MammoError, RequestError

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


# what a folder holds


def new_files(out):
    return sorted(path.relative_to(out).as_posix() for path in out.glob("*/*.dcm"))


def test_a_source_that_is_gone_leaves_nothing(folder, tmp_path, capsys):
    out = tmp_path / "out"
    deidentify_folder(folder, out=out, secret=SECRET)
    before = new_files(out)
    (folder / "SECRETNAME EVA" / "SECRETNAME_1.dcm").unlink()
    (folder / "a copy.dcm").unlink()
    for number in (1, 2):
        (folder / "SECRETNAME ADA" / f"SECRETNAME_{number}.dcm").unlink()
    report = deidentify_folder(folder, out=out, secret=SECRET)
    assert report.n_removed == 3
    assert len(before) == 4
    assert len(new_files(out)) == 1
    assert set(new_files(out)) < set(before)
    assert len(list(out.glob("person-*"))) == 1, "the folder of the person is gone as well"
    listed = json.loads((out / "report.json").read_text())
    assert [line["file"] for line in listed["files"] if line["status"] == "deidentified"] == new_files(out)
    assert b"SECRET" not in words_in(out)


def test_without_a_secret_the_pseudonyms_of_an_earlier_call_go(folder, tmp_path):
    first = deidentify_folder(folder, out=tmp_path / "out")
    before = new_files(tmp_path / "out")
    second = deidentify_folder(folder, out=tmp_path / "out")
    assert second.n_removed == len(before) == first.count("deidentified") == 4
    assert not set(new_files(tmp_path / "out")) & set(before)


def test_the_files_of_another_source_are_not_taken_for_gone_ones(folder, tmp_path, make_dataset, write):
    out = tmp_path / "out"
    deidentify_folder(folder, out=out, secret=SECRET)
    (tmp_path / "other").mkdir()
    write(make_dataset(np.eye(16, dtype=int), PatientID="4711"), tmp_path / "other" / "image.dcm")
    before = words_in(out)
    with pytest.raises(RequestError, match="of another source: name a new or empty folder"):
        deidentify_folder(tmp_path / "other", out=out, secret=SECRET)
    assert words_in(out) == before


@pytest.mark.parametrize("content", ["notes.txt", "report.json", "person-not-named/2.25.1.dcm"])
def test_a_folder_with_other_things_is_refused(content, folder, tmp_path, capsys):
    other = tmp_path / "out" / content
    other.parent.mkdir(parents=True)
    other.write_text('{"files": 5}')
    assert main(["deidentify", str(folder), "--out", str(tmp_path / "out")]) == 2
    assert "holds other files: name a new or empty folder, or one that deidentify wrote" in capsys.readouterr().err
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == [other]
    with pytest.raises(RequestError, match="is a file: name a folder"):
        deidentify_folder(folder, out=other)


def test_a_call_that_was_killed_is_completed_by_the_same_call(folder, tmp_path):
    out = tmp_path / "out"

    class Killed(BaseException):
        pass

    def stop(progress):
        if progress.n_done == 3:
            raise Killed

    with pytest.raises(Killed):
        deidentify_folder(folder, out=out, secret=SECRET, progress=stop)
    assert 0 < len(new_files(out)) < 4
    (out / ".deidentified.1.part").write_bytes(b"half")
    report = deidentify_folder(folder, out=out, secret=SECRET)
    deidentify_folder(folder, out=tmp_path / "whole", secret=SECRET)
    assert report.n_removed == 0
    assert words_in(out) == words_in(tmp_path / "whole")


def test_the_folder_of_a_person_must_not_lead_out(folder, tmp_path):
    out = tmp_path / "out"
    deidentify_folder(folder, out=out, secret=SECRET)
    person = next(out.glob("person-*"))
    (tmp_path / "elsewhere").mkdir()
    for path in person.iterdir():
        path.unlink()
    person.rmdir()
    person.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(MammoError, match="is a symbolic link"):
        deidentify_folder(folder, out=out, secret=SECRET)
    assert not list((tmp_path / "elsewhere").iterdir())


# what a file costs


@pytest.fixture
def odd_process(monkeypatch):
    """Files end or hang the process by their names; those that hang are waited for a thousandth of the time."""
    plain, allowed = ReadingProcess.ask, []

    def ask(self, request, timeout_s):
        allowed.append(timeout_s)
        return plain(self, request, timeout_s / 1000 if "hang" in request["path"] else timeout_s)

    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    monkeypatch.setattr(GuardedDeidentifier, "_process_module", "odd_deidentifying_process")
    monkeypatch.setattr(ReadingProcess, "ask", ask)
    monkeypatch.setattr(deidentified_folder, "TIMEOUT_S", 500.0)
    monkeypatch.setattr(guarded, "TIMEOUT_S", 500.0)
    guarded._deidentifier_of_this_process.cache_clear()
    yield
    guarded._deidentifier_of_this_process.cache_clear()
    assert set(allowed) == {500.0}


def test_a_file_that_ends_hangs_or_lies_to_the_process_costs_itself(folder, tmp_path, odd_process):
    good = (folder / "SECRETNAME EVA" / "SECRETNAME_1.dcm").read_bytes()
    for name in ("segfault.dcm", "hang.dcm", "escape.dcm"):
        (folder / name).write_bytes(good)
    report = deidentify_folder(folder, out=tmp_path / "out", secret=SECRET)
    outcomes = {file.source.name: file.outcome for file in report.files if file.status == "failed"}
    assert outcomes["segfault.dcm"].reason == "decoder_crashed"
    assert "SIGSEGV" in outcomes["segfault.dcm"].detail
    assert outcomes["hang.dcm"].reason == "timeout"
    assert outcomes["escape.dcm"].reason == "decoder_crashed"
    assert report.count("deidentified") == 4
    assert all(file.sha256 for file in report.files if file.source.name in outcomes)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.name.startswith(".")]
    assert not (tmp_path / "2.25.1.dcm").exists()


@pytest.mark.parametrize(("name", "reason"), [("segfault.dcm", "decoder_crashed"), ("hang.dcm", "timeout")])
def test_a_single_file_that_ends_or_hangs_the_process_costs_itself(folder, tmp_path, odd_process, name, reason):
    good = folder / "SECRETNAME EVA" / "SECRETNAME_1.dcm"
    (folder / name).write_bytes(good.read_bytes())
    failed = deidentify_file(folder / name, tmp_path / "new.dcm", secret=SECRET)
    assert (failed.reason, failed.path) == (reason, folder / name)
    assert not (tmp_path / "new.dcm").exists()
    made = deidentify_file(good, tmp_path / "new.dcm", secret=SECRET)
    assert made.path == tmp_path / "new.dcm"
    assert made.path.is_file()


def test_a_bomb_costs_itself(folder, tmp_path):
    sys.path.insert(0, str(Path(__file__).parents[1]))
    import dicom_bombs
    from pydicom import uid

    (folder / "bomb.dcm").write_bytes(dicom_bombs.lying_header(uid.JPEGLSLossless))
    report = deidentify_folder(folder, out=tmp_path / "out", secret=SECRET)
    (bomb,) = (file for file in report.files if file.source.name == "bomb.dcm")
    assert (bomb.status, bomb.outcome.reason) == ("failed", "too_large")
    assert report.count("deidentified") == 4


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes, pipes and devices are Linux's")
def test_what_is_not_a_file_is_said_and_names_of_any_bytes_cost_nothing(folder, tmp_path, capsysbinary):
    odd = os.fsdecode(b"caf\xe9.dcm")
    place = folder / os.fsdecode(b"M\xfcller")
    place.mkdir()
    (folder / "SECRETNAME EVA" / "SECRETNAME_1.dcm").rename(place / odd)
    (folder / "a copy.dcm").unlink()
    os.mkfifo(folder / "pipe.dcm")
    (folder / "zero.dcm").symlink_to("/dev/zero")
    (folder / "broken.dcm").symlink_to("nowhere")
    (folder / "linked").symlink_to(place)
    out = tmp_path / os.fsdecode(b"out\xe9")
    key = tmp_path / "key.csv"
    assert main(["deidentify", str(folder), "--out", str(out), "--key-file", str(key)]) == 0
    assert b"4 deidentified" in capsysbinary.readouterr().out
    report = json.loads((out / "report.json").read_text())
    failed = [line for line in report["files"] if line["status"] == "failed"]
    details = sorted(line["detail"] for line in failed if line["reason"] == "unreadable")
    assert len(details) == 4
    assert sum("No such file or directory" in detail for detail in details) == 1
    assert sum("not a regular file" in detail for detail in details) == 3
    assert b"M\xfcller/caf\xe9.dcm,deidentified" in key.read_bytes()

"""A request carried out: resumable, repeatable, refused where it must be."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pydicom
import pytest
from PIL import Image
from tiny_bundles import write_stages

from monai_mammo.bundle import seal
from monai_mammo.conditions import Conditions
from monai_mammo.dicom import complete, read_segmentation
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.generation import Request, generate, verify
from monai_mammo.generation.run_bundles import RunBundles
from monai_mammo.terms import Density, Finding

pytestmark = pytest.mark.usefixtures("tiny")

ASKED = {"density": "C", "view": "MLO", "laterality": "R", "finding": "mass"}
LISTS = {"datalist.json", "datalist_passed.json"}
QUICK = {"seed": 7, "steps": 2, "max_tries": 1}


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Bytes and time of change of every file."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(p.relative_to(folder)): (p.read_bytes(), p.stat().st_mtime_ns) for p in files}


def contents(folder: Path) -> dict[str, bytes]:
    """Bytes of every file of a sample."""
    return {name: data for name, (data, _) in snapshot(folder).items() if name.startswith("sample_")}


@pytest.fixture(scope="module")
def made(tmp_path_factory, tiny_folder):
    """A run of two samples, not to be changed."""
    folder = tmp_path_factory.mktemp("made") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MONAI_MAMMO_BUNDLES", str(tiny_folder))
        generate(**ASKED, **QUICK, count=2, out=folder)
    return folder


@pytest.fixture
def copied(made, tmp_path):
    """A copy of that run, to be changed."""
    return Path(shutil.copytree(made, tmp_path / "copy"))


def test_a_run_has_the_files_of_the_design(made):
    names = {path.name for path in made.iterdir()}
    assert names == {"manifest.json", *LISTS, "contact_sheet.png", "sample_0000", "sample_0001"}
    sample = {path.name for path in (made / "sample_0000").iterdir()}
    dicom = {"mammogram.dcm", "lesion.seg.dcm", "report.dcm"}
    prepared = {"prepared.npy", "prepared_lesion.npy", "prepared_breast.png"}
    assert sample == dicom | prepared | {"mammogram.png", "lesion.png", "conditions.json"}


def test_the_manifest_says_how_it_came_about(made):
    manifest = json.loads((made / "manifest.json").read_text())
    assert manifest["request"]["seed"] == 7 and manifest["request"]["count"] == 2
    assert [len(reference["sha256"]) for reference in manifest["weights"]] == [64] * 3
    assert {"monai_mammo", "torch", "numpy", "pydicom"} <= set(manifest["versions"])
    entry = manifest["samples"][0]
    assert entry["conditions"]["kind"] == "digital" and entry["conditions"]["laterality"] == "R"
    assert len(entry["tries"]) == 1 and entry["found"]["dice"] == entry["tries"][0]["dice"]
    assert set(entry["found"]) >= {"finding", "birads", "density", "view", "pathology"}
    assert sum(entry["found"]["density"].values()) == pytest.approx(1, abs=1e-3)
    assert manifest["is_complete"] is True and manifest["times"]["finished"]


def test_datalist_and_conditions_say_what_the_manifest_says(made):
    manifest = json.loads((made / "manifest.json").read_text())
    datalist = json.loads((made / "datalist.json").read_text())
    for entry, item in zip(manifest["samples"], datalist["training"], strict=True):
        displayed = {**item["conditions"], "box": entry["conditions"]["box"]}
        assert displayed == entry["conditions"] and entry["conditions"]["laterality"] == "R"
        x0, y0, x1, y1 = entry["conditions"]["box"]
        assert item["conditions"]["box"] == pytest.approx([1 - x1, y0, 1 - x0, y1]), "on the prepared grid, wall left"
        assert json.loads((made / entry["id"] / "conditions.json").read_text()) == entry["conditions"]
        assert (made / item["image"]).is_file() and (made / item["label"]).is_file()


def test_dicom_and_preview_are_of_the_prepared_size_and_the_lesion_lies_in_its_box(made):
    picture = np.asarray(Image.open(made / "sample_0000" / "mammogram.png"))
    lesion = np.asarray(Image.open(made / "sample_0000" / "lesion.png")) > 0
    assert picture.shape == lesion.shape == (64, 48)
    x0, y0, x1, y1 = json.loads((made / "sample_0000" / "conditions.json").read_text())["box"]
    rows, columns = np.nonzero(lesion)
    assert (
        y0 * 64 - 1 <= rows.min() and rows.max() <= y1 * 64 and x0 * 48 - 1 <= columns.min() <= columns.max() <= x1 * 48
    )


def test_the_report_says_what_was_asked_and_where_each_lesion_is(made):
    report = pydicom.dcmread(made / "sample_0000" / "report.dcm")
    groups = report.ContentSequence[-1].ContentSequence
    words = [json.dumps(group.to_json_dict()) for group in groups]
    segments = pydicom.dcmread(made / "sample_0000" / "lesion.seg.dcm")
    found = read_segmentation(made / "sample_0000" / "lesion.seg.dcm")["found"]
    assert len(groups) == (3 if found.any() else 2)
    assert Density.C.code.value in words[0] and Finding.MASS.code.value in words[1]
    assert all(segments.SOPInstanceUID in group for group in words[1:])
    assert all(Finding.MASS.code.value not in group for group in words[2:])  # of what was found the place is stated
    assert complete(report) == []


def test_a_breast_without_a_finding_has_a_report_that_says_so(tmp_path):
    asked = {**ASKED, "finding": "none", "kind": "contrast", "birads": 1}
    generate(**asked, **QUICK, count=1, out=tmp_path / "run", unsupported="override")
    report = pydicom.dcmread(tmp_path / "run" / "sample_0000" / "report.dcm")
    breast, finding, *_ = (json.dumps(group.to_json_dict()) for group in report.ContentSequence[-1].ContentSequence)
    assert "111286" in finding and all("397140005" in words for words in (breast, finding))  # No abnormality; BI-RADS 1
    assert verify(tmp_path / "run").problems == ()


def test_the_run_is_in_order(made):
    report = verify(made)
    assert report.problems == ()
    assert (report.n_samples, report.n_files) == (2, 21)


def test_the_same_call_changes_nothing(made):
    before = snapshot(made)
    run = generate(**ASKED, **QUICK, count=2, out=made)
    assert run.n_made == 0 and len(run) == 2
    assert snapshot(made) == before


def test_another_folder_and_another_count_give_the_same_bytes(made, tmp_path):
    generate(**ASKED, **QUICK, count=1, out=tmp_path / "one")
    wanted = {name: data for name, data in contents(made).items() if name.startswith("sample_0000")}
    assert contents(tmp_path / "one") == wanted


def test_a_run_may_grow_and_changes_no_sample_by_it(made, copied):
    before = snapshot(copied)
    run = generate(**ASKED, **QUICK, count=3, out=copied)
    assert run.n_made == 1 and len(run) == 3
    after = snapshot(copied)
    assert all(after[name] == before[name] for name in before if name.startswith("sample_"))
    assert len(json.loads((copied / "datalist.json").read_text())["training"]) == 3
    assert verify(copied).problems == ()


def test_samples_and_seeds_differ(made, tmp_path):
    files = contents(made)
    assert files["sample_0000/mammogram.png"] != files["sample_0001/mammogram.png"]
    generate(**ASKED, **{**QUICK, "seed": 8}, count=1, out=tmp_path / "other")
    assert contents(tmp_path / "other")["sample_0000/mammogram.png"] != files["sample_0000/mammogram.png"]


@pytest.mark.parametrize(
    "change", [{"density": "B", "finding": "calcification", "view": "CC"}, {"birads": 5}, {"guidance": 5.0}]
)
def test_what_is_asked_reaches_the_pixels(made, tmp_path, change):
    generate(**{**ASKED, **QUICK, **change}, count=1, out=tmp_path / "other")
    assert contents(tmp_path / "other")["sample_0000/mammogram.png"] != contents(made)["sample_0000/mammogram.png"]


@pytest.mark.parametrize(
    "name", ["sample_0001/lesion.seg.dcm", "sample_0000/mammogram.png", "contact_sheet.png", "datalist.json"]
)
def test_a_missing_file_is_made_again_and_nothing_else(copied, name):
    before = snapshot(copied)
    (copied / name).unlink()
    generate(**ASKED, **QUICK, count=2, out=copied)
    after = snapshot(copied)
    assert after[name][0] == before[name][0]
    assert {n: v for n, v in after.items() if n != name} == {n: v for n, v in before.items() if n != name}


def test_a_missing_folder_is_made_again(copied):
    before = contents(copied)
    shutil.rmtree(copied / "sample_0001")
    generate(**ASKED, **QUICK, count=2, out=copied)
    assert contents(copied) == before


def test_a_changed_file_is_not_passed_over(copied):
    (copied / "sample_0000" / "mammogram.png").write_bytes(b"other")
    with pytest.raises(MammoError, match=r"mammogram\.png is not what the run wrote"):
        generate(**ASKED, **QUICK, count=2, out=copied)


@pytest.mark.parametrize(
    "change",
    [{"seed": 8}, {"density": "A", "kind": "film"}, {"steps": 3}, {"guidance": 3.0}, {"count": 1}, {"max_tries": 2}],
)
def test_a_folder_of_another_request_is_refused_and_left_alone(made, change):
    before = snapshot(made)
    with pytest.raises(RequestError, match="belongs to"):
        generate(**{**ASKED, **QUICK, "count": 2, **change}, out=made)
    assert snapshot(made) == before


def test_a_folder_of_strangers_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(RequestError, match="is not empty and does not hold a run"):
        generate(**ASKED, **QUICK, out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "x").write_text("")
    with pytest.raises(RequestError, match="is a file"):
        generate(**ASKED, **QUICK, out=tmp_path / "x")


def test_refused_requests_leave_no_folder(tmp_path):
    for bad in (
        {"density": "E"},
        {"count": 0},
        {"box": "0,0,2,2"},
        {"kind": "contrast"},
        {"bundle": "nowhere"},
        {"sed": 7},
    ):
        with pytest.raises(RequestError):
            generate(**{**ASKED, **QUICK, **bad}, out=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_an_unsupported_request_goes_through_on_demand_and_says_so(tmp_path):
    from pydicom import dcmread

    run = generate(**{**ASKED, "kind": "contrast"}, **QUICK, unsupported="override", out=tmp_path / "run")
    assert run.warnings[0].startswith("UNSUPPORTED")
    assert "UNSUPPORTED" in dcmread(run.paths("mammogram.dcm")[0]).ImageComments
    assert verify(tmp_path / "run").problems == ()


def test_a_low_dice_is_drawn_again_and_the_tries_are_kept(tmp_path):
    run = generate(**ASKED, **{**QUICK, "max_tries": 3}, dice_threshold=1.0, out=tmp_path / "run")
    entry = run.samples[0]
    dices = [attempt["dice"] for attempt in entry["tries"]]
    assert len(dices) == 3 and len(set(dices)) > 1
    assert entry["kept_try"] == int(np.argmax(dices)) and entry["found"]["dice"] == max(dices)
    assert any("Dice below the threshold" in warning for warning in run.warnings)


def test_previews_alone_need_no_dicom(tmp_path):
    run = generate(**{**ASKED, "kind": "contrast"}, **QUICK, format="png", unsupported="override", out=tmp_path / "run")
    names = {p.name for p in run.paths()[0].parent.iterdir()}
    prepared = {"prepared.npy", "prepared_lesion.npy", "prepared_breast.png"}
    assert names == {"mammogram.png", "lesion.png", "conditions.json"} | prepared
    words = Image.open(run.paths()[0]).text["Description"]
    assert words.startswith("Synthetic images") and "UNSUPPORTED" in words
    assert verify(tmp_path / "run").problems == ()


def test_open_conditions_are_filled_in_where_a_file_must_state_them(tmp_path):
    run = generate(**QUICK, count=2, out=tmp_path / "run")
    shown = [entry["conditions"] for entry in run.samples]
    assert all({"kind", "view", "laterality"} <= set(conditions) for conditions in shown)
    assert all(not {"density", "finding", "birads"} & set(conditions) for conditions in shown)
    assert "label" not in json.loads((tmp_path / "run" / "datalist.json").read_text())["training"][0]


def test_a_request_in_one_piece_stands_alone(tmp_path):
    request = Request(conditions=Conditions(**ASKED), **QUICK)
    run = generate(request, out=tmp_path / "run")
    assert run.request == request
    with pytest.raises(RequestError, match="a Request is complete"):
        generate(request, density="A", out=tmp_path / "run")


def test_a_file_lists_samples(tmp_path):
    (tmp_path / "r.csv").write_text("density,birads\nC,5\nC,\n")
    run = generate(view="MLO", finding="mass", conditions=tmp_path / "r.csv", **QUICK, out=tmp_path / "run")
    assert [entry["conditions"].get("birads") for entry in run.samples] == [5, None]
    assert all(entry["conditions"]["view"] == "MLO" for entry in run.samples)


def test_progress_rises_to_the_end(tmp_path):
    seen = []
    generate(**ASKED, **QUICK, count=2, out=tmp_path / "run", progress=seen.append)
    shares = [p.share for p in seen]
    assert shares == sorted(shares) and shares[-1] == 1
    assert (seen[-1].n_done, seen[-1].n_all) == (2, 2)


@pytest.fixture
def stopped(monkeypatch):
    """Stops the run at the n-th rename of a file or folder, by an error of choice; gives the way to go on."""
    real, calls = os.replace, []

    def arrange(n: int, error: BaseException) -> None:
        def replace(source, target):
            calls.append(target)
            if len(calls) == n:
                raise error
            return real(source, target)

        monkeypatch.setattr(os, "replace", replace)

    return SimpleNamespace(at=arrange, go_on=lambda: monkeypatch.setattr(os, "replace", real))


# renames: manifest; the files of the sample, its folder, the manifest; datalists, contact sheet, manifest
PREVIEWS = {**ASKED, **QUICK, "format": "png"}


@pytest.fixture(scope="module")
def previews(tmp_path_factory, tiny_folder):
    """A run of one sample without DICOM, not to be changed."""
    folder = tmp_path_factory.mktemp("previews") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MONAI_MAMMO_BUNDLES", str(tiny_folder))
        generate(**PREVIEWS, out=folder)
    return snapshot(folder)


@pytest.mark.parametrize("n", range(1, 14))
def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_written(previews, tmp_path, stopped, n):
    folder = tmp_path / "run"
    stopped.at(n, OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(MammoError, match="could not be written: No space left on device"):
        generate(**PREVIEWS, out=folder)
    for name, (data, _) in snapshot(folder).items():
        assert name == "manifest.json" or data == previews[name][0], name
    stopped.go_on()
    generate(**PREVIEWS, out=folder)
    after = snapshot(folder)
    assert set(after) == set(previews)
    assert all(data == previews[name][0] for name, (data, _) in after.items() if name != "manifest.json")
    assert verify(folder).problems == ()


@pytest.mark.parametrize("n", [3, 8, 9, 11])
def test_an_interrupt_leaves_a_folder_that_the_same_call_completes(previews, tmp_path, stopped, n):
    folder = tmp_path / "run"
    stopped.at(n, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        generate(**PREVIEWS, out=folder)
    assert not verify(folder).is_in_order
    stopped.go_on()
    generate(**PREVIEWS, out=folder)
    assert set(snapshot(folder)) == set(previews)
    assert verify(folder).problems == ()


def test_a_full_disk_in_the_middle_of_dicom_leaves_no_half_sample(made, tmp_path, stopped):
    stopped.at(3, OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(MammoError, match="No space left"):
        generate(**ASKED, **QUICK, count=2, out=tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["manifest.json"]


@pytest.fixture
def broken(tiny_folder, tmp_path, monkeypatch):
    """Bundles of which one may be damaged."""
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "bundles"))
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(folder))
    return folder


@pytest.mark.parametrize("name", ["mammo_autoencoder", "mammo_diffusion", "mammo_lesion_segmentation"])
@pytest.mark.parametrize("damage", ["missing", "truncated", "changed", "other"])
def test_bad_weights_are_named_before_anything_is_written(broken, tmp_path, name, damage):
    path = broken / name / "models" / "model.pt"
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "changed":
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    else:
        other = "mammo_diffusion" if name != "mammo_diffusion" else "mammo_autoencoder"
        path.write_bytes((broken / other / "models" / "model.pt").read_bytes())
    with pytest.raises(MammoError, match="model.pt") as caught:
        generate(**ASKED, **QUICK, out=tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_weights_of_the_detail_stage_take_part_in_the_run_and_are_checked(broken, tmp_path):
    plain = generate(**ASKED, **QUICK, out=tmp_path / "plain")
    write_stages(broken / "mammo_diffusion")
    staged = generate(**ASKED, **QUICK, out=tmp_path / "staged")
    names = [reference["name"] for reference in staged.manifest["weights"]]
    assert names == ["mammo_diffusion", "mammo_diffusion detail", "mammo_autoencoder", "mammo_lesion_segmentation"]
    assert staged.manifest["run_sha256"] != plain.manifest["run_sha256"]
    stated = (tmp_path / "staged" / "sample_0000" / "mammogram.dcm").read_bytes()
    assert b"mammo_diffusion detail" in stated
    with pytest.raises(RequestError, match="other weights"):
        generate(**ASKED, **QUICK, out=tmp_path / "plain")
    path = broken / "mammo_diffusion" / "models" / "detail.pt"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(MammoError, match=r"detail\.pt"):
        generate(**ASKED, **QUICK, out=tmp_path / "third")
    assert not (tmp_path / "third").exists()


def test_weights_of_another_network_are_refused_even_if_sealed(broken, tmp_path):
    other = (broken / "mammo_diffusion" / "models" / "model.pt").read_bytes()
    (broken / "mammo_autoencoder" / "models" / "model.pt").write_bytes(other)
    seal(broken / "mammo_autoencoder")
    with pytest.raises(MammoError, match="does not fit Autoencoder"):
        generate(**ASKED, **QUICK, out=tmp_path / "run")


@pytest.mark.parametrize(
    ("stated", "is_taken"),
    [
        ({"prepared_shape": [128, 96], "takes_any_size": True}, True),
        ({"prepared_shape": [128, 96]}, False),
        ({"prepared_shape": [96, 96], "takes_any_size": True}, False),
    ],
)
def test_an_examiner_that_takes_any_size_of_the_same_ratio_goes_with_every_grid(broken, stated, is_taken):
    root = broken / "mammo_lesion_segmentation"
    path = root / "configs" / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **stated}))
    names = ("mammo_diffusion", "mammo_autoencoder", "mammo_lesion_segmentation")
    if is_taken:
        assert RunBundles.find(*(str(broken / name) for name in names)).lesion.takes_any_size
    else:
        with pytest.raises(RequestError, match="mammo_lesion_segmentation was trained on .* do not go together"):
            RunBundles.find(*(str(broken / name) for name in names))


def test_bundles_of_different_grids_do_not_go_together(broken, tmp_path):
    path = broken / "mammo_autoencoder" / "configs" / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "prepared_shape": [128, 96]}))
    with pytest.raises(RequestError, match="mammo_autoencoder was trained on 128 x 96 pixels"):
        generate(**ASKED, **QUICK, out=tmp_path / "run")

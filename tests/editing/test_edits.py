"""Insert and remove: pixels away from the place stay, files say what they are, a run is resumed and verified."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pydicom
import pytest
from dicom_tools import errors_between, errors_of
from PIL import Image

import monai_mammo
from monai_mammo.cli.main import main
from monai_mammo.dicom import read_segmentation
from monai_mammo.editing.edit_source import EditSource
from monai_mammo.editing.insert_lesion import MOST_PLACES
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.painting.local_edit import window_round

PLACE = {"box": "0.1,0.4,0.4,0.6", "seed": 5, "steps": 2}


def values_of(path):
    return np.asarray(Image.open(path)) if path.suffix == ".png" else pydicom.dcmread(path).pixel_array


def hashes(folder):
    return {p.relative_to(folder): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*.*"))}


@pytest.mark.parametrize("inverted", [False, True])
def test_pixels_of_a_dicom_file_change_in_region_and_band_alone(tiny, scanned, tmp_path, inverted):
    source = scanned(inverted=inverted)
    run = monai_mammo.insert(source, out=tmp_path / "run", margin="spiculated", **PLACE)
    folder = run.folder / "sample_0000"
    before, after = values_of(source), values_of(folder / "edited.dcm")
    box = run.samples[0]["window"]
    outside = np.ones(before.shape, dtype=bool)
    outside[box[0] : box[2], box[1] : box[3]] = False
    assert after.dtype == before.dtype
    assert np.array_equal(after[outside], before[outside])
    assert np.array_equal(after != before, values_of(folder / "changed.png") > 0)
    assert 0 < (after != before).sum() <= run.samples[0]["n_reach"] < before.size / 4
    # nothing changes further from the outline than region and band reach
    rows, columns = np.nonzero(after != before)
    assert rows.min() > 0.33 * before.shape[0] and rows.max() < 0.67 * before.shape[0]
    assert columns.max() < 0.5 * before.shape[1]


def test_an_edited_dicom_file_is_derived_and_keeps_what_was_acquired(tiny, scanned, tmp_path):
    source = scanned()
    folder = monai_mammo.insert(source, out=tmp_path / "run", **PLACE).folder / "sample_0000"
    acquired, edited = pydicom.dcmread(source), pydicom.dcmread(folder / "edited.dcm")
    assert list(edited.ImageType)[0] == "DERIVED"
    assert edited.SOPInstanceUID != acquired.SOPInstanceUID
    assert edited.SeriesInstanceUID != acquired.SeriesInstanceUID
    assert edited.StudyInstanceUID == acquired.StudyInstanceUID
    assert edited.SourceImageSequence[0].ReferencedSOPInstanceUID == acquired.SOPInstanceUID
    assert edited.DerivationCodeSequence[0].CodeValue == "lesion_inserted"
    assert edited.SyntheticData == "YES"
    for keyword in ("KVP", "BitsStored", "PhotometricInterpretation", "ImagerPixelSpacing", "PatientID"):
        assert edited[keyword].value == acquired[keyword].value
    assert edited.file_meta.TransferSyntaxUID.is_compressed and edited.get("LossyImageCompression") == "00"
    masks = read_segmentation(folder / "lesion.seg.dcm")
    assert np.array_equal(masks["Changed pixels"], edited.pixel_array != acquired.pixel_array)
    assert masks["requested"].any() and not (masks["requested"] & ~masks["Changed pixels"]).sum() > 40
    assert errors_of(folder / "edited.dcm", kind="MammographyImage") == []
    assert errors_of(folder / "lesion.seg.dcm", kind="Segmentation") == []
    assert errors_between(source, folder / "edited.dcm", folder / "lesion.seg.dcm") == []


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tiny, picture, tmp_path):
    words = {"view": "CC", "laterality": "L", "size_px": 40, "steps": 2, "count": 2}
    first = monai_mammo.insert(picture, out=tmp_path / "a", seed=5, **words).folder
    second = monai_mammo.insert(picture, out=tmp_path / "b", seed=5, **words).folder
    third = monai_mammo.insert(picture, out=tmp_path / "c", seed=6, **words).folder
    samples = {k: v for k, v in hashes(first).items() if len(k.parts) > 1}
    assert samples == {k: v for k, v in hashes(second).items() if len(k.parts) > 1}
    edited = [values_of(f / name / "edited.png") for f in (first, third) for name in ("sample_0000", "sample_0001")]
    assert all((edited[i] != edited[j]).any() for i in range(4) for j in range(i))
    assert values_of(picture).dtype == edited[0].dtype
    (first / "sample_0001" / "edited.png").unlink()
    resumed = monai_mammo.insert(picture, out=first, seed=5, **words)
    assert resumed.n_made == 1
    assert samples == {k: v for k, v in hashes(first).items() if len(k.parts) > 1}


def refuse_first(monkeypatch, n_refused: int) -> list:
    """Have the first places of a lesion lie outside the breast; gives all that were drawn."""
    seen: list = []
    allow = EditSource.refuse_outside

    def refuse(self, region, *, most=0.0):
        if most == 0.0:  # the outline, which comes before the region that is painted for it
            seen.append(region)
        if len(seen) <= n_refused:
            raise RequestError(f"5% of the region lies outside the breast of {self.path}: none of it may")
        allow(self, region, most=most)

    monkeypatch.setattr(EditSource, "refuse_outside", refuse)
    return seen


def test_another_place_is_drawn_where_one_is_refused_and_the_manifest_says_so(tiny, picture, tmp_path, monkeypatch):
    words = {"view": "CC", "laterality": "L", "size_px": 40, "steps": 1, "seed": 5}
    first = monai_mammo.insert(picture, out=tmp_path / "first", **words)
    assert first.samples[0]["lesions"][0]["n_places"] == 1
    with monkeypatch.context() as patch:
        seen = refuse_first(patch, 2)
        moved = monai_mammo.insert(picture, out=tmp_path / "moved", **words)
    (lesion,) = moved.samples[0]["lesions"]
    assert lesion["n_places"] == len(seen) == 3 and lesion["box"] != first.samples[0]["lesions"][0]["box"]
    assert (seen[0] != seen[1]).any() and (seen[1] != seen[2]).any()
    asked = values_of(moved.folder / "sample_0000" / "requested.png") > 0
    assert (asked == seen[2]).all(), "the last is the one that is painted"


@pytest.mark.parametrize(
    ("words", "n_places", "sentence"),
    [
        ({"size_px": 40}, MOST_PLACES, r"none of it may \(the last of 5 places that were drawn\)"),
        ({"box": "0.1,0.4,0.4,0.6"}, 1, "none of it may$"),
    ],
)
def test_places_are_drawn_no_more_than_stated_and_a_named_one_is_the_only_one(
    tiny, picture, tmp_path, monkeypatch, words, n_places, sentence
):
    seen = refuse_first(monkeypatch, 10**6)
    with pytest.raises(RequestError, match=sentence):
        monai_mammo.insert(picture, out=tmp_path / "run", view="CC", laterality="L", steps=1, seed=5, **words)
    assert len(seen) == n_places


def test_a_drawn_place_that_is_too_large_for_the_painter_is_drawn_anew(tiny, picture, tmp_path, monkeypatch):
    seen = []

    def narrow(region):
        seen.append(region)
        if len(seen) == 1:
            raise RequestError("the region spans 500 pixels, and the painter must see its surroundings")
        return window_round(region)

    monkeypatch.setattr("monai_mammo.editing.insert_lesion.window_round", narrow)
    words = {"view": "CC", "laterality": "L", "size_px": 40, "steps": 1, "seed": 5}
    run = monai_mammo.insert(picture, out=tmp_path / "run", **words)
    assert run.samples[0]["lesions"][0]["n_places"] == 2 == len(seen)


def test_verify_tells_an_edited_image_from_its_source_and_sees_planted_faults(tiny, picture, tmp_path):
    folder = monai_mammo.insert(picture, out=tmp_path / "run", **PLACE).folder
    assert monai_mammo.verify(folder).problems == ()
    entry = json.loads((folder / "manifest.json").read_text())["samples"][0]
    assert entry["source"]["sha256"] == hashlib.sha256(picture.read_bytes()).hexdigest()
    problems = planted(folder, values_of(picture))
    assert any("shows its source, without the edit" in one for one in problems)
    changed = values_of(folder / "sample_0000" / "edited.png").copy()
    row, column = np.argwhere(values_of(folder / "sample_0000" / "changed.png") == 0)[-1]
    changed[row, column] ^= 1
    assert any("differs from its source outside" in one for one in planted(folder, changed))


def planted(folder, pixels):
    """Problems of a run whose edited image was replaced, its hash in the manifest with it."""
    from monai_mammo.files.png import png_bytes
    from monai_mammo.generation.runs.edited_runs import edit_problems
    from monai_mammo.generation.runs.manifest import Manifest

    path = folder / "sample_0000" / "edited.png"
    kept = path.read_bytes()
    path.write_bytes(png_bytes(pixels))
    entry = Manifest.load(folder, is_strict=True).samples[0]
    assert any("is not what the run wrote" in one for one in monai_mammo.verify(folder).problems)
    found = edit_problems(entry, {name: folder / "sample_0000" / name for name in entry["files"]})
    path.write_bytes(kept)
    return found


def test_a_removed_region_is_filled_whatever_was_in_it(tiny, picture, tmp_path):
    words = {"mask": tmp_path / "mask.png", "seed": 5, "steps": 2}
    mask = np.zeros(values_of(picture).shape, dtype=np.uint8)
    mask[140:170, 40:70] = 255
    Image.fromarray(mask).save(words["mask"])
    words |= {"max_tries": 1}  # each file would keep another of its fillings
    plain = monai_mammo.remove(picture, out=tmp_path / "plain", **words)
    lesion = values_of(picture).copy()
    lesion[145:165, 45:65] = np.minimum(lesion[145:165, 45:65].astype(int) + 9000, 60000)
    Image.fromarray(lesion).save(tmp_path / "lesion.png")
    taken = monai_mammo.remove(tmp_path / "lesion.png", out=tmp_path / "taken", **words)
    shown = [values_of(run.folder / "sample_0000" / "edited.png").astype(int) for run in (plain, taken)]
    inside = (slice(147, 163), slice(47, 63))
    # noise is drawn for each file anew, but nothing of the square's step of 9000 is left
    assert abs(shown[0][inside].mean() - shown[1][inside].mean()) < 2500
    assert json.loads((taken.folder / "sample_0000" / "conditions.json").read_text())["finding"] == "none"


def test_a_lossy_source_is_kept_and_an_edited_image_may_be_edited_again(tiny, scanned, tmp_path):
    source = scanned(LossyImageCompression="01", LossyImageCompressionRatio="10")
    first = monai_mammo.insert(source, out=tmp_path / "a", **PLACE)
    assert any("compressed with loss" in warning for warning in first.warnings)
    again = monai_mammo.remove(first.folder / "sample_0000" / "edited.dcm", out=tmp_path / "b", **PLACE)
    assert any("the source is itself an edited image" in warning for warning in again.warnings)
    edited = pydicom.dcmread(again.folder / "sample_0000" / "edited.dcm")
    acquired = pydicom.dcmread(first.folder / "sample_0000" / "edited.dcm").SOPInstanceUID
    assert edited.SourceImageSequence[0].ReferencedSOPInstanceUID == acquired


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"box": "0.8,0.0,0.99,0.1"}, "outside the breast|over the edge of the breast"),
        ({"size_mm": 10}, "states no spacing"),
        ({"box": "0.1,0.4,0.4,0.6", "at": "anterior"}, "both say where"),
        ({"box": "0.1,0.4,0.4,0.6", "size_px": 9}, "give no size beside it"),
        ({"at": "nowhere"}, "place 'nowhere' is not one of"),
        ({"finding": "none"}, "remove takes a lesion out"),
        ({"size_px": 230}, "larger than the breast|reaches over the edge"),
        ({"box": "0.0,0.05,0.6,0.95"}, "the painter must see its surroundings|over the edge of the breast"),
    ],
)
def test_bad_requests_are_one_sentence_and_leave_no_sample(tiny, picture, tmp_path, words, sentence):
    with pytest.raises(RequestError, match=sentence):
        monai_mammo.insert(picture, out=tmp_path / "run", **words)
    assert not list(tmp_path.glob("run/sample*"))


def test_removing_nothing_and_editing_no_mammogram_are_refused(tiny, picture, tmp_path):
    with pytest.raises(RequestError, match="tells of no lesion"):
        monai_mammo.remove(picture, out=tmp_path / "a")
    (tmp_path / "words.png").write_text("no picture")
    with pytest.raises(RequestError, match="is not edited"):
        monai_mammo.remove(tmp_path / "words.png", out=tmp_path / "b", box="0.1,0.4,0.4,0.6")
    with pytest.raises(MammoError, match="1 of 2 images were not edited"):
        monai_mammo.remove([picture, tmp_path / "words.png"], out=tmp_path / "c", **PLACE)
    assert (tmp_path / "c" / "sample_0000" / "edited.png").is_file()


def test_a_bundle_without_a_painter_says_so(tmp_path, picture, monkeypatch):
    from tiny_bundles import write_tiny_bundles

    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(tmp_path))
    write_tiny_bundles(tmp_path)
    with pytest.raises(RequestError, match="no weights of a lesion painter"):
        monai_mammo.insert(picture, out=tmp_path / "run")


def test_the_commands_carry_their_words_through(tiny, picture, tmp_path, capsys):
    out = tmp_path / "run"
    words = ["--box", "0.1,0.4,0.4,0.6", "--steps", "2", "--seed", "5", "--margin", "circumscribed", "--quiet"]
    assert main(["insert", str(picture), "--out", str(out), *words]) == 0
    request = json.loads((out / "manifest.json").read_text())["request"]
    assert request["lesion"] == {"finding": "mass", "lesion_margin": "circumscribed"} and request["seed"] == 5
    assert main(["verify", str(out), "--quiet"]) == 0
    assert main(["remove", str(picture), "--out", str(tmp_path / "b")]) == 2
    assert "tells of no lesion" in capsys.readouterr().err


def test_a_spiculated_lesion_of_a_fine_file_has_drawn_spicules_in_what_changed(tiny, scanned, tmp_path):
    source = scanned()
    words = PLACE | {"box": "0.05,0.3,0.5,0.65"}
    runs = {m: monai_mammo.insert(source, out=tmp_path / m, margin=m, **words) for m in ("spiculated", "indistinct")}
    said = {m: any("drawn as lines" in w for w in run.samples[0]["warnings"]) for m, run in runs.items()}
    assert said == {"spiculated": True, "indistinct": False}
    small = monai_mammo.insert(
        source, out=tmp_path / "small", margin="spiculated", **PLACE | {"box": "0.1,0.4,0.2,0.48"}
    )
    assert not any("drawn as lines" in w for w in small.samples[0]["warnings"])
    folder = runs["spiculated"].folder / "sample_0000"
    before, after = values_of(source), values_of(folder / "edited.dcm")
    assert np.array_equal(read_segmentation(folder / "lesion.seg.dcm")["Changed pixels"], after != before)
    assert monai_mammo.verify(runs["spiculated"].folder, source=source).problems == ()

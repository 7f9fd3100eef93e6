"""Air that is not 0, nearly black pictures, breasts without air, sides that the pixels do not tell: each is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_encoders import encode
from PIL import Image

from monai_mammo.conditions import Conditions
from monai_mammo.dicom import read_mammogram
from monai_mammo.phantom import draw_mammogram
from monai_mammo.prepare import breast_mask, doctor, prepare, prepare_mammogram
from monai_mammo.prepare.breast import air_brightness
from monai_mammo.prepare.inspection import IssueKind
from monai_mammo.prepare.plausibility import Doubt, picture_doubts
from monai_mammo.study import Mammogram
from monai_mammo.terms import AcquisitionKind, ChestWall

CASES = Path(__file__).parents[3] / "shared" / "cases" / "dicom"


def with_air(drawn: Mammogram, air: float, *, noise: float = 0.003) -> Mammogram:
    """The same mammogram over air of another brightness, with noise everywhere."""
    rng = np.random.default_rng(0)
    lifted = air + (1 - air) * drawn.pixels + noise * rng.standard_normal(drawn.shape)
    return drawn.replace(pixels=np.clip(lifted, 0, 1).astype(np.float32))


def codes(notes) -> set[str]:
    return {note.partition(":")[0] for note in notes} & set(Doubt)


@pytest.mark.shared
@pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not here")
@pytest.mark.parametrize(
    ("name", "wall"), [("digital_air_120_of_4095_right", "right"), ("digital_air_50_of_4095_left", "left")]
)
def test_the_cases_with_bright_air_are_cropped_turned_and_said(name, wall):
    found = read_mammogram(CASES / f"{name}.dcm")
    prepared = prepare_mammogram(found, shape=(128, 96))
    assert prepared.chest_wall == wall and prepared.trace.is_mirrored == (wall == "right")
    rows, columns = found.shape
    row0, row1, column0, column1 = prepared.trace.crop
    assert (row1 - row0) * (column1 - column0) < 0.75 * rows * columns
    assert 0.3 < prepared.breast.mean() < 0.8 and prepared.breast[:, 0].mean() > 0.7
    assert prepared.image[~prepared.breast].max() == 0
    assert codes(prepared.notes) == {"air_not_black"}


@pytest.mark.parametrize("kind", [AcquisitionKind.DIGITAL, AcquisitionKind.CONTRAST, None])
@pytest.mark.parametrize("air", [0.012, 0.03, 0.08, 0.2])
@pytest.mark.parametrize("side", ["L", "R"])
def test_the_breast_does_not_change_with_the_brightness_of_air(kind, air, side):
    asked = Conditions(kind=kind or "digital", laterality=side, view="CC", finding="none")
    drawn = draw_mammogram(asked, seed=5, shape=(320, 240))
    known = breast_mask(drawn.pixels, kind=kind)
    lifted = with_air(drawn, air)
    assert air_brightness(lifted.pixels) == pytest.approx(air, abs=0.005)
    found = breast_mask(lifted.pixels, kind=kind)
    assert (known & found).sum() / (known | found).sum() > 0.97
    prepared = prepare_mammogram(lifted.replace(conditions=Conditions(kind=kind)), shape=(64, 48))
    assert prepared.trace.is_mirrored == (side == "R")
    assert codes(prepared.notes) == {"air_not_black"}


def test_air_of_a_subtracted_picture_may_be_brighter_than_tissue():
    y, x = np.mgrid[:320, :240].astype(np.float32)
    breast = (x / 170) ** 2 + ((y - 160) / 130) ** 2 < 1
    tissue = 0.25 + 0.2 * np.sin(x / 9) * np.cos(y / 11)
    pixels = np.where(breast, tissue, 0.5).astype(np.float32)
    found = breast_mask(pixels, kind=AcquisitionKind.CONTRAST)
    assert (found & breast).sum() / (found | breast).sum() > 0.95
    assert air_brightness(pixels) == pytest.approx(0.5, abs=0.01)


def test_a_plain_mammogram_leaves_no_doubt():
    drawn = draw_mammogram(Conditions(kind="digital", laterality="L", view="CC"), seed=5, shape=(160, 120))
    assert codes(prepare_mammogram(drawn).notes) == set()


def test_twelve_bits_stored_in_sixteen_are_nearly_black_and_have_their_breast():
    drawn = draw_mammogram(Conditions(kind="digital", laterality="L", view="CC"), seed=5, shape=(320, 240))
    dark = drawn.replace(pixels=drawn.pixels * np.float32(4095 / 65535))
    prepared = prepare_mammogram(dark)
    assert codes(prepared.notes) == {"nearly_black"}
    known, found = (breast_mask(image.pixels, kind=AcquisitionKind.DIGITAL) for image in (drawn, dark))
    assert (known & found).sum() / (known | found).sum() > 0.97


@pytest.mark.parametrize("kind", [*AcquisitionKind])
def test_tissue_from_edge_to_edge_fills_the_frame_and_tells_no_side(kind):
    rng = np.random.default_rng(1)
    pixels = np.clip(0.5 + 0.1 * rng.standard_normal((160, 120)), 0, 1).astype(np.float32)
    prepared = prepare_mammogram(Mammogram(pixels=pixels, conditions=Conditions(kind=kind)))
    assert codes(prepared.notes) == {"fills_frame", "side_not_told"}


def test_a_side_that_a_table_knows_and_the_pixels_do_not_is_said_all_the_same():
    y, x = np.mgrid[:160, :120]
    pixels = (0.6 * (((x - 60) / 40) ** 2 + ((y - 80) / 60) ** 2 < 1)).astype(np.float32)
    mammogram = Mammogram(pixels=pixels, conditions=Conditions(kind="digital"))
    prepared = prepare_mammogram(mammogram, chest_wall=ChestWall.RIGHT)
    assert prepared.trace.is_mirrored and codes(prepared.notes) == {"side_not_told"}


def test_the_thresholds_of_doubt():
    breast = np.zeros((100, 100), bool)
    breast[:95] = True
    pixels = np.where(breast, 0.119, 0.0).astype(np.float32)
    doubts = picture_doubts(pixels, breast, air=0.006, side=ChestWall.LEFT)
    assert set(doubts) == {Doubt.NEARLY_BLACK}
    breast[95] = True
    doubts = picture_doubts(pixels * 2, breast, air=0.0061, side=None)
    assert set(doubts) == {Doubt.FILLS_FRAME, Doubt.AIR_NOT_BLACK, Doubt.SIDE_NOT_TOLD}


def test_a_small_bright_breast_in_much_air_is_not_nearly_black():
    breast = np.zeros((200, 100), bool)
    breast[90:100, :12] = True  # six in a thousand pixels
    pixels = np.where(breast, 0.5, 0.0).astype(np.float32)
    assert picture_doubts(pixels, breast, air=0.0, side=ChestWall.LEFT) == {}


def test_prepare_and_doctor_say_the_same(tmp_path: Path):
    """Each picture has one doubt; the report of `prepare` notes it, and `doctor` finds it."""
    drawn = draw_mammogram(Conditions(kind="digital", laterality="L", view="CC"), seed=5, shape=(160, 120))
    rng = np.random.default_rng(1)
    pictures = {
        "plain": drawn.pixels,
        "air_not_black": with_air(drawn, 0.05).pixels,
        "nearly_black": drawn.pixels * np.float32(0.08),
        "fills_frame": np.clip(0.5 + np.linspace(0.2, -0.2, 120) + 0.1 * rng.standard_normal((160, 120)), 0, 1),
        "side_not_told": np.maximum(drawn.pixels[:, ::-1], drawn.pixels)[:, 20:100],
    }
    (tmp_path / "data").mkdir()
    for name, pixels in pictures.items():
        Image.fromarray(np.round(pixels * 65535).astype(np.uint16)).save(tmp_path / "data" / f"{name}.png")
    report = prepare(tmp_path / "data", out=tmp_path / "out", shape=(64, 48)).to_dict()
    noted = {line["image_id"]: codes(line.get("notes", ())) for line in report["files"]}
    assert noted["plain"] == set()
    for name in pictures:
        assert name == "plain" or name in noted[name]
    found = doctor(tmp_path / "data")
    for name, told in noted.items():
        kinds = {issue.kind for issue in found.issues if f"{name}.png" in issue.images}
        assert {kind.value for kind in kinds} & set(Doubt) == told
    assert IssueKind("nearly_black").severity == "fault"


def test_an_empty_validation_split_is_said_by_report_and_doctor(tmp_path: Path):
    drawn = draw_mammogram(Conditions(kind="digital", laterality="L", view="CC"), seed=5, shape=(160, 120))
    report = prepare([drawn.replace(person_id="P00000")], out=tmp_path / "out", shape=(64, 48))
    assert [note for note in report.notes if "validation" in note] == [
        "no image is in validation, which a training needs: 1 person divided"
    ]
    assert report.to_dict()["notes"] == list(report.notes)
    sentences = [issue.sentence for issue in doctor(tmp_path / "out").issues if issue.kind is IssueKind.EMPTY_SPLIT]
    assert sentences == ["no picture is in the split val"]
    both = [drawn.replace(person_id=person) for person in ("P00000", "P00001")]
    assert not [note for note in prepare(both, out=tmp_path / "both", shape=(64, 48)).notes if "no image" in note]


def picture_file(path: Path, seed: int, **header: str) -> None:
    drawn = draw_mammogram(Conditions(kind="digital", laterality="L", view="CC"), seed=seed, shape=(96, 72))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(np.rint(4000 * drawn.pixels).astype(np.int64), ImageLaterality="L", **header))


def test_a_study_stands_for_the_person_where_no_one_is_named(tmp_path: Path):
    for study in range(12):
        for image in range(3):
            uid = {"StudyInstanceUID": f"1.2.3.{study}", "PatientID": ""}
            picture_file(tmp_path / "data" / f"{study}_{image}.dcm", 3 * study + image, **uid)
    report = prepare(tmp_path / "data", out=tmp_path / "out", shape=(64, 48))
    splits = {}
    for file in report.files:
        splits.setdefault(file.name.split("_")[0], set()).add((file.person_id, file.split))
    assert len(splits) == 12 and all(len(found) == 1 for found in splits.values())
    assert len({person for found in splits.values() for person, _ in found}) == 12
    assert "12 studies without PatientID: each counts as a person" in report.notes


def test_a_file_without_a_name_is_of_the_person_whom_its_study_names(tmp_path: Path):
    picture_file(tmp_path / "data" / "a.dcm", 1, StudyInstanceUID="1.2.3", PatientID="7")
    picture_file(tmp_path / "data" / "b.dcm", 2, StudyInstanceUID="1.2.3", PatientID="")
    report = prepare(tmp_path / "data", out=tmp_path / "out", shape=(64, 48))
    first, second = report.files
    assert first.person_id == second.person_id and first.split == second.split
    assert not any("study" in note for note in report.notes)


def test_one_patient_id_over_many_studies_is_said(tmp_path: Path):
    for study in range(3):
        picture_file(tmp_path / "data" / f"{study}.dcm", study, StudyInstanceUID=f"1.2.{study}", PatientID="ANONYMOUS")
    picture_file(tmp_path / "data" / "other.dcm", 9, StudyInstanceUID="1.2.9", PatientID="8")
    report = prepare(tmp_path / "data", out=tmp_path / "out", shape=(64, 48))
    said = [note for note in report.notes if "several studies" in note]
    assert len(said) == 1 and said[0].startswith("1 PatientID with several studies, 3 at most")
    issues = [issue for issue in doctor(tmp_path / "data").issues if issue.kind is IssueKind.MANY_STUDIES]
    assert [issue.images for issue in issues] == [("0.dcm", "1.dcm", "2.dcm")]

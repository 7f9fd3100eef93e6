"""Which files of a folder are images of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from monai_mammo.dicom import Skipped, SkipReason
from monai_mammo.prepare.datasets import image_folder
from monai_mammo.prepare.entry import Entry

DICOM = bytes(128) + b"DICM"


def listed(root: Path, **files: bytes) -> dict[str, Entry | Skipped]:
    """What becomes of files, by name; a dot is written as two underscores."""
    for name, data in files.items():
        path = root / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    found = image_folder.entries(root)
    assert len(found) == len({entry.path for entry in found})
    return {entry.path.name: entry for entry in found}


@pytest.mark.parametrize(
    ("dicom", "picture"),
    [
        ("a__dcm", "a__png"),
        ("a__dcm", "a__JPG"),
        ("a", "a__png"),
        ("a__seg__dcm", "a__png"),
        ("1__2__840__dcm", "1__2__840__png"),
        ("1__2__840", "1__2__840__png"),
    ],
)
def test_a_picture_beside_its_dicom_file_is_a_preview(tmp_path: Path, dicom: str, picture: str):
    found = listed(tmp_path, **{dicom: DICOM, picture: b"picture"})
    skipped = found[picture.replace("__", ".")]
    assert isinstance(skipped, Skipped) and skipped.reason is SkipReason.DUPLICATE
    assert isinstance(found[dicom.replace("__", ".")], Entry)


@pytest.mark.parametrize(
    "other", [{"b__dcm": DICOM}, {"a__1__dcm": DICOM}, {"a__txt": b"no DICOM"}, {"a__jpg": b"picture"}]
)
def test_other_pictures_are_images_of_their_own(tmp_path: Path, other: dict[str, bytes]):
    found = listed(tmp_path, a__png=b"picture", **other)
    assert len(found) == 2 and all(isinstance(entry, Entry) for entry in found.values())


def test_a_dicom_file_in_another_folder_is_another_image(tmp_path: Path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.dcm").write_bytes(DICOM)
    found = listed(tmp_path, a__png=b"picture")
    assert len(found) == 2 and all(isinstance(entry, Entry) for entry in found.values())

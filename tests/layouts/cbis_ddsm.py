"""CBIS-DDSM as the TCIA client writes it, and as the JPEG copy of Kaggle has it.

Rows are untouched ones of the published tables (`tests/fixtures/cbis-ddsm`, CC BY 3.0); films are phantoms, in which
each abnormality is a bright disc. Planted: crop and mask in both orders and in two series, a mask scaled by 50 / 43.5,
one with another crop, two grey files, missing files, a film that is there twice, films that hang mirrored, a series
that no table names, a file that is no DICOM.
"""

from __future__ import annotations

import csv
import shutil
import zlib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import uid
from pydicom.dataset import FileDataset, FileMetaDataset

from monai_mammo.conditions import Conditions
from monai_mammo.phantom import draw_mammogram

FIXTURES = Path(__file__).parents[1] / "fixtures" / "cbis-ddsm"
SMALL = (200, 100)
RELEASED = {"P_00016_LEFT_CC": (4006, 1846)}
MIRRORED = ("P_00001_LEFT_CC", "P_00016_LEFT_MLO")
SWAPPED = ("Mass-Training_P_00001_LEFT_MLO_1", "Calc-Test_P_00038_RIGHT_CC_2")
SCALED = ("Mass-Test_P_00145_LEFT_CC_1",)
OTHER_CROP = ("Calc-Test_P_00353_LEFT_CC_2",)
BOTH_GREY = ("Mass-Test_P_00343_RIGHT_CC_2",)
WITHOUT_MASK = ("Mass-Training_P_00710_RIGHT_MLO_1",)
WITHOUT_FILM = ("P_01743_RIGHT_MLO",)
RADIUS = 0.03
"""Of a disc, as a fraction of the height."""

_WORDS = {"full": "full mammogram images", "mask": "ROI mask images", "crop": "cropped images"}


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One file of the data set, before it has a format."""

    patient_id: str
    study_uid: str
    series_uid: str
    number: int
    description: str
    pixels: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A large tree and what is wrong in it, by image."""

    source: Path
    swapped: tuple[str, ...]
    wrong_size: tuple[str, ...]


def write(folder: Path) -> Path:
    """The tree of a TCIA download; one film has its released size."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = _tables(FIXTURES)
    for path in FIXTURES.glob("*.csv"):
        shutil.copyfile(path, folder / path.name)
    pictures = [picture for picture in _pictures(tables, RELEASED) if picture.patient_id not in WITHOUT_MASK]
    _write_tcia(folder / "manifest-1611000000000", pictures)
    return folder


def write_kaggle(folder: Path) -> Path:
    """The same as JPEG files, all small, with an empty SeriesDescription in every third row."""
    (folder / "csv").mkdir(parents=True)
    for path in FIXTURES.glob("*.csv"):
        shutil.copyfile(path, folder / "csv" / path.name)
    rows = []
    for i, picture in enumerate(_pictures(_tables(FIXTURES), {})):
        name = f"{picture.series_uid}/{picture.number + 1}-{i:03d}.jpg"
        (folder / "jpeg" / picture.series_uid).mkdir(parents=True, exist_ok=True)
        grey = picture.pixels if picture.pixels.dtype == np.uint8 else (picture.pixels >> 8).astype(np.uint8)
        Image.fromarray(grey).save(folder / "jpeg" / name, quality=92)
        rows.append(
            {
                "image_path": f"CBIS-DDSM/jpeg/{name}",
                "PatientID": picture.patient_id,
                "PatientName": picture.patient_id,
                "SeriesDescription": "" if i % 3 == 0 else picture.description,
                "SeriesInstanceUID": picture.series_uid,
                "StudyInstanceUID": picture.study_uid,
                "PatientOrientation": picture.patient_id.split("_")[4],
                "Laterality": picture.patient_id.split("_")[3][0],
            }
        )
    _write_csv(folder / "csv" / "dicom_info.csv", rows)
    return folder


def write_large(folder: Path, n_films: int, n_swapped: int, n_wrong_size: int, seed: int) -> Planted:
    """Many small films of invented persons, one mass each, with swaps and masks of another crop."""
    folder.mkdir(parents=True)
    order = np.random.default_rng(seed).permutation(n_films)
    swapped, wrong = set(order[:n_swapped].tolist()), set(order[n_swapped : n_swapped + n_wrong_size].tolist())
    columns = list(_tables(FIXTURES)["mass_train"][0])
    rows, pictures, names = [], [], []
    for i in range(n_films):
        side, view = ("LEFT", "RIGHT")[i % 2], ("CC", "MLO")[i // 2 % 2]
        full = f"Mass-Training_P_{90000 + i // 4:05d}_{side}_{view}"
        row = _invented_row(columns, full, i)
        disc = disc_of(full, 0)
        film = _with_discs(np.roll(_tissue(side), i % 7, axis=0), [disc])
        shape = (SMALL[0] + 13, SMALL[1]) if i in wrong else SMALL
        pictures += [_film(row, full, film), *_roi(row, full, film, disc, shape, is_swapped=i in swapped)]
        rows.append(row)
        names.append(f"P_{90000 + i // 4:05d}_{side[0]}_{view}")
    _write_csv(folder / "mass_case_description_train_set.csv", rows)
    _write_tcia(folder / "manifest-1", pictures)
    return Planted(
        source=folder,
        swapped=tuple(names[i] for i in sorted(swapped)),
        wrong_size=tuple(names[i] for i in sorted(wrong)),
    )


def disc_of(view: str, i: int) -> tuple[float, float]:
    """Middle of abnormality ``i`` of a view, x and y in fractions of the picture as its file shows it.

    Parameters
    ----------
    view : str
        Such as ``P_00001_LEFT_CC``, or a PatientID that ends so.
    i : int
        0 for the first in the order of the tables.
    """
    is_at_right = ("_RIGHT_" in view) != view.endswith(MIRRORED)
    return (0.8 if is_at_right else 0.2), 0.42 + 0.16 * i


def _pictures(tables: dict[str, list[dict[str, str]]], sizes: dict[str, tuple[int, int]]) -> list[Picture]:
    """All files of the fixture: films, crops and masks."""
    rows_of: dict[str, list[dict[str, str]]] = {}
    for rows in tables.values():
        for row in rows:
            rows_of.setdefault(_view_of(row), []).append(row)
    pictures: list[Picture] = []
    for view, rows in rows_of.items():
        shape = sizes.get(view, SMALL)
        discs = [disc_of(view, i) for i in range(len(rows))]
        tissue = _tissue("RIGHT" if discs[0][0] > 0.5 else "LEFT", seed=zlib.crc32(view.encode()))
        film = _with_discs(_enlarged(tissue, shape), discs)
        done = set()
        for row, disc in zip(rows, discs, strict=True):
            full = row["image file path"].split("/")[0]
            if full not in done and view not in WITHOUT_FILM:
                pictures.append(_film(row, full, film))
            done.add(full)
            pictures += _roi_of(row, full, film, disc)
    return pictures


def _roi_of(row: dict[str, str], full: str, film: np.ndarray, disc: tuple[float, float]) -> list[Picture]:
    roi = f"{full}_{row['abnormality id']}"
    shape = film.shape
    if roi in SCALED:
        shape = (round(shape[0] * 43.5 / 50), round(shape[1] * 43.5 / 50))
    elif roi in OTHER_CROP:
        shape = (shape[0] + 13, shape[1])
    files = _roi(row, full, film, disc, shape, is_swapped=roi in SWAPPED)
    if roi in BOTH_GREY:
        files = [replace(file, pixels=film[60:90, 10:40]) for file in files]
    return files


def _film(row: dict[str, str], full: str, film: np.ndarray) -> Picture:
    _, study, series, _ = row["image file path"].strip().split("/")
    return Picture(
        patient_id=full, study_uid=study, series_uid=series, number=0, description=_WORDS["full"], pixels=film
    )


def _roi(
    row: dict[str, str],
    full: str,
    film: np.ndarray,
    disc: tuple[float, float],
    mask_shape: tuple[int, int],
    *,
    is_swapped: bool,
) -> list[Picture]:
    """Crop and mask where the row says that they are, or each in the other's place."""
    mask = _disc(mask_shape, disc).astype(np.uint8) * np.uint8(255)
    if row["abnormality id"] == "2":  # half of the masks have 16 bit
        mask = mask.astype(np.uint16) * 257
    top = int((disc[1] - 2 * RADIUS) * film.shape[0])
    left = int((disc[0] - 3 * RADIUS) * film.shape[1])
    crop = film[top : top + int(4 * RADIUS * film.shape[0]), left : left + int(6 * RADIUS * film.shape[1])]
    places = [row["ROI mask file path"].strip(), row["cropped image file path"].strip()]
    one_series = places[0].rpartition("/")[0] == places[1].rpartition("/")[0]
    files = []
    for word, place, pixels in zip(("mask", "crop"), places[::-1] if is_swapped else places, (mask, crop), strict=True):
        _, study, series, name = place.split("/")
        files.append(
            Picture(
                patient_id=f"{full}_{row['abnormality id']}",
                study_uid=study,
                series_uid=series,
                number=int(name.split(".")[0]),
                description=_WORDS["mask" if one_series else word],
                pixels=pixels,
            )
        )
    return files


@cache
def _tissue(chest_wall_as: str, *, seed: int = 5) -> np.ndarray:
    """Film without lesion, darker than a disc; the chest wall lies as for a left or right breast."""
    asked = Conditions(kind="film", laterality=chest_wall_as[0], view="CC", finding="none", density="B")
    return draw_mammogram(asked, seed=seed, shape=SMALL, film_labels=False).pixels * np.float32(0.6)


def _enlarged(pixels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    rows = np.arange(shape[0]) * pixels.shape[0] // shape[0]
    columns = np.arange(shape[1]) * pixels.shape[1] // shape[1]
    return pixels[np.ix_(rows, columns)]


def _disc(shape: tuple[int, int], middle: tuple[float, float]) -> np.ndarray:
    """Disc, a circle in a picture that is half as wide as high and an ellipse in others."""
    rows, columns = (np.arange(size) + 0.5 for size in shape)
    y = (rows[:, None] / shape[0] - middle[1]) / RADIUS
    x = (columns[None, :] / shape[1] - middle[0]) / (2 * RADIUS)
    return x**2 + y**2 < 1


def _with_discs(pixels: np.ndarray, discs: list[tuple[float, float]]) -> np.ndarray:
    film = np.round(pixels * 65535).astype(np.uint16)
    for disc in discs:
        film[_disc(film.shape, disc)] = 65535
    return film


def _write_tcia(manifest: Path, pictures: list[Picture]) -> None:
    listed = []
    for picture in pictures:
        tail = picture.study_uid[-5:]
        series = f"1.000000-{picture.description}-{picture.series_uid[-5:]}"
        inside = Path("CBIS-DDSM") / picture.patient_id / f"08-29-2017-DDSM-NA-{tail}" / series
        (manifest / inside).mkdir(parents=True, exist_ok=True)
        write_dicom(manifest / inside / f"1-{picture.number + 1}.dcm", picture)
        listed.append(
            {
                "Series UID": picture.series_uid,
                "Collection": "CBIS-DDSM",
                "Subject ID": picture.patient_id,
                "Study UID": picture.study_uid,
                "Series Description": picture.description,
                "Modality": "MG",
                "File Location": ".\\" + str(inside).replace("/", "\\"),
            }
        )
    _write_csv(manifest / "metadata.csv", listed)
    (manifest / "LICENSE").write_text("CC BY 3.0")
    other = Picture(
        patient_id="Mass-Test_P_99999_LEFT_CC",
        study_uid="1.2.826.0.1.3680043.8.498.1",
        series_uid="1.2.826.0.1.3680043.8.498.2",
        number=0,
        description=_WORDS["full"],
        pixels=np.zeros((16, 16), np.uint16),
    )
    (manifest / "CBIS-DDSM" / other.patient_id).mkdir()
    write_dicom(manifest / "CBIS-DDSM" / other.patient_id / "unlisted.dcm", other)
    (manifest / "CBIS-DDSM" / "broken.dcm").write_bytes(b"no DICOM" * 40)


def write_dicom(path: Path, picture: Picture) -> None:
    """Secondary Capture as the set has it: the view in PatientOrientation, no side, no spacing."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = uid.SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = uid.generate_uid(entropy_srcs=[picture.series_uid, str(picture.number)])
    meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = picture.study_uid, picture.series_uid
    dataset.PatientID = dataset.PatientName = picture.patient_id
    dataset.Modality, dataset.SeriesDescription = "MG", picture.description
    dataset.BodyPartExamined = "BREAST"
    dataset.PatientOrientation = picture.patient_id.split("_")[4]
    dataset.InstanceNumber = picture.number + 1
    dataset.Rows, dataset.Columns = picture.pixels.shape
    bits = 8 * picture.pixels.dtype.itemsize
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelData = picture.pixels.tobytes() + b"\0" * (picture.pixels.nbytes % 2)
    dataset["PixelData"].VR = "OW"
    dataset.save_as(path, enforce_file_format=True)


def _tables(folder: Path) -> dict[str, list[dict[str, str]]]:
    tables = {}
    for kind in ("mass", "calc"):
        for part in ("train", "test"):
            with open(folder / f"{kind}_case_description_{part}_set.csv", newline="") as file:
                tables[f"{kind}_{part}"] = list(csv.DictReader(file))
    return tables


def _view_of(row: dict[str, str]) -> str:
    return f"{row['patient_id']}_{row['left or right breast']}_{row['image view']}"


def _invented_row(columns: list[str], full: str, i: int) -> dict[str, str]:
    """Row of a mass in the form of the training table, line break included."""
    _, _, number, side, view = full.split("_")
    study, root = f"1.2.826.0.1.3680043.8.498.{i}.1", f"1.2.826.0.1.3680043.8.498.{i}"
    roi = f"{full}_1/{root}.3/{root}.4"
    words = ("1", "mass", "OVAL", "CIRCUMSCRIBED", "3", "BENIGN", "4")
    paths = (f"{full}/{study}/{root}.2/000000.dcm", f"{roi}/000000.dcm", f"{roi}/000001.dcm\n")
    return dict(zip(columns, (f"P_{number}", "2", side, view, *words, *paths), strict=True))


def _write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)

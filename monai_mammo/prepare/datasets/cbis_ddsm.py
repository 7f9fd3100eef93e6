"""CBIS-DDSM (TCIA, doi 10.7937/K9/TCIA.2016.7O02S9CY): curated films of DDSM, as DICOM or as the JPEG copy.

Files are matched by the Series UID inside them, or by PatientID, never by name. Crop and mask of an abnormality are
told apart by their pixels when the image is prepared (`monai_mammo.prepare.mask_files`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from monai_mammo.conditions import Conditions
from monai_mammo.dicom import Failed, Skipped, SkipReason
from monai_mammo.errors import RequestError
from monai_mammo.prepare.datasets.cbis_tables import (
    Abnormality,
    ImagePath,
    ViewKey,
    read_tables,
    table_counts,
    view_key,
)
from monai_mammo.prepare.datasets.descriptors import described_lesions, n_findings_of
from monai_mammo.prepare.datasets.published_files import files_under
from monai_mammo.prepare.datasets.rows import TableRow
from monai_mammo.prepare.datasets.series import SeriesFile, SeriesIndex, index_series
from monai_mammo.prepare.entry import Entry
from monai_mammo.prepare.mask_files import MaskFiles
from monai_mammo.prepare.splits import split_of
from monai_mammo.terms import AcquisitionKind, Finding, Pathology, Split

__all__ = ["PUBLISHED_COUNTS", "entries", "label_counts", "labels_of_views"]

PUBLISHED_COUNTS: dict[str, Any] = {
    "mass_train": {
        **{"rows": 1318, "persons": 691, "files": 1231},
        "pathology": {"BENIGN": 577, "BENIGN_WITHOUT_CALLBACK": 104, "MALIGNANT": 637},
        "assessment": {"0": 129, "1": 1, "2": 77, "3": 279, "4": 533, "5": 299},
    },
    "mass_test": {
        **{"rows": 378, "persons": 201, "files": 361},
        "pathology": {"BENIGN": 194, "BENIGN_WITHOUT_CALLBACK": 37, "MALIGNANT": 147},
        "assessment": {"0": 33, "1": 2, "2": 14, "3": 85, "4": 169, "5": 75},
    },
    "calc_train": {
        **{"rows": 1546, "persons": 602, "files": 1227},
        "pathology": {"BENIGN": 528, "BENIGN_WITHOUT_CALLBACK": 474, "MALIGNANT": 544},
        "assessment": {"0": 63, "2": 482, "3": 89, "4": 753, "5": 159},
    },
    "calc_test": {
        **{"rows": 326, "persons": 151, "files": 284},
        "pathology": {"BENIGN": 130, "BENIGN_WITHOUT_CALLBACK": 67, "MALIGNANT": 129},
        "assessment": {"0": 13, "2": 71, "3": 24, "4": 178, "5": 40},
    },
    **{"persons": 1566, "views": 3032, "files": 3103, "double_films": 71, "rows_with_two_series": 104},
    **{"persons_in_train_and_test": 31, "views_in_train_and_test": 29},
    **{"dicom_patients": 6671, "dicom_series": 6775, "dicom_images": 10239},
}
"""What `label_counts` gives for the four whole tables; the last three are TCIA's own totals."""

_ORIGIN = "CBIS-DDSM"


def entries(source: Path, *, leave_out: Path | None = None) -> list[Entry | Skipped | Failed]:
    """One entry a person, side and projection, with all abnormalities of it, in the order of the tables.

    The published split has 31 persons in train and test, so it is no split: a person in any test table is in ``test``,
    the others are divided into ``train`` and ``val`` by a hash. The tables' own word is kept as
    ``labels["published_split"]``.

    Parameters
    ----------
    source : Path
        Folder with one to four of the tables, and the DICOM or JPEG files somewhere below.
    leave_out : Path, optional
        Subfolder that is not looked into.

    Returns
    -------
    list of Entry, Skipped or Failed
        `Failed` for a view with a row that cannot be used or without its file; `Skipped` for the second file of a
        film that is there twice, and for files that no table names. Crops and masks belong to their entries.

    Raises
    ------
    RequestError
        The folder or all tables are not there, or a table lacks a column.
    """
    files = _files(source, leave_out)
    tables = read_tables(files)
    index = index_series(files)
    in_test = {row["patient_id"] for key, rows in tables.items() if key.endswith("_test") for row in rows}
    in_train = {row["patient_id"] for key, rows in tables.items() if key.endswith("_train") for row in rows}
    used: set[Path] = set()
    listed: list[Entry | Skipped | Failed] = []
    views, without_view = _views(tables, source)
    for key, rows in views.items():
        person_parts = tuple(part for part, persons in (("train", in_train), ("test", in_test)) if key[0] in persons)
        listed += _Listing(source, index, used, person_parts).entries_of(key, rows)
    unlisted = [
        Skipped(file.path, SkipReason.NOT_IN_TABLE, "no table names the series of the file")
        for file in index.files
        if file.path not in used
    ]
    return [*listed, *without_view, *index.not_indexed, *unlisted]


def label_counts(source: Path) -> dict[str, Any]:
    """Counts of the tables: rows, persons, files, pathology and assessment of each, and what they share.

    Parameters
    ----------
    source : Path
        Folder of the data set, as it is published.

    Returns
    -------
    dict

    Raises
    ------
    RequestError
        The folder or all tables are not there, or a table lacks a column.
    """
    return table_counts(read_tables(_files(source, None)))


def labels_of_views(source: Path) -> dict[str, dict[str, Any]]:
    """Labels of each view by the tables alone, for copies of the films that came without them.

    Parameters
    ----------
    source : Path
        Folder with one to four of the tables.

    Returns
    -------
    dict of str to dict
        `Conditions` as plain values by ``P_00001_L_CC``; without views of which a row cannot be used.

    Raises
    ------
    RequestError
        The folder or all tables are not there, or a table lacks a column.
    """
    views, _ = _views(read_tables(_files(source, None)), source)
    labels = {}
    for key, rows in views.items():
        found = [parsed for _, parsed in rows if isinstance(parsed, Abnormality)]
        if len(found) == len(rows):
            labels[f"{key[0]}_{key[1]}_{key[2]}"] = _conditions(key, found).to_dict()
    return labels


def _files(source: Path, leave_out: Path | None) -> list[Path]:
    if not source.is_dir():
        raise RequestError(f"folder {source} is not there")
    return list(files_under(source, "", leave_out=leave_out))


_ParsedRow = tuple[TableRow, "Abnormality | RequestError"]


def _views(tables: dict[str, list[TableRow]], source: Path) -> tuple[dict[ViewKey, list[_ParsedRow]], list[Failed]]:
    """Rows by view, and a failure for each row that does not even say which view it is of."""
    views: dict[ViewKey, list[_ParsedRow]] = {}
    without_view: list[Failed] = []
    for table, rows in tables.items():
        kind, split = table.split("_")
        for row in rows:
            try:
                key = view_key(row)
            except RequestError as error:
                without_view.append(Failed(source / row.table, SkipReason.WRONG_ROW, str(error)))
                continue
            parsed: Abnormality | RequestError
            try:
                parsed = Abnormality.parse(row, kind=kind, split=split)
            except RequestError as error:
                parsed = error
            views.setdefault(key, []).append((row, parsed))
    return views, without_view


class _Listing:
    """The views of a person, while their files are looked up."""

    def __init__(self, source: Path, index: SeriesIndex, used: set[Path], person_parts: tuple[str, ...]) -> None:
        self.source = source
        self.index = index
        self.used = used
        self.person_parts = person_parts

    def entries_of(self, key: ViewKey, rows: list[_ParsedRow]) -> list[Entry | Skipped | Failed]:
        """The entry of a view, or why there is none, and its further films."""
        found = [parsed for _, parsed in rows if isinstance(parsed, Abnormality)]
        films = self._films(found)
        masks = [self._mask_files(i, abnormality) for i, abnormality in enumerate(found)]
        nominal = self.source / f"{key[0]}_{key[1]}_{key[2]}"
        errors = [parsed for _, parsed in rows if isinstance(parsed, RequestError)]
        if errors:
            return [Failed(films[0].path if films else nominal, SkipReason.WRONG_ROW, str(errors[0]))]
        if not films:
            missing = f"no file of the series that {found[0].row.where} names is there"
            return [Failed(nominal, SkipReason.UNREADABLE, missing)]
        doubles = [
            Skipped(film.path, SkipReason.DUPLICATE, "the film is there as another file of the same view")
            for film in films[1:]
        ]
        return [self._entry(key, found, films, masks), *doubles]

    def _films(self, found: list[Abnormality]) -> list[SeriesFile]:
        """Files of the whole view; where a mass and a calcification table name it, there are two."""
        films = {file.path: file for abnormality in found for file in self._looked_up(abnormality.image)}
        self.used.update(films)
        return list(films.values())

    def _looked_up(self, path: ImagePath) -> list[SeriesFile]:
        return self.index.of_series(path.series_uid) or self.index.of_patient(path.patient_id)

    def _mask_files(self, i: int, abnormality: Abnormality) -> MaskFiles:
        both = {file.path: file for path in (abnormality.crop, abnormality.mask) for file in self._looked_up(path)}
        self.used.update(both)
        return MaskFiles(annotation=i, files=tuple(both), stated=self._stated(abnormality, list(both.values())))

    def _stated(self, abnormality: Abnormality, files: list[SeriesFile]) -> Path | None:
        """File that is called the mask: by its own series, by its description, or by its place in the series."""
        if abnormality.has_two_series:
            of_mask = self.index.of_series(abnormality.mask.series_uid)
            return of_mask[0].path if len(of_mask) == 1 else None
        called = [file for file in files if re.search("mask", file.description, re.IGNORECASE)]
        if len(called) == 1:
            return called[0].path
        return files[abnormality.mask.number].path if abnormality.mask.number < len(files) == 2 else None

    def _entry(self, key: ViewKey, found: list[Abnormality], films: list[SeriesFile], masks: list[MaskFiles]) -> Entry:
        person, side, view = key
        film = films[0]
        record = {
            "rows": [abnormality.row.to_dict() for abnormality in found],
            "films": [self._name(film.path) for film in films],
            "masks": [[self._name(path) for path in files.files] for files in masks],
        }
        return Entry(
            path=film.path,
            image_id=f"{person}_{side}_{view}",
            name=self._name(film.path),
            origin=_ORIGIN,
            person_id=person,
            split=_split(person, self.person_parts),
            conditions=_conditions(key, found),
            annotations=tuple(abnormality.annotation for abnormality in found),
            masks=tuple(masks),
            labels=_labels(found),
            record=record,
            notes=self._notes(found),
        )

    def _name(self, path: Path) -> str:
        return path.relative_to(self.source).as_posix()

    def _notes(self, found: list[Abnormality]) -> tuple[str, ...]:
        notes = []
        if len(self.person_parts) > 1:
            notes.append("the published split has this person in train and in test")
        if len({abnormality.density for abnormality in found}) > 1:
            notes.append("the rows of the view state different densities, the highest is taken")
        if len({abnormality.annotation.pathology for abnormality in found}) > 1:
            notes.append("the view has lesions of different pathology, the worst is taken")
        return tuple(notes)


def _split(person: str, parts: tuple[str, ...]) -> Split:
    if "test" in parts:
        return Split.TEST
    return Split.VAL if split_of(person) is Split.VAL else Split.TRAIN


def _conditions(key: ViewKey, found: list[Abnormality]) -> Conditions:
    """Labels of the view: the highest density and BI-RADS category, the worst pathology, the most telling finding."""
    densities = [abnormality.density for abnormality in found if abnormality.density is not None]
    annotations = [abnormality.annotation for abnormality in found]
    findings = {category.finding for annotation in annotations for category in annotation.categories}
    is_malignant = any(annotation.pathology is Pathology.MALIGNANT for annotation in annotations)
    return Conditions(
        kind=AcquisitionKind.FILM,
        laterality=key[1],
        view=key[2],
        density=max(densities, default=None),
        finding=next((finding for finding in Finding if finding in findings), None),
        birads=max(annotation.birads for annotation in annotations if annotation.birads is not None),
        pathology=Pathology.MALIGNANT if is_malignant else Pathology.BENIGN,
        n_findings=n_findings_of(len(found)),
        **described_lesions([(one.categories, one.descriptors) for one in annotations]),
    )


def _labels(found: list[Abnormality]) -> dict[str, str]:
    """What `Conditions` has no place for; several words are joined by ``|``."""
    splits = [part for part in ("train", "test") if any(abnormality.split == part for abnormality in found)]
    words = dict.fromkeys(abnormality.pathology_word for abnormality in found)
    return {"published_split": "|".join(splits), "pathology_source": "|".join(words)}

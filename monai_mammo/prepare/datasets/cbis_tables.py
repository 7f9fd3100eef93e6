"""Tables of CBIS-DDSM: one row an abnormality and view, typed and checked against the published vocabulary."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

from monai_mammo.errors import RequestError
from monai_mammo.prepare.datasets.rows import TableRow, read_rows
from monai_mammo.study import Annotation
from monai_mammo.terms import Density, FindingCategory, Laterality, Pathology, View, parse_birads

__all__ = ["TABLES", "Abnormality", "ImagePath", "ViewKey", "read_tables", "table_counts", "view_key"]

TABLES = {
    f"{kind}_{split}": f"{kind}_case_description_{split}_set.csv"
    for kind in ("mass", "calc")
    for split in ("train", "test")
}
"""File names of the four tables."""

_PATHS = ("image file path", "cropped image file path", "ROI mask file path")
_SHARED = (
    *("patient_id", "left or right breast", "image view", "abnormality id", "abnormality type"),
    *("assessment", "pathology", "subtlety", *_PATHS),
)
_OWN = {
    "mass": {"breast_density": "", "mass shape": "shape", "mass margins": "margin"},
    "calc": {"breast density": "", "calc type": "type", "calc distribution": "distribution"},
}
_WORDS = {
    "mass shape": "ROUND OVAL LOBULATED IRREGULAR ARCHITECTURAL_DISTORTION ASYMMETRIC_BREAST_TISSUE "
    "FOCAL_ASYMMETRIC_DENSITY LYMPH_NODE",
    "mass margins": "CIRCUMSCRIBED MICROLOBULATED OBSCURED ILL_DEFINED SPICULATED",
    "calc type": "AMORPHOUS COARSE DYSTROPHIC EGGSHELL FINE_LINEAR_BRANCHING LARGE_RODLIKE LUCENT_CENTER "
    "LUCENT_CENTERED MILK_OF_CALCIUM PLEOMORPHIC PUNCTATE ROUND_AND_REGULAR SKIN VASCULAR",
    "calc distribution": "CLUSTERED LINEAR SEGMENTAL REGIONAL DIFFUSELY_SCATTERED",
}
_SAME_WORDS = {"LUCENT_CENTERED": "LUCENT_CENTER"}
_MISSING = ("", "N/A", "NA")  # `NA` in a copy that R has saved again
_DENSITIES = {"0": None, "1": Density.A, "2": Density.B, "3": Density.C, "4": Density.D}
_PATHOLOGIES = {
    "MALIGNANT": Pathology.MALIGNANT,
    "BENIGN": Pathology.BENIGN,
    "BENIGN_WITHOUT_CALLBACK": Pathology.BENIGN,
}
_SIDES = {"LEFT": Laterality.L, "RIGHT": Laterality.R}
_VIEWS = {"CC": View.CC, "MLO": View.MLO}
_TYPES = {"mass": "mass", "calc": "calcification"}
_NO_MASS = {
    "ARCHITECTURAL_DISTORTION": FindingCategory.ARCHITECTURAL_DISTORTION,
    "FOCAL_ASYMMETRIC_DENSITY": FindingCategory.FOCAL_ASYMMETRY,
    "ASYMMETRIC_BREAST_TISSUE": FindingCategory.ASYMMETRY,
}

ViewKey = tuple[str, Laterality, View]
"""Person, side and projection: what one prepared image shows."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImagePath:
    """A path cell: ``<PatientID>/<Study UID>/<Series UID>/00000n.dcm``.

    Parameters
    ----------
    patient_id : str
        PatientID of the files, one for each view and each abnormality.
    series_uid : str
        SeriesInstanceUID.
    number : int
        Place of the file in its series, from 0.
    """

    patient_id: str
    series_uid: str
    number: int

    @classmethod
    def parse(cls, row: TableRow, column: str) -> ImagePath:
        """Path of a cell, whose last one of a record ends in a line break.

        Parameters
        ----------
        row : TableRow
            Of the table.
        column : str
            Name of the column.

        Returns
        -------
        ImagePath

        Raises
        ------
        RequestError
            The cell is no such path.
        """
        parts = PurePosixPath(row[column].replace("\\", "/")).parts
        number = re.fullmatch(r"(\d{6})\.dcm", parts[-1]) if len(parts) == 4 else None
        if number is None:
            raise RequestError(f"{column} in {row.where} is not PatientID/Study UID/Series UID/000000.dcm")
        return cls(patient_id=parts[0], series_uid=parts[2], number=int(number.group(1)))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Abnormality:
    """A row of a table.

    Parameters
    ----------
    row : TableRow
    key : tuple
        Person, side and projection.
    split : str
        ``train`` or ``test`` by the table's name.
    density : Density or None
    pathology_word : str
        As published.
    annotation : Annotation
        Without place, which the mask gives.
    image, crop, mask : ImagePath
    """

    row: TableRow
    key: ViewKey
    split: str
    density: Density | None
    pathology_word: str
    annotation: Annotation
    image: ImagePath
    crop: ImagePath
    mask: ImagePath

    @property
    def has_two_series(self) -> bool:
        """Whether crop and mask lie in series of their own."""
        return self.crop.series_uid != self.mask.series_uid

    @classmethod
    def parse(cls, row: TableRow, *, kind: str, split: str) -> Abnormality:
        """Row with typed values.

        Parameters
        ----------
        row : TableRow
            Of the table.
        kind : str
            ``calc`` or ``mass``.
        split : str
            ``train`` or ``test``, as the table is.

        Returns
        -------
        Abnormality

        Raises
        ------
        RequestError
            A cell is not of its vocabulary; file, line and allowed values are named.
        """
        key = view_key(row)
        density_column, *word_columns = _OWN[kind]
        image, crop, mask = (ImagePath.parse(row, column) for column in _PATHS)
        side, view = row["left or right breast"], row["image view"]
        if not image.patient_id.endswith(f"_{key[0]}_{side}_{view}"):
            raise RequestError(f"image file path in {row.where} is of another person, side or view than its row")
        _one_of(row, "abnormality type", {_TYPES[kind]: None})
        words = {column: _words(row, column) for column in word_columns}
        descriptors = {_OWN[kind][column]: found for column, found in words.items() if found}
        descriptors["abnormality_id"] = (_number(row, "abnormality id", 1, 99),)
        descriptors["subtlety"] = (_number(row, "subtlety", 0, 5),)
        annotation = Annotation(
            categories=(FindingCategory.CALCIFICATION,) if kind == "calc" else _mass_categories(words["mass shape"]),
            birads=parse_birads(row["assessment"], where=row.where),
            pathology=_one_of(row, "pathology", _PATHOLOGIES),
            descriptors=descriptors,
        )
        return cls(
            row=row,
            key=key,
            split=split,
            density=_one_of(row, density_column, _DENSITIES),
            pathology_word=row["pathology"],
            annotation=annotation,
            image=image,
            crop=crop,
            mask=mask,
        )


def view_key(row: TableRow) -> ViewKey:
    """Person, side and projection of a row.

    Parameters
    ----------
    row : TableRow
        Of the table.

    Returns
    -------
    ViewKey

    Raises
    ------
    RequestError
        One of them is not of its vocabulary.
    """
    patient = row["patient_id"]
    if not re.fullmatch(r"P_\d{5}", patient):
        raise RequestError(f"patient_id in {row.where} is not P_ and five digits")
    return patient, _one_of(row, "left or right breast", _SIDES), _one_of(row, "image view", _VIEWS)


def read_tables(files: list[Path]) -> dict[str, list[TableRow]]:
    """Rows of those of the four tables that are among some files, by ``mass_train`` and the like.

    Parameters
    ----------
    files : list of Path
        Of the data set; tables are told by their names.

    Returns
    -------
    dict of str to list of TableRow

    Raises
    ------
    RequestError
        None is there, or one lacks a column.
    """
    named: dict[str, Path] = {}
    for path in files:
        named.setdefault(path.name, path)
    rows = {
        key: read_rows(named[name], (*_SHARED, *_OWN[key.split("_")[0]]))
        for key, name in TABLES.items()
        if name in named
    }
    if not rows:
        raise RequestError(f"none of the tables {', '.join(TABLES.values())} is in the folder or its subfolders")
    return rows


def table_counts(tables: dict[str, list[TableRow]]) -> dict[str, Any]:
    """Counts of rows, persons, files and labels, each table by itself and all together.

    Parameters
    ----------
    tables : dict of str to list of TableRow
        As `read_tables` gives them.

    Returns
    -------
    dict
    """
    counts: dict[str, Any] = {key: _counts_of_one(rows) for key, rows in tables.items()}
    rows = [row for table in tables.values() for row in table]
    views = {key: {_view(row) for row in table} for key, table in tables.items()}
    persons = {key: {row["patient_id"] for row in table} for key, table in tables.items()}
    n_files, n_two = sum(map(len, views.values())), sum(_series_of(row, 1) != _series_of(row, 2) for row in rows)
    return {
        **counts,
        "persons": len(_union(persons)),
        "views": len(_union(views)),
        "files": n_files,
        "double_films": n_files - len(_union(views)),
        "rows_with_two_series": n_two,
        "persons_in_train_and_test": len(_union(persons, "_train") & _union(persons, "_test")),
        "views_in_train_and_test": len(_union(views, "_train") & _union(views, "_test")),
        "dicom_patients": n_files + len(rows),
        "dicom_series": n_files + len(rows) + n_two,
        "dicom_images": n_files + 2 * len(rows),
    }


def _counts_of_one(rows: list[TableRow]) -> dict[str, Any]:
    return {
        "rows": len(rows),
        "persons": len({row["patient_id"] for row in rows}),
        "files": len({row[_PATHS[0]] for row in rows}),
        "pathology": dict(sorted(Counter(row["pathology"] for row in rows).items())),
        "assessment": dict(sorted(Counter(row["assessment"] for row in rows).items())),
    }


def _view(row: TableRow) -> tuple[str, str, str]:
    return row["patient_id"], row["left or right breast"], row["image view"]


def _series_of(row: TableRow, column: int) -> str:
    return row[_PATHS[column]].rpartition("/")[0]


def _union(sets: dict[str, set], ending: str = "") -> set:
    return set().union(*(members for key, members in sets.items() if key.endswith(ending)))


def _one_of(row: TableRow, column: str, allowed: dict[str, Any]) -> Any:
    word = row[column]
    if word not in allowed:
        raise RequestError(f"{column} {word!r} in {row.where} is not one of {', '.join(allowed)}")
    return allowed[word]


def _number(row: TableRow, column: str, low: int, high: int) -> str:
    text = row[column]
    if not (text.isdecimal() and low <= int(text) <= high):
        raise RequestError(f"{column} {text!r} in {row.where} is not a whole number from {low} to {high}")
    return text


def _words(row: TableRow, column: str) -> tuple[str, ...]:
    """Words joined by hyphens, each once, with one spelling."""
    text = row[column]
    if text in _MISSING:
        return ()
    allowed = _WORDS[column].split()
    for word in text.split("-"):
        if word not in allowed:
            raise RequestError(f"{column} {word!r} in {row.where} is not one of {', '.join(allowed)} or N/A")
    return tuple(dict.fromkeys(_SAME_WORDS.get(word, word) for word in text.split("-")))


def _mass_categories(shape: tuple[str, ...]) -> tuple[FindingCategory, ...]:
    """Distortions and asymmetries stand among the shapes; alone they are no mass, joined they are both."""
    others = tuple(_NO_MASS[word] for word in shape if word in _NO_MASS)
    is_mass = not shape or any(word not in _NO_MASS for word in shape)
    return ((FindingCategory.MASS,) if is_mass else ()) + others

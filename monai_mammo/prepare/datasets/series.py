"""Files of a TCIA download, or of its JPEG copy, by the series that they belong to."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from pathlib import Path

from monai_mammo.dicom import Failed, Skipped
from monai_mammo.dicom.reading.header import read_header
from monai_mammo.prepare.datasets.rows import read_rows

__all__ = ["SeriesFile", "SeriesIndex", "index_series"]

_JPEG = frozenset({".jpg", ".jpeg"})
_NO_IMAGES = frozenset(".csv .html .json .log .md .pdf .tcia .tsv .txt .xls .xlsx .zip".split())
_KEYWORDS = ("SeriesInstanceUID", "PatientID", "SeriesDescription")
_JPEG_TABLE = "dicom_info.csv"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFile:
    """One image file.

    Parameters
    ----------
    path : Path
    series_uid : str
        SeriesInstanceUID; of a JPEG copy the name of its folder.
    patient_id : str
        PatientID, empty where it is not known.
    description : str
        SeriesDescription, empty where it is not known.
    """

    path: Path
    series_uid: str
    patient_id: str = ""
    description: str = ""


class SeriesIndex:
    """Image files by series and by PatientID; the order is that of their paths.

    Parameters
    ----------
    files : list of SeriesFile
        In the order of their paths.
    not_indexed : list of Skipped or Failed
        Files whose header says nothing, once each.
    """

    def __init__(self, files: list[SeriesFile], not_indexed: list[Skipped | Failed]) -> None:
        self.files = files
        self.not_indexed = not_indexed
        self._by_series: dict[str, list[SeriesFile]] = defaultdict(list)
        self._by_patient: dict[str, list[SeriesFile]] = defaultdict(list)
        for file in files:
            self._by_series[file.series_uid].append(file)
            self._by_patient[file.patient_id].append(file)

    def of_series(self, uid: str) -> list[SeriesFile]:
        """Files of a series.

        Parameters
        ----------
        uid : str
            SeriesInstanceUID; empty finds none.

        Returns
        -------
        list of SeriesFile
        """
        return self._by_series.get(uid, []) if uid else []

    def of_patient(self, patient_id: str) -> list[SeriesFile]:
        """Files with a PatientID, which CBIS-DDSM has one of for each view and each abnormality.

        Parameters
        ----------
        patient_id : str
            PatientID; empty finds none.

        Returns
        -------
        list of SeriesFile
        """
        return self._by_patient.get(patient_id, []) if patient_id else []


def index_series(files: list[Path]) -> SeriesIndex:
    """Index of the image files among some files; DICOM headers are read, pixels are not.

    Parameters
    ----------
    files : list of Path
        Tables and texts among them are passed over; ``dicom_info.csv`` tells about JPEG copies.

    Returns
    -------
    SeriesIndex
    """
    info = _jpeg_info(files)
    indexed: list[SeriesFile] = []
    others: list[Skipped | Failed] = []
    for path in files:
        suffix = path.suffix.lower()
        if suffix in _JPEG:
            patient, description = info.get((path.parent.name, path.name), ("", ""))
            uid = path.parent.name
            indexed.append(SeriesFile(path=path, series_uid=uid, patient_id=patient, description=description))
        elif suffix not in _NO_IMAGES and path.name.upper() != "LICENSE":
            header = read_header(path, _KEYWORDS)
            if isinstance(header, dict):
                uid, patient, description = (header[keyword] for keyword in _KEYWORDS)
                indexed.append(SeriesFile(path=path, series_uid=uid, patient_id=patient, description=description))
            else:
                others.append(header)
    return SeriesIndex(indexed, others)


def _jpeg_info(files: list[Path]) -> dict[tuple[str, str], tuple[str, str]]:
    """PatientID and SeriesDescription of a JPEG by its folder and name."""
    table = next((path for path in files if path.name == _JPEG_TABLE), None)
    if table is None:
        return {}
    info = {}
    for row in read_rows(table, ("image_path",)):
        parts = row["image_path"].replace("\\", "/").split("/")
        if len(parts) > 1:
            info[parts[-2], parts[-1]] = (row["PatientID"] or row["PatientName"], row["SeriesDescription"])
    return info

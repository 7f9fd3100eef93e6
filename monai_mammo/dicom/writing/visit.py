"""A visit of a made-up course: what an edited mammogram says of when it was taken, in place of what its source says."""

from __future__ import annotations

import dataclasses
import datetime
import re

from pydicom.dataset import Dataset

__all__ = ["Visit", "put_visit"]

_DATES = (
    "StudyDate SeriesDate AcquisitionDate ContentDate PerformedProcedureStepStartDate PerformedProcedureStepEndDate"
).split()
# of the order and the step in which the source was taken
_OF_THE_SOURCE = (
    "AccessionNumber RequestAttributesSequence ReferencedStudySequence ReferencedPerformedProcedureStepSequence "
    "PerformedProcedureStepID"
).split()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One of several visits.

    Parameters
    ----------
    number : int
        From 1.
    date : datetime.date
    days : int
        Since the first visit.
    study_uid : str
        StudyInstanceUID of the visit.
    """

    number: int
    date: datetime.date
    days: int
    study_uid: str


def put_visit(dataset: Dataset, visit: Visit) -> None:
    """Give a dataset the study, the dates and the age of a visit, in place.

    Dates that the source states become that of the visit, times stay; the age grows by whole years since the first
    visit. What names the source's order goes.

    Parameters
    ----------
    dataset : Dataset
        Changed in place.
    visit : Visit
    """
    date = visit.date.strftime("%Y%m%d")
    dataset.StudyInstanceUID = visit.study_uid
    for keyword in _DATES:
        if keyword in dataset:
            setattr(dataset, keyword, date)
    dataset.StudyDate = date
    if "AcquisitionDateTime" in dataset:
        dataset.AcquisitionDateTime = date + str(dataset.AcquisitionDateTime)[8:]
    for keyword in _OF_THE_SOURCE:
        dataset.pop(keyword, None)
    dataset.AccessionNumber = ""
    dataset.StudyID = str(visit.number)
    if (age := re.fullmatch(r"(\d{3})Y", str(dataset.get("PatientAge", "")))) is not None:
        dataset.PatientAge = f"{min(int(age[1]) + int(visit.days / 365.25), 999):03d}Y"
    described = f"{dataset.get('SeriesDescription', '')} VISIT {visit.number}".strip()
    dataset.SeriesDescription = described[-64:]

"""What a course over several visits is to show, checked, as plain values for the manifest."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from monai_mammo.dicom.identity import stable_uid
from monai_mammo.dicom.writing.visit import Visit
from monai_mammo.editing.growth_law import Growth, GrowthLaw
from monai_mammo.errors import RequestError
from monai_mammo.parsed_numbers import parse_number, parse_whole

__all__ = ["Evolution"]

_DAYS_A_MONTH = 365.25 / 12
_MOST_VISITS = 50
_LATEST_YEAR = 2200


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Evolution:
    """Visits at even distances, and the law by which a lesion changes between them.

    Parameters
    ----------
    visits : int
        2 to 50.
    months : float
        From the first visit to the last, 0.5 to 600.
    growth, doubling_days, plateau, halving_days
        As for `GrowthLaw`.
    response : int or None
        Visit, from 1, at which a treatment begins that the lesion responds to; `None` where none does.
    first_date : str or None
        Date of the first visit, ``YYYY-MM-DD`` or ``YYYYMMDD``; `None` takes that of the file.
    compression, exposure : bool
        Whether the breast is compressed, or exposed, a little otherwise at each visit.

    Raises
    ------
    RequestError
        A value is not allowed, or two contradict each other.
    """

    visits: int = 5
    months: float = 12.0
    growth: Growth = Growth.EXPONENTIAL
    doubling_days: float = 180.0
    plateau: float = 20.0
    response: int | None = None
    halving_days: float = 90.0
    first_date: str | None = None
    compression: bool = True
    exposure: bool = True

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "visits", parse_whole(self.visits, name="visits", low=2, high=_MOST_VISITS))
        put(self, "months", parse_number(self.months, name="months", low=0.5, high=600))
        put(self, "growth", Growth.parse(self.growth))
        if self.response is not None:
            put(self, "response", parse_whole(self.response, name="response", low=1, high=self.visits - 1))
        if self.first_date is not None:
            put(self, "first_date", _date(self.first_date).isoformat())
        if len(set(self.days)) < self.visits:
            raise RequestError(f"{self.visits} visits in {self.months:g} months are less than a day apart")
        law = self.law
        for name in ("doubling_days", "plateau", "halving_days"):
            put(self, name, getattr(law, name))

    @property
    def days(self) -> tuple[int, ...]:
        """Day of each visit, from 0."""
        return tuple(round(self.months * _DAYS_A_MONTH * k / (self.visits - 1)) for k in range(self.visits))

    @property
    def law(self) -> GrowthLaw:
        """Law by which the volume changes."""
        return GrowthLaw(
            growth=self.growth,
            doubling_days=self.doubling_days,
            plateau=self.plateau,
            halving_days=self.halving_days,
            treated_from_day=None if self.response is None else self.days[self.response - 1],
        )

    @property
    def diameter_ratios(self) -> tuple[float, ...]:
        """Diameter at each visit over that at the first."""
        return tuple(self.law.diameter_ratio(day) for day in self.days)

    def visit(self, number: int, *, first: datetime.date, run: str) -> Visit:
        """Visit with its date and study.

        Parameters
        ----------
        number : int
            From 1.
        first : datetime.date
            Of the first visit.
        run : str
            What tells this course from others; StudyInstanceUIDs of one course rise with the visits.

        Returns
        -------
        Visit

        Raises
        ------
        RequestError
            The date lies beyond the year 2200.
        """
        days = self.days[number - 1]
        date = first + datetime.timedelta(days=days)
        if date.year > _LATEST_YEAR:
            raise RequestError(f"visit {number} would be on {date}, later than the year {_LATEST_YEAR}")
        root, _, digits = stable_uid(run, "visits").rpartition(".")
        return Visit(number=number, date=date, days=days, study_uid=f"{root}.{int(digits) // 1000 * 1000 + number}")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values.

        Returns
        -------
        dict
        """
        return {**dataclasses.asdict(self), "growth": str(self.growth)}


def _date(text: str) -> datetime.date:
    for form in ("%Y-%m-%d", "%Y%m%d"):
        try:
            date = datetime.datetime.strptime(str(text), form).date()
        except ValueError:
            continue
        if 1900 <= date.year <= _LATEST_YEAR:
            return date
    raise RequestError(f"first_date {str(text)[:40]!r} is not a date YYYY-MM-DD from 1900 to {_LATEST_YEAR}")

"""Laws by which the volume of a lesion changes with time, in closed form."""

from __future__ import annotations

import dataclasses
import math
from enum import StrEnum
from typing import Self

from monai_mammo.errors import RequestError
from monai_mammo.parsed_numbers import parse_number

__all__ = ["Growth", "GrowthLaw"]


class Growth(StrEnum):
    """Course of an untreated lesion."""

    EXPONENTIAL = "exponential"
    GOMPERTZ = "gompertz"
    NONE = "none"

    @classmethod
    def parse(cls, text: object) -> Self:
        """Course from its name.

        Parameters
        ----------
        text : object

        Returns
        -------
        Growth

        Raises
        ------
        RequestError
            It is none of them.
        """
        word = str(text).strip().lower()
        if word not in tuple(cls):
            raise RequestError(f"growth {str(text)[:40]!r} is not one of {', '.join(cls)}")
        return cls(word)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GrowthLaw:
    """Volume of a lesion over time, in multiples of its volume at the first visit.

    Parameters
    ----------
    growth : Growth
        Exponential, slowing towards a plateau (Gompertz; Norton 1988, Cancer Research 48:7067), or none.
    doubling_days : float
        In which the volume doubles at the first visit, 5 to 5000.
    plateau : float
        Volume that a lesion of Gompertz growth comes to, above 1, at most 1e6.
    halving_days : float
        In which the volume of a lesion under treatment halves, 5 to 5000.
    treated_from_day : float or None
        Day on which a treatment begins, 0 or later; `None` where none does.

    Raises
    ------
    RequestError
        A value is not allowed.
    """

    growth: Growth = Growth.EXPONENTIAL
    doubling_days: float = 180.0
    plateau: float = 20.0
    halving_days: float = 90.0
    treated_from_day: float | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "growth", Growth.parse(self.growth))
        for name in ("doubling_days", "halving_days"):
            put(self, name, parse_number(getattr(self, name), name=name, low=5, high=5000))
        put(self, "plateau", parse_number(self.plateau, name="plateau", low=1.01, high=1e6))
        if self.treated_from_day is not None:
            day = parse_number(self.treated_from_day, name="treated_from_day", low=0, high=1e5)
            put(self, "treated_from_day", day)

    def volume_ratio(self, day: float) -> float:
        """Volume on a day over that on day 0.

        Parameters
        ----------
        day : float
            0 or later.

        Returns
        -------
        float
            ``2**(t / doubling)``; ``plateau**(1 - exp(-b * t))`` with ``b = ln 2 / (doubling * ln plateau)``, whose
            doubling time at ``t = 0`` is the same; or 1. From the treatment on it falls as ``2**(-t / halving)``.
        """
        untreated = day if self.treated_from_day is None else min(day, self.treated_from_day)
        return self._untreated(untreated) * 2 ** (-(day - untreated) / self.halving_days)

    def _untreated(self, day: float) -> float:
        if self.growth is Growth.NONE:
            return 1.0
        if self.growth is Growth.EXPONENTIAL:
            return float(2 ** (day / self.doubling_days))
        limit = math.log(self.plateau)
        slowing = math.log(2) / (self.doubling_days * limit)
        return math.exp(limit * (1 - math.exp(-slowing * day)))

    def diameter_ratio(self, day: float) -> float:
        """Diameter on a day over that on day 0, that of a ball of the volume.

        Parameters
        ----------
        day : float
            0 or later.

        Returns
        -------
        float
        """
        return float(self.volume_ratio(day) ** (1 / 3))

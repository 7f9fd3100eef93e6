"""What a report says, in the field's terms."""

from __future__ import annotations

import dataclasses
from typing import Any

from monai_mammo.conditions import Box, Conditions
from monai_mammo.terms import (
    CalcificationDistribution,
    CalcificationMorphology,
    Depth,
    FindingCategory,
    Laterality,
    Margin,
    MassDensity,
    Quadrant,
    Shape,
    View,
    of_most_concern,
)
from monai_mammo.text.place import box_of_place

__all__ = ["DESCRIPTOR_FITS", "ParsedReport", "ReportedFinding"]


_ENHANCEMENTS = (FindingCategory.NONMASS_ENHANCEMENT, FindingCategory.ENHANCEMENT)
_MASS_LIKE = (
    None,
    FindingCategory.MASS,
    FindingCategory.FOCUS,
    FindingCategory.LYMPH_NODE,
    FindingCategory.ENHANCEMENT,
)
DESCRIPTOR_FITS: dict[str, tuple[FindingCategory | None, ...]] = {
    "shape": _MASS_LIKE,
    "margins": (*_MASS_LIKE, FindingCategory.ASYMMETRY, FindingCategory.FOCAL_ASYMMETRY),
    "mass_density": (None, FindingCategory.MASS),
    "morphologies": (FindingCategory.CALCIFICATION,),
    "distribution": (FindingCategory.CALCIFICATION, *_ENHANCEMENTS),
}
"""Which categories each descriptor of a `ReportedFinding` fits; `None` is a finding of unstated category."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReportedFinding:
    """One finding of a report.

    Parameters
    ----------
    category : FindingCategory or None
        `None` where the report says no more than "lesion" or "abnormality".
    laterality : Laterality or None
    shape : Shape or None
    margins : tuple of Margin
        As stated; reports may name several.
    mass_density : MassDensity or None
    morphologies : tuple of CalcificationMorphology
        As stated; reports may name several.
    distribution : CalcificationDistribution or None
    quadrants : tuple of Quadrant
        As stated; the one that the clock face stands for where only that is said.
    clock_hour : float or None
        Position on the clock face, half past ten as 10.5.
    depths : tuple of Depth
        As stated.
    size_mm : float or None
        Greatest extent in mm.
    nipple_distance_mm : float or None
        Distance from the nipple in mm.
    """

    category: FindingCategory | None
    laterality: Laterality | None = None
    shape: Shape | None = None
    margins: tuple[Margin, ...] = ()
    mass_density: MassDensity | None = None
    morphologies: tuple[CalcificationMorphology, ...] = ()
    distribution: CalcificationDistribution | None = None
    quadrants: tuple[Quadrant, ...] = ()
    clock_hour: float | None = None
    depths: tuple[Depth, ...] = ()
    size_mm: float | None = None
    nipple_distance_mm: float | None = None

    def described(self) -> dict[str, Any]:
        """Its descriptors as fields of `Conditions`; of several margins or morphologies the one of most concern.

        Returns
        -------
        dict of str to vocabulary
            Without what is not stated.
        """
        values = {
            "lesion_shape": self.shape,
            "lesion_margin": of_most_concern(self.margins),
            "calc_type": of_most_concern(self.morphologies),
            "calc_distribution": self.distribution if self.category is FindingCategory.CALCIFICATION else None,
        }
        return {name: value for name, value in values.items() if value is not None}

    def region(self, view: View, laterality: Laterality) -> Box | None:
        """Coarse region of its place in the picture as displayed.

        Parameters
        ----------
        view : View
        laterality : Laterality
            Of the picture.

        Returns
        -------
        Box or None
            Around all stated places; `None` where none is stated that the view can show. See `box_of_place`.
        """
        places = [(q, d) for q in self.quadrants or (None,) for d in self.depths or (None,)]
        boxes = [box_of_place(q, view=view, laterality=laterality, depth=d) for q, d in places]
        shown = [box for box in boxes if box is not None]
        if len(shown) < len(boxes) or not shown:
            return None
        lows, highs = (min, max)
        return Box(
            lows(box.x0 for box in shown),
            lows(box.y0 for box in shown),
            highs(box.x1 for box in shown),
            highs(box.y1 for box in shown),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ParsedReport:
    """A report as conditions, and what `Conditions` cannot hold.

    Parameters
    ----------
    conditions : Conditions
        Of the main finding; without a box: see `region`.
    findings : tuple of ReportedFinding
        All that the report affirms, in its order.
    negated : tuple of FindingCategory
        What it says is not there.
    birads_letter : str
        ``a``, ``b`` or ``c`` behind BI-RADS 4, otherwise empty.
    opinions : tuple of str
        Words of an assessment, such as "suspicious" or "malignant", which state no condition.
    not_understood : tuple of str
        Words that the grammar does not know, or cannot place, in the order of the text.
    is_understood : bool
        Whether anything was understood that bears on a mammogram.
    """

    conditions: Conditions
    findings: tuple[ReportedFinding, ...] = ()
    negated: tuple[FindingCategory, ...] = ()
    birads_letter: str = ""
    opinions: tuple[str, ...] = ()
    not_understood: tuple[str, ...] = ()
    is_understood: bool = True

    @property
    def main_finding(self) -> ReportedFinding | None:
        """First finding of the category that `conditions` holds; a "lesion" without category where none is named."""
        for finding in self.findings:
            category = finding.category and finding.category.finding
            if category == self.conditions.finding and (category is not None or finding.category is None):
                return finding
        return None

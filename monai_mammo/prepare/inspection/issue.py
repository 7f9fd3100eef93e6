"""What can be wrong with a data set: kinds, how grave each is, and words that a reader of mammograms understands."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Any, NamedTuple

__all__ = ["Issue", "IssueKind", "Severity"]


class Severity(StrEnum):
    """How grave an issue is, gravest first."""

    LEAKAGE = "leakage"
    FAULT = "fault"
    LEFT_OUT = "left_out"
    NOTE = "note"

    @property
    def heading(self) -> str:
        """Heading of its part of the report."""
        return _SEVERITIES[self].heading

    @property
    def meaning(self) -> str:
        """What it means for whoever uses the data set, one sentence."""
        return _SEVERITIES[self].meaning


class IssueKind(StrEnum):
    """Code of an issue, in the order in which a report tells them."""

    # leakage
    PERSON_IN_SPLITS = "person_in_splits"
    PERSON_IN_PUBLISHED_SPLITS = "person_in_published_splits"
    DUPLICATE_ACROSS = "duplicate_across"
    # pictures and labels that cannot both be right
    INVERTED = "inverted"
    WRONG_SIDE = "wrong_side"
    NO_BREAST = "no_breast"
    MASK_MISFIT = "mask_misfit"
    MASK_RESIZED = "mask_resized"
    MASK_SWAPPED = "mask_swapped"
    MASK_UNDECIDABLE = "mask_undecidable"
    MASK_EMPTY = "mask_empty"
    MASK_FULL = "mask_full"
    MASK_OUTSIDE = "mask_outside"
    MASK_MISSING = "mask_missing"
    BOX_OUTSIDE = "box_outside"
    NEARLY_BLACK = "nearly_black"
    FILLS_FRAME = "fills_frame"
    DUPLICATE = "duplicate"
    LABEL_CONTRADICTION = "label_contradiction"
    HEADER_CONTRADICTION = "header_contradiction"
    # not read
    UNREADABLE = "unreadable"
    REFUSED = "refused"
    # good to know
    EMPTY_SPLIT = "empty_split"
    MANY_STUDIES = "many_studies"
    AIR_NOT_BLACK = "air_not_black"
    SIDE_NOT_TOLD = "side_not_told"
    HANGS_MIRRORED = "hangs_mirrored"
    MISSING_VIEW = "missing_view"
    DOUBLED_VIEW = "doubled_view"
    DENSITY_DIFFERS = "density_differs"
    LABEL_COUNT = "label_count"
    PRIVATE_DATA = "private_data"
    SURPLUS_BYTES = "surplus_bytes"
    NOTICED = "noticed"

    @property
    def severity(self) -> Severity:
        """How grave it is."""
        return _KINDS[self].severity

    @property
    def heading(self) -> str:
        """Heading, such as ``Inverted pictures``."""
        return _KINDS[self].heading

    @property
    def meaning(self) -> str:
        """What to make of it, one or two sentences."""
        return _KINDS[self].meaning


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One thing that is wrong, or good to know.

    Parameters
    ----------
    kind : IssueKind
    sentence : str
        What, and where it can be seen; holds nothing of a patient.
    images : tuple of str
        Pictures concerned, by their name in the report; empty where the data set as a whole is meant.
    reason : str
        Finer code, such as that of `monai_mammo.dicom.SkipReason` for a picture that was not read.
    """

    kind: IssueKind
    sentence: str
    images: tuple[str, ...] = ()
    reason: str = ""

    @property
    def severity(self) -> Severity:
        """How grave it is."""
        return self.kind.severity

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values.

        Returns
        -------
        dict
        """
        values = {
            "kind": self.kind.value,
            "severity": self.severity.value,
            "reason": self.reason,
            "sentence": self.sentence,
            "images": list(self.images),
        }
        return {key: value for key, value in values.items() if value != ""}


class _Words(NamedTuple):
    heading: str
    meaning: str


class _Sort(NamedTuple):
    severity: Severity
    heading: str
    meaning: str


_SEVERITIES = {
    Severity.LEAKAGE: _Words("Leakage", "Figures on this division would be too good: mend it before training."),
    Severity.FAULT: _Words("Faults", "Picture and label cannot both be right: check before use."),
    Severity.LEFT_OUT: _Words("Not read", "These files are not used; every one is listed with its reason."),
    Severity.NOTE: _Words("Good to know", "Nothing is wrong for certain, but results may depend on it."),
}
_KINDS = {
    IssueKind.PERSON_IN_SPLITS: _Sort(
        Severity.LEAKAGE,
        "Persons in two splits",
        "Pictures of one person lie in more than one of training, validation and test.",
    ),
    IssueKind.PERSON_IN_PUBLISHED_SPLITS: _Sort(
        Severity.LEAKAGE,
        "Persons in two published parts",
        "The division that the data set was published with has one person in several parts. It is not used as it "
        "stands when the set is prepared here; others may use it.",
    ),
    IssueKind.DUPLICATE_ACROSS: _Sort(
        Severity.LEAKAGE,
        "The same picture for two persons or in two splits",
        "Either one person has two names, or one file was copied under a second one. Mirrored copies are found too.",
    ),
    IssueKind.INVERTED: _Sort(
        Severity.FAULT,
        "Inverted pictures",
        "The background outside the breast is bright: a negative, or a file that misstates its photometric "
        "interpretation. In a mammogram air is dark.",
    ),
    IssueKind.WRONG_SIDE: _Sort(
        Severity.FAULT,
        "Chest wall on the other side",
        "The chest wall lies at the edge where the label does not let expect it: the label is wrong, or the picture "
        "is mirrored. About three in ten films of CBIS-DDSM are.",
    ),
    IssueKind.NO_BREAST: _Sort(Severity.FAULT, "No breast found", "Nothing in the picture is large enough."),
    IssueKind.MASK_MISFIT: _Sort(
        Severity.FAULT,
        "Mask of another size or crop",
        "The mask was drawn on another grid than the picture's; without a measured shift it cannot be laid over it.",
    ),
    IssueKind.MASK_RESIZED: _Sort(
        Severity.FAULT,
        "Scaled masks",
        "Mask and picture differ by one factor on both axes; preparing brings the mask to the picture's size.",
    ),
    IssueKind.MASK_SWAPPED: _Sort(
        Severity.FAULT,
        "Mask and crop exchanged",
        "By its pixels the mask is the file that is called the crop; preparing goes by the pixels.",
    ),
    IssueKind.MASK_UNDECIDABLE: _Sort(
        Severity.FAULT, "Mask not told from the crop", "Both files have grey values, or neither has; none is used."
    ),
    IssueKind.MASK_EMPTY: _Sort(Severity.FAULT, "Empty masks", "The mask of a finding shows nothing."),
    IssueKind.MASK_FULL: _Sort(
        Severity.FAULT,
        "Masks of everything",
        "The mask marks every pixel of the picture, the air too: perhaps it is inverted, or the picture's frame.",
    ),
    IssueKind.MASK_OUTSIDE: _Sort(
        Severity.FAULT,
        "Outlines off the breast",
        "Most of a mask or box lies on air, or it covers nearly the whole breast.",
    ),
    IssueKind.MASK_MISSING: _Sort(
        Severity.FAULT, "Masks missing", "The data set names a mask that is not there or cannot be read."
    ),
    IssueKind.BOX_OUTSIDE: _Sort(
        Severity.FAULT,
        "Boxes and outlines that leave the frame",
        "Their corners lie outside the picture; preparing cuts them at the edge, or leaves them out where the note "
        "says so.",
    ),
    IssueKind.DUPLICATE: _Sort(
        Severity.FAULT, "The same picture twice", "Two pictures of one person are equal, or nearly so, or mirrored."
    ),
    IssueKind.LABEL_CONTRADICTION: _Sort(
        Severity.FAULT,
        "Labels that contradict each other",
        "Finding, BI-RADS category and pathology do not go together.",
    ),
    IssueKind.HEADER_CONTRADICTION: _Sort(
        Severity.FAULT,
        "Files that contradict themselves",
        "Two statements of one DICOM file, or a statement and its pixels, exclude each other. The sentence says which "
        "was taken; a look at the picture tells whether rightly.",
    ),
    IssueKind.UNREADABLE: _Sort(Severity.LEFT_OUT, "Unreadable files", "Broken, hostile, or not there."),
    IssueKind.REFUSED: _Sort(
        Severity.LEFT_OUT,
        "Left out on purpose",
        "Sound files that show something other than a plain view of one breast.",
    ),
    IssueKind.NEARLY_BLACK: _Sort(
        Severity.FAULT,
        "Nearly black pictures",
        "The breast uses a small part of the range, as when 12 bits were stored in 16: networks see next to nothing.",
    ),
    IssueKind.FILLS_FRAME: _Sort(
        Severity.FAULT,
        "No air beside the breast",
        "The whole picture counts as breast: a crop, a magnification, or air that cannot be told from tissue.",
    ),
    IssueKind.EMPTY_SPLIT: _Sort(
        Severity.NOTE,
        "A split without pictures",
        "A training needs training and validation: without one of them it has nothing to choose its weights by.",
    ),
    IssueKind.MANY_STUDIES: _Sort(
        Severity.NOTE,
        "One PatientID over several studies",
        "All of them count as one person, which is wrong where a placeholder stands for many.",
    ),
    IssueKind.AIR_NOT_BLACK: _Sort(
        Severity.NOTE,
        "Air that is not black",
        "Air is told by being dark and flat, and is set to 0 in prepared images.",
    ),
    IssueKind.SIDE_NOT_TOLD: _Sort(
        Severity.NOTE,
        "Chest wall not told by the pixels",
        "The edge is taken from the table or the laterality, and failing both the left one.",
    ),
    IssueKind.HANGS_MIRRORED: _Sort(
        Severity.NOTE,
        "Films that are mirrored, as their table says",
        "The chest wall is where the table says, which is not where readers expect it for that side.",
    ),
    IssueKind.MISSING_VIEW: _Sort(
        Severity.NOTE, "Missing views", "Fewer than the four standard views: left and right, CC and MLO."
    ),
    IssueKind.DOUBLED_VIEW: _Sort(
        Severity.NOTE, "Views that are there twice", "One breast has several pictures in one projection on one day."
    ),
    IssueKind.DENSITY_DIFFERS: _Sort(
        Severity.NOTE,
        "Density differs",
        "The two breasts of a person, or two views of one breast, have another density category.",
    ),
    IssueKind.LABEL_COUNT: _Sort(
        Severity.NOTE,
        "Label counts",
        "What the tables hold against what was counted on the published ones: a part of a set differs, so does a "
        "re-saved copy.",
    ),
    IssueKind.PRIVATE_DATA: _Sort(
        Severity.NOTE,
        "Data of persons beside the pictures",
        "Names, dates or reports may be in these files. They were neither read nor copied.",
    ),
    IssueKind.SURPLUS_BYTES: _Sort(
        Severity.NOTE,
        "Bytes that no pixel needs",
        "Files hold bytes behind the end of their pixels. All pixels are there, and the rest was left out.",
    ),
    IssueKind.NOTICED: _Sort(Severity.NOTE, "Noticed on reading", "What the reader wrote down, with its pictures."),
}

"""Why a file was not read: machine-readable codes, and one sentence a file.

A bad file in a folder is a result, not an exception. Details name attributes and limits,
never the values of a person's attributes.
"""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from pathlib import Path

from monai_mammo.errors import MammoError

__all__ = ["Failed", "Refusal", "SkipReason", "Skipped"]


class SkipReason(StrEnum):
    """Code of what kept a file from being read (classes and modifiers of DICOM PS3.3, PS3.16 CID 4015)."""

    # no image of one breast
    NOT_DICOM = "not_dicom"
    NOT_MAMMOGRAPHY = "not_mammography"
    SECONDARY_CAPTURE = "secondary_capture"
    PRESENTATION_STATE = "presentation_state"
    STRUCTURED_REPORT = "structured_report"
    SEGMENTATION = "segmentation"
    RAW_DATA = "raw_data"
    NO_PIXELS = "no_pixels"
    MASK_OR_CROP = "mask_or_crop"
    QUALITY_CONTROL = "quality_control"
    # a mammogram of a sort that is not asked for
    TOMOSYNTHESIS = "tomosynthesis"
    PROJECTION = "projection"
    SYNTHETIC_2D = "synthetic_2d"
    BIOPSY = "biopsy"
    HIGH_ENERGY = "high_energy"
    FOR_PROCESSING = "for_processing"
    MULTI_FRAME = "multi_frame"
    COLOR = "color"
    SPECIMEN = "specimen"
    BOTH_BREASTS = "both_breasts"
    MAGNIFICATION = "magnification"
    SPOT = "spot"
    IMPLANT_DISPLACED = "implant_displaced"
    TANGENTIAL = "tangential"
    PARTIAL_VIEW = "partial_view"
    ROLLED = "rolled"
    UNSUPPORTED_VIEW = "unsupported_view"
    # a picture that its data set has no use for
    DUPLICATE = "duplicate"
    # pixels that cannot, or must not, be decoded
    UNSUPPORTED_TRANSFER_SYNTAX = "unsupported_transfer_syntax"
    UNSUPPORTED_PIXELS = "unsupported_pixels"
    NONCONFORMING_STREAM = "nonconforming_stream"
    MISSING_CODEC = "missing_codec"
    TOO_LARGE = "too_large"
    DAMAGED = "damaged"
    UNREADABLE = "unreadable"
    # what must not be passed on
    BURNED_IN = "burned_in"
    # what only a process of its own could end
    DECODER_CRASHED = "decoder_crashed"
    TIMEOUT = "timeout"
    # what only the table of a data set can tell
    NOT_IN_TABLE = "not_in_table"
    WRONG_ROW = "wrong_row"


@dataclasses.dataclass(frozen=True, slots=True)
class _NotRead:
    """A file that gave no mammogram.

    Parameters
    ----------
    path : Path
        The file.
    reason : SkipReason
        Code to count by.
    detail : str
        One sentence; holds nothing of a patient.
    """

    path: Path
    reason: SkipReason
    detail: str

    def __str__(self) -> str:
        return f"{self.path.name}: {self.detail} [{self.reason.value}]"


class Skipped(_NotRead):
    """A sound file that is left out on purpose; see `SkipReason`."""

    __slots__ = ()


class Failed(_NotRead):
    """A file that is broken, hostile or out of reach; see `SkipReason`."""

    __slots__ = ()


_FAILURES = frozenset(
    {
        SkipReason.NO_PIXELS,
        SkipReason.DAMAGED,
        SkipReason.TOO_LARGE,
        SkipReason.UNREADABLE,
        SkipReason.MISSING_CODEC,
        SkipReason.DECODER_CRASHED,
        SkipReason.TIMEOUT,
        SkipReason.WRONG_ROW,
    }
)


class Refusal(MammoError):
    """Raised inside the reader where a file turns out not to be read; never leaves it.

    Parameters
    ----------
    reason : SkipReason
    detail : str
        One sentence without full stop.
    """

    def __init__(self, reason: SkipReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail

    def outcome(self, path: Path) -> Skipped | Failed:
        """Result for a file: failed where it is broken or out of reach, skipped where it is left out on purpose.

        Parameters
        ----------
        path : Path

        Returns
        -------
        Skipped or Failed
        """
        kind = Failed if self.reason in _FAILURES else Skipped
        return kind(path, self.reason, self.detail)

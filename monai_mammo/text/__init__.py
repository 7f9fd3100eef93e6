"""Mammography reports as conditions, and conditions as the words of a report. Needs no torch."""

from __future__ import annotations

from monai_mammo.text.captions import caption_of
from monai_mammo.text.fill import DESCRIBED, filled_from_text, notes_on_text, requested_finding
from monai_mammo.text.parse import conditions_of_text
from monai_mammo.text.place import box_of_place, quadrant_of_clock
from monai_mammo.text.report import ParsedReport, ReportedFinding
from monai_mammo.text.report_sentences import text_of_conditions
from monai_mammo.text.vectors import GrammarEncoder

__all__ = [
    "DESCRIBED",
    "GrammarEncoder",
    "ParsedReport",
    "ReportedFinding",
    "box_of_place",
    "caption_of",
    "conditions_of_text",
    "filled_from_text",
    "notes_on_text",
    "quadrant_of_clock",
    "requested_finding",
    "text_of_conditions",
]

"""What a data set hides: each picture is read once, then small checks go over all of them.

`monai_mammo.prepare.doctor` is the door. A check is a function from inspected images to issues; which there are
stands in `checks.CHECKS`.
"""

from __future__ import annotations

from monai_mammo.lazy_names import lazy_names

_HOMES = {
    "CHECKS": "checks",
    "DoctorReport": "doctor_report",
    "Issue": "issue",
    "IssueKind": "issue",
    "InspectedImage": "inspected_image",
    "Severity": "issue",
    "doctor": "examine",
    "background_darkness": "polarity",
    "report_page": "page",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)

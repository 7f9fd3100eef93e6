"""What generated mammograms may be used for: one report of all figures, with lights by stated limits and one sentence.

Names resolve on first use (PEP 562).
"""

from __future__ import annotations

from monai_mammo.lazy_names import lazy_names

_HOMES = {
    "CRITERIA": "criteria",
    "USES": "uses",
    "Light": "lights",
    "evaluate_report": "report_of_folder",
    "limits_table": "criteria",
    "report_page": "report_page",
    "report_schema": "report_form",
    "uses_table": "uses",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)

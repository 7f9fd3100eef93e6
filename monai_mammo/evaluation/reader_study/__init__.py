"""Reader studies: can people tell generated mammograms from acquired ones? A kit for them, and what their answers say.

Names resolve on first use (PEP 562).
"""

from __future__ import annotations

from monai_mammo.lazy_names import lazy_names

_HOMES = {
    "cohen_kappa": "reader_agreement",
    "fleiss_kappa": "reader_agreement",
    "interval_over_readers": "reader_intervals",
    "matched_pairs": "like_pairs",
    "reader_kit": "kit_folder",
    "reader_kit_analyse": "reader_analysis",
    "reader_table": "reader_study_table",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)

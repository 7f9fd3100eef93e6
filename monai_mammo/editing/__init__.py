"""Edits of acquired mammograms at their own size, on top of the runs of `generation`.

Names resolve on first use (PEP 562).
"""

from __future__ import annotations

from monai_mammo.lazy_names import lazy_names

_HOMES = {
    "EditRequest": "edit_request",
    "GrowthLaw": "growth_law",
    "augment": "augment_folder",
    "counterfactual": "counterfactual_edit",
    "evolve": "evolve_lesion",
    "insert": "insert_lesion",
    "remove": "remove_lesion",
    "translate": "translate_view",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)

"""Figures: what the autoencoder keeps, what the lesion network sees, whether what was requested is there.

Every figure of the model cards comes from ``monai-mammo evaluate``. Names resolve on
first use (PEP 562).
"""

from __future__ import annotations

from monai_mammo.lazy_names import lazy_names

_HOMES = {
    "adherence_figures": "adherence",
    "calibrate_bundle": "calibration",
    "comparison_sheet": "sheets",
    "evaluate": "evaluate_figures",
    "evaluate_edits": "edits.edits_of_runs",
    "evaluate_realism": "realism.realism_of_folder",
    "evaluate_utility": "utility.utility_of_folder",
    "examiner_figures": "examination",
    "fill_card": "cards",
    "fingerprint_bundle": "memorisation",
    "knob_figures": "knobs.knob_figures",
    "items_of_run": "run_items",
    "lesion_figures": "lesion_readings",
    "load_judge": "examiners",
    "markdown_table": "tables",
    "membership_figures": "memory.membership",
    "memorisation_figures": "memorisation",
    "planted_figures": "memory.planted_figures",
    "reconstruction_figures": "reconstruction_quality",
    "requests_like_acquired": "requests",
    "spot_figures": "spots",
    "summary": "intervals",
    "texture_figures": "texture_power",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)

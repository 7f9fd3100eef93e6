"""How real generated mammograms are: figures on arrays, each beside the same one on acquired images, and sheets.

Names resolve on first use (PEP 562).
"""

from __future__ import annotations

from monai_mammo.lazy_names import lazy_names

_HOMES = {
    "FeatureSpace": "frechet",
    "ImageSet": "image_set",
    "border_ratio": "block_borders",
    "bright_parts": "breast_shape",
    "encoder_features": "frozen_encoder",
    "evaluate_realism": "realism_of_folder",
    "filtered_radiomic_features": "filtered_radiomics",
    "frechet_distance": "frechet",
    "gaussian_frechet_distance": "frechet",
    "image_measures": "measured_image",
    "orientation_coherence": "fibres",
    "radiomic_features": "radiomics",
    "realism_figures": "compared_sets",
    "realism_table": "realism_tables",
    "ridge_length": "fibres",
    "separability": "classifier_auc",
    "shape_measures": "breast_shape",
    "skin_line_step": "skin_line",
    "write_sheets": "kind_sheets",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)

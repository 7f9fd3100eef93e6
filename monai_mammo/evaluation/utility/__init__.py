"""What generated images are worth to a training: with and without them, tested on acquired images of other persons.

Names resolve on first use (PEP 562).
"""

from __future__ import annotations

from monai_mammo.lazy_names import lazy_names

_HOMES = {
    "ArmScores": "arm_scores",
    "Cases": "arm_scores",
    "Scorer": "training_sets",
    "TrainingSet": "training_sets",
    "evaluate_utility": "utility_of_folder",
    "utility_figures": "utility_comparisons",
    "utility_table": "utility_page",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)

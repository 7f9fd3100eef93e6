"""Drawn mammograms with exact masks: the embedded data set for tests, tutorials and smoke training."""

from __future__ import annotations

from monai_mammo.phantom.draw import Layers, draw_layers, draw_mammogram, draw_study
from monai_mammo.phantom.lesions import MassShape
from monai_mammo.phantom.pair import draw_pair

__all__ = ["Layers", "MassShape", "draw_layers", "draw_mammogram", "draw_pair", "draw_study"]

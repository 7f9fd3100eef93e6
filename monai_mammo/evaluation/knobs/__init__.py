"""What moves when one condition is changed alone, and what does not: the knob table of a generator."""

from __future__ import annotations

from monai_mammo.lazy_names import lazy_names

_HOMES = {
    "KNOBS": "knob_table",
    "Knob": "knob_table",
    "Level": "knob_table",
    "knob_figures": "knob_figures",
    "knob_effects": "knob_effects",
    "measured": "knob_measures",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)

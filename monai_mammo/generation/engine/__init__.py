"""From weights and planned samples to images and what they show. Knows no file and no folder of a run.

Names resolve on first use (PEP 562).
"""

from __future__ import annotations

from monai_mammo.lazy_names import lazy_names

_HOMES = {
    "CheckResult": "check",
    "DrawSettings": "settings",
    "Generator": "generator",
    "PlannedSample": "plan",
    "best_of": "check",
    "check_image": "check",
    "clean_air": "check",
    "draw_all": "parallel",
    "pick_device": "device",
    "plan_sample": "plan",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)

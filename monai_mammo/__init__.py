"""Synthetic mammograms that a clinical imaging group can trust and use.

Names resolve on first use (PEP 562), so ``import monai_mammo`` costs neither torch nor MONAI.
"""

from __future__ import annotations

from monai_mammo.commands import COMMANDS
from monai_mammo.lazy_names import lazy_names

__version__ = "0.1.0"

_HOMES = {
    "Box": "monai_mammo.conditions",
    "Conditions": "monai_mammo.conditions",
    "Mammogram": "monai_mammo.study",
    "MammoError": "monai_mammo.errors",
    "Progress": "monai_mammo.progress",
    "RequestError": "monai_mammo.errors",
    "Study": "monai_mammo.study",
    **{command.function: command.module for command in COMMANDS},
}
del _HOMES["prepare"]  # a room of this name: it is called as the function

_ROOMS = frozenset({"bundle", "prepare"})  # configs say ``monai_mammo.bundle.root(...)`` after ``$import monai_mammo``

__all__ = [*sorted([*_HOMES, "prepare"]), "__version__"]

__getattr__, __dir__ = lazy_names(__name__, _HOMES, names=__all__, submodules=_ROOMS)

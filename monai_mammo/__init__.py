"""Synthetic mammograms that a clinical imaging group can trust and use.

Names resolve on first use (PEP 562), so ``import monai_mammo`` costs neither torch nor MONAI.
"""

from __future__ import annotations

from monai_mammo.lazy_names import lazy_names

__version__ = "0.1.0"

_HOMES = {
    "Box": "monai_mammo.conditions",
    "Conditions": "monai_mammo.conditions",
    "Mammogram": "monai_mammo.study",
    "MammoError": "monai_mammo.errors",
    "RequestError": "monai_mammo.errors",
    "Study": "monai_mammo.study",
    "generate": "monai_mammo.generation",
    "reconstruct": "monai_mammo.generation",
    "train": "monai_mammo.training",
    "verify": "monai_mammo.generation",
}

_ROOMS = frozenset({"bundle"})  # bundles' configs say ``$import monai_mammo`` and ``monai_mammo.bundle.root(...)``

__all__ = [*sorted(_HOMES), "__version__"]

__getattr__, __dir__ = lazy_names(__name__, _HOMES, names=__all__, submodules=_ROOMS)

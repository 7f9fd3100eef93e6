"""A request of any kind carried out in a folder: manifest, files of each sample, datalist, verification.

Names resolve on first use (PEP 562).
"""

from __future__ import annotations

from monai_mammo.lazy_names import lazy_names

_HOMES = {
    "MadeSample": "run_spec",
    "Manifest": "manifest",
    "OutputFormat": "output_format",
    "Run": "run",
    "RunRequest": "run_spec",
    "RunSpec": "run_spec",
    "VerifyReport": "verification",
    "carry_out": "carrying_out",
    "verify": "verification",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)

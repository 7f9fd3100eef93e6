"""From a request to images, and to a run in a folder.

`engine` turns weights and planned samples into images and knows no file; `runs` keeps any kind of request in a folder.

Names resolve on first use (PEP 562): `verify` needs no torch.
"""

from __future__ import annotations

from monai_mammo.lazy_names import lazy_names

_HOMES = {
    "OutputFormat": "runs.output_format",
    "Request": "request",
    "RequestDataset": "request_dataset",
    "Run": "runs.run",
    "UnsupportedPolicy": "request",
    "VerifyReport": "runs.verification",
    "ReconstructReport": "reconstruct_images",
    "conditions_from_file": "conditions_file",
    "conditions_of_image": "like",
    "generate": "generate_run",
    "request_items": "request_dataset",
    "reconstruct": "reconstruct_images",
    "verify": "runs.verification",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)

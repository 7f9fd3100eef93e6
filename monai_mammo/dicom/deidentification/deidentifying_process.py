"""The process in which files are de-identified; see `monai_mammo.dicom.process.worker_process`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monai_mammo.dicom.deidentification.dataset import DeidentificationPolicy, deidentified_bytes
from monai_mammo.dicom.deidentification.pseudonyms import Pseudonyms
from monai_mammo.dicom.process.worker_process import main as serve
from monai_mammo.dicom.reading.guards import Limits, file_bytes
from monai_mammo.dicom.reasons import Refusal
from monai_mammo.errors import MammoError
from monai_mammo.files import bytes_sha256, save_bytes

__all__ = ["deidentify_to", "main"]


def main() -> None:
    """Serve until standard input ends."""
    serve(deidentify_to)


def deidentify_to(
    path: Path, *, limits: Limits, part: str, secret: str, policy: dict[str, Any], **_: object
) -> dict[str, Any]:
    """De-identify a file and say what became of it.

    Parameters
    ----------
    path : Path
    limits : Limits
    part : str
        Where the new file is written, for the reader to give it its name.
    secret : str
        Secret of the pseudonyms, in hexadecimal.
    policy : dict
        Fields of `DeidentificationPolicy`.

    Returns
    -------
    dict
        Message of kind ``deidentified``, ``refused`` or ``not_written``.
    """
    source_sha256 = ""
    try:
        data = file_bytes(path, limits)
        source_sha256 = bytes_sha256(data)
        new, record = deidentified_bytes(
            data, Pseudonyms(bytes.fromhex(secret)), DeidentificationPolicy(**policy), limits
        )
    except Refusal as refusal:
        reason = {"reason": refusal.reason.value, "detail": refusal.detail}
        return {"kind": "refused", "source_sha256": source_sha256, **reason}
    try:
        save_bytes(new, part)
    except MammoError:
        return {"kind": "not_written"}
    return {
        "kind": "deidentified",
        "source_sha256": source_sha256,
        "sha256": bytes_sha256(new),
        "person_id": record.person_id,
        "sop_instance_uid": record.sop_instance_uid,
        "removed": record.removed,
        "notes": list(record.notes),
    }

"""A folder de-identified by the words of the command, with the secret in a file."""

from __future__ import annotations

import os
from typing import Literal

from monai_mammo.dicom.deidentification.dataset import DeidentificationPolicy
from monai_mammo.dicom.deidentification.deidentified_folder import DeidentificationReport, deidentify_folder
from monai_mammo.errors import RequestError
from monai_mammo.files.bounded import UnreadableFile, read_bytes
from monai_mammo.progress import ProgressCallback

__all__ = ["deidentify"]

_MAX_SECRET_BYTES = 2**20


def deidentify(
    source: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str],
    secret_file: str | os.PathLike[str] | None = None,
    key_file: str | os.PathLike[str] | None = None,
    keep_sex_and_age_band: bool = False,
    burned_in: Literal["refuse", "keep"] = "refuse",
    progress: ProgressCallback | None = None,
) -> DeidentificationReport:
    """De-identified copies of all mammograms of a folder, a folder a person, with ``report.json``.

    Parameters
    ----------
    source : path
        Folder of DICOM files; it is not changed.
    out : path
        Folder of the new files, new or empty, or that of an earlier call for the same source.
    secret_file : path, optional
        At least 16 bytes that make the pseudonyms, the same for all deliveries that shall fit together; by default a
        secret is drawn and forgotten.
    key_file : path, optional
        CSV of each source and its new file, outside of `out`; it must not leave.
    keep_sex_and_age_band : bool
        Whether sex, and age in bands of 5 years, are kept.
    burned_in : {"refuse", "keep"}
        What becomes of images that say they have text in them.
    progress : callable or None
        Called with a `Progress` now and then.

    Returns
    -------
    DeidentificationReport

    Raises
    ------
    RequestError
        A folder or file cannot be used, the secret is too short, or `burned_in` is not allowed; nothing was written.
    MammoError
        A file could not be written.
    """
    policy = DeidentificationPolicy(keep_sex_and_age_band=keep_sex_and_age_band, burned_in=burned_in)
    return deidentify_folder(
        source, out=out, secret=_secret(secret_file), policy=policy, key_file=key_file, progress=progress
    )


def _secret(path: str | os.PathLike[str] | None) -> bytes | None:
    if path is None:
        return None
    try:
        return read_bytes(path, max_bytes=_MAX_SECRET_BYTES)
    except UnreadableFile as error:
        raise RequestError(f"secret file {error.detail}") from None

"""De-identification with a process between the file and us: what crashes, hangs or swells there costs one file."""

from __future__ import annotations

import dataclasses
import functools
import os
import re
import secrets
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from monai_mammo.dicom.deidentification.dataset import DeidentificationPolicy, Deidentified
from monai_mammo.dicom.deidentification.pseudonyms import Pseudonyms
from monai_mammo.dicom.process.worker import GuardedReader
from monai_mammo.dicom.reading.guards import Limits
from monai_mammo.dicom.reasons import Failed, Refusal, Skipped, SkipReason
from monai_mammo.errors import MammoError

__all__ = ["TIMEOUT_S", "GuardedDeidentifier", "Outcome", "deidentify_file"]

TIMEOUT_S = 120.0
"""For decoding twice and coding once, of 64 million pixels."""

_SHA256 = re.compile(r"[0-9a-f]{64}|")
_PERSON = re.compile(r"person-[0-9a-f]{32}|")
_UID = re.compile(r"2\.25\.[0-9]{1,39}")


class Outcome(NamedTuple):
    """What became of one file.

    Parameters
    ----------
    result : Deidentified, Skipped or Failed
        A `Deidentified` lies where the caller said, and has not got its name yet.
    source_sha256, sha256 : str
        Of the file and of the new one; empty where the file could not be read, or there is no new one.
    """

    result: Deidentified | Skipped | Failed
    source_sha256: str = ""
    sha256: str = ""


class GuardedDeidentifier(GuardedReader):
    """De-identification in a process of its own, with bounded memory and time; see `GuardedReader` for its bounds."""

    _process_module: ClassVar[str] = "monai_mammo.dicom.deidentification.deidentifying_process"

    def deidentify(
        self,
        path: str | os.PathLike[str],
        part: str | os.PathLike[str],
        *,
        secret: bytes,
        policy: DeidentificationPolicy,
    ) -> Outcome:
        """De-identify a file to a temporary place.

        Parameters
        ----------
        path, part : path
            The file, and where the new one is to lie until it is named.
        secret : bytes
            Makes the pseudonyms.
        policy : DeidentificationPolicy

        Returns
        -------
        Outcome
            Failed with ``decoder_crashed``, ``timeout`` or ``too_large`` where the file ended the process, took
            longer than allowed or asked for more memory.

        Raises
        ------
        MammoError
            The new file cannot be written, or no process can be started here.
        """
        options = {"part": os.path.abspath(part), "secret": secret.hex(), "policy": dataclasses.asdict(policy)}
        request = {"path": os.path.abspath(path), "options": options}
        with self._lock:
            result: Any = self._read(Path(path), request)
        if result is None:
            raise MammoError(f"{part} could not be written: the disk is full or the folder not writable")
        return result if isinstance(result, Outcome) else Outcome(result)

    def _result(self, head: dict[str, Any], image: object, path: Path) -> Any:
        """Outcome that a message stands for, every field checked: it comes from where hostile bytes were parsed."""
        if head["kind"] == "not_written":
            return None
        if head["kind"] == "refused":
            refusal = Refusal(SkipReason(head["reason"]), _text(head["detail"]))
            return Outcome(refusal.outcome(path), _text(head["source_sha256"], _SHA256))
        if head["kind"] != "deidentified":
            return super()._result(head, None, path)
        made = Deidentified(
            path=Path(),
            person_id=_text(head["person_id"], _PERSON),
            sop_instance_uid=_text(head["sop_instance_uid"], _UID),
            removed={_text(sort): _count(n) for sort, n in head["removed"].items()},
            notes=tuple(map(_text, head["notes"])),
        )
        return Outcome(made, _text(head["source_sha256"], _SHA256), _text(head["sha256"], _SHA256))


def deidentify_file(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    secret: bytes | None = None,
    policy: DeidentificationPolicy | None = None,
    limits: Limits | None = None,
) -> Deidentified | Skipped | Failed:
    """De-identify a file in a process of its own, as `deidentify_folder` does; the new one appears whole or not at all.

    Preamble, file meta information and bytes behind the dataset are not copied. The process is kept for the next file,
    and ends with this one.

    Parameters
    ----------
    path, out : path
        The file and the new one.
    secret, policy, limits
        As for `deidentify`.

    Returns
    -------
    Deidentified, Skipped or Failed
        Nothing is raised for a bad file, and nothing is written for it: one that crashes the process, takes longer or
        asks for more memory than allowed is ``decoder_crashed``, ``timeout`` or ``too_large``.

    Raises
    ------
    RequestError
        The secret is too short.
    MammoError
        The disk is full or the folder not writable, or no process can be started here.
    """
    Pseudonyms(secret)  # refuses a short one
    secret = secrets.token_bytes(32) if secret is None else secret
    policy = policy or DeidentificationPolicy()
    if limits is None:
        result = _deidentifier_of_this_process().deidentify(path, out, secret=secret, policy=policy).result
    else:
        with GuardedDeidentifier(limits=limits, timeout_s=TIMEOUT_S) as deidentifier:
            result = deidentifier.deidentify(path, out, secret=secret, policy=policy).result
    return dataclasses.replace(result, path=Path(out)) if isinstance(result, Deidentified) else result


@functools.cache
def _deidentifier_of_this_process() -> GuardedDeidentifier:
    return GuardedDeidentifier(timeout_s=TIMEOUT_S)


def _text(value: object, form: re.Pattern[str] | None = None) -> str:
    if not isinstance(value, str) or (form is not None and form.fullmatch(value) is None):
        raise ValueError("a message has a text of another form")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError("a message has a count of another type")
    return value

"""De-identification with a process between the file and us: what crashes, hangs or swells there costs one file."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from monai_mammo.dicom.deidentification.dataset import DeidentificationPolicy, Deidentified
from monai_mammo.dicom.process.worker import GuardedReader
from monai_mammo.dicom.reasons import Failed, Refusal, Skipped, SkipReason
from monai_mammo.errors import MammoError

__all__ = ["GuardedDeidentifier", "Outcome"]

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


def _text(value: object, form: re.Pattern[str] | None = None) -> str:
    if not isinstance(value, str) or (form is not None and form.fullmatch(value) is None):
        raise ValueError("a message has a text of another form")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError("a message has a count of another type")
    return value

"""Names in place of a person's: keyed hashes that only the holder of the secret can make again."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from pydicom.dataset import Dataset

from monai_mammo.dicom.reading.labels import person_pseudonym
from monai_mammo.errors import RequestError

__all__ = ["LEAST_SECRET_BYTES", "Pseudonyms"]

LEAST_SECRET_BYTES = 16
"""A shorter secret could be found by trying."""

_PERSON = re.compile(r"person-([0-9a-f]{16})([0-9a-f]{16})")
_UID = re.compile(r"2\.25\.([1-9][0-9]{0,38})")


class Pseudonyms:
    """Replacements of UIDs and persons under one secret (HMAC-SHA256).

    Each is 8 bytes of a keyed hash, followed by 8 bytes of a keyed hash of those: what was replaced before under the
    same secret is known by itself and stays, so that de-identifying twice changes nothing.

    Parameters
    ----------
    secret : bytes or None
        At least `LEAST_SECRET_BYTES`; `None` draws one that nobody knows, so that nothing can be linked later.

    Raises
    ------
    RequestError
        The secret is too short.
    """

    def __init__(self, secret: bytes | None = None) -> None:
        if secret is not None and len(secret) < LEAST_SECRET_BYTES:
            raise RequestError(f"the secret has {len(secret)} bytes, at least {LEAST_SECRET_BYTES} are needed")
        self._secret = secrets.token_bytes(32) if secret is None else secret

    def uid(self, uid: str) -> str:
        """UID in place of another one, ``2.25.`` and 128 bits (PS3.5, B.2).

        Parameters
        ----------
        uid : str
            Of the source.

        Returns
        -------
        str
        """
        match = _UID.fullmatch(uid)
        if match and int(match[1]) < 2**128 and self._is_own("uid", int(match[1]).to_bytes(16, "big")):
            return uid
        return f"2.25.{int.from_bytes(self._sealed('uid', uid.encode()), 'big')}"

    def person(self, dataset: Dataset) -> str:
        """PatientID in place of the dataset's, empty where it names nobody; see `person_pseudonym` for who is one.

        Parameters
        ----------
        dataset : Dataset

        Returns
        -------
        str
        """
        stated = str(dataset.get("PatientID") or "").strip()
        match = _PERSON.fullmatch(stated)
        if match and self._is_own("person", bytes.fromhex(match[1] + match[2])):
            return stated
        plain = person_pseudonym(dataset)
        return f"person-{self._sealed('person', plain.encode()).hex()}" if plain else ""

    def _hash(self, purpose: str, data: bytes) -> bytes:
        return hmac.digest(self._secret, f"monai_mammo {purpose}\x1f".encode() + data, hashlib.sha256)[:8]

    def _sealed(self, purpose: str, data: bytes) -> bytes:
        """16 bytes: the keyed hash, and a seal that shows whose it is."""
        name = self._hash(purpose, data)
        return name + self._hash(f"{purpose} seal", name)

    def _is_own(self, purpose: str, sealed: bytes) -> bool:
        return hmac.compare_digest(self._hash(f"{purpose} seal", sealed[:8]), sealed[8:])

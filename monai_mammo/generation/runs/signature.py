"""Signature of a run: says who vouches for it, and that nobody changed it since.

Ed25519 (RFC 8032) over the bytes of ``manifest.json``, which state the hash of every other file; 64 bytes in a file
beside it, so that OpenSSL can check it too:
``openssl pkeyutl -verify -pubin -inkey PUBLIC.pem -rawin -in manifest.json -sigfile manifest.json.sig``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_mammo.errors import RequestError
from monai_mammo.files.bounded import MAX_JSON_BYTES, UnreadableFile, read_bytes
from monai_mammo.files.whole import save_bytes
from monai_mammo.generation.runs.manifest import MANIFEST

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["SIGNATURE", "is_signed", "private_key", "public_key", "sign_manifest", "signature_problem"]

SIGNATURE = f"{MANIFEST}.sig"
"""Name of the signature in a run's folder."""

_MAX_KEY_BYTES = 2**16
_SIGNATURE_BYTES = 64


def private_key(path: str | os.PathLike[str]) -> Ed25519PrivateKey:
    """Key that signs.

    Parameters
    ----------
    path : path
        PEM file of an Ed25519 private key without a password.

    Returns
    -------
    Ed25519PrivateKey

    Raises
    ------
    RequestError
        There is no such file or key in it, or the package ``cryptography`` is not installed.
    """
    _need_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = _loaded(path, lambda data: load_pem_private_key(data, password=None), "private")
    if not isinstance(key, Ed25519PrivateKey):
        raise RequestError(f"key {path} is not an Ed25519 key, which alone is allowed")
    return key


def public_key(path: str | os.PathLike[str]) -> Ed25519PublicKey:
    """Key that says who signed.

    Parameters
    ----------
    path : path
        PEM file of an Ed25519 public key.

    Returns
    -------
    Ed25519PublicKey

    Raises
    ------
    RequestError
        There is no such file or key in it, or the package ``cryptography`` is not installed.
    """
    _need_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = _loaded(path, load_pem_public_key, "public")
    if not isinstance(key, Ed25519PublicKey):
        raise RequestError(f"key {path} is not an Ed25519 key, which alone is allowed")
    return key


def is_signed(folder: Path) -> bool:
    """Whether there is a signature in a run's folder, by whom ever.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    bool
    """
    return os.path.lexists(folder / SIGNATURE)


def sign_manifest(folder: Path, key: Ed25519PrivateKey) -> None:
    """Write the signature of a run's manifest; one of the same key that is there already stays.

    Parameters
    ----------
    folder : Path
    key : Ed25519PrivateKey

    Raises
    ------
    RequestError
        There is a signature by another key, or of another manifest.
    MammoError
        The file could not be written.
    """
    if not is_signed(folder):
        save_bytes(key.sign(_manifest_bytes(folder)), folder / SIGNATURE)
    elif signature_problem(folder, key.public_key()) is not None:
        raise RequestError(f"{folder / SIGNATURE} is not by the key that is to sign: remove it, or name its key")


def signature_problem(folder: Path, key: Ed25519PublicKey) -> str | None:
    """What keeps a run from being vouched for by a key, `None` where nothing does.

    Parameters
    ----------
    folder : Path
    key : Ed25519PublicKey

    Returns
    -------
    str or None
        One sentence.
    """
    from cryptography.exceptions import InvalidSignature

    path = folder / SIGNATURE
    if not is_signed(folder):
        return f"the run is not signed: there is no {SIGNATURE}"
    if path.is_symlink():
        return f"{SIGNATURE} lies elsewhere: it is a symbolic link"
    try:
        key.verify(read_bytes(path, max_bytes=_SIGNATURE_BYTES), _manifest_bytes(folder))
    except InvalidSignature:
        return f"{SIGNATURE} is not a signature of {MANIFEST} by this key: another key signed it, or it was changed"
    except UnreadableFile as error:
        return f"the signature {error.detail}"
    return None


def _manifest_bytes(folder: Path) -> bytes:
    return read_bytes(folder / MANIFEST, max_bytes=MAX_JSON_BYTES)


def _loaded(path: str | os.PathLike[str], load: Callable[[bytes], Any], sort: str) -> Any:
    try:
        data = read_bytes(path, max_bytes=_MAX_KEY_BYTES)
    except UnreadableFile as error:
        raise RequestError(f"key {error.detail}") from None
    try:
        return load(data)
    except TypeError:  # what the package raises where a password is lacking
        raise RequestError(f"key {path} is locked by a password: name one without") from None
    except Exception as error:  # the package has errors of its own for what it does not support
        words = f"does not hold a {sort} key in PEM"
        raise RequestError(f"key {path} {words}, which alone is allowed ({type(error).__name__})") from None


def _need_cryptography() -> None:
    if find_spec("cryptography") is None:
        raise RequestError("signatures need the package cryptography, the extra `sign` of monai-mammo")

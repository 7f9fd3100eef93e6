"""Foreign weight files read as tensors by name; nothing in them can run."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from monai_mammo.errors import RequestError
from monai_mammo.files.bounded import open_regular

__all__ = ["MAX_BYTES", "SUFFIXES", "read_checkpoint"]

SUFFIXES = (".pt", ".pth", ".ckpt", ".safetensors")
"""Endings of files that are read."""

MAX_BYTES = 16 * 2**30
MAX_TENSORS = 100_000
_CONTAINERS = ("state_dict", "model_state_dict", "model", "network", "net", "autoencoder", "unet")
_OF_LIGHTNING = "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint"


class _NotRead:
    """Stands for a class that old checkpoints of Lightning name as a key, and that is not needed."""


def read_checkpoint(path: str | Path) -> dict[str, Tensor]:
    """Tensors of a weight file by name.

    Parameters
    ----------
    path : str or Path
        One of `SUFFIXES`: as ``torch.save`` writes it, a state dict or a dictionary that holds one under the name
        ``state_dict`` or ``model``; or safetensors.

    Returns
    -------
    dict of str to Tensor, each of the shape that it has in the file
        On the processor.

    Raises
    ------
    RequestError
        The file is not there, not of this kind, too large, damaged, or holds other objects than tensors and plain
        values.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise RequestError(f"checkpoint {path.name} is not one of {', '.join(SUFFIXES)}")
    try:
        with open_regular(path) as stream:
            n_bytes = stream.seek(0, 2)
    except OSError as error:
        raise RequestError(f"checkpoint {path} cannot be read: {error.strerror or error}") from None
    if n_bytes > MAX_BYTES:
        raise RequestError(f"checkpoint {path.name} has {n_bytes / 2**30:.1f} GiB: {MAX_BYTES // 2**30} are the most")
    is_safe = path.suffix.lower() == ".safetensors"
    return _tensors(_read_safetensors(path) if is_safe else _read_torch(path), path)


def _read_safetensors(path: Path) -> Any:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError:
        raise RequestError(
            f"checkpoint {path.name} needs the package safetensors, which is not installed: install the extra "
            "import of this package, or save the weights by torch.save"
        ) from None
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise RequestError(f"checkpoint {path.name} is damaged: {_first_line(error)}") from None


def _read_torch(path: Path) -> Any:
    is_zip = zipfile.is_zipfile(path)
    if is_zip:
        _refuse_swollen(path)
    try:
        with torch.serialization.safe_globals([(_NotRead, _OF_LIGHTNING)]):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except Exception as error:  # torch, zip and pickle raise a dozen kinds on damaged files
        words = str(error)
        if "Weights only load failed" in words or "Unsupported global" in words:
            reason = "it holds other objects than tensors and plain values, or is not a weight file; none of it was run"
        else:
            reason = _first_line(error)
        raise RequestError(f"checkpoint {path.name} cannot be read: {reason}") from None


def _refuse_swollen(path: Path) -> None:
    """Refuse a file that unpacks to more than it may have."""
    try:
        with zipfile.ZipFile(path) as archive:
            n_bytes = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise RequestError(f"checkpoint {path.name} is damaged: {_first_line(error)}") from None
    if n_bytes > MAX_BYTES:
        raise RequestError(f"checkpoint {path.name} unpacks to more than {MAX_BYTES // 2**30} GiB")


def _tensors(content: Any, path: Path) -> dict[str, Tensor]:
    """The state dict in what a file holds."""
    for _ in range(3):
        if not isinstance(content, Mapping):
            break
        found = {key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, Tensor)}
        inner = [content[name] for name in _CONTAINERS if isinstance(content.get(name), Mapping)]
        if len(found) >= 2 or not inner:
            break
        content = inner[0]
    else:
        found = {}
    if not isinstance(content, Mapping) or not found:
        raise RequestError(
            f"checkpoint {path.name} holds no state dict, neither itself nor under {', '.join(_CONTAINERS)}"
        )
    if len(found) > MAX_TENSORS:
        raise RequestError(f"checkpoint {path.name} holds {len(found)} tensors: {MAX_TENSORS} are the most")
    return found


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]

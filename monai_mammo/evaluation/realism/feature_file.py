"""Features of a network that stands in a file: TorchScript, an exported program of torch, or ONNX."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.realism.feature_family import FeatureFamily

__all__ = ["family_of_file"]

_Network = Callable[[Tensor], Tensor]
_ALLOWED = "a TorchScript file, an exported program of torch (.pt2) or an ONNX file (.onnx) is needed"
_PROBE = (2, 1, 64, 64)


def family_of_file(path: str | Path, *, device: torch.device | str = "cpu") -> FeatureFamily:
    """Features that the network in a file gives.

    It is given brightness in [0, 1] as float32, shape (B, 1, H, W), or with that channel three times where it refuses
    one. What it gives is taken as it is: scaling that the network needs belongs into the file. A pickled module is
    refused, since reading it would run its code, and so are weights without the network, which would leave the rest
    to chance.

    Parameters
    ----------
    path : str or Path
    device : torch.device or str

    Returns
    -------
    FeatureFamily
        Its name is ``file``, and the file's name.

    Raises
    ------
    RequestError
        There is no such file, it holds no network in one of these forms, ONNX Runtime is not installed, or the network
        takes no images.
    """
    path = Path(path)
    if not path.is_file():
        raise RequestError(f"{path} is not a file: {_ALLOWED}")
    place = torch.device(device)
    network = _onnx(path) if path.suffix.lower() == ".onnx" else _of_torch(path, place)
    return FeatureFamily(
        name=f"file {path.name}",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        network=_taking_grey(network, path, place),
        device=place,
    )


def _of_torch(path: Path, place: torch.device) -> _Network:
    names = _archived(path)
    if any(name.endswith("constants.pkl") for name in names):
        try:
            scripted: Any = torch.jit.load(str(path), map_location=place)
        except RuntimeError as error:
            raise RequestError(f"{path} cannot be read as TorchScript: {_first_line(error)}") from None
        network: _Network = scripted.eval()
        return network
    if path.suffix.lower() == ".pt2":
        try:
            exported: _Network = torch.export.load(path).module().to(place)
        except Exception as error:  # whatever a damaged archive makes torch raise
            raise RequestError(f"{path} cannot be read as an exported program: {_first_line(error)}") from None
        return exported
    if any(name.endswith("data.pkl") for name in names):
        raise RequestError(f"{path} holds pickled weights or a pickled module and not a network by itself: {_ALLOWED}")
    raise RequestError(f"{path} holds no network: {_ALLOWED}")


def _archived(path: Path) -> list[str]:
    if not zipfile.is_zipfile(path):
        return []
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except zipfile.BadZipFile:
        return []


def _onnx(path: Path) -> _Network:
    if find_spec("onnxruntime") is None:
        raise RequestError(f"{path} needs ONNX Runtime: pip install onnxruntime")
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors share no class of their own
        raise RequestError(f"{path} cannot be read as ONNX: {_first_line(error)}") from None
    name = session.get_inputs()[0].name

    def run(x: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {name: x.cpu().numpy()})[0])

    return run


def _taking_grey(network: _Network, path: Path, place: torch.device) -> _Network:
    """Network that takes one channel, or that takes it three times."""

    def thrice(x: Tensor) -> Tensor:
        return network(x.expand(-1, 3, -1, -1).contiguous())

    reasons = []
    for tried in (network, thrice):
        try:
            with torch.inference_mode():
                tried(torch.rand(_PROBE, generator=torch.Generator().manual_seed(0)).to(place))
        except Exception as error:  # whatever a stranger's network raises
            reasons.append(_first_line(error))
        else:
            return tried
    raise RequestError(f"the network in {path} takes no images of one or three channels: {reasons[-1]}")


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__

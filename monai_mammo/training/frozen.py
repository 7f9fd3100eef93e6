"""Networks that a training looks at and does not change, taken from their own bundles."""

from __future__ import annotations

import logging
import os

import torch
from torch import nn

from monai_mammo import bundle, networks
from monai_mammo.errors import RequestError

__all__ = ["found_bundle", "frozen_encoder", "frozen_network", "frozen_part"]

_LOGGER = logging.getLogger(__name__)


def frozen_network(bundle_dir: str | os.PathLike[str], *, device: torch.device | str = "cpu") -> nn.Module:
    """Network of a bundle with its checked weights, in evaluation mode, without gradients.

    Parameters
    ----------
    bundle_dir : str or path
        Name or folder, as `monai_mammo.bundle.find` takes it.
    device : torch.device or str

    Returns
    -------
    nn.Module

    Raises
    ------
    MammoError
        There is no such bundle, or its weights are missing, truncated or of another hash.
    """
    return networks.load_network(found_bundle(bundle_dir), device=device)


def frozen_encoder(bundle_dir: str | os.PathLike[str], *, device: torch.device | str = "cpu") -> nn.Module:
    """Pretrained encoder of a lesion network's bundle, for perceptual distances.

    Parameters and errors as for `frozen_network`.

    Parameters
    ----------
    bundle_dir : str or path
    device : torch.device or str

    Returns
    -------
    nn.Module
    """
    return networks.load_encoder(found_bundle(bundle_dir), device=device)


def frozen_part(
    bundle_dir: str | os.PathLike[str], part: str, *, device: torch.device | str = "cpu"
) -> nn.Module | None:
    """Further network of a diffusion bundle, `None` where it has none.

    Parameters
    ----------
    bundle_dir : str or path-like
        Folder of the bundle, or a folder beside it.
    part : {"detail", "guide", "detail_guide", "finish"}
        The detail stage, a weaker network that the layout or the detail stage is pushed away from, or the finish.
    device : torch.device or str
        That the network lies on.

    Returns
    -------
    nn.Module or None

    Raises
    ------
    RequestError
        There is no such part.
    MammoError
        There is no such bundle, or its weights are missing, truncated or of another hash.
    """
    if part not in bundle.DRAWING_PARTS:
        raise RequestError(f"part {part!r} of a diffusion bundle is not one of {', '.join(bundle.DRAWING_PARTS)}")
    return networks.load_part(found_bundle(bundle_dir), bundle.DRAWING_PARTS[part], device=device)


def found_bundle(bundle_dir: str | os.PathLike[str]) -> bundle.BundleFolder:
    """Bundle by name or folder; what is to be known of it is logged.

    Parameters
    ----------
    bundle_dir : str or path
        As `monai_mammo.bundle.find` takes it.

    Returns
    -------
    BundleFolder

    Raises
    ------
    MammoError
        There is no such bundle.
    """
    folder = bundle.find(bundle_dir)
    if text := bundle.notice(folder):
        _LOGGER.warning("%s", text)
    return folder

"""Networks that a training looks at and does not change, taken from their own bundles."""

from __future__ import annotations

import logging
import os

import torch
from torch import nn

from monai_mammo import bundle, networks

__all__ = ["frozen_detail", "frozen_detail_guide", "frozen_encoder", "frozen_network"]

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
    return networks.load_network(_found(bundle_dir), device=device)


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
    return networks.load_encoder(_found(bundle_dir), device=device)


def frozen_detail(bundle_dir: str | os.PathLike[str], *, device: torch.device | str = "cpu") -> nn.Module | None:
    """Detail stage of a diffusion bundle, `None` where it has one stage.

    Parameters and errors as for `frozen_network`.

    Parameters
    ----------
    bundle_dir : str or path-like
        Folder of the bundle, or a folder beside it.
    device : torch.device or str
        That the network lies on.

    Returns
    -------
    nn.Module or None
    """
    return networks.load_detail(_found(bundle_dir), device=device)


def frozen_detail_guide(bundle_dir: str | os.PathLike[str], *, device: torch.device | str = "cpu") -> nn.Module | None:
    """Weaker detail network of a diffusion bundle that the detail stage is pushed away from, `None` where it has none.

    Parameters and errors as for `frozen_network`.

    Parameters
    ----------
    bundle_dir : str or path-like
        Folder of the bundle, or a folder beside it.
    device : torch.device or str
        That the network lies on.

    Returns
    -------
    nn.Module or None
    """
    return networks.load_guides(_found(bundle_dir), device=device)[1]


def _found(bundle_dir: str | os.PathLike[str]) -> bundle.BundleFolder:
    folder = bundle.find(bundle_dir)
    if text := bundle.notice(folder):
        _LOGGER.warning("%s", text)
    return folder

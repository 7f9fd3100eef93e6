"""Plain state dicts, read and copied with care."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from monai_mammo.errors import MammoError

__all__ = ["load_state", "plain_state"]


def plain_state(path: Path) -> dict[str, Tensor]:
    """Tensors by name of a weight file; nothing in it can run.

    Parameters
    ----------
    path : Path
        Of the weight file.

    Returns
    -------
    dict of str to Tensor, each of its own shape

    Raises
    ------
    MammoError
        The file is damaged or no plain state dict.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch and pickle raise a dozen kinds on damaged files
        raise MammoError(f"weight file {path.name} cannot be read: it is damaged or not a plain state dict") from error
    if not (isinstance(state, dict) and all(isinstance(v, Tensor) for v in state.values())):
        raise MammoError(f"weight file {path.name} is not a plain state dict")
    return state


def load_state(network: nn.Module, state: Mapping[str, Tensor], *, name: str, grow: bool = False) -> nn.Module:
    """Network with the weights of a state dict in the network's own precision.

    Every name, shape and number is checked before anything is copied.

    Parameters
    ----------
    network : nn.Module
    state : mapping of str to Tensor, each of its own shape
        By name of the parameter or buffer.
    name : str
        Of the file, for messages.
    grow : bool
        Whether parts of the network that only add to it (their ``is_addition`` is true) may be missing in `state`;
        they stay as they are, which in a new network is nothing.

    Returns
    -------
    nn.Module

    Raises
    ------
    MammoError
        The weights do not fit the network, or are not finite.
    """
    expected = network.state_dict()
    missing, extra = sorted(set(expected) - set(state)), sorted(set(state) - set(expected))
    if grow:
        additions = tuple(f"{key}." for key, part in network.named_modules() if getattr(part, "is_addition", False))
        missing = [key for key in missing if not key.startswith(additions)] if additions else missing
    if missing or extra:
        raise MammoError(
            f"weight file {name} does not fit {type(network).__name__}: "
            f"{len(missing)} tensors are missing and {len(extra)} too many, such as {(missing + extra)[0]}"
        )
    for key, tensor in state.items():
        if tensor.shape != expected[key].shape:
            found, right = tuple(tensor.shape), tuple(expected[key].shape)
            raise MammoError(f"weight file {name}: {key} is {found}, not {right}")
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise MammoError(f"weight file {name}: {key} holds numbers that are not finite")
    kept = {} if not grow else {key: tensor for key, tensor in expected.items() if key not in state}
    network.load_state_dict(kept | {key: tensor.to(expected[key].dtype) for key, tensor in state.items()})
    return network

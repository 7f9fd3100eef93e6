"""Which network of which project a state dict holds."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from enum import StrEnum

from torch import Tensor

from monai_mammo.checkpoint_import.misfit import Misfit, some_keys

__all__ = ["Found", "Layout", "NetworkKind", "recognised"]


class Layout(StrEnum):
    """Projects whose weights can be imported, by how they name them."""

    GENERATIVE = "monai-generative"
    MONAI = "monai"
    COMPVIS = "compvis"


class NetworkKind(StrEnum):
    """Networks that can be imported."""

    AUTOENCODER = "autoencoder"
    UNET = "unet"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One network of a checkpoint.

    Parameters
    ----------
    kind : NetworkKind
    layout : Layout
    state : dict of str to Tensor, each of its own shape
        Its tensors without the prefix under which the checkpoint has them.
    """

    kind: NetworkKind
    layout: Layout
    state: dict[str, Tensor]


_SIGNS: dict[tuple[NetworkKind, str], str] = {
    (NetworkKind.AUTOENCODER, "monai"): "quant_conv_mu.conv.weight",
    (NetworkKind.AUTOENCODER, "compvis"): "encoder.down.0.block.0.conv1.weight",
    (NetworkKind.UNET, "monai"): "down_blocks.0.resnets.0.conv1.conv.weight",
    (NetworkKind.UNET, "compvis"): "input_blocks.1.0.in_layers.2.weight",
}
"""A key that every network of a kind has, in MONAI's names (old or new) and in CompVis's."""

_OF_TRAINING = ("loss.", "model_ema.", "cond_stage_model.")
"""What a checkpoint of CompVis holds beside its networks."""


def recognised(state: Mapping[str, Tensor]) -> tuple[list[Found], tuple[str, ...]]:
    """Networks in a state dict, and keys that belong to none of them.

    Parameters
    ----------
    state : mapping of str to Tensor, each of its own shape

    Returns
    -------
    networks : list of Found
        Autoencoders first; averaged copies of a network (``model_ema.``) are not among them.
    rest : tuple of str
        Other keys.

    Raises
    ------
    Misfit
        There is none, or a network is of an architecture that cannot be imported.
    """
    used: set[str] = set()
    networks = []
    for (kind, names), sign in _SIGNS.items():
        for key in state:
            if key != sign and not key.endswith(f".{sign}"):
                continue
            prefix = key[: len(key) - len(sign)]
            if prefix.startswith(_OF_TRAINING):
                continue
            own = {k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix) and _is_own(k[len(prefix) :])}
            used |= {prefix + k for k in own}
            networks.append(Found(kind=kind, layout=_layout(names, own), state=own))
    if not networks:
        signs = "; ".join(f"{kind} of {names}: {sign}" for (kind, names), sign in _SIGNS.items())
        raise Misfit(f"none of its {len(state)} keys, such as {some_keys(state, 2)}, is a sign of a network ({signs})")
    for one in networks:
        _refuse_relatives(one.state)
    return networks, tuple(sorted(set(state) - used))


def _is_own(key: str) -> bool:
    """Whether a key of the top level belongs to a network, not to what trains it beside."""
    roots = "encoder|decoder|quant_conv|quant_conv_mu|quant_conv_log_sigma|post_quant_conv|quantize|time_embed|"
    roots += "conv_in|class_embedding|label_emb|down_blocks|middle_block|up_blocks|input_blocks|output_blocks|out"
    return re.match(rf"({roots})\.", key) is not None


def _layout(names: str, state: Mapping[str, Tensor]) -> Layout:
    if names == "compvis":
        return Layout.COMPVIS
    old = (r"\.proj_attn\.", r"\.to_out\.0\.", r"^decoder\.blocks\.\d+\.conv\.conv\.", r"\.upsampler\.conv\.conv\.")
    is_old = any(re.search(pattern, key) for key in state for pattern in old)
    return Layout.GENERATIVE if is_old else Layout.MONAI


def _refuse_relatives(state: Mapping[str, Tensor]) -> None:
    """Refuse networks that have the signs of one that can be imported, and compute something else."""
    for sign, words in (
        ("quantize.", "a vector-quantised autoencoder"),
        ("label_emb.0.", "a U-Net with vectors for classes, as of Stable Diffusion XL"),
    ):
        if found := [key for key in state if key.startswith(sign)]:
            raise Misfit(f"{some_keys(found)} are of {words}, which cannot be imported")

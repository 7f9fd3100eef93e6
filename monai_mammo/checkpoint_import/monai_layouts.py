"""Autoencoder and U-Net of monai-generative and of MONAI, whose names differ in a few places.

The attention of monai-generative owns a layer ``proj_attn`` that its forward pass never applies; MONAI's has one in the
same place, ``out_proj``, that it does apply. So a network with the first becomes one without the second
(``include_fc=False``). The transformers of monai-generative did apply theirs (``to_out.0``) and keep it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from monai_mammo.checkpoint_import.attention_heads import head_channels
from monai_mammo.checkpoint_import.misfit import Misfit, Translated, Untold, counted_prefixes, shape_of

__all__ = ["autoencoder_blocks", "translated_autoencoder", "translated_unet"]

_GROUPS, _EPS = 32, 1e-6  # defaults of both projects
_NONLOCAL = ["res", "attention", "res"]
_RENAMED = (
    (re.compile(r"^(.*(?<!\.attn)(?<!\.attn1)(?<!\.attn2))\.(to_[qkv])\.(weight|bias)$"), r"\1.attn.\2.\3"),
    (re.compile(r"\.to_out\.0\."), ".out_proj."),
    (re.compile(r"^(decoder\.blocks\.\d+)\.conv\.conv\."), r"\1.postconv.conv."),
    (re.compile(r"\.upsampler\.conv\.conv\."), ".upsampler.postconv.conv."),
)
_BLOCK_SIGNS = (
    ("res", ("norm1.weight",)),
    ("attention", ("norm.weight",)),
    ("conv", ("conv.weight",)),
    ("resize", ("conv.conv.weight", "postconv.conv.weight", "deconv.weight")),
    ("norm", ("weight",)),
)


def translated_autoencoder(state: Mapping[str, Tensor], untold: Untold) -> Translated:
    """Definition and state of an autoencoder.

    Parameters
    ----------
    state : mapping of str to Tensor, each of its own shape
    untold : Untold

    Returns
    -------
    Translated

    Raises
    ------
    Misfit
        Keys are not those of an autoencoder.
    """
    levels = _encoder_levels(state)
    has_nonlocal = levels[-1][0][-3:] == _NONLOCAL
    kinds = [kinds[:-3] if has_nonlocal and i == len(levels) - 1 else kinds for i, (kinds, _) in enumerate(levels)]
    decoder = autoencoder_blocks(state, "decoder")
    first = shape_of(state, "encoder.blocks.0.conv.weight")
    assumed: dict[str, Any] = {}
    arguments: dict[str, Any] = {
        "spatial_dims": len(first) - 2,
        "in_channels": first[1],
        "out_channels": shape_of(state, f"decoder.blocks.{len(decoder) - 1}.conv.weight")[0],
        "num_res_blocks": [level.count("res") for level in kinds],
        "channels": [shape_of(state, f"encoder.blocks.{start}.conv1.conv.weight")[0] for _, start in levels],
        "attention_levels": ["attention" in level for level in kinds],
        "latent_channels": shape_of(state, "quant_conv_mu.conv.weight")[0],
        "norm_num_groups": untold.or_else(assumed, "norm_num_groups", _GROUPS),
        "norm_eps": untold.or_else(assumed, "norm_eps", _EPS),
        "with_encoder_nonlocal_attn": has_nonlocal,
        "with_decoder_nonlocal_attn": decoder.count("attention") > sum(level.count("attention") for level in kinds),
    }
    names, unapplied = _new_names(state)
    target = "monai.networks.nets.AutoencoderKL"
    if any(re.match(r"decoder\.blocks\.\d+\.conv\.conv\.", key) for key in state):
        if untold.or_else(assumed, "use_convtranspose", False):  # its weights have the shape of a convolution's
            target = "monai_mammo.checkpoint_import.TransposedAutoencoderKL"
            names = {old: new.replace(".postconv.conv.", ".deconv.") for old, new in names.items()}
    elif any(".deconv." in key for key in state):
        arguments["use_convtranspose"] = True
    arguments |= _attention_arguments(names.values())
    moved = {new: state[old] for old, new in names.items()}
    return Translated(target=target, arguments=arguments, state=moved, assumed=assumed, unapplied=unapplied)


def translated_unet(state: Mapping[str, Tensor], untold: Untold) -> Translated:
    """Definition and state of a diffusion U-Net.

    Parameters
    ----------
    state : mapping of str to Tensor, each of its own shape
    untold : Untold
        Heads of attention must be given.

    Returns
    -------
    Translated

    Raises
    ------
    Misfit
        Keys are not those of a U-Net.
    RequestError
        The heads are not given, or do not fit.
    """
    first = shape_of(state, "conv_in.conv.weight")
    levels = range(counted_prefixes(state, "down_blocks.{}."))
    channels = [shape_of(state, f"down_blocks.{i}.resnets.0.conv1.conv.weight")[0] for i in levels]
    attention = [any(key.startswith(f"down_blocks.{i}.attentions.") for key in state) for i in levels]
    is_conditional = "middle_block.attention.proj_in.conv.weight" in state
    assumed: dict[str, Any] = {}
    arguments: dict[str, Any] = {
        "spatial_dims": len(first) - 2,
        "in_channels": first[1],
        "out_channels": shape_of(state, "out.2.conv.weight")[0],
        "num_res_blocks": [counted_prefixes(state, f"down_blocks.{i}.resnets.{{}}.") for i in levels],
        "channels": channels,
        "attention_levels": attention,
        "norm_num_groups": untold.or_else(assumed, "norm_num_groups", _GROUPS),
        "norm_eps": untold.or_else(assumed, "norm_eps", _EPS),
        "resblock_updown": "down_blocks.0.downsampler.norm1.weight" in state,
        "num_head_channels": head_channels(untold, channels, attention),
        "with_conditioning": is_conditional,
    }
    if is_conditional:
        inside = "middle_block.attention.transformer_blocks"
        arguments["transformer_num_layers"] = counted_prefixes(state, f"{inside}.{{}}.")
        arguments["cross_attention_dim"] = shape_of(state, f"{inside}.0.attn2.to_k.weight")[1]
    if "class_embedding.weight" in state:
        arguments["num_class_embeds"] = shape_of(state, "class_embedding.weight")[0]
    names, unapplied = _new_names(state)
    arguments |= _attention_arguments(names.values())
    return Translated(
        target="monai.networks.nets.DiffusionModelUNet",
        arguments=arguments,
        state={new: state[old] for old, new in names.items()},
        assumed=assumed,
        unapplied=unapplied,
    )


def autoencoder_blocks(state: Mapping[str, Tensor], part: str) -> list[str]:
    """Kinds of the blocks of an encoder or decoder in their order.

    Parameters
    ----------
    state : mapping of str to Tensor, each of its own shape
    part : {"encoder", "decoder"}

    Returns
    -------
    list of str
        Each one of ``res``, ``attention``, ``conv``, ``resize`` and ``norm``.

    Raises
    ------
    Misfit
        A block is of another kind.
    """
    kinds = []
    for i in range(counted_prefixes(state, f"{part}.blocks.{{}}.")):
        block = f"{part}.blocks.{i}"
        kind = next((kind for kind, signs in _BLOCK_SIGNS if any(f"{block}.{s}" in state for s in signs)), None)
        if kind is None:
            raise Misfit(f"{block} is not of a known kind")
        kinds.append(kind)
    return kinds


def _encoder_levels(state: Mapping[str, Tensor]) -> list[tuple[list[str], int]]:
    """Kinds of the blocks of each level, and the place of its first block."""
    kinds = autoencoder_blocks(state, "encoder")
    if kinds[:1] != ["conv"] or kinds[-2:] != ["norm", "conv"]:
        raise Misfit("encoder.blocks does not begin with a convolution and end with a normalisation and a convolution")
    levels: list[tuple[list[str], int]] = [([], 1)]
    for place, kind in enumerate(kinds[1:-2], start=1):
        if kind == "resize":
            levels.append(([], place + 1))
        else:
            levels[-1][0].append(kind)
    if empty := [start for level, start in levels if "res" not in level]:
        raise Misfit(f"encoder.blocks.{empty[0]} is not a residual block")
    return levels


def _new_names(state: Mapping[str, Tensor]) -> tuple[dict[str, str], tuple[str, ...]]:
    """MONAI's name of each key, and keys of layers that monai-generative never applied."""
    unapplied = tuple(key for key in state if re.search(r"\.proj_attn\.(weight|bias)$", key))
    names = {}
    for key in state:
        if key in unapplied:
            continue
        name = key
        for pattern, replacement in _RENAMED:
            name = pattern.sub(replacement, name)
        names[key] = name
    return names, unapplied


def _attention_arguments(names: Any) -> dict[str, bool]:
    """Arguments by which MONAI's self-attention has the layers that the weights have."""
    keys = list(names)
    has_any = any(re.search(r"\.attn1?\.(to_q|qkv)\.weight$", key) for key in keys)
    out = {"include_fc": not has_any or any(re.search(r"\.attn1?\.out_proj\.weight$", key) for key in keys)}
    if any(re.search(r"\.attn1?\.qkv\.weight$", key) for key in keys):
        out["use_combined_linear"] = True
    return out

"""Autoencoder and U-Net of CompVis's latent diffusion, and so of Stable Diffusion 1 and 2 (Rombach et al. 2022).

Attention as 1 x 1 convolutions becomes linear layers; queries, keys and values in one tensor are parted head by head.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from monai_mammo.checkpoint_import.attention_heads import head_channels
from monai_mammo.checkpoint_import.misfit import Misfit, Translated, Untold, counted_prefixes, shape_of, some_keys

__all__ = ["UNET_EPS", "translated_autoencoder", "translated_unet"]

_GROUPS = 32
_AUTOENCODER_EPS = 1e-6
UNET_EPS = 1e-5
"""Of the normalisation in residual blocks of the U-Net."""

_RESIDUAL = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1.conv",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2.conv",
}
_TRANSFORMER = {
    "norm1": "norm1",
    "norm2": "norm2",
    "norm3": "norm3",
    "attn1.to_out.0": "attn1.out_proj",
    "attn2.to_out.0": "attn2.out_proj",
    "ff.net.0.proj": "ff.linear1",
    "ff.net.2": "ff.linear2",
}


class _Moved:
    """State of the module while it is filled, and what of the checkpoint is left."""

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        self.left = dict(state)
        self.state: dict[str, Tensor] = {}

    def has(self, prefix: str) -> bool:
        """Whether any key that is left begins so."""
        return any(key.startswith(prefix) for key in self.left)

    def take(self, key: str) -> Tensor:
        """Tensor of a key, which is used up."""
        if key not in self.left:
            raise Misfit(f"{key} is missing")
        return self.left.pop(key)

    def layer(self, old: str, new: str, *, has_bias: bool = True) -> None:
        """Weight and bias under a new name."""
        for part in ("weight", "bias") if has_bias else ("weight",):
            self.state[f"{new}.{part}"] = self.take(f"{old}.{part}")

    def flat_layer(self, old: str, new: str) -> None:
        """A 1 x 1 convolution as a linear layer."""
        weight = self.take(f"{old}.weight")
        if weight.ndim > 2 and weight[0, 0].numel() != 1:
            raise Misfit(f"{old}.weight of shape {tuple(weight.shape)} is not a 1 x 1 convolution")
        self.state[f"{new}.weight"] = weight.flatten(1)
        self.state[f"{new}.bias"] = self.take(f"{old}.bias")

    def residual(self, old: str, new: str) -> None:
        """A residual block of the U-Net."""
        width, embedded = (shape_of(self.left, f"{old}.{key}.weight")[0] for key in ("in_layers.2", "emb_layers.1"))
        if embedded != width:
            raise Misfit(f"{old}.emb_layers.1.weight scales and shifts, which MONAI's residual blocks do not")
        for key, name in _RESIDUAL.items():
            self.layer(f"{old}.{key}", f"{new}.{name}")
        if self.has(f"{old}.skip_connection."):
            self.layer(f"{old}.skip_connection", f"{new}.skip_connection.conv")

    def attention(self, old: str, new: str, *, head: int) -> None:
        """Attention of the U-Net: a transformer, or positions to each other alone."""
        self.layer(f"{old}.norm", f"{new}.norm")
        if not self.has(f"{old}.qkv."):
            self._transformer(old, new)
            return
        weight, bias = self.take(f"{old}.qkv.weight").flatten(1), self.take(f"{old}.qkv.bias")
        n_heads = len(bias) // (3 * head)
        for i, name in enumerate(("to_q", "to_k", "to_v")):
            rows = weight.unflatten(0, (n_heads, 3, head))[:, i].flatten(0, 1)
            self.state[f"{new}.attn.{name}.weight"] = rows.contiguous()
            self.state[f"{new}.attn.{name}.bias"] = bias.unflatten(0, (n_heads, 3, head))[:, i].flatten().contiguous()
        self.flat_layer(f"{old}.proj_out", f"{new}.attn.out_proj")

    def _transformer(self, old: str, new: str) -> None:
        for name in ("proj_in", "proj_out"):
            weight = self.take(f"{old}.{name}.weight")
            self.state[f"{new}.{name}.conv.weight"] = weight if weight.ndim == 4 else weight[:, :, None, None]
            self.state[f"{new}.{name}.conv.bias"] = self.take(f"{old}.{name}.bias")
        for i in range(counted_prefixes(self.left, f"{old}.transformer_blocks.{{}}.")):
            block = f"transformer_blocks.{i}"
            for attention in ("attn1", "attn2"):
                for name in ("to_q", "to_k", "to_v"):
                    layer = f"{block}.{attention}.{name}"
                    self.layer(f"{old}.{layer}", f"{new}.{layer}", has_bias=False)
            for key, name in _TRANSFORMER.items():
                self.layer(f"{old}.{block}.{key}", f"{new}.{block}.{name}")

    def done(self) -> dict[str, Tensor]:
        """The module's state, where nothing is left."""
        if self.left:
            raise Misfit(f"{len(self.left)} keys have no place, such as {some_keys(self.left)}")
        return self.state


def translated_autoencoder(state: Mapping[str, Tensor], untold: Untold) -> Translated:
    """Definition and state of a KL autoencoder.

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
        Keys are not those of such an autoencoder.
    """
    levels = range(counted_prefixes(state, "encoder.down.{}."))
    n_blocks = {counted_prefixes(state, f"encoder.down.{i}.block.{{}}.") for i in levels}
    if len(n_blocks) != 1:
        raise Misfit("the levels of encoder.down differ in their number of blocks")
    attention = [f"encoder.down.{i}.attn.0.norm.weight" in state for i in levels]
    assumed: dict[str, Any] = {}
    arguments = {
        "in_channels": shape_of(state, "encoder.conv_in.weight")[1],
        "out_channels": shape_of(state, "decoder.conv_out.weight")[0],
        "channels": [shape_of(state, f"encoder.down.{i}.block.0.conv1.weight")[0] for i in levels],
        "num_res_blocks": n_blocks.pop(),
        "attention_levels": attention,
        "z_channels": shape_of(state, "decoder.conv_in.weight")[1],
        "latent_channels": shape_of(state, "post_quant_conv.weight")[1],
        "norm_num_groups": untold.or_else(assumed, "norm_num_groups", _GROUPS),
        "norm_eps": untold.or_else(assumed, "norm_eps", _AUTOENCODER_EPS),
    }
    moved = _Moved(state)
    for part in ("encoder", "decoder"):
        for place, (kind, old) in enumerate(_autoencoder_order(moved, part, len(levels))):
            _move_block(moved, kind, old, f"{part}.blocks.{place}")
    moved.layer("quant_conv", "quant_conv")
    moved.layer("post_quant_conv", "post_quant_conv")
    return Translated(
        target="monai_mammo.checkpoint_import.CompVisAutoencoderKL",
        arguments=arguments,
        state=moved.done(),
        assumed=assumed,
    )


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
        Keys are not those of such a U-Net.
    RequestError
        The heads are not given, or do not fit.
    """
    moved = _Moved(state)
    first = shape_of(state, "input_blocks.0.0.weight")
    if len(first) != 4:
        raise Misfit(f"input_blocks.0.0.weight of shape {first} is not of two dimensions, which alone can be imported")
    levels = _unet_levels(moved)
    channels = [shape_of(state, f"input_blocks.{level[0]}.0.in_layers.2.weight")[0] for level in levels]
    attention = [moved.has(f"input_blocks.{level[0]}.1.norm.") for level in levels]
    is_conditional = moved.has("middle_block.1.transformer_blocks.")
    assumed: dict[str, Any] = {}
    heads = head_channels(untold, channels, attention)
    arguments: dict[str, Any] = {
        "spatial_dims": 2,
        "in_channels": first[1],
        "out_channels": shape_of(state, "out.2.weight")[0],
        "num_res_blocks": [len(level) for level in levels],
        "channels": channels,
        "attention_levels": attention,
        "norm_num_groups": untold.or_else(assumed, "norm_num_groups", _GROUPS),
        "norm_eps": untold.or_else(assumed, "norm_eps", UNET_EPS),
        "num_head_channels": heads,
        "with_conditioning": is_conditional,
        "include_fc": True,
    }
    if is_conditional:
        inside = "middle_block.1.transformer_blocks"
        arguments["transformer_num_layers"] = counted_prefixes(state, f"{inside}.{{}}.")
        arguments["cross_attention_dim"] = shape_of(state, f"{inside}.0.attn2.to_k.weight")[1]
    else:
        assumed["use_new_attention_order"] = False
    if "label_emb.weight" in state:
        arguments["num_class_embeds"] = shape_of(state, "label_emb.weight")[0]
        moved.layer("label_emb", "class_embedding", has_bias=False)
    for i in (0, 2):
        moved.layer(f"time_embed.{i}", f"time_embed.{i}")
    _move_down(moved, levels, attention, heads)
    _move_middle(moved, heads[-1])
    _move_up(moved, [len(level) + 1 for level in levels], attention, heads)
    moved.layer("out.0", "out.0")
    moved.layer("out.2", "out.2.conv")
    return Translated(
        target="monai_mammo.checkpoint_import.CompVisUNet", arguments=arguments, state=moved.done(), assumed=assumed
    )


def _autoencoder_order(moved: _Moved, part: str, n_levels: int) -> Iterator[tuple[str, str]]:
    """Kind and name of each block in the order in which it is applied."""
    middle = [("res", f"{part}.mid.block_1"), ("attention", f"{part}.mid.attn_1"), ("res", f"{part}.mid.block_2")]
    yield "conv", f"{part}.conv_in"
    if part == "decoder":
        yield from middle
    side = "down" if part == "encoder" else "up"
    for i in range(n_levels) if part == "encoder" else reversed(range(n_levels)):
        level = f"{part}.{side}.{i}"
        for k in range(counted_prefixes(moved.left, f"{level}.block.{{}}.")):
            yield "res", f"{level}.block.{k}"
            if moved.has(f"{level}.attn.{k}."):
                yield "attention", f"{level}.attn.{k}"
        resize = f"{level}.{side}sample"
        if moved.has(f"{resize}."):
            yield side, resize
    if part == "encoder":
        yield from middle
    yield "norm", f"{part}.norm_out"
    yield "silu", ""
    yield "conv", f"{part}.conv_out"


def _move_block(moved: _Moved, kind: str, old: str, new: str) -> None:
    if kind == "conv":
        moved.layer(old, f"{new}.conv")
    elif kind == "norm":
        moved.layer(old, new)
    elif kind == "down":
        moved.layer(f"{old}.conv", f"{new}.conv.conv")
    elif kind == "up":
        moved.layer(f"{old}.conv", f"{new}.postconv.conv")
    elif kind == "res":
        for name in ("norm1", "norm2"):
            moved.layer(f"{old}.{name}", f"{new}.{name}")
        for name in ("conv1", "conv2"):
            moved.layer(f"{old}.{name}", f"{new}.{name}.conv")
        if moved.has(f"{old}.nin_shortcut."):
            moved.layer(f"{old}.nin_shortcut", f"{new}.nin_shortcut.conv")
    elif kind == "attention":
        moved.layer(f"{old}.norm", f"{new}.norm")
        for name, layer in (("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("proj_out", "out_proj")):
            moved.flat_layer(f"{old}.{name}", f"{new}.attn.{layer}")


def _unet_levels(moved: _Moved) -> list[list[int]]:
    """Places of the residual blocks among ``input_blocks``, level by level."""
    levels: list[list[int]] = [[]]
    for i in range(1, counted_prefixes(moved.left, "input_blocks.{}.")):
        if moved.has(f"input_blocks.{i}.0.op."):
            levels.append([])
        else:
            levels[-1].append(i)
    if not all(levels):
        raise Misfit("a level of input_blocks has no residual block")
    n_after = counted_prefixes(moved.left, "output_blocks.{}.")
    n_enlarged = sum(moved.has(f"output_blocks.{i}.{k}.conv.") for i in range(n_after) for k in (1, 2))
    if n_enlarged != len(levels) - 1 or n_after != sum(len(level) + 1 for level in levels):
        raise Misfit(
            f"its input_blocks hold {len(levels) - 1} convolutions that shrink, its {n_after} output_blocks "
            f"{n_enlarged} that enlarge; sizes changed by residual blocks or by averages cannot be imported"
        )
    return levels


def _move_down(moved: _Moved, levels: list[list[int]], attention: list[bool], heads: list[int]) -> None:
    moved.layer("input_blocks.0.0", "conv_in.conv")
    for i, level in enumerate(levels):
        for k, place in enumerate(level):
            moved.residual(f"input_blocks.{place}.0", f"down_blocks.{i}.resnets.{k}")
            if attention[i]:
                moved.attention(f"input_blocks.{place}.1", f"down_blocks.{i}.attentions.{k}", head=heads[i])
        if i < len(levels) - 1:
            moved.layer(f"input_blocks.{level[-1] + 1}.0.op", f"down_blocks.{i}.downsampler.op.conv")


def _move_middle(moved: _Moved, head: int) -> None:
    moved.residual("middle_block.0", "middle_block.resnet_1")
    moved.attention("middle_block.1", "middle_block.attention", head=head)
    moved.residual("middle_block.2", "middle_block.resnet_2")


def _move_up(moved: _Moved, n_blocks: list[int], attention: list[bool], heads: list[int]) -> None:
    place = 0
    for i, level in enumerate(reversed(range(len(n_blocks)))):
        for k in range(n_blocks[level]):
            moved.residual(f"output_blocks.{place}.0", f"up_blocks.{i}.resnets.{k}")
            if attention[level]:
                moved.attention(f"output_blocks.{place}.1", f"up_blocks.{i}.attentions.{k}", head=heads[level])
            place += 1
        if level:
            after = 2 if attention[level] else 1
            moved.layer(f"output_blocks.{place - 1}.{after}.conv", f"up_blocks.{i}.upsampler.postconv.conv")

"""Forward passes of the networks that are imported, restated on the checkpoint's own tensors.

They share nothing with MONAI's modules, nor with the translation of names: where both give the same, the translation is
right. Each is written down from what the original computes, weights looked up by the original's names.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from monai_mammo.checkpoint_import.recognising import Layout

__all__ = ["restated_autoencoder", "restated_unet"]

_CONVOLUTIONS = {3: functional.conv1d, 4: functional.conv2d, 5: functional.conv3d}
_TRANSPOSED = {3: functional.conv_transpose1d, 4: functional.conv_transpose2d, 5: functional.conv_transpose3d}


class _Layers:
    """Layers by their names in a checkpoint."""

    def __init__(self, state: Mapping[str, Tensor], *, groups: int, eps: float) -> None:
        self.state, self.groups, self.eps = {key: value.float() for key, value in state.items()}, groups, eps

    def has(self, key: str) -> bool:
        return key in self.state

    def count(self, pattern: str) -> int:
        n = 0
        while any(key.startswith(pattern.format(n)) for key in self.state):
            n += 1
        return n

    def convolved(self, x: Tensor, name: str, *, stride: int = 1, padding: int | None = None) -> Tensor:
        weight = self.state[f"{name}.weight"]
        padding = weight.shape[-1] // 2 if padding is None else padding
        return _CONVOLUTIONS[x.ndim](x, weight, self.state[f"{name}.bias"], stride=stride, padding=padding)

    def doubled(self, x: Tensor, name: str) -> Tensor:
        """Twice the size by a transposed convolution."""
        weight, bias = self.state[f"{name}.weight"], self.state[f"{name}.bias"]
        odd = weight.shape[-1] % 2
        return _TRANSPOSED[x.ndim](x, weight, bias, stride=2, padding=odd, output_padding=odd)

    def linear(self, x: Tensor, name: str) -> Tensor:
        weight = self.state[f"{name}.weight"]
        return functional.linear(x, weight.flatten(1), self.state.get(f"{name}.bias"))

    def normed(self, x: Tensor, name: str, *, eps: float | None = None) -> Tensor:
        weight, bias = self.state[f"{name}.weight"], self.state[f"{name}.bias"]
        return functional.group_norm(x, self.groups, weight, bias, self.eps if eps is None else eps)

    def layer_normed(self, x: Tensor, name: str) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], self.state[f"{name}.weight"], self.state[f"{name}.bias"])


def restated_autoencoder(
    state: Mapping[str, Tensor],
    layout: Layout,
    image: Tensor,
    *,
    groups: int,
    eps: float,
    use_convtranspose: bool = False,
) -> dict[str, Tensor]:
    """What the original autoencoder gives for an image.

    Parameters
    ----------
    state : mapping of str to Tensor, each of its own shape
        By the checkpoint's names.
    layout : Layout
    image : Tensor, shape (B, C, H, W) or (B, C, H, W, D)
    groups : int
        Groups of each normalisation.
    eps : float
        Its smallest variance.
    use_convtranspose : bool
        Whether an autoencoder of monai-generative enlarges by transposed convolutions.

    Returns
    -------
    dict of str to Tensor
        ``mu`` and ``sigma`` of the latent, shape (B, latent channels, h, w), and ``decoded``, the image that the mean
        stands for, shape of `image` with the decoder's channels.
    """
    layers = _Layers(state, groups=groups, eps=eps)
    if layout is Layout.COMPVIS:
        mu, log_variance = layers.convolved(_compvis_encoded(layers, image), "quant_conv").chunk(2, dim=1)
        decoded = _compvis_decoded(layers, layers.convolved(mu, "post_quant_conv"))
    else:
        h = _chained(layers, "encoder", image, is_transposed=False)
        mu, log_variance = (layers.convolved(h, f"quant_conv_{name}.conv") for name in ("mu", "log_sigma"))
        latent = layers.convolved(mu, "post_quant_conv.conv")
        decoded = _chained(layers, "decoder", latent, is_transposed=use_convtranspose)
    return {"mu": mu, "sigma": torch.exp(log_variance.clamp(-30, 20) / 2), "decoded": decoded}


def restated_unet(
    state: Mapping[str, Tensor],
    layout: Layout,
    x: Tensor,
    timesteps: Tensor,
    *,
    context: Tensor | None,
    class_labels: Tensor | None,
    heads: Sequence[int],
    groups: int,
    eps: float,
) -> Tensor:
    """What the original U-Net predicts.

    Parameters
    ----------
    state : mapping of str to Tensor, each of its own shape
        By the checkpoint's names.
    layout : Layout
    x : Tensor, shape (B, C, H, W) or (B, C, H, W, D)
    timesteps : Tensor, shape (B,)
    context : Tensor, shape (B, N, n), or None
    class_labels : Tensor, shape (B,), or None
    heads : sequence of int
        Channels of a head at each level.
    groups : int
        Groups of each normalisation.
    eps : float
        Its smallest variance in residual blocks.

    Returns
    -------
    Tensor, shape of `x` with the network's output channels
    """
    layers = _Layers(state, groups=groups, eps=eps)
    first = "input_blocks.0.0" if layout is Layout.COMPVIS else "conv_in.conv"
    features = _timestep_features(timesteps, layers.state[f"{first}.weight"].shape[0])
    embedding = layers.linear(functional.silu(layers.linear(features, "time_embed.0")), "time_embed.2")
    if class_labels is not None:
        table = "label_emb.weight" if layout is Layout.COMPVIS else "class_embedding.weight"
        embedding = embedding + layers.state[table][class_labels]
    if layout is Layout.COMPVIS:
        return _compvis_unet(layers, x, embedding, context, heads)
    return _monai_unet(layers, x, embedding, context, heads)


def _timestep_features(timesteps: Tensor, width: int) -> Tensor:
    half = width // 2
    rates = torch.exp(-math.log(10_000) * torch.arange(half, dtype=torch.float32) / half)
    angles = timesteps.float()[:, None] * rates
    return functional.pad(torch.cat([angles.cos(), angles.sin()], dim=1), (0, width % 2))


def _attended(query: Tensor, key: Tensor, value: Tensor, *, head: int) -> Tensor:
    """Scaled dot-product attention of (B, N, C) to (B, M, C), `head` channels a head."""
    out = []
    for q, k, v in zip(query.split(head, dim=-1), key.split(head, dim=-1), value.split(head, dim=-1), strict=True):
        out.append((q @ k.transpose(1, 2) / math.sqrt(head)).softmax(dim=-1) @ v)
    return torch.cat(out, dim=-1)


def _as_tokens(x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2)


def _as_image(tokens: Tensor, like: Tensor) -> Tensor:
    return tokens.transpose(1, 2).reshape(len(like), -1, *like.shape[2:])


def _enlarged(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="nearest")


def _plain_residual(layers: _Layers, x: Tensor, name: str, *, conv: str) -> Tensor:
    """Residual block of an autoencoder; `conv` is what follows the name of a convolution."""
    h = layers.convolved(functional.silu(layers.normed(x, f"{name}.norm1")), f"{name}.conv1{conv}")
    h = layers.convolved(functional.silu(layers.normed(h, f"{name}.norm2")), f"{name}.conv2{conv}")
    shortcut = f"{name}.nin_shortcut{conv}"
    return h + (layers.convolved(x, shortcut) if layers.has(f"{shortcut}.weight") else x)


def _shrunk(layers: _Layers, x: Tensor, name: str) -> Tensor:
    """Half the size; zeros are added after the last row and column alone."""
    return layers.convolved(functional.pad(x, (0, 1) * (x.ndim - 2)), name, stride=2, padding=0)


def _self_attention(layers: _Layers, x: Tensor, name: str, *, head: int) -> Tensor:
    """Attention of monai-generative, whose last layer is never applied, and of MONAI, whose last layer is."""
    tokens = _as_tokens(layers.normed(x, f"{name}.norm"))
    inner = name if layers.has(f"{name}.to_q.weight") else f"{name}.attn"
    if layers.has(f"{inner}.qkv.weight"):
        query, key, value = layers.linear(tokens, f"{inner}.qkv").chunk(3, dim=-1)
    else:
        query, key, value = (layers.linear(tokens, f"{inner}.{part}") for part in ("to_q", "to_k", "to_v"))
    out = _attended(query, key, value, head=head)
    if layers.has(f"{inner}.out_proj.weight"):
        out = layers.linear(out, f"{inner}.out_proj")
    return x + _as_image(out, x)


def _chained(layers: _Layers, part: str, x: Tensor, *, is_transposed: bool) -> Tensor:
    """Encoder or decoder of monai-generative and MONAI: one block after the other."""
    for i in range(layers.count(f"{part}.blocks.{{}}.")):
        name = f"{part}.blocks.{i}"
        if layers.has(f"{name}.norm1.weight"):
            x = _plain_residual(layers, x, name, conv=".conv")
        elif layers.has(f"{name}.norm.weight"):
            x = _self_attention(layers, x, name, head=x.shape[1])
        elif layers.has(f"{name}.deconv.weight"):
            x = layers.doubled(x, f"{name}.deconv")
        elif layers.has(f"{name}.postconv.conv.weight"):
            x = layers.convolved(_enlarged(x), f"{name}.postconv.conv")
        elif layers.has(f"{name}.conv.conv.weight") and part == "encoder":
            x = _shrunk(layers, x, f"{name}.conv.conv")
        elif layers.has(f"{name}.conv.conv.weight") and is_transposed:
            x = layers.doubled(x, f"{name}.conv.conv")
        elif layers.has(f"{name}.conv.conv.weight"):
            x = layers.convolved(_enlarged(x), f"{name}.conv.conv")
        elif layers.has(f"{name}.conv.weight"):
            x = layers.convolved(x, f"{name}.conv")
        else:
            x = layers.normed(x, name)
    return x


def _compvis_attention(layers: _Layers, x: Tensor, name: str) -> Tensor:
    h = layers.normed(x, f"{name}.norm")
    query, key, value = (_as_tokens(layers.convolved(h, f"{name}.{part}")) for part in "qkv")
    out = _as_image(_attended(query, key, value, head=x.shape[1]), x)
    return x + layers.convolved(out, f"{name}.proj_out")


def _compvis_middle(layers: _Layers, x: Tensor, part: str) -> Tensor:
    x = _plain_residual(layers, x, f"{part}.mid.block_1", conv="")
    return _plain_residual(layers, _compvis_attention(layers, x, f"{part}.mid.attn_1"), f"{part}.mid.block_2", conv="")


def _compvis_level(layers: _Layers, x: Tensor, name: str) -> Tensor:
    for k in range(layers.count(f"{name}.block.{{}}.")):
        x = _plain_residual(layers, x, f"{name}.block.{k}", conv="")
        if layers.has(f"{name}.attn.{k}.norm.weight"):
            x = _compvis_attention(layers, x, f"{name}.attn.{k}")
    return x


def _compvis_encoded(layers: _Layers, x: Tensor) -> Tensor:
    x = layers.convolved(x, "encoder.conv_in")
    for i in range(layers.count("encoder.down.{}.")):
        x = _compvis_level(layers, x, f"encoder.down.{i}")
        if layers.has(f"encoder.down.{i}.downsample.conv.weight"):
            x = _shrunk(layers, x, f"encoder.down.{i}.downsample.conv")
    x = _compvis_middle(layers, x, "encoder")
    return layers.convolved(functional.silu(layers.normed(x, "encoder.norm_out")), "encoder.conv_out")


def _compvis_decoded(layers: _Layers, z: Tensor) -> Tensor:
    z = _compvis_middle(layers, layers.convolved(z, "decoder.conv_in"), "decoder")
    for i in reversed(range(layers.count("decoder.up.{}."))):
        z = _compvis_level(layers, z, f"decoder.up.{i}")
        if layers.has(f"decoder.up.{i}.upsample.conv.weight"):
            z = layers.convolved(_enlarged(z), f"decoder.up.{i}.upsample.conv")
    return layers.convolved(functional.silu(layers.normed(z, "decoder.norm_out")), "decoder.conv_out")


_OF_MONAI = {"a": "norm1", "b": "conv1.conv", "time": "time_emb_proj", "c": "norm2", "d": "conv2.conv"}
_OF_COMPVIS = {"a": "in_layers.0", "b": "in_layers.2", "time": "emb_layers.1", "c": "out_layers.0", "d": "out_layers.3"}


def _timed_residual(
    layers: _Layers, x: Tensor, embedding: Tensor, name: str, names: Mapping[str, str], *, resize: str = ""
) -> Tensor:
    """Residual block of a U-Net; `resize` halves or doubles what goes in and what goes past."""
    h = functional.silu(layers.normed(x, f"{name}.{names['a']}"))
    if resize:
        pool = functional.avg_pool2d if x.ndim == 4 else functional.avg_pool3d
        x, h = (_enlarged(x), _enlarged(h)) if resize == "up" else (pool(x, 2), pool(h, 2))
    h = layers.convolved(h, f"{name}.{names['b']}")
    shift = layers.linear(functional.silu(embedding), f"{name}.{names['time']}")
    h = layers.normed(h + shift.reshape(*shift.shape, *[1] * (h.ndim - 2)), f"{name}.{names['c']}")
    h = layers.convolved(functional.silu(h), f"{name}.{names['d']}")
    for skip in (f"{name}.skip_connection", f"{name}.skip_connection.conv"):
        if layers.has(f"{skip}.weight"):
            x = layers.convolved(x, skip)
    return x + h


def _transformed(
    layers: _Layers, x: Tensor, context: Tensor | None, name: str, *, head: int, eps: float | None
) -> Tensor:
    """Spatial transformer: positions attend to each other, then to the context, then each for itself."""
    inner = ".conv" if layers.has(f"{name}.proj_in.conv.weight") else ""
    h = _as_tokens(layers.normed(x, f"{name}.norm", eps=eps))
    h = layers.linear(h, f"{name}.proj_in{inner}")
    for i in range(layers.count(f"{name}.transformer_blocks.{{}}.")):
        block = f"{name}.transformer_blocks.{i}"
        for k, given in (("1", None), ("2", context)):
            attention = f"{block}.attn{k}"
            normed = layers.layer_normed(h, f"{block}.norm{k}")
            other = normed if given is None else given
            if layers.has(f"{attention}.qkv.weight"):
                query, key, value = layers.linear(normed, f"{attention}.qkv").chunk(3, dim=-1)
            else:
                query = layers.linear(normed, f"{attention}.to_q")
                key, value = (layers.linear(other, f"{attention}.{part}") for part in ("to_k", "to_v"))
            out = _attended(query, key, value, head=head)
            for last in (f"{attention}.to_out.0", f"{attention}.out_proj"):
                if layers.has(f"{last}.weight"):
                    out = layers.linear(out, last)
            h = h + out
        h = h + _fed_forward(layers, layers.layer_normed(h, f"{block}.norm3"), f"{block}.ff")
    return x + _as_image(layers.linear(h, f"{name}.proj_out{inner}"), x)


def _fed_forward(layers: _Layers, h: Tensor, name: str) -> Tensor:
    first, last = ("net.0.proj", "net.2") if layers.has(f"{name}.net.2.weight") else ("linear1", "linear2")
    value, gate = layers.linear(h, f"{name}.{first}").chunk(2, dim=-1)
    return layers.linear(value * functional.gelu(gate), f"{name}.{last}")


def _monai_attention(layers: _Layers, x: Tensor, context: Tensor | None, name: str, *, head: int) -> Tensor:
    if layers.has(f"{name}.proj_in.conv.weight"):
        return _transformed(layers, x, context, name, head=head, eps=None)
    return _self_attention(layers, x, name, head=head)


def _monai_unet(layers: _Layers, x: Tensor, embedding: Tensor, context: Tensor | None, heads: Sequence[int]) -> Tensor:
    h = layers.convolved(x, "conv_in.conv")
    kept, n_levels = [h], layers.count("down_blocks.{}.")
    for i in range(n_levels):
        level = f"down_blocks.{i}"
        for k in range(layers.count(f"{level}.resnets.{{}}.")):
            h = _timed_residual(layers, h, embedding, f"{level}.resnets.{k}", _OF_MONAI)
            if layers.has(f"{level}.attentions.{k}.norm.weight"):
                h = _monai_attention(layers, h, context, f"{level}.attentions.{k}", head=heads[i])
            kept.append(h)
        if layers.has(f"{level}.downsampler.norm1.weight"):
            kept.append(h := _timed_residual(layers, h, embedding, f"{level}.downsampler", _OF_MONAI, resize="down"))
        elif layers.has(f"{level}.downsampler.op.conv.weight"):
            kept.append(h := layers.convolved(h, f"{level}.downsampler.op.conv", stride=2))
    h = _timed_residual(layers, h, embedding, "middle_block.resnet_1", _OF_MONAI)
    h = _monai_attention(layers, h, context, "middle_block.attention", head=heads[-1])
    h = _timed_residual(layers, h, embedding, "middle_block.resnet_2", _OF_MONAI)
    for i in range(n_levels):
        level = f"up_blocks.{i}"
        for k in range(layers.count(f"{level}.resnets.{{}}.")):
            h = torch.cat([h, kept.pop()], dim=1)
            h = _timed_residual(layers, h, embedding, f"{level}.resnets.{k}", _OF_MONAI)
            if layers.has(f"{level}.attentions.{k}.norm.weight"):
                h = _monai_attention(layers, h, context, f"{level}.attentions.{k}", head=heads[n_levels - 1 - i])
        if layers.has(f"{level}.upsampler.norm1.weight"):
            h = _timed_residual(layers, h, embedding, f"{level}.upsampler", _OF_MONAI, resize="up")
        for name in ("conv.conv", "postconv.conv"):
            if layers.has(f"{level}.upsampler.{name}.weight"):
                h = layers.convolved(_enlarged(h), f"{level}.upsampler.{name}")
    return layers.convolved(functional.silu(layers.normed(h, "out.0")), "out.2.conv")


def _compvis_unet(
    layers: _Layers, x: Tensor, embedding: Tensor, context: Tensor | None, heads: Sequence[int]
) -> Tensor:
    level, kept = 0, []
    h = layers.convolved(x, "input_blocks.0.0")
    kept.append(h)
    for i in range(1, layers.count("input_blocks.{}.")):
        name = f"input_blocks.{i}"
        if layers.has(f"{name}.0.op.weight"):
            h, level = layers.convolved(h, f"{name}.0.op", stride=2), level + 1
        else:
            h = _timed_residual(layers, h, embedding, f"{name}.0", _OF_COMPVIS)
            h = _compvis_position(layers, h, context, f"{name}.1", head=heads[level])
        kept.append(h)
    h = _timed_residual(layers, h, embedding, "middle_block.0", _OF_COMPVIS)
    h = _compvis_position(layers, h, context, "middle_block.1", head=heads[-1])
    h = _timed_residual(layers, h, embedding, "middle_block.2", _OF_COMPVIS)
    for i in range(layers.count("output_blocks.{}.")):
        name = f"output_blocks.{i}"
        h = _timed_residual(layers, torch.cat([h, kept.pop()], dim=1), embedding, f"{name}.0", _OF_COMPVIS)
        h = _compvis_position(layers, h, context, f"{name}.1", head=heads[level])
        for k in (1, 2):
            if layers.has(f"{name}.{k}.conv.weight"):
                h, level = layers.convolved(_enlarged(h), f"{name}.{k}.conv"), level - 1
    return layers.convolved(functional.silu(layers.normed(h, "out.0")), "out.2")


def _compvis_position(layers: _Layers, x: Tensor, context: Tensor | None, name: str, *, head: int) -> Tensor:
    """Attention of CompVis's U-Net, where there is any."""
    if layers.has(f"{name}.proj_in.weight"):
        return _transformed(layers, x, context, name, head=head, eps=1e-6)
    if not layers.has(f"{name}.qkv.weight"):
        return x
    tokens = layers.linear(_as_tokens(layers.normed(x, f"{name}.norm")), f"{name}.qkv")
    out = [_attended(*part.split(head, dim=-1), head=head) for part in tokens.split(3 * head, dim=-1)]
    return x + _as_image(layers.linear(torch.cat(out, dim=-1), f"{name}.proj_out"), x)

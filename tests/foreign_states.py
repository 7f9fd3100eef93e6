"""Names and shapes of other projects' networks, and weights that are a function of them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

Shapes = dict[str, tuple[int, ...]]


def filled(shapes: Shapes) -> dict[str, Tensor]:
    """Weights, each a function of its name and shape alone, none of them 0."""
    return {name: _values(name, shape) for name, shape in shapes.items()}


def wave(shape: Sequence[int], phase: float) -> Tensor:
    """Numbers in [-1, 1] without a pattern that a convolution could follow."""
    place = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return torch.sin(1.618 * place + 0.9 * (place % 7) + 0.31 * (place % 11) + phase).reshape(tuple(shape)).float()


def _values(name: str, shape: tuple[int, ...]) -> Tensor:
    values = wave(shape, zlib.crc32(name.encode()) % 997)
    if len(shape) > 1:
        return values * (2 / torch.Size(shape[1:]).numel()) ** 0.5
    return 1 + 0.3 * values if name.endswith("weight") else 0.3 * values


def layer(name: str, *shape: int, bias: bool = True) -> Shapes:
    return {f"{name}.weight": shape, **({f"{name}.bias": shape[:1]} if bias else {})}


def norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def generative_autoencoder(
    widths: Sequence[int], n_blocks: Sequence[int], attention: Sequence[bool], *, z: int = 3, dims: int = 2
) -> Shapes:
    """AutoencoderKL of monai-generative 0.2.3 for images of one channel."""
    three, one = [3] * dims, [1] * dims

    def residual(name: str, old: int, new: int) -> Shapes:
        out = {**norm(f"{name}.norm1", old), **layer(f"{name}.conv1.conv", new, old, *three)}
        out |= {**norm(f"{name}.norm2", new), **layer(f"{name}.conv2.conv", new, new, *three)}
        return out | (layer(f"{name}.nin_shortcut.conv", new, old, *one) if old != new else {})

    def attended(name: str, width: int) -> Shapes:
        out = norm(f"{name}.norm", width)
        for part in ("to_q", "to_k", "to_v", "proj_attn"):
            out |= layer(f"{name}.{part}", width, width)
        return out

    def middle(width: int) -> Iterator[tuple]:
        yield from ((residual, width, width), (attended, width), (residual, width, width))

    def level(i: int, old: int) -> Iterator[tuple]:
        for k in range(n_blocks[i]):
            yield residual, (old if k == 0 else widths[i]), widths[i]
            if attention[i]:
                yield attended, widths[i]

    def resized(name: str, width: int) -> Shapes:
        return layer(f"{name}.conv.conv", width, width, *three)

    def convolved(name: str, old: int, new: int) -> Shapes:
        return layer(f"{name}.conv", new, old, *three)

    encoder: list[tuple] = [(convolved, 1, widths[0])]
    decoder: list[tuple] = [(convolved, z, widths[-1]), *middle(widths[-1])]
    last = len(widths) - 1
    for i in range(len(widths)):
        encoder += [*level(i, widths[max(i - 1, 0)]), *([(resized, widths[i])] if i < last else [])]
    for i in reversed(range(len(widths))):
        decoder += [*level(i, widths[min(i + 1, last)]), *([(resized, widths[i])] if i else [])]
    encoder += [*middle(widths[-1]), (norm, widths[-1]), (convolved, widths[-1], z)]
    decoder += [(norm, widths[0]), (convolved, widths[0], 1)]
    shapes: Shapes = {}
    for part, blocks in (("encoder", encoder), ("decoder", decoder)):
        for i, (make, *numbers) in enumerate(blocks):
            shapes |= make(f"{part}.blocks.{i}", *numbers)
    for name in ("quant_conv_mu", "quant_conv_log_sigma", "post_quant_conv"):
        shapes |= layer(f"{name}.conv", z, z, *one)
    return shapes


def transformer(name: str, width: int, context: int, *, inner: str, feed: tuple[str, str], depth: int = 1) -> Shapes:
    """Spatial transformer; `inner` follows the name of a convolution, `feed` names the last two layers."""
    shapes = {**norm(f"{name}.norm", width), **layer(f"{name}.proj_in{inner}", width, width, 1, 1)}
    for i in range(depth):
        block = f"{name}.transformer_blocks.{i}"
        for attention, given in (("attn1", width), ("attn2", context)):
            shapes |= layer(f"{block}.{attention}.to_q", width, width, bias=False)
            shapes |= layer(f"{block}.{attention}.to_k", width, given, bias=False)
            shapes |= layer(f"{block}.{attention}.to_v", width, given, bias=False)
            shapes |= layer(f"{block}.{attention}.to_out.0", width, width)
        shapes |= layer(f"{block}.ff.{feed[0]}", 8 * width, width) | layer(f"{block}.ff.{feed[1]}", width, 4 * width)
        for k in (1, 2, 3):
            shapes |= norm(f"{block}.norm{k}", width)
    return shapes | layer(f"{name}.proj_out{inner}", width, width, 1, 1)


def generative_unet(
    widths: Sequence[int], n_blocks: Sequence[int], attention: Sequence[bool], *, context: int = 0, n_classes: int = 0
) -> Shapes:
    """DiffusionModelUNet of monai-generative 0.2.3: two channels in, one out, two dimensions."""
    embedded = 4 * widths[0]

    def residual(name: str, old: int, new: int) -> Shapes:
        out = {**norm(f"{name}.norm1", old), **layer(f"{name}.conv1.conv", new, old, 3, 3)}
        out |= layer(f"{name}.time_emb_proj", new, embedded)
        out |= {**norm(f"{name}.norm2", new), **layer(f"{name}.conv2.conv", new, new, 3, 3)}
        return out | (layer(f"{name}.skip_connection.conv", new, old, 1, 1) if old != new else {})

    def attended(name: str, width: int) -> Shapes:
        if context:
            return transformer(name, width, context, inner=".conv", feed=("linear1", "linear2"))
        out = norm(f"{name}.norm", width)
        for part in ("to_q", "to_k", "to_v", "proj_attn"):
            out |= layer(f"{name}.{part}", width, width)
        return out

    shapes = layer("conv_in.conv", widths[0], 2, 3, 3)
    shapes |= layer("time_embed.0", embedded, widths[0]) | layer("time_embed.2", embedded, embedded)
    if n_classes:
        shapes["class_embedding.weight"] = (n_classes, embedded)
    last, kept, width = len(widths) - 1, [widths[0]], widths[0]
    for i, new in enumerate(widths):
        for k in range(n_blocks[i]):
            shapes |= residual(f"down_blocks.{i}.resnets.{k}", width, new)
            width = new
            kept.append(width)
            if attention[i]:
                shapes |= attended(f"down_blocks.{i}.attentions.{k}", width)
        if i < last:
            shapes |= layer(f"down_blocks.{i}.downsampler.op.conv", width, width, 3, 3)
            kept.append(width)
    shapes |= residual("middle_block.resnet_1", width, width) | residual("middle_block.resnet_2", width, width)
    shapes |= attended("middle_block.attention", width)
    for i, level in enumerate(reversed(range(len(widths)))):
        for k in range(n_blocks[level] + 1):
            shapes |= residual(f"up_blocks.{i}.resnets.{k}", width + kept.pop(), widths[level])
            width = widths[level]
            if attention[level]:
                shapes |= attended(f"up_blocks.{i}.attentions.{k}", width)
        if level:
            shapes |= layer(f"up_blocks.{i}.upsampler.conv.conv", width, width, 3, 3)
    return shapes | norm("out.0", widths[0]) | layer("out.2.conv", 1, widths[0], 3, 3)


def compvis_autoencoder(
    widths: Sequence[int], n_blocks: int, attention: Sequence[bool], *, z: int = 4, embedded: int = 3
) -> Shapes:
    """AutoencoderKL of CompVis's latent diffusion for images of one channel."""

    def residual(name: str, old: int, new: int) -> Shapes:
        out = {**norm(f"{name}.norm1", old), **layer(f"{name}.conv1", new, old, 3, 3)}
        out |= {**norm(f"{name}.norm2", new), **layer(f"{name}.conv2", new, new, 3, 3)}
        return out | (layer(f"{name}.nin_shortcut", new, old, 1, 1) if old != new else {})

    def attended(name: str, width: int) -> Shapes:
        out = norm(f"{name}.norm", width)
        for part in ("q", "k", "v", "proj_out"):
            out |= layer(f"{name}.{part}", width, width, 1, 1)
        return out

    shapes: Shapes = {}
    last = len(widths) - 1
    for part, side, blocks in (("encoder", "down", n_blocks), ("decoder", "up", n_blocks + 1)):
        ends = (1, widths[0], widths[-1], 2 * z) if part == "encoder" else (z, widths[-1], widths[0], 1)
        shapes |= layer(f"{part}.conv_in", ends[1], ends[0], 3, 3)
        shapes |= residual(f"{part}.mid.block_1", widths[-1], widths[-1]) | attended(f"{part}.mid.attn_1", widths[-1])
        shapes |= residual(f"{part}.mid.block_2", widths[-1], widths[-1])
        for i, width in enumerate(widths):
            before = widths[max(i - 1, 0)] if part == "encoder" else widths[min(i + 1, last)]
            for k in range(blocks):
                shapes |= residual(f"{part}.{side}.{i}.block.{k}", before if k == 0 else width, width)
                if attention[i]:
                    shapes |= attended(f"{part}.{side}.{i}.attn.{k}", width)
            if (i < last) if part == "encoder" else i > 0:
                shapes |= layer(f"{part}.{side}.{i}.{side}sample.conv", width, width, 3, 3)
        shapes |= norm(f"{part}.norm_out", ends[2]) | layer(f"{part}.conv_out", ends[3], ends[2], 3, 3)
    return shapes | layer("quant_conv", 2 * embedded, 2 * z, 1, 1) | layer("post_quant_conv", z, embedded, 1, 1)


def compvis_unet(
    widths: Sequence[int], n_blocks: int, attention: Sequence[bool], *, context: int = 0, n_classes: int = 0
) -> Shapes:
    """UNetModel of CompVis's latent diffusion: two channels in, one out."""
    embedded = 4 * widths[0]

    def residual(name: str, old: int, new: int) -> Shapes:
        out = {**norm(f"{name}.in_layers.0", old), **layer(f"{name}.in_layers.2", new, old, 3, 3)}
        out |= layer(f"{name}.emb_layers.1", new, embedded)
        out |= {**norm(f"{name}.out_layers.0", new), **layer(f"{name}.out_layers.3", new, new, 3, 3)}
        return out | (layer(f"{name}.skip_connection", new, old, 1, 1) if old != new else {})

    def attended(name: str, width: int) -> Shapes:
        if context:
            return transformer(name, width, context, inner="", feed=("net.0.proj", "net.2"))
        out = {**norm(f"{name}.norm", width), **layer(f"{name}.qkv", 3 * width, width, 1)}
        return out | layer(f"{name}.proj_out", width, width, 1)

    shapes = layer("time_embed.0", embedded, widths[0]) | layer("time_embed.2", embedded, embedded)
    shapes |= layer("input_blocks.0.0", widths[0], 2, 3, 3)
    if n_classes:
        shapes["label_emb.weight"] = (n_classes, embedded)
    last, kept, width, place = len(widths) - 1, [widths[0]], widths[0], 1
    for i, new in enumerate(widths):
        for _ in range(n_blocks):
            shapes |= residual(f"input_blocks.{place}.0", width, new)
            width, place = new, place + 1
            kept.append(width)
            if attention[i]:
                shapes |= attended(f"input_blocks.{place - 1}.1", width)
        if i < last:
            shapes |= layer(f"input_blocks.{place}.0.op", width, width, 3, 3)
            place += 1
            kept.append(width)
    shapes |= residual("middle_block.0", width, width) | residual("middle_block.2", width, width)
    shapes |= attended("middle_block.1", width)
    place = 0
    for i in reversed(range(len(widths))):
        for k in range(n_blocks + 1):
            shapes |= residual(f"output_blocks.{place}.0", width + kept.pop(), widths[i])
            width, n_layers = widths[i], 1
            if attention[i]:
                shapes |= attended(f"output_blocks.{place}.1", width)
                n_layers = 2
            if i and k == n_blocks:
                shapes |= layer(f"output_blocks.{place}.{n_layers}.conv", width, width, 3, 3)
            place += 1
    return shapes | norm("out.0", widths[0]) | layer("out.2", 1, widths[0], 3, 3)

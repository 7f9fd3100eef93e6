"""The imported module beside the original on the same random input."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from monai_mammo.checkpoint_import.import_report import Parity
from monai_mammo.checkpoint_import.misfit import Translated
from monai_mammo.checkpoint_import.recognising import Found, Layout, NetworkKind
from monai_mammo.checkpoint_import.restated import restated_autoencoder, restated_unet
from monai_mammo.errors import MammoError

__all__ = ["LARGEST_DIFFERENCE", "parity_of"]

LARGEST_DIFFERENCE = 1e-4
"""Relative difference above which an import is refused; that of a right one is a rounding error, 1e-7 to 1e-5."""

_GENERATIVE = "monai-generative"


@torch.no_grad()
def parity_of(module: nn.Module, found: Found, translated: Translated, *, seed: int = 0) -> tuple[Parity, ...]:
    """Differences of an imported module from each reference that is at hand.

    The forward pass of the original, restated on the checkpoint's own tensors, always; beside it monai-generative
    itself, where that is installed.

    Parameters
    ----------
    module : nn.Module
        With its weights, in float32 and evaluation mode.
    found : Found
        The network as the checkpoint has it.
    translated : Translated
    seed : int
        Of the random input.

    Returns
    -------
    tuple of Parity

    Raises
    ------
    MammoError
        A difference is larger than `LARGEST_DIFFERENCE`, or an output is not finite.
    """
    inputs = _inputs(found.kind, translated.arguments, seed=seed)
    ours = _outputs(module, found.kind, inputs)
    references = {f"the forward pass of {found.layout}, restated": _restated(found, translated, inputs)}
    if found.layout is Layout.GENERATIVE and (version := _generative_version()):
        original = _original(found, translated)
        references[f"{_GENERATIVE} {version}"] = _outputs(original, found.kind, inputs)
    shape = tuple(inputs["x"].shape)
    out = []
    for name, theirs in references.items():
        difference = max(_difference(ours[key], theirs[key], key) for key in theirs)
        if not difference <= LARGEST_DIFFERENCE:
            raise MammoError(
                f"the imported {found.kind} differs from {name} by {difference:.1e} of its largest output, where "
                f"{LARGEST_DIFFERENCE:g} is allowed: nothing was written"
            )
        out.append(Parity(reference=name, largest_relative_difference=difference, input_shape=shape))
    return tuple(out)


def _inputs(kind: NetworkKind, arguments: Mapping[str, Any], *, seed: int) -> dict[str, Tensor]:
    """Random input of the least size that every level takes, two samples of it."""
    generator = torch.Generator().manual_seed(seed)
    side = 4 * 2 ** (len(arguments["channels"]) - 1)
    shape = (2, arguments["in_channels"], *[side] * arguments.get("spatial_dims", 2))
    inputs = {"x": torch.randn(shape, generator=generator)}
    if kind is NetworkKind.UNET:
        inputs["timesteps"] = torch.randint(0, 1000, (2,), generator=generator)
        if arguments["with_conditioning"]:
            inputs["context"] = torch.randn(2, 5, arguments["cross_attention_dim"], generator=generator)
        if "num_class_embeds" in arguments:
            inputs["class_labels"] = torch.randint(0, arguments["num_class_embeds"], (2,), generator=generator)
    return inputs


def _outputs(module: nn.Module, kind: NetworkKind, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    if kind is NetworkKind.UNET:
        return {"prediction": module(**inputs)}
    mu, sigma = module.encode(inputs["x"])
    return {"mu": mu, "sigma": sigma, "decoded": module.decode(mu)}


def _restated(found: Found, translated: Translated, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    arguments = translated.arguments
    groups, eps = arguments["norm_num_groups"], arguments["norm_eps"]
    if found.kind is NetworkKind.AUTOENCODER:
        is_transposed = translated.target.endswith(".TransposedAutoencoderKL")
        return restated_autoencoder(
            found.state, found.layout, inputs["x"], groups=groups, eps=eps, use_convtranspose=is_transposed
        )
    prediction = restated_unet(
        found.state,
        found.layout,
        inputs["x"],
        inputs["timesteps"],
        context=inputs.get("context"),
        class_labels=inputs.get("class_labels"),
        heads=arguments["num_head_channels"],
        groups=groups,
        eps=eps,
    )
    return {"prediction": prediction}


def _generative_version() -> str:
    try:
        return importlib.metadata.version(_GENERATIVE)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _original(found: Found, translated: Translated) -> nn.Module:
    """The network of monai-generative itself, with the checkpoint's tensors under their own names."""
    from generative.networks import nets

    arguments = dict(translated.arguments)
    arguments["num_channels"] = arguments.pop("channels")
    for name in ("include_fc", "use_combined_linear"):
        arguments.pop(name, None)
    if translated.target.endswith(".TransposedAutoencoderKL"):
        arguments["use_convtranspose"] = True
    network = getattr(nets, "AutoencoderKL" if found.kind is NetworkKind.AUTOENCODER else "DiffusionModelUNet")
    original = network(**arguments)
    original.load_state_dict({key: value.float() for key, value in found.state.items()})
    return original.eval()


def _difference(ours: Tensor, theirs: Tensor, name: str) -> float:
    if not torch.isfinite(theirs).all():
        raise MammoError(f"the checkpoint gives {name} that is not finite: its weights are damaged")
    if ours.shape != theirs.shape:
        raise MammoError(f"the imported module gives {name} of {tuple(ours.shape)}, the original {tuple(theirs.shape)}")
    scale = float(theirs.abs().max())
    return float((ours - theirs).abs().max()) / scale if scale else float(ours.abs().max())

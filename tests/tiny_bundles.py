"""Three tiny bundles with random weights: everything of a run but the beauty of its pictures."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from monai_mammo.bundle import seal
from monai_mammo.networks import (
    Autoencoder,
    CropTranslator,
    DetailUNet,
    DiffusionUNet,
    LatentVAE,
    LayoutUNet,
    LesionNetwork,
    PainterUNet,
    TranslatorUNet,
)

SHAPE = (64, 48)
UNTRAINED_PROBABILITY = 0.018  # about what the lesion network gives to a pixel before training
COLUMNS = ["kind", "density", "view", "finding", "birads", "images", "persons"]
ROWS = [
    ["digital", "C", "MLO", "mass", 5, 40, 25],
    ["digital", "C", "CC", "mass", 5, 30, 22],
    ["digital", "C", "CC", "mass", 4, 30, 21],
    ["digital", "B", "CC", "calcification", 4, 9, 5],
    ["film", "A", "MLO", "mass", 5, 60, 30],
    ["film", "A", "MLO", "none", None, 60, 30],
]


def write_tiny_bundles(folder: Path) -> dict[str, Path]:
    """Bundles under their usual names in a folder, by name."""
    torch.manual_seed(0)
    networks = {
        "mammo_autoencoder": (Autoencoder, {"channels": [8, 16], "n_blocks": 1}),
        "mammo_diffusion": (
            DiffusionUNet,
            {"channels": [8, 16], "n_blocks": 1, "attention_scales": [1], "context_channels": 8},
        ),
        "mammo_lesion_segmentation": (LesionNetwork, {"channels": [8, 8, 8]}),
    }
    out = {}
    for name, (network_class, arguments) in networks.items():
        out[name] = root = folder / name
        for part in ("configs", "models"):
            (root / part).mkdir(parents=True)
        metadata = {
            "version": "0.0.1",
            "prepared_shape": list(SHAPE),
            "nominal_spacing_mm": 3.5,
            "support": {"columns": COLUMNS, "rows": ROWS},
        }
        if network_class is LesionNetwork:
            metadata["mask_threshold"] = UNTRAINED_PROBABILITY  # so that some pixels count as found
        definition = {"_target_": f"monai_mammo.networks.{network_class.__name__}", **arguments}
        (root / "configs" / "metadata.json").write_text(json.dumps(metadata))
        (root / "configs" / "inference.json").write_text(json.dumps({"network_def": definition}))
        torch.save(_state(network_class(**arguments)), root / "models" / "model.pt")
        seal(root)
    return out


def write_stages(root: Path, *, text_channels: int | None = None) -> None:
    """Two stages with random weights into a diffusion bundle, in place of its one network; told of texts if asked."""
    torch.manual_seed(2)
    small = {"channels": [8, 16], "n_blocks": 1, "context_channels": 8}
    layout, path = {**small, "attention_scales": [1]}, root / "configs" / "inference.json"
    if text_channels is not None:
        layout["text_channels"] = text_channels
    definitions = {
        "network_def": {"_target_": "monai_mammo.networks.LayoutUNet", **layout},
        "detail_def": {"_target_": "monai_mammo.networks.DetailUNet", **small},
    }
    if text_channels is not None:
        definitions["text_encoder"] = {"_target_": "monai_mammo.networks.text_encoder", "channels": text_channels}
    path.write_text(json.dumps({**json.loads(path.read_text()), **definitions}))
    torch.save(_state(LayoutUNet(**layout)), root / "models" / "model.pt")
    torch.save(_state(DetailUNet(**small)), root / "models" / "detail.pt")
    seal(root)


def write_vae(root: Path, *, conditional: bool) -> Path:
    """Bundle of a VAE baseline with random weights."""
    torch.manual_seed(3)
    arguments = {"latent_shape": [16, 12], "channels": [8, 16], "n_vector": 8, "conditional": conditional}
    if conditional:
        arguments |= {"context_channels": 8, "more_attributes": ["pathology", "age_years"]}
    for part in ("configs", "models"):
        (root / part).mkdir(parents=True)
    support = {"columns": COLUMNS, "rows": ROWS}
    metadata = {"version": "0.0.1", "role": "baseline", "prepared_shape": list(SHAPE), "nominal_spacing_mm": 3.5}
    (root / "configs" / "metadata.json").write_text(json.dumps({**metadata, "support": support}))
    definition = {"_target_": "monai_mammo.networks.LatentVAE", **arguments}
    (root / "configs" / "inference.json").write_text(json.dumps({"network_def": definition}))
    torch.save(_state(LatentVAE(**arguments)), root / "models" / "model.pt")
    seal(root)
    return root


def write_painter(root: Path) -> None:
    """A lesion painter with random weights into a diffusion bundle, beside what it has."""
    torch.manual_seed(3)
    small = {"channels": [8, 16], "n_blocks": 1, "context_channels": 8, "more_attributes": ["lesion_margin"]}
    path = root / "configs" / "inference.json"
    definition = {"_target_": "monai_mammo.networks.PainterUNet", **small}
    path.write_text(json.dumps({**json.loads(path.read_text()), "painter_def": definition}))
    network = PainterUNet(**small)
    network.residual_std.fill_(0.3)
    torch.save(_state(network), root / "models" / "painter.pt")
    seal(root)


def write_translator(root: Path) -> None:
    """Generators between lesion and healthy tissue with random weights into a diffusion bundle, beside what it has."""
    torch.manual_seed(4)
    small, path = {"channels": 8, "n_blocks": 1}, root / "configs" / "inference.json"
    definition = {"_target_": "monai_mammo.networks.CropTranslator", **small}
    path.write_text(json.dumps({**json.loads(path.read_text()), "translator_def": definition}))
    network = CropTranslator(**small)
    network.texture_std.fill_(0.3)
    torch.save(_state(network), root / "models" / "gan.pt")
    seal(root)


def write_view_translator(root: Path, modalities: tuple[str, ...] = ("digital", "contrast")) -> None:
    """A translator with random weights into a diffusion bundle, beside what it has."""
    torch.manual_seed(4)
    small = {"modalities": list(modalities), "channels": [8, 16], "n_blocks": 1, "context_channels": 8}
    small["attention_scales"] = [1]
    path = root / "configs" / "inference.json"
    definition = {"_target_": "monai_mammo.networks.TranslatorUNet", **small}
    path.write_text(json.dumps({**json.loads(path.read_text()), "view_translator_def": definition}))
    network = TranslatorUNet(**small)
    network.band_std.fill_(0.3)
    network.air.fill_(-2.0)
    torch.save(_state(network), root / "models" / "translator.pt")
    seal(root)


def _state(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Random weights in half precision; what starts at 0 is made to count, so that conditions reach the pixels."""
    state = network.state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point() and tensor.ndim > 1 and not tensor.any() and "latent" not in name:
            state[name] = 0.2 * torch.randn_like(tensor)
    return {name: t.half() if t.is_floating_point() else t for name, t in state.items()}

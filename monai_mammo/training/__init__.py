"""Losses, trainer and evaluator of all networks, with what surrounds them: data, checkpoints, tracking.

Names resolve on first use (PEP 562), so that a loss costs no MONAI.
"""

from __future__ import annotations

from monai_mammo.lazy_names import lazy_names

_HOMES = {
    "AutocastInferer": "trainer",
    "AutoencoderLoss": "losses",
    "BestWeightsWriter": "checkpoints",
    "BreastPSNR": "metrics",
    "CheckpointHandler": "checkpoints",
    "CropDataset": "data",
    "DetailLoss": "diffusion",
    "DiffusionLoss": "diffusion",
    "EpochSampler": "data",
    "ExponentialMovingAverage": "ema",
    "LatentDataset": "diffusion",
    "LatentStatistics": "latents",
    "LayoutLoss": "diffusion",
    "LesionDataset": "lesion",
    "LesionLoss": "lesion",
    "MaskInferer": "inferers",
    "NetworkEvaluator": "evaluator",
    "NetworkTrainer": "trainer",
    "PredictionWriter": "writers",
    "PreparedDataset": "data",
    "ReconstructionInferer": "inferers",
    "SamplerInferer": "inferers",
    "SpeedReport": "speed",
    "TextureLoss": "losses",
    "data_loader": "trainer",
    "file_names": "writers",
    "frozen_encoder": "frozen",
    "frozen_network": "frozen",
    "frozen_texture": "frozen",
    "half_of_persons": "lesion",
    "image_files": "sources",
    "images_per_second": "speed",
    "load_datalist": "data",
    "loss_terms": "tracking",
    "outlined_items": "sources",
    "phantom_items": "sources",
    "set_latent_statistics": "latents",
    "train": "start",
    "tracking_handler": "tracking",
    "training_items": "sources",
    "with_residual_statistics": "diffusion",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)

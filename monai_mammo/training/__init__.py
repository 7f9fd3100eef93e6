"""Losses, trainer and evaluator of all networks, with what surrounds them: data, checkpoints, tracking.

Names resolve on first use (PEP 562), so that a loss costs no MONAI.
"""

from __future__ import annotations

from monai_mammo.lazy_names import lazy_names

_HOMES = {
    "AutocastInferer": "trainer",
    "AutoencoderLoss": "losses",
    "BestWeightsWriter": "checkpoints",
    "CheckpointHandler": "checkpoints",
    "CropDataset": "data",
    "CycleLoss": "cycle_loss",
    "DetailLoss": "stage_losses",
    "DiffusionLoss": "diffusion_loss",
    "DrawnDataset": "drawn_dataset",
    "EpochSampler": "data",
    "EpochValidation": "evaluator",
    "ExponentialMovingAverage": "ema",
    "LatentDataset": "latent_dataset",
    "LatentStatistics": "latent_statistics",
    "LayoutLoss": "stage_losses",
    "LesionDataset": "lesion_dataset",
    "LesionLoss": "lesion_loss",
    "MaskInferer": "inferers",
    "NetworkEvaluator": "evaluator",
    "NetworkTrainer": "trainer",
    "PainterDataset": "painter_dataset",
    "PainterLoss": "painter_loss",
    "Passes": "data",
    "PowerAverages": "ema",
    "PredictionWriter": "writers",
    "PreparedDataset": "data",
    "ReconstructionInferer": "inferers",
    "SamplerInferer": "inferers",
    "SnapshotHandler": "average_length",
    "SpeedReport": "speed",
    "TimeSlice": "time_slice",
    "TranslationDataset": "translation_dataset",
    "TranslationLoss": "translation_loss",
    "TranslationRegressionLoss": "translation_loss",
    "TripletLoss": "triplet_loss",
    "TripletTarget": "triplets",
    "UnpairedCrops": "unpaired_crops",
    "UnreadFiles": "unread_files",
    "average_of_length": "average_length",
    "choose_length": "average_length",
    "VariationalLoss": "variational_loss",
    "VectorInferer": "inferers",
    "compile_where": "trainer",
    "data_loader": "trainer",
    "file_names": "writers",
    "frozen_cascade": "drawn_dataset",
    "frozen_encoder": "frozen",
    "frozen_network": "frozen",
    "frozen_part": "frozen",
    "images_per_second": "speed",
    "light_checkpoint": "checkpoints",
    "loss_terms": "tracking",
    "read_triplets": "triplets",
    "save_shipped": "checkpoints",
    "set_latent_statistics": "latent_statistics",
    "slower_encoder": "parameters",
    "train": "start",
    "tracking_handler": "tracking",
    "with_band_statistics": "painter_loss",
    "with_frozen_encoder": "parameters",
    "with_pair_statistics": "translation_loss",
    "with_residual_statistics": "stage_losses",
    "with_texture_prior": "stage_losses",
    "with_texture_statistics": "cycle_loss",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)

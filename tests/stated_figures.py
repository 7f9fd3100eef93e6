"""Figures as `evaluate` writes them, of round numbers: what tables and model cards are made of."""

from __future__ import annotations

DATA = {"split": "validation", "n_images": 238, "n_persons": 118, "sources": ["CBIS-DDSM", "CDD-CESM"]}


def mean(value, n=30, spread=0.5):
    return {"mean": value, "low": value - spread, "high": value + spread, "n": n}


RECONSTRUCTION = {
    "name": "reconstruction",
    "command": "reconstruction",
    "data": DATA,
    "settings": {"latent_values": 12288, "bicubic_shape": [128, 96]},
    "rows": [
        {
            "kind": "digital",
            "region": "breast",
            "psnr": mean(33.24),
            "psnr_bicubic": mean(30.61),
            "psnr_gain": mean(2.63, spread=0.2),
            "ssim": mean(0.9123, spread=0.01),
            "ssim_bicubic": mean(0.8501),
            "ssim_gain": mean(0.0622),
        },
        {
            "kind": "digital",
            "region": "lesion boxes",
            "psnr": {"mean": 31.0, "low": None, "high": None, "n": 1},
            "psnr_bicubic": {"mean": 30.0, "low": None, "high": None, "n": 1},
            "psnr_gain": {"mean": 1.0, "low": None, "high": None, "n": 1},
            "ssim": None,
            "ssim_bicubic": None,
            "ssim_gain": None,
        },
    ],
}
LESIONS = {
    "name": "lesions",
    "command": "lesions",
    "data": DATA,
    "settings": {"threshold": 0.5},
    "rows": [
        {"network": name, "kind": kind, "measure": measure, **mean(value, spread=0.1), "n_persons": 14, **more}
        for name, value in (("lesion network", 0.5), ("judge", 0.4))
        for kind in ("digital", "all")
        for measure, more in (("view", {"most_frequent": 0.51}), ("Dice", {}))
    ],
}
ADHERENCE = {
    "name": "adherence",
    "command": "adherence",
    "data": DATA,
    "settings": {"threshold": 0.5},
    "runs": [{"n_samples": 60}, {"n_samples": 40}],
    "sides": {"n": 100, "as_requested": 99, "n_dicom": 60, "image_laterality": 60, "patient_orientation": 59},
    "first_try_dice": mean(0.41, n=90, spread=0.05),
    "rows": [
        {
            "network": "judge",
            "kind": "digital",
            "measure": "view",
            "synthetic": mean(0.96, n=100, spread=0.03),
            "acquired": mean(0.98, spread=0.02),
            "ratio": {"mean": 0.98, "low": 0.95, "high": 1.01},
        },
        {
            "network": "judge",
            "kind": "film",
            "measure": "Dice",
            "synthetic": mean(0.45, spread=0.1),
            "acquired": None,
            "ratio": None,
        },
    ],
}

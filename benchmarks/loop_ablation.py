"""Two layout stages trained on from the same weights for the same processor time, without the loop and with it.

They take turns, and whenever both have had the same their averaged weights are written, ``without/model.pt`` and
``with/model.pt`` below ``--out``, with ``about.json``: a run that is stopped early is a shorter ablation.
docs/decisions/0045 says how the two are compared.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser
from taking_turns import Arm, let_all_train

from monai_mammo.bundle import find
from monai_mammo.training.checkpoints import save_atomically, shipped_state


def main() -> None:
    """Train both arms in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset-dir", required=True)
    parser.add_argument("--cache-dir", required=True, help="folder for latents; a later run takes them from there")
    parser.add_argument("--minutes", type=float, default=6.0, help="processor time of each arm")
    parser.add_argument("--turn-seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--loop-weight", type=float, default=0.005)
    parser.add_argument("--loop-every", type=int, default=4)
    parser.add_argument("--out", type=Path, required=True)
    settings = parser.parse_args()
    arms: dict[str, Arm] = {}
    dataset = None
    for name in ("without", "with"):
        config = configured(settings, has_loop=name == "with")
        if dataset is not None:  # the second arm takes the latents that the first one loaded
            config["train"]["dataset"] = dataset
        config.parse()
        dataset = config.get_parsed_content("train#dataset")
        config.get_parsed_content("initialize")
        arms[name] = Arm(config.get_parsed_content("train#trainer"), settings.turn_seconds)
    for _ in let_all_train(arms, settings.minutes, turn_s=settings.turn_seconds):
        written(arms, settings)


def configured(settings: argparse.Namespace, *, has_loop: bool) -> ConfigParser:
    """The bundle's own configs; the arms differ in the overlay alone."""
    configs = find("mammo_diffusion").root / "configs"
    config = ConfigParser()
    names = ["train", "fine_tune", *(["loop"] if has_loop else [])]
    config.read_config([str(configs / f"{name}.json") for name in names])
    fixed: dict[str, Any] = {
        "bundle_root": str(configs.parent),
        "dataset_dir": settings.dataset_dir,
        "cache_dir": settings.cache_dir,
        "seed": 5,  # of the latents' views
        "train#trainer#seed": settings.seed,
        "max_epochs": 100_000,  # the processor time ends it
        "learning_rate": 0.0002,
        "decay_start_fraction": 1.0,
        "warm_up_iterations": 20,
        "train#handlers": [],
    }
    if has_loop:
        fixed |= {"loop_start": 0, "loop_weight": settings.loop_weight, "loop_every": settings.loop_every}
    for name, value in fixed.items():
        config[name] = value
    return config


def written(arms: dict[str, Arm], settings: argparse.Namespace) -> None:
    """Write the weights of both arms and what is told of them."""
    for name, arm in arms.items():
        save_atomically(shipped_state(arm.trainer.ema), settings.out / name / "model.pt")
    told = {"loop_weight": settings.loop_weight, "loop_every": settings.loop_every, "seed": settings.seed}
    about = {**told, **{name: arm.about() for name, arm in arms.items()}}
    (settings.out / "about.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(about), flush=True)


if __name__ == "__main__":
    main()

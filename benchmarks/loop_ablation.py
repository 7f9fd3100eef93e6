"""Two layout stages trained on from the same weights for the same processor time, without the loop and with it.

Writes ``without/model.pt`` and ``with/model.pt`` below ``--out``; docs/decisions/0045 says how they are compared.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from ignite.engine import Events
from monai.bundle import ConfigParser

from monai_mammo.bundle import find
from monai_mammo.training.checkpoints import save_atomically, shipped_state


def main() -> None:
    """Train both arms, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset-dir", required=True)
    parser.add_argument("--cache-dir", required=True, help="folder for latents; a later run takes them from there")
    parser.add_argument("--minutes", type=float, default=6.0, help="processor time of each arm")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--loop-weight", type=float, default=0.005)
    parser.add_argument("--loop-every", type=int, default=4)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--arms", nargs="+", choices=("without", "with"), default=["without", "with"])
    settings = parser.parse_args()
    dataset = None
    for arm in settings.arms:
        config = configured(settings, has_loop=arm == "with")
        if dataset is not None:
            config["train"]["dataset"] = dataset
        config.parse()
        dataset = config.get_parsed_content("train#dataset")
        told = trained(config, minutes=settings.minutes, path=settings.out / arm / "model.pt")
        print(json.dumps({"arm": arm, "seed": settings.seed, **told}), flush=True)


def configured(settings: argparse.Namespace, *, has_loop: bool) -> ConfigParser:
    """The bundle's own configs; the arms differ in the overlay alone."""
    configs = find("mammo_diffusion").root / "configs"
    config = ConfigParser()
    names = ["train", "fine_tune", *(["loop"] if has_loop else [])]
    config.read_config([str(configs / f"{name}.json") for name in names])
    fixed: dict[str, object] = {
        "bundle_root": str(configs.parent),
        "dataset_dir": settings.dataset_dir,
        "cache_dir": settings.cache_dir,
        "seed": settings.seed,
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


def trained(config: ConfigParser, *, minutes: float, path: Path) -> dict[str, float]:
    """Train one arm, write its averaged weights and say how far it came."""
    config.get_parsed_content("initialize")
    trainer = config.get_parsed_content("train#trainer")
    seen: dict[str, list[float]] = {}
    started = time.process_time()

    def watch(engine) -> None:
        for name, value in engine.state.output.items():
            seen.setdefault(name, []).append(float(value))
        if time.process_time() - started > 60 * minutes:
            engine.terminate()

    trainer.add_event_handler(Events.ITERATION_COMPLETED, watch)
    trainer.run()
    save_atomically(shipped_state(trainer.ema), path)
    means = {name: round(sum(values[-50:]) / len(values[-50:]), 4) for name, values in seen.items()}
    spent = (time.process_time() - started) / 60
    return {"iterations": trainer.state.iteration, "minutes": round(spent, 2), **means}


if __name__ == "__main__":
    main()

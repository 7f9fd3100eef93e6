"""Layout stages trained from nothing for the same processor time, each without one of the parts that the bundle keeps.

They take turns. Whenever all have had the same, ``ablation.json`` below ``--out`` is written anew: the loss of each on
the same noise of the validation split, with averaged weights and with the last ones, with all conditions told and with
none. A run that is stopped early is a shorter ablation.
"""

from __future__ import annotations

import argparse
import copy
import json
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from taking_turns import Arm, let_all_train

from monai_mammo.attributes import NOT_GIVEN
from monai_mammo.bundle import find

PARTS: dict[str, dict[str, Any]] = {
    "as the bundle trains": {},
    "kinds as they come": {"balance": 0.0},
    "no dropout": {"network_def#dropout": 0.0},
    "one view an image": {"views": 1},
    "changes not told": {"is_told": False},
    "nothing of a mammogram seen": {"loss#hides_all": 1.0},
    "no attention": {"network_def#attention_scales": []},
}
"""What each arm leaves out, as changes of the config; `views` and `is_told` are changes of its data set."""


def main() -> None:
    """Train all arms in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset-dir", required=True)
    parser.add_argument("--cache-dir", required=True, help="folder for latents; a later run takes them from there")
    parser.add_argument("--minutes", type=float, default=5.0, help="processor time of each arm")
    parser.add_argument("--turn-seconds", type=float, default=20.0)
    parser.add_argument("--views", type=int, help="latents for each image (default: as the config has it)")
    parser.add_argument("--strength", type=float, help="of their augmentation (default: as the config has it)")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--out", type=Path, required=True)
    settings = parser.parse_args()
    settings.out.mkdir(parents=True, exist_ok=True)
    arms: dict[str, Arm] = {}
    configs: dict[str, ConfigParser] = {}
    loaded: tuple[Any, Any] | None = None
    for name, changes in PARTS.items():
        torch.manual_seed(settings.seed)  # the same weights to begin with, where the network is the same
        config = configured(settings, {key: value for key, value in changes.items() if "#" in key or key == "balance"})
        if loaded is None:
            config.parse()
            loaded = config.get_parsed_content("train#dataset"), config.get_parsed_content("validate#dataset")
        dataset = copy.copy(loaded[0])
        dataset.n_views = changes.get("views", dataset.n_views)
        if not changes.get("is_told", True):
            dataset = _NotTold(dataset)
        config["train"]["dataset"], config["validate"]["dataset"] = dataset, loaded[1]
        config.parse()
        configs[name] = config
        arms[name] = Arm(config.get_parsed_content("train#trainer"), settings.turn_seconds)
    print(f"{len(arms)} arms, {settings.minutes:g} minutes of processor time each", flush=True)
    for _ in let_all_train(arms, settings.minutes, turn_s=settings.turn_seconds):
        spent_min = min(arm.spent_s for arm in arms.values()) / 60
        print(f"{spent_min:.1f} minutes each", flush=True)
        if spent_min >= settings.minutes / 2:
            write({name: {**arm.about(), **losses(configs[name])} for name, arm in arms.items()}, settings.out)


class _NotTold:
    """A data set whose items say nothing of the change that their view has."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dataset, name)

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> dict[str, Any]:
        item = self._dataset[index]
        return item | {"numbers": torch.zeros_like(item["numbers"])}


def configured(settings: argparse.Namespace, changes: dict[str, Any]) -> ConfigParser:
    """The bundle's own config with the changes of an arm."""
    root = find("mammo_diffusion").root
    config = ConfigParser()
    config.read_config(str(root / "configs" / "train.json"))
    fixed: dict[str, Any] = {
        "bundle_root": str(root),
        "dataset_dir": settings.dataset_dir,
        "cache_dir": settings.cache_dir,
        "seed": 5,  # of the latents' views
        "train#trainer#seed": settings.seed,
        "max_epochs": 100_000,  # the processor time ends it
        "decay_start_fraction": 1.0,
        "train#handlers": [],
        "validate#handlers": [],
    }
    data = {"n_views": settings.views, "augmentation_strength": settings.strength}
    fixed |= {name: value for name, value in data.items() if value is not None}
    for name, value in (fixed | changes).items():
        config[name] = value
    return config


def losses(config: ConfigParser) -> dict[str, float]:
    """Mean loss on the validation split, on the same times and noise for each arm."""
    trainer = config.get_parsed_content("train#trainer")
    loss, dataset = config.get_parsed_content("loss"), config.get_parsed_content("validate#dataset")
    network = copy.deepcopy(trainer.network).eval()
    found = {}
    for weights in ("last", "averaged"):
        if weights == "averaged":
            network.load_state_dict(trainer.ema.average)
        for told in ("told", "not told"):
            found[f"{weights}, {told}"] = round(_loss(network, loss, dataset, trainer, is_told=told == "told"), 4)
    return found


@torch.no_grad()
def _loss(network: Any, loss: Any, dataset: Any, trainer: Any, *, is_told: bool) -> float:
    total = 0.0
    for start in range(0, len(dataset), 64):
        items = [dataset[index] for index in range(start, min(start + 64, len(dataset)))]
        batch = {
            key: torch.stack([item[key] for item in items]) for key in ("image", "attributes", "spatial", "numbers")
        }
        if not is_told:
            batch["attributes"] = torch.full_like(batch["attributes"], NOT_GIVEN)
            batch["spatial"] = torch.zeros_like(batch["spatial"])
        torch.manual_seed(start)
        call = lambda x, **given: trainer.inferer(x, network=network, **given)  # noqa: E731
        total += float(loss(call, batch)["loss"]) * len(items)
    return total / len(dataset)


def write(table: dict[str, dict[str, float]], out: Path) -> None:
    """Write the table as JSON, and print it."""
    (out / "ablation.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    columns = ("iterations", "averaged, told", "averaged, not told", "last, told")
    print("| layout stage | " + " | ".join(columns) + " |\n" + "|---" * (len(columns) + 1) + "|")
    for name, row in table.items():
        print(f"| {name} | " + " | ".join(f"{row[column]:g}" for column in columns) + " |", flush=True)


if __name__ == "__main__":
    main()

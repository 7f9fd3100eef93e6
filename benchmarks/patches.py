"""Random patches of 512 x 512 out of images of 3328 x 2560: our cache and MONAI's PersistentDataset, in turn.

    python benchmarks/patches.py [--rounds 15] [--json]

MONAI's way is the one of its tutorials: `PersistentDataset` keeps the whole image, `RandSpatialCropd` cuts the patch;
ours keeps what is cut to the breast, here 72 % of it. Both hand out float32 of shape (1, 512, 512), from files that
are in the page cache. Promised: at least 20 times faster, and under a millisecond.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from pathlib import Path

import numpy as np
from breast_picture import BITS, stored_values
from interleaved import compare, ratio, verdict
from monai.data import PersistentDataset
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged, RandSpatialCropd

from monai_mammo.conditions import Conditions
from monai_mammo.prepare import CachedImage, open_cached, prepare
from monai_mammo.study import Mammogram

N_IMAGES = 8
PATCH = (512, 512)
FASTER, AT_MOST_MS = 20.0, 1.0


def picture(i: int) -> np.ndarray:
    """Brightness of a picture, shape (3328, 2560), float32."""
    return np.roll(stored_values() / np.float32(2**BITS - 1), i, 0)


def cached_images(folder: Path) -> list[CachedImage]:
    """Images at full size, as `prepare` caches them."""
    asked = Conditions(kind="digital", laterality="L")
    drawn = (Mammogram(pixels=picture(i), conditions=asked, person_id=f"p{i}") for i in range(N_IMAGES))
    prepare(drawn, out=folder, full_size=True)
    content = json.loads((folder / "datalist.json").read_text())
    return [open_cached(folder, item) for split in ("training", "validation", "test") for item in content[split]]


def monai_dataset(folder: Path) -> PersistentDataset:
    """The same pictures as float32 files, in MONAI's cache."""
    data = []
    for i in range(N_IMAGES):
        np.save(folder / f"{i}.npy", picture(i))
        data.append({"image": str(folder / f"{i}.npy")})
    steps = [
        LoadImaged("image"),
        EnsureChannelFirstd("image", channel_dim="no_channel"),
        RandSpatialCropd("image", PATCH, random_size=False),
    ]
    return PersistentDataset(data, Compose(steps), cache_dir=folder / "cache")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        images = cached_images(Path(name) / "ours")
        (Path(name) / "monai").mkdir()
        dataset = monai_dataset(Path(name) / "monai")
        for i in range(len(dataset)):
            dataset[i]  # into MONAI's cache
        rng = np.random.default_rng(0)
        turns = {way: itertools.cycle(range(N_IMAGES)) for way in ("ours", "monai")}
        ways = {
            "ours": lambda: images[next(turns["ours"])].random_patch(rng, PATCH).image,
            "monai": lambda: dataset[next(turns["monai"])]["image"],
        }
        assert ways["ours"]().shape == tuple(ways["monai"]().shape) == (1, *PATCH)
        times = compare(ways, arguments.rounds, repeats=N_IMAGES)
        shape = picture(0).shape
    row = {way: {"cpu_ms": t.cpu_ms, "wall_ms": t.wall_ms} for way, t in times.items()}
    faster = {of: ratio(times["monai"], times["ours"], of=f"{of}_s") for of in ("cpu", "wall")}
    row |= {"shape": shape, "faster": faster}
    if arguments.json:
        print(json.dumps(row, indent=1))
        return
    print(f"Random patch of {PATCH[0]} x {PATCH[1]} out of {shape[0]} x {shape[1]}\n")
    print("| | CPU ms | on the clock ms |\n|---|---|---|")
    for way, words in (("ours", "our cache"), ("monai", "PersistentDataset, RandSpatialCropd")):
        print(f"| {words} | {row[way]['cpu_ms']:.2f} | {row[way]['wall_ms']:.2f} |")
    print(f"\nfaster {faster['cpu']:.0f} x (clock {faster['wall']:.0f} x), promised {FASTER:g}: ", end="")
    print(verdict(faster["cpu"], FASTER))
    print(f"one patch {row['ours']['cpu_ms']:.2f} ms, promised under {AT_MOST_MS:g}: ", end="")
    print(verdict(row["ours"]["cpu_ms"], AT_MOST_MS, at_most=True))


if __name__ == "__main__":
    main()

"""Train on a machine that is lent for some minutes: no network, little to carry there, little to bring back.

At home, `pack` makes a folder of at most 60 MiB that holds all that the machine lacks: images, package, weights that
the training starts from, wheels. There, `run` trains one stage for some minutes and leaves files of at most 16 MiB to
bring back; the next `run` goes on, from the work folder where it is still there, else from what was brought back.
`weights` makes the weights file of a bundle from what was brought back.

    python tutorials/gpu/borrowed_gpu.py pack prepared --out pack --wheels wheels
    python3 pack/borrowed_gpu.py run layout --pack pack --work work --back back --seconds 540 --slices-after 2
    python tutorials/gpu/borrowed_gpu.py weights back/layout --out model.pt

`docs/how_to/train_on_borrowed_gpu.md` says what the machine must have. `run` needs the standard library only; the
training itself runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

MIB = 2**20
ON_BOARD = ("torch", "numpy", "scipy", "pillow", "tqdm", "PyYAML", "packaging")
CARRIED = ("monai", "pytorch-ignite", "pydicom", "pyjpegls")
"""What a training imports: of the first list the machine has some version, the second travels as wheels."""

RESERVE_S = 25
"""Seconds at the end of a slice in which its files are written."""

STAGES = {
    "layout": ("mammo_diffusion", ["train"], {"batch_size": 256, "learning_rate": 0.0012}, 16),
    "detail": ("mammo_diffusion", ["train", "detail"], {"batch_size": 128, "learning_rate": 0.001}, 16),
    "decoder": ("mammo_autoencoder", ["train", "decoder"], {"batch_size": 32, "learning_rate": 0.0006}, 16),
}
"""Bundle, configs, what fills a GPU, passes through the data in an epoch. Rates rise less than by the square root of
the batch; they were not tried on a GPU yet."""

NEEDED_WEIGHTS = {
    "mammo_autoencoder": ["model.pt"],
    "mammo_lesion_segmentation": ["encoder_lite0.pt"],
    "mammo_diffusion": [],
}


def main() -> int:
    """Do what the words ask for; exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("pack", help="at home: all that the machine lacks, in one folder")
    one.add_argument("prepared", type=Path, help="folder that `monai-mammo prepare` wrote")
    one.add_argument("--out", type=Path, required=True)
    one.add_argument("--wheels", type=Path, help="folder of wheels that the machine lacks")
    one.add_argument("--near", type=int, default=1, help="largest error of a pixel in 1/255 (default 1)")
    one.add_argument("--with-diffusion-weights", action="store_true", help="carry them too, for the overlay fine_tune")
    one.add_argument("--most-mib", type=float, default=60.0)
    two = commands.add_parser("run", help="there: one slice of a training")
    two.add_argument("stage", choices=STAGES)
    two.add_argument("overlays", nargs="*", help="further configs by name, such as fine_tune")
    two.add_argument("--pack", type=Path, required=True)
    two.add_argument("--work", type=Path, required=True, help="folder that may be lost between slices")
    two.add_argument("--back", type=Path, required=True, help="folder whose files are brought back")
    two.add_argument("--brought", type=Path, help="folder of a stage that was brought back and travels there again")
    two.add_argument("--seconds", type=float, default=540.0, help="of the whole command")
    two.add_argument("--slices-after", type=int, default=0, help="slices of the same length that are to follow")
    two.add_argument("--part-mib", type=float, default=16.0)
    two.add_argument("--most-mib", type=float, default=60.0, help="all files of a slice together")
    three = commands.add_parser("weights", help="at home: weights file of what was brought back")
    three.add_argument("brought", type=Path)
    three.add_argument("--out", type=Path, required=True)
    words, rest = parser.parse_known_args()
    if rest and words.command != "run":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return run(words, rest) if words.command == "run" else {"pack": pack, "weights": weights}[words.command](words)
    except Exception as error:
        from monai_mammo.errors import MammoError

        if not isinstance(error, MammoError):
            raise
        print(f"borrowed_gpu: {error}", file=sys.stderr)
        return 1


def pack(words: argparse.Namespace) -> int:
    """Write the folder that travels, and say how large its pieces are."""
    import monai_mammo
    from monai_mammo import bundle
    from monai_mammo.prepare import pack_prepared

    words.out.mkdir(parents=True, exist_ok=True)
    images = pack_prepared(words.prepared, words.out / "images.zip", near=words.near)
    package = Path(monai_mammo.__file__).parent
    with zipfile.ZipFile(words.out / "package.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(package.rglob("*")):
            if path.is_file() and "_bundles" not in path.parts and "__pycache__" not in path.parts:
                archive.write(path, Path("monai_mammo") / path.relative_to(package))
        for name, files in NEEDED_WEIGHTS.items():
            root = bundle.find(name).root
            if words.with_diffusion_weights and name == "mammo_diffusion":
                files = ["model.pt", "detail.pt"]
            carried = [*(root / "configs").iterdir(), *(root / "models" / file for file in files)]
            for path in carried:
                if path.is_file():
                    archive.write(path, Path("bundles") / name / path.relative_to(root))
    shutil.copy(__file__, words.out / "borrowed_gpu.py")
    for wheel in sorted(words.wheels.glob("*.whl")) if words.wheels else []:
        (words.out / "wheels").mkdir(exist_ok=True)
        shutil.copy(wheel, words.out / "wheels")
    sizes = {path.relative_to(words.out): path.stat().st_size for path in words.out.rglob("*") if path.is_file()}
    for path, size in sizes.items():
        print(f"{size / MIB:8.2f} MiB  {path}")
    total = sum(sizes.values()) / MIB
    fidelity = "exactly" if images["psnr_db"] is None else f"at {images['psnr_db']} dB"
    print(f"{total:8.2f} MiB  in all; {images['n_images']} images, their pixels kept {fidelity}")
    if total > words.most_mib:
        print(
            f"{words.out} has {total:.1f} MiB, allowed are {words.most_mib:g}: pack with a larger --near, or fewer "
            "images or wheels",
            file=sys.stderr,
        )
        return 1
    return 0


def run(words: argparse.Namespace, rest: list[str]) -> int:
    """Train one stage until its time is nearly over, then leave what is to be brought back."""
    started = time.time()
    if words.seconds <= RESERVE_S:
        print(f"{words.seconds:g} seconds are no slice: {RESERVE_S} of them go to writing files", file=sys.stderr)
        return 2
    work = words.work.resolve()
    environment = _set_up(words.pack.resolve(), work)
    from monai_mammo.files import join_parts

    out = work / words.stage
    checkpoint, log = out / "models" / "checkpoint.pt", out / "log.txt"
    out.mkdir(parents=True, exist_ok=True)
    if words.brought and not checkpoint.is_file():
        join_parts(words.brought / "checkpoint.pt.parts.json", checkpoint.parent)
    until = started + words.seconds - RESERVE_S
    command = _training(words, work, until)
    with log.open("ab") as stream:
        process = subprocess.Popen([*command, *rest], env=environment, stdout=stream, stderr=subprocess.STDOUT)
        try:
            code = process.wait(timeout=max(1.0, until + 5 - time.time()))
        except subprocess.TimeoutExpired:  # an epoch took longer than those before it: the last checkpoint is good
            process.kill()
            code = process.wait()
    print(log.read_text(errors="replace")[-3000:])
    if not checkpoint.is_file():
        print(f"the training ended with code {code} before its first checkpoint; see {log}", file=sys.stderr)
        return 1
    _bring_back(words, out, {"stage": words.stage, "code": code, "seconds": round(time.time() - started, 1)})
    return 0 if code in (0, -signal.SIGKILL) else 1


def weights(words: argparse.Namespace) -> int:
    """Weights file from the parts in a folder that was brought back: the best by validation, else the average."""
    import torch

    from monai_mammo.files import join_parts
    from monai_mammo.training.checkpoints import save_atomically

    joined = words.out.parent / f".{words.out.name}.parts"
    try:
        if (words.brought / "model.pt.parts.json").is_file():
            path = join_parts(words.brought / "model.pt.parts.json", joined)
            os.replace(path, words.out)
        else:
            path = join_parts(words.brought / "checkpoint.pt.parts.json", joined)
            save_atomically(torch.load(path, weights_only=True)["ema"]["average"], words.out)
    finally:
        shutil.rmtree(joined, ignore_errors=True)
    print(f"wrote {words.out}")
    return 0


def _set_up(pack: Path, work: Path) -> dict[str, str]:
    """Unpack what travelled, once; the package is found from here on, and by processes with the environment given."""
    work.mkdir(parents=True, exist_ok=True)
    package, site = work / "package", work / "site"
    if not package.is_dir():
        with zipfile.ZipFile(pack / "package.zip") as archive:
            archive.extractall(work / ".package")
        os.replace(work / ".package", package)
    wheels = sorted(map(str, (pack / "wheels").glob("*.whl")))
    if wheels and not site.is_dir():
        install = ["-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-compile", "--target"]
        subprocess.run([sys.executable, *install, str(work / ".site"), *wheels], check=True)
        os.replace(work / ".site", site)
    sys.path[:0] = [str(package), str(site)]
    from monai_mammo.prepare import unpack_prepared

    unpack_prepared(pack / "images.zip", work / "prepared")
    paths = [str(package), str(site), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONUNBUFFERED": "1"}
    environment.pop("MONAI_MAMMO_BUNDLES", None)  # the bundles are those that travelled
    return environment


def _training(words: argparse.Namespace, work: Path, until: float) -> list[str]:
    """Command of the training: the stage's configs, and one more that bounds its time."""
    bundle, configs, settings, passes = STAGES[words.stage]
    seconds = words.seconds - RESERVE_S
    plan = {"until": until, "slice_s": seconds, "n_after": words.slices_after}
    overlay = {
        "val_interval": 1,
        "train#dataloader#dataset": {
            "_target_": "monai_mammo.training.Passes",
            "dataset": "@train#dataset",
            "n": passes,
        },
        "+train#handlers": [{"_target_": "monai_mammo.training.TimeSlice", **plan}],
    }
    (work / "slice.json").write_text(json.dumps(overlay))
    values = {"dataset_dir": work / "prepared", "output_dir": work / words.stage, "track": "false"}
    values |= {"max_epochs": 1_000_000, **settings}  # so many until the first epoch has been timed
    if bundle == "mammo_diffusion":
        values |= {"cache_dir": work / "latents", "num_workers": max(0, min(12, (os.cpu_count() or 1) - 2))}
    folder = work / "package" / "bundles" / bundle / "configs"
    files = [str(folder / f"{name}.json") for name in [*configs, *words.overlays]]
    overrides = [word for name, value in values.items() for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "monai_mammo", "train", *files, str(work / "slice.json"), *overrides]


def _bring_back(words: argparse.Namespace, out: Path, record: dict) -> None:
    """Leave parts of a checkpoint from which the next slice goes on, and of the best weights so far.

    Where both have more than is allowed, the last slice leaves the weights and any other the checkpoint.
    """
    import torch

    from monai_mammo.files import split_file
    from monai_mammo.training import light_checkpoint

    back = words.back.resolve() / words.stage
    shutil.rmtree(back, ignore_errors=True)
    back.mkdir(parents=True)
    light = light_checkpoint(out / "models" / "checkpoint.pt", out / "light" / "checkpoint.pt")
    files = [light, out / "models" / "model.pt"]
    room = (words.most_mib - 1) * MIB  # the log and the lists are small
    for path in files if words.slices_after else reversed(files):
        if path.is_file() and path.stat().st_size <= room:
            room -= path.stat().st_size
            split_file(path, back, part_bytes=int(words.part_mib * MIB))
    state = torch.load(light, weights_only=True)
    record |= {"epoch": state["epoch"], "iteration": state["iteration"], **state.get("best", {})}
    (back / "log.txt").write_bytes((out / "log.txt").read_bytes()[-MIB // 2 :])
    (back / "slice.json").write_text(json.dumps(record, indent=1))
    print(json.dumps(record))


if __name__ == "__main__":
    sys.exit(main())

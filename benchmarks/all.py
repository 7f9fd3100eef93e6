"""All that is compared with other programs, in one run: a table, and a JSON file.

    pip install -r requirements.txt ".[benchmark]" frd-score
    python benchmarks/all.py [--only distances sampler model generate insert reading] [--json all.json]

Distances: Fréchet distance of the same features by ours, by MONAI's FIDMetric and by frd-score's function. Sampler:
error on Gaussian data, whose exact result is known, by ours and by MONAI's DDIM and rectified flow, all with a perfect
network. Model: the shipped layout stage by ours and by MONAI's DDIM and rectified flow on the same network and noise;
the error is the distance to 200 evaluations of ours, as share of that latent's spread. The paths of a diffusion and of
a flow lead to the same image, since one is the other by another scale at other times. Generate and insert: the commands
from a cold start, in a process of their own. Reading: `reading.py` on one transfer syntax.

Where two ways are timed they take turns, and the ratio is the median over rounds. What a peer that is not installed
would show is left out and said.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from interleaved import compare, ratio
from sampler_error import latent_data
from torch import Tensor

from monai_mammo import machine
from monai_mammo.sampling import CosineSchedule, Schedule, dpm_solver_pp_2m, time_grid

HERE = Path(__file__).parent
N_EVALUATIONS = (10, 20)
N_TRUTH = 200
Row = dict[str, Any]


def distances(rounds: int) -> list[Row]:
    """Fréchet distance of fewer images than features, and of about as many."""
    from monai.metrics import FIDMetric

    from monai_mammo.evaluation.realism.frechet import frechet_distance_of_features

    rows, frd = [], _peer("frd_score.frd")
    for n_images, n_features in ((100, 480), (500, 480)):
        rng = np.random.default_rng(n_images)
        one, other = rng.normal(size=(n_images, n_features)), rng.normal(0.1, 1.2, size=(n_images, n_features))
        tensors = torch.from_numpy(one), torch.from_numpy(other)
        ways: dict[str, Callable[[], object]] = {
            "ours": lambda one=one, other=other: frechet_distance_of_features(one, other),
            "MONAI FIDMetric": lambda tensors=tensors: FIDMetric()(*tensors),
        }
        if frd is not None:
            ways["frd-score"] = lambda one=one, other=other: frd.calculate_frechet_distance(
                one.mean(0), np.cov(one, rowvar=False), other.mean(0), np.cov(other, rowvar=False)
            )
        values = {name: float(np.real(way())) for name, way in ways.items()}
        times = compare(ways, rounds)
        for name in list(ways)[1:]:
            rows.append(
                _row(
                    f"Fréchet distance, {n_images} images, {n_features} features",
                    peer=name,
                    ours=f"{times['ours'].cpu_ms:.1f} ms",
                    theirs=f"{times[name].cpu_ms:.1f} ms",
                    ratio=round(ratio(times[name], times["ours"]), 2),
                    n=rounds,
                    note=f"relative difference {abs(values[name] / values['ours'] - 1):.1e}",
                )
            )
    return rows + ([] if frd is not None else [_absent("Fréchet distance", "frd-score")])


def sampler(rounds: int) -> list[Row]:
    """Error on Gaussian data, in standard deviations of the data, by the number of evaluations."""
    data, rows = latent_data(), []
    for n in N_EVALUATIONS:
        schedule = CosineSchedule()
        ours = data.data_error(dpm_solver_pp_2m, time_grid(schedule, n), schedule)
        for name, way in (("MONAI DDIM, cosine schedule", _monai_ddim), ("MONAI rectified flow", _monai_flow)):
            noise = torch.stack([torch.zeros_like(data.mean), torch.ones_like(data.mean)])
            wrong = way(data, noise, n) - (data.mean + noise * data.spread)
            bias, gain = wrong[0] / data.spread, (wrong[1] - wrong[0]) / data.spread
            theirs = torch.sqrt((bias**2 + gain**2).mean()).item()
            words = {"ours": f"{ours:.4f}", "theirs": f"{theirs:.4f}", "ratio": round(theirs / ours, 1), "n": 1}
            rows.append(_row(f"error on Gaussian data, {n} evaluations", peer=name, **words, note="exact, no chance"))
    return rows


def _monai_ddim(data: Any, noise: Tensor, n: int) -> Tensor:
    from monai.networks.schedulers import DDIMScheduler

    scheduler = DDIMScheduler(schedule="cosine", prediction_type="v_prediction", clip_sample=False)
    scheduler.alphas_cumprod = scheduler.alphas_cumprod.double()
    scheduler.set_timesteps(n)
    z = noise
    for t in scheduler.timesteps:
        alpha, sigma = scheduler.alphas_cumprod[t].sqrt(), (1 - scheduler.alphas_cumprod[t]).sqrt()
        z0 = data.z0(z, alpha=alpha, sigma=sigma)
        z, _ = scheduler.step((alpha * z - z0) / sigma, int(t), z)
    return z


def _monai_flow(data: Any, noise: Tensor, n: int) -> Tensor:
    from monai.networks.schedulers import RFlowScheduler

    scheduler = RFlowScheduler()
    scheduler.set_timesteps(n)
    z, times = noise, scheduler.timesteps.tolist()
    for t, following in zip(times, [*times[1:], 0], strict=True):
        sigma = torch.tensor(t / scheduler.num_train_timesteps, dtype=torch.float64)
        z0 = data.z0(z, alpha=1 - sigma, sigma=sigma)
        z, _ = scheduler.step((z0 - z) / sigma, t, z, following)
    return z


@torch.inference_mode()
def model(rounds: int) -> list[Row]:
    """The shipped layout stage: how near few evaluations come to many, by ours and by MONAI's DDIM."""
    from monai_mammo import bundle, networks
    from monai_mammo.conditions import Conditions
    from monai_mammo.networks.context import encode_conditions
    from monai_mammo.networks.detail_unet import LAYOUT_FACTOR
    from monai_mammo.sampling.guidance import Guidance, z0_predictor

    home = bundle.find(bundle.DEFAULT_BUNDLES[0])
    network: Any = networks.load_network(home)
    schedule, n_images = CosineSchedule(), max(2, rounds)
    side = tuple(length // (4 * LAYOUT_FACTOR) for length in home.prepared_shape)
    attributes = encode_conditions([Conditions(kind="film", view="MLO", density="B", finding="none")] * n_images)
    spatial = torch.zeros(n_images, 2, *side)
    predict = z0_predictor(network, schedule, attributes=attributes, spatial=spatial, guidance=Guidance(scale=1.0))
    noise = torch.randn(n_images, 4, *side, generator=torch.Generator().manual_seed(0))
    truth = dpm_solver_pp_2m(predict, noise, time_grid(schedule, N_TRUTH), schedule)
    rows = []
    for n in N_EVALUATIONS:
        ours = _distance(dpm_solver_pp_2m(predict, noise, time_grid(schedule, n), schedule), truth)
        for peer, way in (("MONAI DDIM", ddim_of_network), ("MONAI rectified flow", flow_of_network)):
            theirs = _distance(way(predict, noise, n, schedule), truth)
            words = {"ours": f"{ours:.4f}", "theirs": f"{theirs:.4f}", "ratio": round(theirs / ours, 1)}
            name = f"error of the shipped layout stage, {n} evaluations"
            rows.append(_row(name, peer=peer, **words, n=n_images, note=f"against {N_TRUTH} evaluations of ours"))
    return rows


def _distance(latent: Tensor, truth: Tensor) -> float:
    return ((latent - truth).pow(2).mean() / truth.var()).sqrt().item()


def ddim_of_network(predict: Any, noise: Tensor, n: int, schedule: Schedule) -> Tensor:
    """MONAI's DDIM with the alphas of our schedule at its 1000 times."""
    from monai.networks.schedulers import DDIMScheduler

    scheduler = DDIMScheduler(schedule="cosine", prediction_type="sample", clip_sample=False)
    times = (torch.arange(scheduler.num_train_timesteps, dtype=torch.float64) + 0.5) / scheduler.num_train_timesteps
    scheduler.alphas_cumprod = (schedule.alpha(times) ** 2).float()
    scheduler.set_timesteps(n)
    z = noise
    for t in scheduler.timesteps:
        z, _ = scheduler.step(predict(z, times[t].float().expand(len(z))), int(t), z)
    return z


def flow_of_network(predict: Any, noise: Tensor, n: int, schedule: Schedule) -> Tensor:
    """MONAI's rectified flow, on a network that was trained on our schedule.

    ``(1 - s) * z_0 + s * eps`` is a latent of the schedule over the root of ``(1 - s)**2 + s**2``, at the time at which
    the schedule's ratio of signal to noise is ``(1 - s) / s``.
    """
    from monai.networks.schedulers import RFlowScheduler

    scheduler = RFlowScheduler()
    scheduler.set_timesteps(n)
    z, times = noise, scheduler.timesteps.tolist()
    for t, following in zip(times, [*times[1:], 0], strict=True):
        sigma = torch.tensor(t / scheduler.num_train_timesteps, dtype=torch.float64)
        at = schedule.t_of_lambda(torch.log((1 - sigma) / sigma)).to(noise.dtype)
        scale = float(torch.hypot(1 - sigma, sigma))
        z0 = predict(z / scale, at.expand(len(z)))
        z, _ = scheduler.step((z0 - z) / float(sigma), t, z, following)
    return z


def generate(rounds: int) -> list[Row]:
    """One mammogram from a cold start."""
    words = ["generate", "--kind", "film", "--density", "B", "--view", "MLO", "--finding", "mass", "--count", "1"]
    return [_command("generate, one mammogram with its files, from a cold start", words, rounds)]


def insert(rounds: int) -> list[Row]:
    """One lesion into a file of 3328 x 2560 pixels of 12 bit."""
    from breast_picture import BITS, stored_values
    from pydicom import uid

    sys.path.append(str(HERE.parent / "tests"))
    import dicom_encoders

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "normal.dcm"
        pixels = stored_values().astype(np.int64)
        of = {"PatientID": "P", "StudyInstanceUID": "2.25.2", "SeriesInstanceUID": "2.25.3"}
        path.write_bytes(dicom_encoders.encode(pixels, syntax=uid.JPEGLSLossless, bits=BITS, **of))
        words = ["insert", str(path), "--size-px", "170", "--margin", "spiculated", "--kind", "digital"]
        words += ["--view", "MLO", "--laterality", "L"]
        row = _command("insert, one lesion into 3328 x 2560 pixels of 12 bit, from a cold start", words, rounds)
    return [{**row, "note": f"{row['note']}; promised: 10 s and 1500 MB"}]


def _command(what: str, words: list[str], rounds: int) -> Row:
    """Seconds on the clock, processor time and memory of a command in a process of its own, medians over rounds."""
    seconds, spent, megabytes = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            command = [sys.executable, "-m", "monai_mammo", *words, "--seed", str(number), "--quiet"]
            start = time.perf_counter()
            process = subprocess.Popen([*command, "--out", f"{folder}/{number}"])
            _, status, used = os.wait4(process.pid, 0)
            if status:
                return _row(what, note=f"failed with exit code {os.waitstatus_to_exitcode(status)}")
            seconds.append(time.perf_counter() - start)
            spent.append(used.ru_utime + used.ru_stime)
            megabytes.append(_peak_mb(used))
    used_up = f"{np.median(spent):.1f} s of processor time, {np.median(megabytes):.0f} MB"
    note = f"{used_up}; load after {os.getloadavg()[0]:.1f}"
    return _row(what, ours=f"{np.median(seconds):.1f} s", n=rounds, note=note)


def _peak_mb(used: resource.struct_rusage) -> float:
    return used.ru_maxrss / 1024  # kilobytes on Linux


def reading(rounds: int) -> list[Row]:
    """Reading a file of 3328 x 2560 pixels in JPEG-LS, beside pydicom's decoder and MONAI's LoadImage."""
    command = [sys.executable, "reading.py", "--rounds", str(rounds), "--only", "JPEG-LS .80", "--json"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    if done.returncode:
        return [_row("reading", note=f"not measured: {(done.stderr.strip().splitlines() or ['unknown'])[-1]}")]
    (row,) = json.loads(done.stdout[done.stdout.index("{") :]).values()
    decoded, out = row["decoded"], []
    for way, key, peer in (("ours", "reference", "pydicom"), ("in_process", "load_image", "MONAI LoadImage")):
        if key in decoded:
            faster = decoded["faster" if key == "reference" else "faster_than_load_image"]["cpu"]
            what = "stored values" if key == "reference" else "mammogram"
            words = {"ours": f"{decoded[way]['cpu_ms']:.0f} ms", "theirs": f"{decoded[key]['cpu_ms']:.0f} ms"}
            out.append(_row(f"reading, {what}, JPEG-LS", peer=peer, **words, ratio=round(faster, 2), n=rounds))
    return out


PARTS: dict[str, Callable[[int], list[Row]]] = {
    "distances": distances,
    "sampler": sampler,
    "model": model,
    "generate": generate,
    "insert": insert,
    "reading": reading,
}


def _peer(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def _absent(what: str, peer: str) -> Row:
    return _row(what, peer=peer, note=f"not measured: {peer} is not installed")


def _row(what: str, **words: Any) -> Row:
    return {"what": what, "peer": None, "ours": None, "theirs": None, "ratio": None, "n": None, "note": "", **words}


def main() -> None:
    """Print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="*", default=list(PARTS), choices=list(PARTS), metavar="PART")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    arguments = parser.parse_args()
    rows: list[Row] = []
    print(f"{'; '.join(machine.describe())}; load before: {os.getloadavg()[0]:.1f}\n")
    print("| what | ours | peer | theirs | theirs / ours | n | |\n|" + "---|" * 7, flush=True)
    for name in arguments.only:
        start = time.perf_counter()
        for row in PARTS[name](arguments.rounds):
            cells = [
                "" if row[key] is None else str(row[key]) for key in ("ours", "peer", "theirs", "ratio", "n", "note")
            ]
            print("| " + " | ".join([row["what"], *cells]) + " |", flush=True)
            rows.append({"part": name, **row})
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    if arguments.json:
        about = {"machine": machine.describe(), "torch": torch.__version__, "load": os.getloadavg()[0]}
        Path(arguments.json).write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()

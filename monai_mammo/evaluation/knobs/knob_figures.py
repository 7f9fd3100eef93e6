"""The knob table: each condition of a generator changed alone, for the same seeds, and what moves."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from monai_mammo.attributes import HEADS
from monai_mammo.bundle import DEFAULT_BUNDLES, BundleFolder, find, seal
from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.evaluation.examiners import JUDGE, load_judge
from monai_mammo.evaluation.knobs.knob_effects import knob_effects
from monai_mammo.evaluation.knobs.knob_measures import measured
from monai_mammo.evaluation.knobs.knob_table import BASE, KNOBS, Knob, Level
from monai_mammo.evaluation.stated import about_bundle
from monai_mammo.files.bounded import parse_json, read_text
from monai_mammo.generation.engine.check import CheckResult
from monai_mammo.generation.engine.device import pick_device
from monai_mammo.generation.engine.generator import Generator
from monai_mammo.generation.engine.plan import PlannedSample, plan_sample
from monai_mammo.generation.engine.settings import DrawSettings
from monai_mammo.generation.request import MAX_STEPS
from monai_mammo.generation.run_bundles import RunBundles
from monai_mammo.generation.taken_attributes import taken_attributes
from monai_mammo.networks.probable_regions import regions
from monai_mammo.prepare.geometry import box_of_mask
from monai_mammo.progress import Progress, ProgressCallback
from monai_mammo.terms import AcquisitionKind, Laterality

__all__ = ["knob_figures"]

_EVEN_ODDS = 0.5
_MAX_ROWS_BYTES = 512 * 2**20


def knob_figures(
    *,
    seeds: int = 16,
    seed: int = 0,
    kind: str = BASE.kind or "film",
    only: str | Sequence[str] = (),
    steps: int = MAX_STEPS,
    guidance: float | None = None,
    bundle: str = DEFAULT_BUNDLES[0],
    autoencoder: str = DEFAULT_BUNDLES[1],
    lesion_network: str = DEFAULT_BUNDLES[2],
    device: str = "auto",
    rows: str | Path | None = None,
    write: bool = False,
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """Each condition set to its levels alone, everything else and the noise as they were, and what moves.

    Nothing is drawn again: what is measured is the generator, not the check. A condition that the bundle is not told
    of is left out.

    Parameters
    ----------
    seeds : int
        Images at each level, 1 or more; 16 give intervals that mean something.
    seed : int
        Of the run; image k of each level starts from the same noise and asks for the same outline.
    kind : str
        Acquisition kind of all images but those of the knob ``kind``.
    only : str or sequence of str
        Names of knobs, comma-separated where it is one text; all where empty.
    steps : int
        Network evaluations of an image.
    guidance : float or None
        `None` takes the bundle's own.
    bundle, autoencoder, lesion_network : str
        Names or paths of the bundles; the lesion network's judge reads too.
    device : {"auto", "cpu", "cuda"}
    rows : str or Path or None
        File to which the figures of each image are added, a line each; a call with the same weights and settings goes
        on where another one was stopped.
    write : bool
        Whether the diffusion bundle's metadata state what it responds to (``responds_to``).
    progress : callable or None
        Called with a `Progress` now and then.

    Returns
    -------
    dict
        ``knobs``: for each knob what `knob_effects` gives; ``settings``, ``bundles``.

    Raises
    ------
    RequestError
        There is no such knob, kind or bundle, or a number is not allowed.
    MammoError
        Weights are missing or damaged, or a file could not be written.
    """
    if seeds < 1:
        raise RequestError(f"seeds {seeds} is not a number of 1 or more")
    base = BASE.replace(kind=AcquisitionKind.parse(kind))
    bundles = RunBundles.find(bundle, autoencoder, lesion_network)
    chosen = _chosen(only, taken_attributes(bundles.diffusion))
    weight = bundles.guidance(guidance)
    settings: dict[str, Any] = {"seed": seed, "steps": steps, "guidance": weight}
    weights = [reference.sha256 for reference in bundles.weights()]
    book = _Rows(None if rows is None else Path(rows), {"weights": weights, "base": base.to_dict(), **settings})
    examiner: _Examiner | None = None
    n_all, found = seeds * sum(len(knob.levels) for knob in chosen), []
    done = 0
    for knob in chosen:
        images = []
        for level in knob.levels:
            of_level = []
            for k in range(seeds):
                key = f"{knob.name}/{level.label}/{k}"
                if key not in book:
                    examiner = examiner or _Examiner(bundles, pick_device(device))
                    sample = _planned(base, level, index=k, seed=seed, folder=bundles.diffusion)
                    book.add(key, examiner.figures(sample, DrawSettings(max_tries=1, dice_threshold=0.0, **settings)))
                of_level.append(book[key])
                done += 1
                if progress is not None:
                    progress(Progress(done, n_all))
            images.append(of_level)
        found.append(knob_effects(knob, images))
    if write:
        _write(bundles.diffusion, found, seeds)
    return {
        "name": "knobs",
        "command": "knobs",
        "bundles": [
            *(about_bundle(folder) for folder in (bundles.diffusion, bundles.autoencoder, bundles.lesion)),
            about_bundle(bundles.lesion, JUDGE[0]),
        ],
        "settings": {"n_seeds": seeds, "base": base.to_dict(), **settings},
        "knobs": found,
    }


def _chosen(only: str | Sequence[str], taken: Sequence[str]) -> list[Knob]:
    names = [name.strip() for name in only.split(",") if name.strip()] if isinstance(only, str) else list(only)
    known = [knob.name for knob in KNOBS]
    for name in names:
        if name not in known:
            raise RequestError(f"knob {name[:80]!r} is not one of {', '.join(known)}")
        if name not in (*taken, "mask"):
            raise RequestError(f"knob {name!r} is not among what the bundle is told of ({', '.join(taken)}, mask)")
    return [knob for knob in KNOBS if knob.name in (names or (*taken, "mask"))]


def _planned(base: Conditions, level: Level, *, index: int, seed: int, folder: BundleFolder) -> PlannedSample:
    conditions = base.replace(**level.changes)
    mask = None
    if level.mask_diameter is not None:
        mask = _disc(folder.prepared_shape, conditions, level.mask_diameter)
        conditions = conditions.replace(box=box_of_mask(mask))
    return plan_sample(
        conditions,
        index=index,
        seed=seed,
        table=folder.support,
        shape=folder.prepared_shape,
        spacing_mm=folder.nominal_spacing_mm,
        mask=mask,
        refuse_unsupported=False,
    )


def _disc(shape: tuple[int, int], conditions: Conditions, diameter: float) -> np.ndarray:
    """Disc in the middle of the box, its diameter a share of the rows."""
    assert conditions.box is not None
    x, y = conditions.box.center
    row, column = np.mgrid[: shape[0], : shape[1]]
    return (row + 0.5 - y * shape[0]) ** 2 + (column + 0.5 - x * shape[1]) ** 2 < (diameter * shape[0] / 2) ** 2


class _Examiner:
    """Generator, lesion network and judge: a planned sample in, figures out."""

    def __init__(self, bundles: RunBundles, device: str) -> None:
        place = torch.device(device)
        self.generator = Generator.load(bundles.diffusion, bundles.autoencoder, bundles.lesion, device=device)
        self.judge: nn.Module = load_judge(bundles.lesion, device=place)
        self._unread = bundles.lesion.unread_heads_of_judge

    def figures(self, sample: PlannedSample, settings: DrawSettings) -> dict[str, float | None]:
        result = self.generator.draw([sample], settings)[0][0]
        probability, presence = self._read(result)
        laterality = sample.conditions.laterality or Laterality.L
        return measured(
            result,
            laterality,
            judged=self._judged(result.image),
            n_regions=len(regions(probability, within=result.image > 0, min_score=_EVEN_ODDS)),
            presence=presence,
        )

    @torch.inference_mode()
    def _read(self, result: CheckResult) -> tuple[np.ndarray, float]:
        outputs = self.generator.lesion_network(self._batch(result.image))
        probability = outputs["mask"][0, 0].float().sigmoid().cpu().numpy()
        presence = outputs.get("presence")
        return probability, float("nan") if presence is None else float(presence.float().softmax(dim=1)[0, 1])

    @torch.inference_mode()
    def _judged(self, image: np.ndarray) -> dict[str, dict[str, float]]:
        outputs = self.judge(self._batch(image))
        return {
            head: dict(zip(map(str, one.values), outputs[head].float().softmax(dim=1)[0].tolist(), strict=True))
            for head, one in HEADS.items()
            if head in outputs and head not in self._unread
        }

    def _batch(self, image: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(image))[None, None].to(self.generator.device)


class _Rows:
    """Figures of images by key, kept in a file of one JSON object a line where one is named."""

    def __init__(self, path: Path | None, settings: Mapping[str, Any]) -> None:
        self._path = path
        self._settings = json.dumps(settings, sort_keys=True)
        self._figures: dict[str, dict[str, float | None]] = {}
        self._is_torn = False  # whether a call was killed within the last line
        if path is not None and path.is_file():
            text = read_text(path, max_bytes=_MAX_ROWS_BYTES, errors="replace")
            self._is_torn = bool(text) and not text.endswith("\n")
            for line in text.splitlines():
                try:
                    entry = parse_json(line)
                    if json.dumps(entry["settings"], sort_keys=True) == self._settings:
                        self._figures[str(entry["key"])] = dict(entry["figures"])
                except (ValueError, KeyError, TypeError):
                    continue  # the last line of a call that was killed

    def __contains__(self, key: str) -> bool:
        return key in self._figures

    def __getitem__(self, key: str) -> dict[str, float | None]:
        return self._figures[key]

    def add(self, key: str, figures: dict[str, float | None]) -> None:
        self._figures[key] = figures
        if self._path is None:
            return
        entry = {"key": key, "settings": json.loads(self._settings), "figures": figures}
        try:
            with open(self._path, "a", encoding="utf-8") as stream:
                stream.write("\n" * self._is_torn + json.dumps(entry) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            self._is_torn = False
        except OSError as error:
            raise MammoError(f"{self._path} could not be written: {error.strerror or error}") from None


def _write(folder: BundleFolder, knobs: Sequence[Mapping[str, Any]], n_seeds: int) -> None:
    """Say in the bundle's metadata what it responds to, beside what earlier tables said of other knobs."""
    stated = folder.metadata.get("responds_to", {})
    table = dict(stated) if isinstance(stated, dict) else {}
    for knob in knobs:
        effect = knob["decides"] or {}
        kept = {name: effect.get(name) for name in ("measure", "form", "mean", "low", "high", "p") if name in effect}
        table[knob["knob"]] = {"responds": knob["responds"], **kept, "n_seeds": n_seeds}
    seal(find(str(folder.root)), responds_to=table)

"""How runs of edits come out, side by side: figures, tables and pages for the eye."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from monai_mammo import bundle, networks
from monai_mammo.bundle import DEFAULT_BUNDLES, BundleFolder
from monai_mammo.errors import RequestError
from monai_mammo.evaluation.edits.edit_figures import Maps, figures_of_run
from monai_mammo.evaluation.edits.edit_pages import pair_page, shown_edits, two_alternatives
from monai_mammo.evaluation.edits.edit_tables import edit_tables
from monai_mammo.evaluation.edits.edited_places import EditedPlace, edited_places, load_edited_run
from monai_mammo.evaluation.edits.lesion_maps import lesion_maps
from monai_mammo.evaluation.edits.measured_place import Place
from monai_mammo.evaluation.edits.reference_places import (
    ReferencePicture,
    healthy_places,
    is_prepared,
    persons_of,
    reference_pictures,
)
from monai_mammo.evaluation.examiners import JUDGE, examiners, refuse_judge_that_drew
from monai_mammo.evaluation.reader_study.printed_sheet import printed_sheet
from monai_mammo.evaluation.realism.frozen_encoder import encoder_features
from monai_mammo.evaluation.realism.radiomics import radiomic_features
from monai_mammo.evaluation.stated import about_bundle, figures_name
from monai_mammo.files import check_output_folder, folder_lock, save_bytes, save_text
from monai_mammo.generation.engine.device import pick_device
from monai_mammo.generation.runs.manifest import Manifest
from monai_mammo.networks.weights import ENCODER
from monai_mammo.parsed_numbers import parse_whole
from monai_mammo.progress import Progress, ProgressCallback

__all__ = ["evaluate_edits"]

N_SHOWN = 40
"""Pairs on a page, and on a reader's sheet."""

_FIGURES, _TABLES = "edits.json", "edits.md"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")
_PLACES_A_PICTURE = 2


def evaluate_edits(
    runs: Sequence[str | Path],
    *,
    reference: str | Path,
    split: str = "validation",
    out: str | Path | None = None,
    reader_sheet: bool = False,
    lesion_network: str = DEFAULT_BUNDLES[2],
    seed: int = 0,
    device: str = "auto",
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """What was inserted beside real lesions, and what was filled beside healthy tissue, of one run or several.

    Places are measured at the files' own pixels where the reference is a folder of files, whose pixels should be of
    the same size, and on the prepared grid where it is a prepared folder.

    Parameters
    ----------
    runs : sequence of str or Path
        Folders that `insert` or `remove` wrote; ``NAME=FOLDER`` names a column, and folders of one name are joined.
    reference : str or Path
        Prepared folder, or folder of files with JSON files beside them, which state finding, box or lesion mask.
    split : str
        Of a prepared folder.
    out : str or Path, optional
        Folder for ``edits.json``, ``edits.md`` and, for each column, a page of 40 pairs.
    reader_sheet : bool
        Whether a sheet with two alternatives for readers is written for each column, and its answers.
    lesion_network : str
        Name or path of the bundle with lesion network, judge and frozen encoder.
    seed : int
        Chooses healthy places and pairs.
    device : {"auto", "cpu", "cuda"}
    progress : callable or None
        Called with a `Progress` after each picture.

    Returns
    -------
    dict
        ``runs``: for each column what `figures_of_run` gives; ``left_out``: names of reference pictures whose lesions
        are not known, or that cannot be read.

    Raises
    ------
    RequestError
        There is no such run, folder, split, bundle or device, a column mixes commands, the judge had a part in a run,
        or `out` holds other things.
    MammoError
        A file or the weights are missing or damaged, or another process writes to `out`.
    """
    seed = parse_whole(seed, name="seed", low=0, high=2**63 - 1)
    columns = _columns(runs)
    if reader_sheet and out is None:
        raise RequestError("a reader's sheet is a file: name a folder for it with --out")
    if out is not None:
        check_output_folder(out, command="evaluate edits", is_ours=lambda folder: (folder / _FIGURES).is_file())
    home = bundle.find(lesion_network)
    for manifest in (one for some in columns.values() for one in some):
        refuse_judge_that_drew(home, manifest)
    with contextlib.nullcontext() if out is None else folder_lock(Path(out)):
        work = _Work(reference, split, home, seed, pick_device(device), progress)
        figures = {
            "name": figures_name("edits", split),
            "command": "edits",
            "data": {"reference": Path(reference).name, "split": split if is_prepared(reference) else None},
            "bundles": [about_bundle(home), about_bundle(home, JUDGE[0]), about_bundle(home, ENCODER[0])],
            "settings": {"pixels": "prepared grid" if is_prepared(reference) else "the files' own", "seed": seed},
            **work.figures(columns),
        }
        if out is not None:
            _write(figures, work, Path(out), seed, reader_sheet)
    return figures


class _Work:
    """Edits and what they are held against, and what was measured of them."""

    def __init__(
        self,
        reference: str | Path,
        split: str,
        home: BundleFolder,
        seed: int,
        device: str,
        progress: ProgressCallback | None,
    ) -> None:
        self.reference, self.split, self.home, self.seed = reference, split, home, seed
        self.device, self._progress, self._done = torch.device(device), progress, 0
        self.edits: dict[str, list[EditedPlace]] = {}
        self.lesions: list[Place] = []
        self.healthy: list[Place] = []
        self.truths: dict[str, np.ndarray] = {}
        self.left_out: list[str] = []

    def figures(self, columns: dict[str, list[Manifest]]) -> dict[str, Any]:
        """Figures of all columns."""
        shape, on_grid = self.home.prepared_shape, is_prepared(self.reference)
        persons = persons_of(self.reference, split=self.split)
        n_all = sum(len(one.samples) for some in columns.values() for one in some) + len(persons)
        for name, manifests in columns.items():
            self.edits[name] = []
            for manifest in manifests:
                for place in edited_places(name, manifest, persons=persons, shape=shape, on_grid=on_grid):
                    self.edits[name].append(place)
                    self._count(n_all)
        for known in reference_pictures(self.reference, split=self.split, shape=shape):
            self._take(known)
            self._count(n_all)
        encoder: Any = networks.load_encoder(self.home, device=self.device)

        def features(crops: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
            whole = np.ones(crops[0].shape, dtype=bool)
            learned = encoder_features(encoder, crops, device=self.device)
            return {**learned, "radiomic": np.stack([radiomic_features(crop, whole) for crop in crops])}

        networks_of = examiners(self.home, str(self.device))
        others_maps = {
            command: {name: self._maps(network, self.others(command)) for name, network in networks_of.items()}
            for command in {some[0].command for some in self.edits.values()}
        }
        found = {}
        for column, edits in self.edits.items():
            command = edits[0].command
            maps = {
                name: Maps(
                    self._maps(network, [one.before for one in edits]),
                    self._maps(network, [one.after for one in edits]),
                    others_maps[command][name],
                )
                for name, network in networks_of.items()
            }
            found[column] = figures_of_run(
                edits, self.others(command), features=features, maps=maps, truths=self.truths
            )
        return {"left_out": sorted(self.left_out), "runs": found}

    def others(self, command: str) -> list[Place]:
        """What the edits of a command are held against."""
        return self.lesions if command == "insert" else self.healthy

    def _take(self, known: ReferencePicture | str) -> None:
        if isinstance(known, str):
            self.left_out.append(known)
            return
        removed = [one for some in self.edits.values() for one in some if one.command == "remove"]
        if any(one.command == "insert" for some in self.edits.values() for one in some):
            self.lesions += known.places()
        if removed:
            outlines = [one.outline for one in removed if one.after.kind in (None, known.of["kind"])]
            self.healthy += healthy_places(known, outlines, n=_PLACES_A_PICTURE, seed=self.seed)
            if known.lesions.any() and known.picture.is_whole:
                self.truths[str(known.of["name"])] = known.picture.to_grid(known.lesions)

    def _maps(self, network: torch.nn.Module, places: Sequence[Place]) -> list[np.ndarray | None]:
        known = [one.on_grid for one in places if one.on_grid is not None]
        maps = iter(lesion_maps(network, known, device=self.device))
        return [None if one.on_grid is None else next(maps) for one in places]

    def _count(self, n_all: int) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(Progress(self._done, max(n_all, self._done)))


def _columns(runs: Sequence[str | Path]) -> dict[str, list[Manifest]]:
    """Manifests of each column, in the order in which columns are named."""
    if not runs:
        raise RequestError("evaluate edits needs one run at least")
    out: dict[str, list[Manifest]] = {}
    for given in map(str, runs):
        name, has_name, folder = given.partition("=")
        if not has_name or Path(given).is_dir():
            name, folder = Path(given).name, given
        if not _NAME.fullmatch(name):
            raise RequestError(f"column {name[:40]!r} is not named in letters, figures, dots, dashes and underscores")
        out.setdefault(name, []).append(load_edited_run(folder))
    for name, manifests in out.items():
        commands = sorted({manifest.head["command"] for manifest in manifests})
        if len(commands) > 1:
            raise RequestError(f"column {name} joins runs of {' and '.join(commands)}, which are judged apart")
    return out


def _write(figures: dict[str, Any], work: _Work, out: Path, seed: int, reader_sheet: bool) -> None:
    save_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", out / _FIGURES)
    save_text(edit_tables(figures), out / _TABLES)
    for name, edits in work.edits.items():
        shown = shown_edits(edits, n=N_SHOWN, seed=seed)
        if shown:
            save_bytes(pair_page(shown, what=name), out / f"pairs_{name}.png")
        if reader_sheet:
            pairs = two_alternatives(shown, work.others(edits[0].command), seed=seed)
            page, answers = printed_sheet(pairs, title=name, seed=seed)
            save_text(page, out / f"reader_sheet_{name}.html")
            save_text(answers, out / f"reader_sheet_{name}_answers.csv")

"""The report of a folder of generated images: figures, lights, sentence, page."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from monai_mammo import bundle as bundles
from monai_mammo.bundle import DEFAULT_BUNDLES, BundleFolder
from monai_mammo.bundle.fingerprint import fingerprint_of
from monai_mammo.errors import RequestError
from monai_mammo.evaluation.adherence import side_figures
from monai_mammo.evaluation.examiners import JUDGE, refuse_judge_that_drew, training_parts
from monai_mammo.evaluation.realism.compared_images import grid_of, shape_of_items
from monai_mammo.evaluation.realism.compared_sets import Kept, called, check_sizes
from monai_mammo.evaluation.realism.feature_family import FeatureFamily
from monai_mammo.evaluation.realism.feature_spread import feature_spread
from monai_mammo.evaluation.realism.realism_of_folder import reference_and_control
from monai_mammo.evaluation.report.baselines import BASELINES, baseline_positions, spoilt_items
from monai_mammo.evaluation.report.compared_sides import compared_sides
from monai_mammo.evaluation.report.criteria import verdicts_of
from monai_mammo.evaluation.report.drawn_baselines import VAE_BUNDLES, DrawnBaseline, DrawnBaselines
from monai_mammo.evaluation.report.instruments import Instruments, instruments_of
from monai_mammo.evaluation.report.kept_breasts import KeptBreasts
from monai_mammo.evaluation.report.kept_figures import KeptFigures
from monai_mammo.evaluation.report.lights import Light
from monai_mammo.evaluation.report.measure_cache import MeasureCache
from monai_mammo.evaluation.report.measured_ahead import Ahead
from monai_mammo.evaluation.report.measured_side import (
    MeasuredSide,
    are_readable,
    closest_of_copies,
    loaded_items,
    measured_side,
)
from monai_mammo.evaluation.report.panels import panels_of
from monai_mammo.evaluation.report.peer_panels import peer_panels
from monai_mammo.evaluation.report.report_notes import notes_of, unstated_kinds
from monai_mammo.evaluation.report.report_page import report_page
from monai_mammo.evaluation.report.report_source import ReportSource
from monai_mammo.evaluation.report.shown_images import Panel
from monai_mammo.evaluation.report.source_pairs import pair_figures, source_items
from monai_mammo.evaluation.report.training_images import TrainingImages
from monai_mammo.evaluation.report.uses import answers_to_questions, sentence_of, uses_of
from monai_mammo.evaluation.report.utility_of_report import utility_of_report
from monai_mammo.evaluation.stated import about_bundle
from monai_mammo.files import check_output_folder, folder_lock, save_text
from monai_mammo.generation.engine.device import pick_device
from monai_mammo.generation.request import Request
from monai_mammo.parsed_numbers import parse_whole
from monai_mammo.prepare.datalist_items import pixels_of
from monai_mammo.progress import Progress, ProgressCallback

__all__ = ["VERSION", "evaluate_report"]

VERSION = 1
"""Of the report's JSON."""

_JSON, _PAGE, _CACHE, _UTILITY = "report.json", "report.html", "cache", "utility"
_DRAWN = "drawn"  # in the cache


def evaluate_report(
    synthetic: str | Path,
    *,
    reference: str | Path,
    split: str = "validation",
    synthetic_split: str = "training",
    out: str | Path | None = None,
    kind: str | None = None,
    baselines: bool = False,
    bundle: str = DEFAULT_BUNDLES[0],
    lesion_network: str = DEFAULT_BUNDLES[2],
    seed: int = 0,
    device: str = "auto",
    cache: str | Path | None = None,
    workers: int | str = 1,
    features: Sequence[str | Path] = (),
    utility: bool | str | Path = False,
    target: str = "density",
    sources: str | Path | None = None,
    peers: Sequence[str | Path] = (),
    progress: ProgressCallback | None = None,
    announce: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """What generated images may be used for: all figures beside those of acquired images, lights, and one sentence.

    Parameters
    ----------
    synthetic : str or Path
        Run, prepared folder or folder of pictures, on the grid of the reference.
    reference : str or Path
        Prepared folder of acquired images.
    split : str
        Its split that is compared with; the control comes from its training split, of other persons, or else the
        images are halved by person.
    synthetic_split : str
        Of a prepared folder that is examined.
    out : str or Path, optional
        Folder for ``report.json`` and ``report.html``.
    kind : str, optional
        Acquisition kind of pictures that state none.
    baselines : bool
        Whether a part of the reference itself, as many images of both VAE bundles, where they are at hand, and blurred,
        noised and shuffled copies of that part are judged alike.
    bundle : str
        Name or path of the bundle that drew a run, whose fingerprint of training images closeness is measured to. For
        other images it is the reference's training split.
    lesion_network : str
        Name or path of the bundle with lesion network, judge and encoder.
    seed : int
        Chooses control, baselines and images that are shown.
    device : {"auto", "cpu", "cuda"}
    cache : str or Path, optional
        Folder in which what is measured of each image is kept by the hash of its pixels; ``cache`` in `out` by default.
    workers : int
        Processes that measure images; what they find does not depend on their number.
    features : sequence of str or Path
        Files of networks (TorchScript, an exported program of torch, ONNX) whose features are a further sort each.
    utility : bool, str or Path
        Whether networks are trained with and without the images, to see what a training gains; or a ``utility.json``
        of the same images.
    target : {"density", "finding", "pathology"}
        What such networks learn to read.
    sources : str or Path, optional
        Run, prepared folder or folder of pictures with the images that these were made from, by the same names: edited
        beside source, reconstructed beside acquired. Images that `augment` wrote lie beside theirs.
    peers : sequence of str or Path
        Folders of pictures of other generators, each as ``NAME=FOLDER`` or by its own name, of which some are shown
        and none is measured.
    progress : callable or None
        Called with a `Progress` after each part of the work.
    announce : callable or None
        Called before the work starts with a sentence on images that state no acquisition kind, and with one on how
        long trainings take, and the drawing of baselines.

    Returns
    -------
    dict
        Of the form that `report_schema` states.

    Raises
    ------
    RequestError
        There is no such folder, split, bundle or device, the judge had a part in the run, the images differ in
        size, `out` holds other things, a file of `features` holds no network whose features vary, one of `utility` is
        of other images, or a folder of `peers` holds no picture.
    MammoError
        A file or the weights are missing or damaged, or another process writes to `out`.
    """
    Request(seed=seed)  # refuses one that is not allowed
    workers = parse_whole(workers, name="workers", low=1, high=1024)
    if out is not None:
        check_output_folder(out, command="evaluate report", is_ours=_is_ours)
    with contextlib.ExitStack() as stack:
        if out is not None:
            stack.enter_context(folder_lock(Path(out)))
        folder = cache if cache is not None or out is None else Path(out) / _CACHE
        if folder is None and (workers > 1 or baselines):
            folder = stack.enter_context(tempfile.TemporaryDirectory())
        kept = None if folder is None else MeasureCache(Path(folder))
        source = ReportSource.of(
            Path(synthetic),
            kind=kind,
            split=synthetic_split,
            shape=grid_of(reference, split=split),
            breast_of=KeptBreasts(kept),
        )
        unstated = unstated_kinds(source)
        if announce is not None and unstated is not None:
            announce(unstated)
        home = bundles.find(lesion_network)
        for run in source.runs:
            refuse_judge_that_drew(home, run)
        gained = utility_of_report(
            source,
            utility,
            reference=Path(reference),
            target=target,
            splits=(split, synthetic_split),
            homes=(bundle, lesion_network),
            out=None if out is None else Path(out) / _UTILITY,
            device=device,
            seed=seed,
            progress=progress,
            announce=announce,
        )
        place = torch.device(pick_device(device))
        instruments = instruments_of(home, features, place)
        of_others = peer_panels(peers, most_rows=source.items[0]["image"].shape[0], seed=seed)
        draws = ahead = None
        if folder is not None and baselines:
            draws = DrawnBaselines(
                lesion=home,
                folder=Path(folder) / _DRAWN,
                seed=seed,
                device=device,
                breast_of=KeptBreasts(kept),
                announce=announce,
            )
        if folder is not None and workers > 1:
            ahead = Ahead(home.root, tuple(map(str, features)), str(place), Path(folder), workers)
        report, panels = _reported(
            *(source, Path(reference), split, home, bundle, seed, instruments, draws, kept, ahead),
            *(gained, sources, of_others, progress),
        )
        if out is not None:
            save_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", Path(out) / _JSON)
            save_text(report_page(report, panels), Path(out) / _PAGE)
    return report


def _is_ours(folder: Path) -> bool:
    """Whether a folder holds a report, or what a stopped call measured for one."""
    return (folder / _JSON).is_file() or (folder / _CACHE).is_dir() or (folder / _UTILITY).is_dir()


_BadSide = tuple[str, list[dict[str, Any]], DrawnBaseline | None]
"""In words, images, and the bundle that drew them."""


class _Counter:
    """Tells how far the work is, in images: each counts for its features and for each network that reads it."""

    def __init__(self, progress: ProgressCallback | None, n_all: int) -> None:
        self._progress, self._n_all, self._done = progress, n_all, 0

    def __call__(self, n_images: int) -> None:
        self._done += n_images
        if self._progress is not None:
            self._progress(Progress(min(self._done, self._n_all), self._n_all))


def _reported(
    source: ReportSource,
    reference: Path,
    split: str,
    home: BundleFolder,
    bundle: str,
    seed: int,
    instruments: Instruments,
    draws: DrawnBaselines | None,
    cache: MeasureCache | None,
    ahead: Ahead | None,
    gained: dict[str, Any],
    sources: str | Path | None,
    of_others: list[Panel],
    progress: ProgressCallback | None,
) -> tuple[dict[str, Any], list[Panel]]:
    kinds = [item["conditions"].get("kind") for item in source.items]
    (known, flat), (others, other_flat) = (
        loaded_items(items) for items in reference_and_control(reference, split, kinds, seed=seed)
    )
    trained = TrainingImages.of_source(source, reference, bundle, cache=cache)
    instruments = dataclasses.replace(instruments, fingerprint=trained.prints)
    sizes = {"synthetic": shape_of_items(source.items), "reference": shape_of_items(known)}
    check_sizes({**sizes, "control": shape_of_items(others)})
    paired, originals = source_items(source.items, sources, beside=source.beside, breast_of=KeptBreasts(cache))
    originals, _ = loaded_items(originals)
    if originals and shape_of_items(originals) != sizes["synthetic"]:
        unequal = [" x ".join(map(str, shape)) for shape in (shape_of_items(originals), sizes["synthetic"])]
        raise RequestError(f"sources have {unequal[0]} pixels and images {unequal[1]}: pairs need one size")
    n_reads, n_measures = len(instruments.examiners), 1 + len(instruments.families)
    taken, rest = ([], []) if draws is None else _halves(known, kinds, seed)
    n_passes = n_measures * sum(map(len, (source.items, known, others, originals)))
    n_passes += n_reads * (source.is_read * len(source.items) + len(known))
    n_passes_of_bad = (n_measures + n_reads) * (len(BASELINES) + len(VAE_BUNDLES)) * len(taken)
    count = _Counter(progress, n_passes + n_passes_of_bad + len(VAE_BUNDLES) * len(taken))
    bad, left_out = _bad_sides(draws, [known[i] for i in taken], shape_of_items(known), seed, count)
    count(n_passes_of_bad - sum((n_measures + n_reads * are_readable(items)) * len(items) for _, items, _ in bad))
    how: dict[str, Any] = {"cache": cache, "on_images": count}
    if ahead is not None:
        first = [(source.items, source.is_read, True), (known, True, True)]
        first += [(items, False, False) for items in (others, originals)]
        first += [(items, are_readable(items), True) for _, items, _ in bad]
        ahead.measure(first, instruments, on_images=count)
        how["on_images"] = None
    synthetic = measured_side(source.items, instruments, is_read=source.is_read, **how)
    acquired = measured_side(known, instruments, is_read=True, **how)
    control = measured_side(others, instruments, is_read=False, is_traced=False, **how)
    _check_vary(instruments.families, acquired)
    copies = (
        []
        if trained.prints is None
        else closest_of_copies(trained.prints, trained.copied_kinds(set(kinds)), cache=cache)
    )
    if ahead is not None:
        ahead.compare(synthetic, acquired, control)
    kept: Kept = called if cache is None else KeptFigures(cache)
    figures = compared_sides(
        synthetic,
        acquired,
        control,
        copies=copies,
        sides=_sides(source),
        n_origins_stated=source.n_stated,
        kept=kept,
    )
    figures["judge_trained_on"] = _n_trained_on(home, known)
    figures["utility"] = gained
    figures["pairs"] = []
    if originals:
        origins = measured_side(originals, instruments, is_read=False, is_traced=False, **how)
        figures["pairs"] = pair_figures(synthetic.take(paired), origins, acquired)
    verdicts, answers, uses, sentence = _judged(figures)
    rows = []
    if draws is not None:
        sides: list[tuple[str, MeasuredSide, DrawnBaseline | None]]
        sides = [("acquired images of other persons", acquired.take(taken), None)]
        for words, items, by in bad:
            sides.append((words, measured_side(items, instruments, is_read=are_readable(items), **how), by))
        rows = [_baseline_row("these images", figures)]
        for words, side, by in sides:
            found = compared_sides(side, acquired.take(rest), control, copies=copies, kept=kept, **_of_run(by))
            found["judge_trained_on"] = figures["judge_trained_on"]
            rows.append(_baseline_row(words, found, by))
    threshold = figures["memorisation"].get("threshold")
    panels = panels_of(
        *(synthetic, acquired),
        threshold=threshold,
        trained=trained.item_at,
        pixels_of=pixels_of,
        seed=seed,
        kept=kept,
    )
    panels += of_others
    report = {
        "name": "report",
        "command": "report",
        "version": VERSION,
        "sentence": sentence,
        "synthetic": source.about(),
        "reference": {
            "name": reference.name,
            "split": split,
            "n_images": len(acquired),
            "n_persons": len(set(acquired.persons)),
            "n_control_images": len(control),
            "n_control_persons": len(set(control.persons)),
        },
        "bundles": [about_bundle(home), about_bundle(home, JUDGE[0])],
        "closeness_to": trained.of,
        "notes": [
            *notes_of(source, [*flat, *other_flat], known, figures, trained, _unstated_trainings(source, home)),
            *left_out,
        ],
        "answers": answers,
        "uses": uses,
        "verdicts": verdicts,
        "figures": figures,
        "baselines": rows,
        "panels": [{"title": panel.title, "about": panel.about, "names": list(panel.names)} for panel in panels],
        "settings": {"seed": seed, "split": split},
    }
    return report, panels


def _bad_sides(
    draws: DrawnBaselines | None,
    items: Sequence[dict[str, Any]],
    shape: tuple[int, ...],
    seed: int,
    on_images: Callable[[int], None],
) -> tuple[list[_BadSide], list[str]]:
    """What is worse than acquired images, of those in whose place it stands; and which bundles draw none of it."""
    if draws is None:
        return [], []
    drawn, left_out = draws.of(items, shape, on_images=on_images)
    sides: list[_BadSide] = [(f"{how} copies of these", spoilt_items(items, how, seed=seed), None) for how in BASELINES]
    return [*sides, *((f"images of {one.home.name}", one.items, one) for one in drawn)], left_out


def _unstated_trainings(source: ReportSource, home: BundleFolder) -> list[str]:
    """Bundles that drew a run, but for the one that examines, and do not state what had a part in their training."""
    unstated = dict.fromkeys(name for run in source.runs for name in training_parts(run).unstated)
    return [name for name in unstated if name != home.name]


def _sides(source: ReportSource) -> dict[str, int] | None:
    """Samples whose side is the requested one; nobody requested that of edited images."""
    if source.manifest is None or source.is_edited:
        return None
    return side_figures([source.manifest], source.items)


def _n_trained_on(home: BundleFolder, known: Sequence[Mapping[str, Any]]) -> int:
    """Images among those that a bundle's networks were trained on, as its fingerprint says."""
    prints = fingerprint_of(home)
    if prints is None:
        return 0
    return sum(prints.holds(str(item["source_sha256"])) for item in known if "source_sha256" in item)


def _check_vary(families: Sequence[FeatureFamily], acquired: MeasuredSide) -> None:
    """Refuse features that are the same for all images, whose distances would be 0."""
    for family in families:
        vectors = acquired.examined.features["full"][family.name]
        if len(vectors) > 1 and not np.isfinite(feature_spread(vectors)).any():
            raise RequestError(f"features of {family.name} are the same for all acquired images and tell nothing")


def _judged(figures: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any], list[dict[str, Any]], str]:
    verdicts = verdicts_of(figures)
    answers = answers_to_questions(verdicts)
    uses = uses_of(answers)
    return verdicts, answers, uses, sentence_of(uses)


def _halves(known: Sequence[Mapping[str, Any]], kinds: Sequence[str | None], seed: int) -> tuple[list[int], list[int]]:
    persons = [str(item["person_id"]) for item in known]
    return baseline_positions(persons, [item["conditions"].get("kind") for item in known], kinds, seed=seed)


def _of_run(by: DrawnBaseline | None) -> dict[str, Any]:
    """What is stated of a baseline that a bundle drew, as `compared_sides` takes it."""
    return {} if by is None else {"sides": side_figures([by.manifest], by.items), "n_origins_stated": len(by.items)}


def _baseline_row(name: str, figures: Mapping[str, Any], by: DrawnBaseline | None = None) -> dict[str, Any]:
    verdicts, answers, _, sentence = _judged(figures)
    counts = {str(light): sum(row["light"] == light for row in verdicts) for light in Light}
    judged = {row["name"]: {key: row[key] for key in ("figure", "judged", "light")} for row in verdicts}
    distances = [judged[f"frechet_{family}"]["figure"] for family in ("radiomic", "network")]
    known = [found["value"] for found in distances if found]
    return {
        "images": name,
        "n": figures["realism"]["settings"]["n_images"]["synthetic"],
        "lights": counts,
        "mean_frechet": round(sum(known) / len(known), 4) if known else None,
        "verdicts": judged,
        "answers": {question: answer["light"] for question, answer in answers.items()},
        "sentence": sentence,
        **({} if by is None else {"drawn_by": by.about()}),
    }

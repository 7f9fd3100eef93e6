"""What generated images are worth to a training: every arm trained, tested on acquired images of other persons."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from monai_mammo import bundle as bundles
from monai_mammo import networks
from monai_mammo.bundle import DEFAULT_BUNDLES
from monai_mammo.bundle.fingerprint import fingerprint_of
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.evaluation.realism.compared_images import acquired_items
from monai_mammo.evaluation.report.measure_cache import MeasureCache
from monai_mammo.evaluation.run_items import load_run
from monai_mammo.evaluation.utility.arm_scores import ArmScores, Cases
from monai_mammo.evaluation.utility.built_in_scorers import FrozenFeatures, SmallNetwork
from monai_mammo.evaluation.utility.finished_trainings import FinishedTrainings, scorer_statement, training_key
from monai_mammo.evaluation.utility.predictions_file import arms_of_file, predictions_text
from monai_mammo.evaluation.utility.read_targets import ReadTarget
from monai_mammo.evaluation.utility.training_arms import ACQUIRED, REVERSED, stages_of_arms
from monai_mammo.evaluation.utility.training_sets import Scorer, TrainingSet
from monai_mammo.evaluation.utility.utility_comparisons import utility_figures
from monai_mammo.evaluation.utility.utility_images import ReadSide, sides_of, synthetic_digest
from monai_mammo.evaluation.utility.utility_page import utility_table
from monai_mammo.files import check_output_folder, folder_lock, save_text
from monai_mammo.generation.engine.device import pick_device
from monai_mammo.generation.request import Request
from monai_mammo.networks.weights import ENCODER
from monai_mammo.progress import Progress, ProgressCallback, time_words

__all__ = ["DOSES", "N_SEEDS", "N_STEPS", "evaluate_utility"]

DOSES = (0.5, 1.0, 2.0)
"""Synthetic images that are drawn for each acquired one."""

N_SEEDS, N_STEPS = 5, 400

_FIGURES, _TABLE, _PREDICTIONS = "utility.json", "utility.md", "predictions.csv"
_TRAININGS, _CACHE = "trainings", "cache"
_FEW_IMAGES = 50
_BATCH = 32
_Say = Callable[[str], None]


def evaluate_utility(
    synthetic: str | Path | None = None,
    *,
    reference: str | Path | None = None,
    target: str = "density",
    split: str = "validation",
    training_split: str = "training",
    synthetic_split: str = "training",
    doses: Sequence[float] = DOSES,
    seeds: int = N_SEEDS,
    steps: int = N_STEPS,
    predictions: str | Path | None = None,
    scorers: Mapping[str, Scorer] | None = None,
    out: str | Path | None = None,
    bundle: str = DEFAULT_BUNDLES[0],
    lesion_network: str = DEFAULT_BUNDLES[2],
    device: str = "auto",
    seed: int = 0,
    progress: ProgressCallback | None = None,
    announce: _Say | None = None,
) -> dict[str, Any]:
    """What a training gains by generated images: area under the curve of every arm, with intervals and power.

    Parameters
    ----------
    synthetic : str or Path, optional
        Run or prepared folder on the grid of the reference, whose images state the target.
    reference : str or Path, optional
        Prepared folder of acquired images.
    target : {"density", "finding", "pathology"}
        What the networks learn to read.
    split : str
        Of the reference: the persons that networks are tested on.
    training_split : str
        Of the reference: the persons that they are trained on.
    synthetic_split : str
        Of a prepared folder `synthetic`.
    doses : sequence of float
        Synthetic images that are drawn for each acquired one, at the same number of steps.
    seeds : int
        Networks of each arm and architecture, 2 to 100.
    steps : int
        Of each training, 1 or more, the same in all arms.
    predictions : str or Path, optional
        CSV of predictions of any networks, in place of all of the above; see `arms_of_file`.
    scorers : mapping of str to Scorer, optional
        What trains and reads, by the name of its architecture, in place of the two built-in ones.
    out : str or Path, optional
        Folder for ``utility.json``, ``utility.md``, ``predictions.csv`` and what a later call goes on from.
    bundle : str
        Name or path of the bundle that drew a run, which may state whom it was trained on.
    lesion_network : str
        Name or path of the bundle with the frozen encoder.
    device : {"auto", "cpu", "cuda"}
    seed : int
        Added to the seeds of the networks.
    progress : callable or None
        Called with a `Progress` after each training, and as images are read and features taken.
    announce : callable or None
        Called with a sentence on what is done and how long it will take, before it starts.

    Returns
    -------
    dict
        As `utility_figures` gives them, with ``name``, ``command``, ``target``, ``data``, ``settings`` and ``notes``.

    Raises
    ------
    RequestError
        Something that is named is not there or not allowed, a side has too few images or one class, a person or an
        image is on two sides, or `out` holds other things.
    MammoError
        A file or the weights are missing or damaged, a scorer gave no finite score for each image, or another process
        writes to `out`.
    """
    if predictions is None and (synthetic is None or reference is None):
        raise RequestError("utility needs synthetic images and a reference, or a CSV of predictions")
    if predictions is not None and (synthetic is not None or scorers):
        raise RequestError("predictions stand in place of trainings: name them, or synthetic images, not both")
    if out is not None:
        check_output_folder(out, command="evaluate utility", is_ours=_is_ours)
    with contextlib.nullcontext() if out is None else folder_lock(Path(out)):
        if predictions is not None:
            arms = arms_of_file(predictions)
            stated = _stated_of_predictions(Path(predictions), arms)
        else:
            assert synthetic is not None and reference is not None
            _check_numbers(seeds, steps, seed)
            arms, stated = _trained(
                Path(synthetic),
                Path(reference),
                ReadTarget.named(target),
                splits=(split, training_split, synthetic_split),
                doses=doses,
                seeds=range(seed, seed + seeds),
                steps=steps,
                scorers=scorers,
                out=None if out is None else Path(out),
                homes=(bundle, lesion_network),
                place=torch.device(pick_device(device)),
                progress=progress,
                announce=announce,
            )
        plain = _note_on_plain_kinds(_tested(arms))
        stated["notes"] = [*([plain] if plain else []), *stated["notes"]]
        figures = {"name": "utility", "command": "utility", **stated, **utility_figures(arms)}
        if out is not None:
            if predictions is None:
                save_text(predictions_text(arms), Path(out) / _PREDICTIONS)
            save_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", Path(out) / _FIGURES)
            save_text(utility_table(figures), Path(out) / _TABLE)
    return figures


def _is_ours(folder: Path) -> bool:
    """Whether a folder holds figures of utility, or what a stopped call left."""
    return (folder / _FIGURES).is_file() or (folder / _TRAININGS).is_dir() or (folder / _CACHE).is_dir()


def _check_numbers(seeds: int, steps: int, seed: int) -> None:
    Request(seed=seed)  # refuses one that is not allowed
    if not 2 <= seeds <= 100:
        raise RequestError(f"{seeds} seeds are not 2 to 100: two at least show how far figures vary")
    if not 1 <= steps <= 10**6:
        raise RequestError(f"{steps} steps of a training are not 1 to 1000000")


def _trained(
    synthetic: Path,
    reference: Path,
    target: ReadTarget,
    *,
    splits: tuple[str, str, str],
    doses: Sequence[float],
    seeds: Sequence[int],
    steps: int,
    scorers: Mapping[str, Scorer] | None,
    out: Path | None,
    homes: tuple[str, str],
    place: torch.device,
    progress: ProgressCallback | None,
    announce: _Say | None,
) -> tuple[list[ArmScores], dict[str, Any]]:
    split, training_split, synthetic_split = splits
    drawn, known, others = sides_of(
        synthetic, reference, target, split=split, training_split=training_split, synthetic_split=synthetic_split
    )
    stages = stages_of_arms(known.training_set, drawn.training_set, doses=doses)
    cache = None if out is None else MeasureCache(out / _CACHE)
    networks_of = scorers or _built_in(homes[1], steps, place, cache)
    finished = FinishedTrainings(None if out is None else out / _TRAININGS)
    work = _Work(stages, (drawn, others), networks_of, seeds, finished, progress, announce)
    arms = work.carried_out()
    stated = {
        "target": {"name": target.name, "classes": list(target.classes)},
        "data": {
            "synthetic": {
                "name": synthetic.name,
                **drawn.about(target),
                "images_sha256": synthetic_digest(drawn.digests),
            },
            "training": {"name": reference.name, "split": training_split, **known.about(target)},
            "test": {"name": reference.name, "split": split, **others.about(target)},
        },
        "settings": {
            "doses": [float(dose) for dose in doses],
            "seeds": list(seeds),
            "n_steps": steps if scorers is None else None,
            "image_shape": list(known.images[0].shape),
            "architectures": list(networks_of),
        },
        "notes": _notes(synthetic, reference, split, target, homes[0], drawn, None if scorers else steps),
    }
    return arms, stated


def _built_in(
    lesion_network: str, steps: int, place: torch.device, cache: MeasureCache | None
) -> dict[str, SmallNetwork | FrozenFeatures]:
    home = bundles.find(lesion_network)
    if not (home.root / ENCODER[0]).is_file():
        raise MammoError(f"bundle {home.name} carries no encoder {ENCODER[0]}, on whose features a head is trained")
    encoder = networks.load_encoder(home, device=place)
    sha256 = home.weights_sha256[ENCODER[0]]
    return {
        "small network": SmallNetwork(n_steps=steps, device=place),
        "frozen features": FrozenFeatures(encoder, sha256=sha256, n_steps=steps, device=place, cache=cache),
    }


class _Work:
    """All trainings: which are finished, how long the others take, and what they give."""

    def __init__(
        self,
        stages: Mapping[str, tuple[TrainingSet, ...]],
        tested: tuple[ReadSide, ReadSide],
        scorers: Mapping[str, Any],
        seeds: Sequence[int],
        finished: FinishedTrainings,
        progress: ProgressCallback | None,
        announce: _Say | None,
    ) -> None:
        drawn, others = tested
        self._stages, self._cases = stages, (drawn.cases, others.cases)
        self._images = {arm: list(others.images) for arm in stages}
        self._images[ACQUIRED] = [*others.images, *drawn.images]  # the same networks are tested on synthetic images
        self._digests = {arm: synthetic_digest(others.digests) for arm in stages}
        self._digests[ACQUIRED] += synthetic_digest(drawn.digests)
        self._scorers, self._seeds, self._finished = scorers, tuple(seeds), finished
        self._progress, self._announce = progress, announce or (lambda words: None)
        self._n_all, self._n_done = len(scorers) * len(seeds) * len(stages), 0
        self._seconds, self._seconds_done = 0.0, 0.0

    def carried_out(self) -> list[ArmScores]:
        """Scores of every arm and architecture, and of the acquired arm on synthetic images."""
        keys = self._keys()
        found = {task: self._finished.scores(key, len(self._images[task[1]])) for task, key in keys.items()}
        pending = [task for task in keys if found[task] is None]
        self._n_done = self._n_all - len(pending)
        estimates = self._estimated(pending)
        for name, scorer in self._scorers.items():
            some = [task for task in pending if task[0] == name]
            if some and hasattr(scorer, "prepare"):
                sets = [stage for arm in dict.fromkeys(task[1] for task in some) for stage in self._stages[arm]]
                scorer.prepare(sets, self._images[ACQUIRED], self._tell)
            for task in some:
                found[task] = self._one(task, scorer, keys[task])
                self._n_done += 1
                self._tell(estimates.get(name, 1.0))
        self._seconds_done = self._seconds
        self._tell(0.0)
        return self._arms({task: scores for task, scores in found.items() if scores is not None})

    def _keys(self) -> dict[tuple[str, str, int], str]:
        keys = {}
        for name, scorer in self._scorers.items():
            statement = scorer_statement(name, scorer)
            for seed in self._seeds:
                for arm, stages in self._stages.items():
                    keys[name, arm, seed] = training_key(statement, stages, self._digests[arm], seed)
        return keys

    def _estimated(self, pending: Sequence[tuple[str, str, int]]) -> dict[str, float]:
        """Seconds of a training by architecture, where they can be measured, and a sentence on all of them."""
        if not pending:
            self._announce(f"all {self._n_all} trainings are done already")
            return {}
        every = [stage for stages in self._stages.values() for stage in stages]
        estimates, unknown = {}, []
        for name, scorer in self._scorers.items():
            n = sum(task[0] == name for task in pending)
            if hasattr(scorer, "seconds"):
                whole = float(scorer.seconds(every, self._images[ACQUIRED], n))
                self._seconds += whole
                estimates[name] = float(scorer.seconds_of_training) if n else 0.0
            elif n:
                unknown.append(name)
                self._seconds += n
        words = f"{len(pending)} trainings of {len(self._scorers)} architectures"
        words += f" ({self._n_done} more are done already)" if self._n_done else ""
        if unknown:
            words += f"; how long {' and '.join(unknown)} takes is told after the first"
        else:
            words += f": about {time_words(self._seconds)} on this machine"
        self._announce(words)
        return estimates

    def _tell(self, seconds: float) -> None:
        self._seconds_done += seconds
        if self._progress is not None:
            share = 1.0 if not self._seconds else min(1.0, self._seconds_done / self._seconds)
            self._progress(Progress(self._n_done, self._n_all, share))

    def _one(self, task: tuple[str, str, int], scorer: Scorer, key: str) -> np.ndarray:
        name, arm, seed = task
        images = self._images[arm]
        start = time.perf_counter()
        scores = np.asarray(scorer(self._stages[arm], images, seed), dtype=np.float64)
        if scores.shape != (len(images),) or not np.isfinite(scores).all():
            raise MammoError(
                f"architecture {name!r} gave scores of shape {scores.shape} for arm {arm!r}, some perhaps not finite: "
                f"a finite number for each of {len(images)} images is needed"
            )
        about = {"architecture": name, "arm": arm, "seed": seed, "seconds": round(time.perf_counter() - start, 2)}
        self._finished.put(key, scores, about)
        return scores

    def _arms(self, found: Mapping[tuple[str, str, int], np.ndarray]) -> list[ArmScores]:
        drawn, others = self._cases
        out = []
        for name in self._scorers:
            for arm in (*self._stages, REVERSED):
                trained = ACQUIRED if arm == REVERSED else arm
                scores = np.stack([found[name, trained, seed] for seed in self._seeds], axis=1)
                cases, rows = (drawn, slice(len(others), None)) if arm == REVERSED else (others, slice(len(others)))
                out.append(ArmScores(arm=arm, architecture=name, seeds=self._seeds, cases=cases, scores=scores[rows]))
        return out


def _tested(arms: Sequence[ArmScores]) -> Cases:
    """Acquired images that are tested on."""
    return next((one.cases for one in arms if one.arm == ACQUIRED), arms[0].cases)


def _note_on_plain_kinds(cases: Cases) -> str | None:
    """Sentence on images that count nowhere, as those of their kind are all of one class; `None` where there are none.

    Parameters
    ----------
    cases : Cases
        Tested on.

    Returns
    -------
    str or None
    """
    n = sum(kind in cases.plain_kinds for kind in cases.kinds)
    if not n:
        return None
    return (
        f"{n} of the {len(cases)} images that are tested on do not count: all {' and all '.join(cases.plain_kinds)} "
        "images are of one class, and images are compared within their kind."
    )


def _stated_of_predictions(path: Path, arms: Sequence[ArmScores]) -> dict[str, Any]:
    cases = _tested(arms)
    classes = sorted(set(cases.truth))
    about = {"n_images": len(cases), "n_persons": cases.n_persons}
    counts = {f"{value:g}": cases.truth.count(value) for value in classes}
    return {
        "target": {"name": "stated in the predictions", "classes": [f"{value:g}" for value in classes]},
        "data": {"test": {"name": path.name, **about, "classes": counts}},
        "settings": {
            "architectures": list(dict.fromkeys(one.architecture for one in arms)),
            "seeds": list(arms[0].seeds),
        },
        "notes": ["The figures are of predictions that were handed in: how the networks trained is not known here."],
    }


def _notes(
    synthetic: Path,
    reference: Path,
    split: str,
    target: ReadTarget,
    bundle: str,
    drawn: ReadSide,
    steps: int | None,
) -> list[str]:
    notes = []
    if (synthetic / "manifest.json").is_file():
        home = bundles.find(bundle)
        stated = {one["sha256"] for one in load_run(synthetic).head["weights"]}
        if stated & set(home.weights_sha256.values()):
            prints = fingerprint_of(home)
            hashes = [item.get("source_sha256") for item in acquired_items(reference, split=split)]
            n_held = 0 if prints is None else sum(prints.holds(str(one)) for one in hashes if one)
            if n_held:
                notes.append(
                    f"{n_held} of the images that are tested on were trained on by the generator: what it drew may "
                    "tell of them, and the figures flatter."
                )
            if home.responds_to.get(target.name, {}).get("responds") is False:
                notes.append(
                    f"The generator {home.name} is not shown to respond to {target.name}: its images are labelled by "
                    "what was requested, not by what they show."
                )
    if drawn.n_left_out:
        notes.append(f"{drawn.n_left_out} synthetic images do not state {target.name} and were left out.")
    if len(drawn) < _FEW_IMAGES:
        notes.append(f"There are few synthetic images, {len(drawn)}: more of them might do better.")
    if steps is not None:
        n_times = steps * _BATCH / 2 / len(drawn)
        notes.append(
            f"Added one to one, each of the {len(drawn)} synthetic images is drawn {n_times:.0f} times in a training."
        )
    notes.append(
        "Intervals and p-values hold for other persons to be tested and other seeds, not for other persons to train "
        "on, nor for another set of synthetic images."
    )
    return notes

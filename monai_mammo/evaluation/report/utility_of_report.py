"""What a training gains by the images of a report: trained for it, or read from a file of the same images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.figures_file import read_figures
from monai_mammo.evaluation.report.criteria import NO_TRAINING
from monai_mammo.evaluation.report.measure_cache import content_digest
from monai_mammo.evaluation.report.report_source import ReportSource
from monai_mammo.evaluation.utility.read_targets import TARGETS, ReadTarget
from monai_mammo.evaluation.utility.utility_images import synthetic_digest
from monai_mammo.evaluation.utility.utility_of_folder import evaluate_utility
from monai_mammo.progress import ProgressCallback

__all__ = ["utility_of_report"]

_FIGURES = "utility"


def utility_of_report(
    source: ReportSource,
    requested: bool | str | Path,
    *,
    reference: Path,
    target: str,
    splits: tuple[str, str],
    homes: tuple[str, str],
    out: Path | None,
    device: str,
    seed: int,
    progress: ProgressCallback | None,
    announce: Callable[[str], None] | None,
) -> dict[str, Any]:
    """Figures of utility, or the reason why there are none.

    Parameters
    ----------
    source : ReportSource
        Images of the report.
    requested : bool, str or Path
        Whether networks are trained, or a file of figures.
    reference : Path
        Prepared folder of acquired images.
    target : str
        What the networks read.
    splits : tuple of str
        Of the reference, tested on, and of a prepared folder of synthetic images.
    homes : tuple of str
        Bundle that drew a run, and bundle with the frozen encoder.
    out : Path or None
        Folder for what the trainings write.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    seed : int
        The first of the networks' seeds.
    progress, announce : callable or None
        As `evaluate_utility` takes them.

    Returns
    -------
    dict
        As `evaluate_utility` gives them, or ``reason``: not asked for, or what stands against a training.

    Raises
    ------
    RequestError
        There is no such target, or the file holds no figures of utility, or those of other images.
    MammoError
        The encoder is missing or damaged, or a file cannot be written.
    """
    if requested is False:
        return {"reason": NO_TRAINING}
    if requested is not True:
        return _read(Path(requested), source)
    ReadTarget.named(target)  # refuses one that is not allowed
    try:
        return evaluate_utility(
            source.folder,
            reference=reference,
            target=target,
            split=splits[0],
            synthetic_split=splits[1],
            out=out,
            bundle=homes[0],
            lesion_network=homes[1],
            device=device,
            seed=seed,
            progress=progress,
            announce=announce,
        )
    except RequestError as error:
        return {"reason": str(error)}


def _read(path: Path, source: ReportSource) -> dict[str, Any]:
    figures = read_figures(path)
    if figures.get("command") != _FIGURES or not isinstance(figures.get("recipes"), dict):
        raise RequestError(f"{path} holds no figures as `evaluate utility` writes them")
    stated = figures["data"].get("synthetic")
    if stated is None:  # predictions that were handed in, whose images are not known; a note says so
        return figures
    target = TARGETS.get(str(figures["target"]["name"]))
    digests = [content_digest(item) for item in source.items if target and target.class_of(item) is not None]
    if synthetic_digest(digests) != stated["images_sha256"]:
        raise RequestError(f"{path} is of other images than {source.folder}")
    return figures

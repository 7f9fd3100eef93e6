"""The trainings that are compared: with acquired images, with generated ones, with both."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.utility.training_sets import TrainingSet

__all__ = [
    "ACQUIRED",
    "ADDED_AND_AUGMENTED",
    "AUGMENTED",
    "PRETRAINED",
    "PRETRAINING_SHARE",
    "REVERSED",
    "SYNTHETIC",
    "comparisons_of",
    "dose_name",
    "stages_of_arms",
    "title_of",
]

ACQUIRED, AUGMENTED, SYNTHETIC = "acquired", "augmented", "synthetic"
PRETRAINED, ADDED_AND_AUGMENTED, REVERSED = "pretrained", "augmented_dose_1", "reversed"

PRETRAINING_SHARE = 1 / 3
"""Of the steps that the first stage of `PRETRAINED` takes."""

_TITLES = {
    ACQUIRED: "acquired images",
    AUGMENTED: "acquired images, with classic augmentation",
    SYNTHETIC: "synthetic images alone",
    PRETRAINED: "synthetic images first, then acquired",
    ADDED_AND_AUGMENTED: "acquired and as many synthetic, all with classic augmentation",
    REVERSED: "acquired images, tested on synthetic ones",
}
_DOSE = "dose_"


def dose_name(dose: float) -> str:
    """Name of the arm in which `dose` synthetic images are drawn for each acquired one.

    Parameters
    ----------
    dose : float
        Synthetic images that are drawn for each acquired one.

    Returns
    -------
    str
    """
    return f"{_DOSE}{dose:g}"


def title_of(arm: str) -> str:
    """What an arm trains on, in words.

    Parameters
    ----------
    arm : str
        Its name.

    Returns
    -------
    str
    """
    if arm in _TITLES:
        return _TITLES[arm]
    return f"acquired images and {arm.removeprefix(_DOSE)} synthetic for each" if arm.startswith(_DOSE) else arm


def stages_of_arms(
    acquired: TrainingSet, synthetic: TrainingSet, *, doses: Sequence[float]
) -> dict[str, tuple[TrainingSet, ...]]:
    """Stages of each training, all of the same number of steps.

    Parameters
    ----------
    acquired, synthetic : TrainingSet
    doses : sequence of float
        Synthetic images that are drawn for each acquired one.

    Returns
    -------
    dict of str to tuple of TrainingSet

    Raises
    ------
    RequestError
        A dose is not above 0 and at most 100, or stands twice.
    """
    if any(not 0 < dose <= 100 for dose in doses) or len({dose_name(dose) for dose in doses}) < len(doses):
        raise RequestError(f"doses {', '.join(f'{d:g}' for d in doses)} are not different numbers above 0, 100 at most")
    added = {dose_name(dose): (acquired.joined(synthetic, dose=dose),) for dose in doses}
    return {
        ACQUIRED: (acquired,),
        AUGMENTED: (dataclasses.replace(acquired, is_augmented=True),),
        SYNTHETIC: (synthetic,),
        **added,
        PRETRAINED: (
            dataclasses.replace(synthetic, share=PRETRAINING_SHARE),
            dataclasses.replace(acquired, share=1 - PRETRAINING_SHARE),
        ),
        ADDED_AND_AUGMENTED: (dataclasses.replace(acquired.joined(synthetic, dose=1), is_augmented=True),),
    }


def comparisons_of(arms: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of an arm and the one that it is compared with, chosen before any figure is known.

    Parameters
    ----------
    arms : sequence of str

    Returns
    -------
    list of (str, str)
        Each arm beside acquired images alone, each that adds synthetic images beside classic augmentation too;
        synthetic images on top of augmentation beside augmentation only.
    """
    pairs = []
    for arm in arms:
        if arm == ACQUIRED:
            continue
        if arm != ADDED_AND_AUGMENTED:
            pairs.append((arm, ACQUIRED))
        if arm not in (AUGMENTED, SYNTHETIC, REVERSED):
            pairs.append((arm, AUGMENTED))
    return [(arm, than) for arm, than in pairs if than in arms]

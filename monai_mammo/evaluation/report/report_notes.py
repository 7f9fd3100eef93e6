"""What a reader must mind before the figures: what is wrong with what was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monai_mammo.evaluation.report.report_source import ReportSource
from monai_mammo.evaluation.report.training_images import TrainingImages
from monai_mammo.terms import AcquisitionKind

__all__ = ["FEW_IMAGES", "MOST_APART", "notes_of", "unlike_kinds", "unstated_kinds"]

FEW_IMAGES = 50
"""Images under which a report says that they are few."""

MOST_APART = 0.1
"""Share of images of another kind from which a report says that kinds are mixed unlike the reference's."""


def notes_of(
    source: ReportSource,
    flat: Sequence[str],
    known: Sequence[Mapping[str, Any]],
    figures: Mapping[str, Any],
    trained: TrainingImages,
    unstated: Sequence[str] = (),
) -> list[str]:
    """Sentences on what is wrong with what was given, the gravest first.

    Parameters
    ----------
    source : ReportSource
    flat : sequence of str
        Names of acquired images that were left out.
    known : sequence of mapping
        Items of the reference.
    figures : mapping
        As `compared_sides` gives them.
    trained : TrainingImages
    unstated : sequence of str
        Bundles that drew the images and do not state which networks had a part in their training.

    Returns
    -------
    list of str
    """
    notes, identity = [], figures["identity"]
    if identity["n_identical"]:
        notes.append(
            f"{identity['n_identical']} of {identity['n']} images are pixel for pixel images of the reference: "
            "these figures say nothing of a generator."
        )
    if identity["n_of_shared_persons"]:
        notes.append(
            f"{identity['n_of_shared_persons']} of {identity['n']} images are of persons of whom the reference has "
            "images: they are alike for that reason alone."
        )
    if trained.prints is not None and source.manifest is not None:
        n_trained = sum(trained.prints.holds(str(item["source_sha256"])) for item in known if "source_sha256" in item)
        if n_trained:
            notes.append(
                f"{n_trained} of {len(known)} acquired images of the reference were trained on by {trained.of}: "
                "figures of realism flatter."
            )
    n_seen = figures["judge_trained_on"]
    if n_seen:
        notes.append(
            f"{n_seen} of {len(known)} acquired images of the reference were trained on by the networks that examine: "
            "what the judge reads is given no light, and its features flatter. Name a split, or a bundle with a judge, "
            "that has none of them."
        )
    if unstated:
        notes.append(
            f"Which networks had a part in the training of {' and '.join(unstated)} is not stated, so it is not known "
            "here whether the judge was one of them; it would then praise its own work."
        )
    if mixed := unlike_kinds(source, known):
        notes.append(mixed)
    if source.beside:
        notes.append(
            f"{_counted(len(source.beside), 'acquired image')}, which the folder lists beside those that were made of "
            "them, take no part: what was made is examined."
        )
    if source.constant:
        notes.append(f"Of one value everywhere, and left out: {_counted(len(source.constant), 'image')}.")
    if flat:
        notes.append(f"Of one value everywhere, and left out: {_counted(len(flat), 'acquired image')}.")
    without_kind = unstated_kinds(source)
    if without_kind is not None:
        notes.append(without_kind)
    if not source.is_read:
        notes.append("The images state no view, density, finding or BI-RADS: what was requested cannot be compared.")
    n = identity["n"]
    if n < FEW_IMAGES:
        notes.append(f"There are few images, {n}: most figures need {FEW_IMAGES} or more before they say much.")
    if source.manifest is not None and not source.manifest.is_complete:
        notes.append(f"The run is not complete: {n} of {source.manifest.count} samples are there.")
    return notes


def unlike_kinds(source: ReportSource, known: Sequence[Mapping[str, Any]]) -> str | None:
    """Sentence on acquisition kinds in other shares than the reference's.

    Parameters
    ----------
    source : ReportSource
    known : sequence of mapping
        Items of the reference.

    Returns
    -------
    str or None
        `None` where they are alike or not stated.
    """
    sides = [[item["conditions"].get("kind") for item in items] for items in (source.items, known)]
    kinds = [str(kind) for kind in AcquisitionKind if any(kind in side for side in sides)]
    if any(None in side for side in sides) or not all(sides):
        return None
    shares = [[side.count(kind) / len(side) for kind in kinds] for side in sides]
    if sum(abs(a - b) for a, b in zip(*shares, strict=True)) / 2 <= MOST_APART:
        return None
    of_each, of_known = (
        ", ".join(f"{share:.0%} {kind}" for kind, share in zip(kinds, some, strict=True)) for some in shares
    )
    return (
        f"The images are {of_each}, those of the reference {of_known}: a classifier on all kinds together tells that "
        "apart, too. The tables by kind do not."
    )


def unstated_kinds(source: ReportSource) -> str | None:
    """Sentence on images that state no acquisition kind, `None` where all do.

    Parameters
    ----------
    source : ReportSource

    Returns
    -------
    str or None
    """
    n = sum(item["conditions"].get("kind") is None for item in source.items)
    if not n:
        return None
    *most, last = map(str, AcquisitionKind)
    return (
        f"The acquisition kind of {n} of {_counted(len(source.items), 'image')} is not stated, so these are compared "
        f"with acquired images of all kinds together: say --kind {', '.join(most)} or {last} where they are of one."
    )


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"

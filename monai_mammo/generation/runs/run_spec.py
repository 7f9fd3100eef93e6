"""What a run needs to know: its request, all that decides its bytes, and a sample that is to be written."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from monai_mammo.dicom.identity import WeightsReference
from monai_mammo.generation.runs.manifest import run_sha256
from monai_mammo.generation.runs.output_format import OutputFormat
from monai_mammo.study import Mammogram

__all__ = ["MadeSample", "RunRequest", "RunSpec"]


class RunRequest(Protocol):
    """What a run needs to know of a request, whatever it asks for."""

    @property
    def count(self) -> int | None:
        """Number of samples."""

    @property
    def seed(self) -> int:
        """Seed of the run."""

    @property
    def format(self) -> OutputFormat:
        """Which files a sample has."""

    @property
    def request_sha256(self) -> str:
        """Hash of `identity`."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as the manifest states them; ``count`` and ``seed`` among them.

        Returns
        -------
        dict
        """

    def identity(self) -> dict[str, Any]:
        """What decides a sample's pixels and files apart from weights, guidance and device, as plain JSON values.

        Returns
        -------
        dict
        """


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunSpec:
    """A request with all that decides the bytes of its run.

    Parameters
    ----------
    request : RunRequest
    weights : tuple of WeightsReference
        Of every network that decides a pixel; the last one examined the samples.
    guidance : float or mapping
        Weight, or weights by group of conditions.
    device : str
        Such as ``cpu`` or ``cuda``; ``auto`` takes the GPU where there is one.
    shape : tuple of int
        Rows and columns of the images.
    spacing_mm : float
        Nominal.
    criteria : mapping
        Scores that regions must meet, as the lesion bundle states them, and ``copy_ratio``, the ratio of distances that
        a sample may not fall under; empty where there are none.
    source : mapping
        A real mammogram that takes part, as the request's identity states it; empty where none does.
    """

    request: RunRequest
    weights: tuple[WeightsReference, ...]
    guidance: float | Mapping[str, Any]
    device: str
    shape: tuple[int, int]
    spacing_mm: float
    criteria: Mapping[str, float] = dataclasses.field(default_factory=dict)
    source: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of samples."""
        return int(self.request.count or 0)

    @property
    def sha256(self) -> str:
        """Hash of all that decides a pixel of the run."""
        return run_sha256(
            self.request.identity(),
            guidance=self.guidance,
            weights=[reference.sha256 for reference in self.weights],
            device=self.device,
            criteria=self.criteria,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MadeSample:
    """A sample that was made and is to be written.

    Parameters
    ----------
    index : int
        Number of the sample in its run, from 0.
    mammogram : Mammogram
        As it is written: hanging as readers expect, with resolved conditions and the requested lesion as its mask.
    found_mask : ndarray, shape (rows, columns), bool
        What was found, on the same grid.
    warnings : tuple of str
        What every file of the sample says.
    about : dict
        What the manifest states of the sample beside number, name, conditions, warnings and files: plain JSON values,
        with ``found`` (of ``dice`` and ``box``), ``tries``, ``kept_try``, ``outcome`` and ``is_failure`` among them.
    person_id : str
        Invented person whom several samples of the run show; empty: one person a sample.
    """

    index: int
    mammogram: Mammogram
    found_mask: np.ndarray
    warnings: tuple[str, ...]
    about: Mapping[str, Any]
    person_id: str = ""

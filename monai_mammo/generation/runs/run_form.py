"""What a sort of run writes of a sample and of itself: of images that were generated, or of acquired ones edited."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from monai_mammo.generation.runs.manifest import Manifest
from monai_mammo.generation.runs.run_spec import RunSpec

__all__ = ["NotMade", "NumberedSample", "RunForm"]


class NumberedSample(Protocol):
    """A sample that was made and is to be written."""

    @property
    def index(self) -> int:
        """Number of the sample in its run, from 0."""


@dataclasses.dataclass(frozen=True, slots=True)
class NotMade:
    """What a maker gives in place of a sample that cannot be made.

    Parameters
    ----------
    index : int
        Number of the sample in its run, from 0.
    why : str
        One sentence.
    """

    index: int
    why: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunForm:
    """How samples of one sort are written.

    Parameters
    ----------
    place : callable
        ``place(sample, manifest, spec, keep)`` writes what the sample's folder lacks and gives the hash of each of its
        files; ``keep`` holds those that the manifest states.
    entry : callable
        ``entry(sample)`` gives what the manifest states of it beside index, id, files and seconds; ``seconds`` among
        it goes last.
    head : callable
        ``head(spec)`` gives what the manifest states of the run beside request, weights, versions and times.
    summaries : callable
        ``summaries(manifest, spec)`` gives further files of the finished run by name.
    """

    place: Callable[[Any, Manifest, RunSpec, Mapping[str, str]], dict[str, str]]
    entry: Callable[[Any], dict[str, Any]]
    head: Callable[[RunSpec], dict[str, Any]]
    summaries: Callable[[Manifest, RunSpec], dict[str, bytes]]

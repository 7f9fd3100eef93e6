"""Images measured by several processes, which keep what they find where a report then looks for it."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from monai_mammo import bundle, machine
from monai_mammo.evaluation.report.instruments import Instruments, instruments_of
from monai_mammo.evaluation.report.measure_cache import MeasureCache
from monai_mammo.evaluation.report.measured_side import is_measured, measured_side
from monai_mammo.prepare.workers import spread

__all__ = ["Ahead"]

_CHUNK = 8  # images that a process is handed at once
_WORTH_A_PROCESS = 16  # images, which take as long as its start


@dataclasses.dataclass(frozen=True, slots=True)
class Ahead:
    """Measures images in processes of their own.

    Parameters
    ----------
    bundle_folder : Path
        With lesion network, judge and perhaps encoder.
    features : tuple of str
        Files of further networks.
    device : str
        That torch knows.
    cache : Path
        Folder in which what is measured is kept.
    workers : int
        Processes.
    """

    bundle_folder: Path
    features: tuple[str, ...]
    device: str
    cache: Path
    workers: int

    def measure(
        self,
        sides: Iterable[tuple[Sequence[dict[str, Any]], bool]],
        instruments: Instruments,
        *,
        on_images: Callable[[int], None],
    ) -> None:
        """Measure those images that are not kept yet; what a process that died had in hand stays to be measured.

        Parameters
        ----------
        sides : iterable of tuple
            Items with their pixels, and whether lesion network and judge read them.
        instruments : Instruments
            Of this process, with which the images are measured where few are missing.
        on_images : callable
            As `measured_side` takes it.
        """
        cache, chunks, n_passes = MeasureCache(self.cache), [], {}
        for items, is_read in sides:
            n_passes[is_read] = 1 + len(instruments.families) + is_read * len(instruments.examiners)
            missing = [item for item in items if not is_measured(item, instruments, cache, is_read=is_read)]
            on_images(n_passes[is_read] * (len(items) - len(missing)))
            chunks += [(missing[start : start + _CHUNK], is_read) for start in range(0, len(missing), _CHUNK)]
        n_processes = min(self.workers, sum(len(chunk) for chunk, _ in chunks) // _WORTH_A_PROCESS)
        if n_processes < 2:
            for chunk, is_read in chunks:
                measured_side(chunk, instruments, is_read=is_read, cache=cache)
                on_images(n_passes[is_read] * len(chunk))
            return
        work = _Work(self, max(1, machine.n_cores() // n_processes))
        with contextlib.closing(spread(work, chunks, workers=n_processes)) as done:
            for place, _ in done:
                chunk, is_read = chunks[place]
                on_images(n_passes[is_read] * len(chunk))


@dataclasses.dataclass(frozen=True, slots=True)
class _Work:
    """Measures some images in a process that opens its networks once."""

    ahead: Ahead
    n_threads: int

    def __call__(self, task: tuple[list[dict[str, Any]], bool]) -> None:
        torch.set_num_threads(self.n_threads)
        instruments = _opened(self.ahead.bundle_folder, self.ahead.features, self.ahead.device)
        measured_side(task[0], instruments, is_read=task[1], cache=MeasureCache(self.ahead.cache))


@functools.cache
def _opened(bundle_folder: Path, features: tuple[str, ...], device: str) -> Instruments:
    return instruments_of(bundle.find(str(bundle_folder)), features, torch.device(device))

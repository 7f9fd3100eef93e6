"""Images measured and sets compared by several processes, which keep what they find where a report looks for it."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from monai_mammo import bundle, machine
from monai_mammo.bundle.fingerprint import TrainingFingerprint
from monai_mammo.evaluation.report.compared_sides import call_comparisons
from monai_mammo.evaluation.report.instruments import Instruments, instruments_of
from monai_mammo.evaluation.report.kept_figures import Call, KeptFigures, NotedCalls
from monai_mammo.evaluation.report.measure_cache import MeasureCache
from monai_mammo.evaluation.report.measured_side import MeasuredSide, is_measured, measured_side
from monai_mammo.prepare.workers import spread

__all__ = ["Ahead"]

_CHUNK = 8  # images that a process is handed at once
_WORTH_A_PROCESS = 16  # images, which take as long as its start
_WORTH_COMPARING_APART = 200  # images on a side, whose comparisons take longer than processes take to start
_THREADS_OF_ALGEBRA = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # read when a process starts


@dataclasses.dataclass(frozen=True, slots=True)
class Ahead:
    """Measures images, and compares sets of them, in processes of their own.

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
        sides: Iterable[tuple[Sequence[dict[str, Any]], bool, bool]],
        instruments: Instruments,
        *,
        on_images: Callable[[int], None],
    ) -> None:
        """Measure those images that are not kept yet; what a process that died had in hand stays to be measured.

        Parameters
        ----------
        sides : iterable of tuple
            Items with their pixels, whether lesion network and judge read them, and whether their closest training
            images are sought.
        instruments : Instruments
            Of this process, with which the images are measured where few are missing, and whose fingerprint of
            training images is the workers' too.
        on_images : callable
            As `measured_side` takes it.
        """
        cache = MeasureCache(self.cache)
        chunks: list[_Task] = []
        n_passes: dict[bool, int] = {}
        for items, is_read, is_traced in sides:
            n_passes[is_read] = 1 + len(instruments.families) + is_read * len(instruments.examiners)
            how: dict[str, Any] = {"is_read": is_read, "is_traced": is_traced}
            missing = [item for item in items if not is_measured(item, instruments, cache, **how)]
            on_images(n_passes[is_read] * (len(items) - len(missing)))
            chunks += [(missing[start : start + _CHUNK], how) for start in range(0, len(missing), _CHUNK)]
        n_processes = min(self.workers, sum(len(chunk) for chunk, _ in chunks) // _WORTH_A_PROCESS)
        if n_processes < 2:
            for chunk, how in chunks:
                measured_side(chunk, instruments, cache=cache, **how)
                on_images(n_passes[how["is_read"]] * len(chunk))
            return
        work = _Work(self, _threads_each(n_processes), instruments.fingerprint)
        with _spread_on_cores(work, chunks, n_processes) as done:
            for place, _ in done:
                chunk, how = chunks[place]
                on_images(n_passes[how["is_read"]] * len(chunk))

    def compare(self, synthetic: MeasuredSide, reference: MeasuredSide, control: MeasuredSide) -> None:
        """Make those comparisons of features of many images that are not kept yet.

        Parameters
        ----------
        synthetic, reference, control : MeasuredSide
            As `compared_sides` takes them.
        """
        if min(len(synthetic), len(reference)) < _WORTH_COMPARING_APART:
            return
        noted = NotedCalls(MeasureCache(self.cache))
        call_comparisons(synthetic, reference, control, kept=noted)
        calls = [call for call in noted.largest_first() if sum(map(len, call[1])) >= _WORTH_COMPARING_APART]
        if len(calls) > 1:
            with _spread_on_cores(_Comparison(self.cache), calls, min(self.workers, len(calls))) as done:
                for _ in done:
                    pass


def _threads_each(n_processes: int) -> int:
    return max(1, machine.n_cores() // n_processes)


@contextlib.contextmanager
def _spread_on_cores(
    work: Callable[[Any], Any], items: Iterable[Any], n_processes: int
) -> Iterator[Iterator[tuple[int, Any]]]:
    """What `spread` gives, by processes that share the cores for linear algebra, unless threads are stated."""
    unstated = [name for name in _THREADS_OF_ALGEBRA if name not in os.environ]
    os.environ.update(dict.fromkeys(unstated, str(_threads_each(n_processes))))
    try:
        with contextlib.closing(spread(work, items, workers=n_processes)) as done:
            yield done
    finally:
        for name in unstated:
            os.environ.pop(name, None)


_Task = tuple[list[dict[str, Any]], dict[str, Any]]
"""Images, and what is asked of them as `measured_side` takes it."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Work:
    """Measures some images in a process that opens its networks once."""

    ahead: Ahead
    n_threads: int
    prints: TrainingFingerprint | None

    def __call__(self, task: _Task) -> None:
        torch.set_num_threads(self.n_threads)
        instruments = _opened(self.ahead.bundle_folder, self.ahead.features, self.ahead.device)
        instruments = dataclasses.replace(instruments, fingerprint=self.prints)
        measured_side(task[0], instruments, cache=MeasureCache(self.ahead.cache), **task[1])


@dataclasses.dataclass(frozen=True, slots=True)
class _Comparison:
    """Makes a comparison, which keeps what it finds."""

    cache: Path

    def __call__(self, call: Call) -> None:
        function, arrays, words = call
        KeptFigures(MeasureCache(self.cache))(function, *arrays, **words)


@functools.cache
def _opened(bundle_folder: Path, features: tuple[str, ...], device: str) -> Instruments:
    return instruments_of(bundle.find(str(bundle_folder)), features, torch.device(device))

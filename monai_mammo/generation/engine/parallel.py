"""Samples drawn side by side: one thread of computation each, handed back in order.

A worker computes on one thread, so no number of workers or cores changes a picture, and threads do
not wait for each other within a layer; many cores draw many samples.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple

from monai_mammo.generation.engine.check import CheckResult
from monai_mammo.generation.engine.plan import PlannedSample
from monai_mammo.generation.engine.settings import DrawSettings

__all__ = ["Drawn", "draw_all"]

MAX_WORKERS = 16
_REPORT_EVERY_S = 0.2


class Drawn(NamedTuple):
    """A sample with the check of each of its tries.

    Attributes
    ----------
    sample : PlannedSample
        What was requested.
    results : list of CheckResult
        One for each try, the first first.
    seconds : float
        That all its tries took.
    """

    sample: PlannedSample
    results: list[CheckResult]
    seconds: float


class _Stopped(Exception):
    """Raised inside a worker when nobody waits for it any more."""


class _Work:
    """One batch of samples: drawn in a worker, its share of work read by the main thread."""

    def __init__(self, samples: Sequence[PlannedSample], settings: DrawSettings, stop: threading.Event) -> None:
        self.samples = samples
        self.share = 0.0
        self._settings = settings
        self._n_evaluations = settings.steps
        self._stop = stop

    def __call__(self, generator: Any) -> list[Drawn]:
        start = time.perf_counter()
        self._n_evaluations = generator.n_evaluations(self._settings.steps)
        results = generator.draw(self.samples, self._settings, on_step=self._on_step)
        seconds = (time.perf_counter() - start) / len(self.samples)
        return [Drawn(sample, tries, seconds) for sample, tries in zip(self.samples, results, strict=True)]

    def _on_step(self) -> None:
        if self._stop.is_set():
            raise _Stopped
        # as if the first try were the last: tries beyond it add nothing
        self.share = min(0.95, self.share + 0.95 / self._n_evaluations)


def draw_all(
    generator: Any,
    planned: Sequence[PlannedSample],
    settings: DrawSettings,
    *,
    on_share: Callable[[float], None] | None = None,
) -> Iterator[Drawn]:
    """All samples in their order, each as soon as it and those before it are drawn.

    Parameters
    ----------
    generator : Generator
    planned : sequence of PlannedSample
    settings : DrawSettings
    on_share : callable or None
        Called now and then, in the caller's thread, with the share of the work that is done.

    Yields
    ------
    Drawn
    """
    size, stop = generator.batch_size, threading.Event()
    works = [_Work(planned[i : i + size], settings, stop) for i in range(0, len(planned), size)]
    waiting: deque[tuple[_Work, Future]] = deque()
    with _workers(generator, len(works)) as (pool, n_workers):
        try:
            left = iter(works)
            while True:
                for work in left:  # a few at a time, so that finished pictures do not pile up
                    waiting.append((work, pool.submit(work, generator)))
                    if len(waiting) >= 2 * n_workers:
                        break
                if not waiting:
                    return
                work, future = waiting.popleft()
                while not wait([future], timeout=_REPORT_EVERY_S).done:
                    if on_share is not None:
                        on_share(sum(w.share for w in works) / len(works))
                drawn = future.result()
                work.share = 1.0
                yield from drawn
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _workers(generator: Any, n_batches: int) -> Iterator[tuple[ThreadPoolExecutor, int]]:
    """Pool of workers that compute on one thread each, as many as torch would use threads."""
    import torch

    n_threads = torch.get_num_threads()
    is_cpu = generator.device.type == "cpu"
    n_workers = max(1, min(n_threads, n_batches, MAX_WORKERS)) if is_cpu else 1
    if is_cpu:
        torch.set_num_threads(1)
    try:
        initializer = (lambda: torch.set_num_threads(1)) if is_cpu else None
        with ThreadPoolExecutor(n_workers, thread_name_prefix="draw", initializer=initializer) as pool:
            yield pool, n_workers
    finally:
        torch.set_num_threads(n_threads)

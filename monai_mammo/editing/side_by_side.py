"""Edits made side by side: a thread of computation each, handed back in order, so that their number changes no byte."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from monai_mammo.conditions import Conditions
from monai_mammo.editing.edit_source import EditSource

__all__ = ["SharedSources", "side_by_side"]

_MOST_WORKERS = 4  # each holds a picture of full size, with all that is made of it
_T = TypeVar("_T")


class SharedSources:
    """Files that are edited, each read once while its edits are made; those that were used last are kept.

    Parameters
    ----------
    shown : Conditions
        What is known of them beside what they state.
    """

    def __init__(self, *, shown: Conditions) -> None:
        self.shown = shown
        self._kept: OrderedDict[str, EditSource] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, path: str) -> EditSource:
        """Source of a path.

        Parameters
        ----------
        path : str
            Of a DICOM file or a picture.

        Returns
        -------
        EditSource

        Raises
        ------
        RequestError
            The file cannot be edited.
        """
        with self._lock:
            if path not in self._kept:
                self._kept[path] = EditSource.read(Path(path), shown=self.shown)
            self._kept.move_to_end(path)
            while len(self._kept) > 2:
                self._kept.popitem(last=False)
            return self._kept[path]


def side_by_side(make: Callable[[int], _T], indices: Sequence[int], *, is_alone: bool = False) -> Iterator[_T]:
    """What ``make(index)`` gives for each index, in their order; as many at a time as torch would use threads.

    The planes of an edit are too small to be shared among threads, which on a busy machine wait for each other longer
    than they compute.

    Parameters
    ----------
    make : callable
    indices : sequence of int
    is_alone : bool
        Whether one is made after the other, as on a GPU.

    Yields
    ------
    object
    """
    import torch

    n_threads = torch.get_num_threads()
    n_workers = 1 if is_alone else max(1, min(n_threads, len(indices), _MOST_WORKERS))
    waiting: deque[Future[_T]] = deque()
    left = iter(indices)
    if not is_alone:
        torch.set_num_threads(1)
    pool = ThreadPoolExecutor(n_workers, thread_name_prefix="edit", initializer=torch.set_num_threads, initargs=(1,))
    try:
        while True:
            for index in left:  # a few at a time, so that finished pictures do not pile up
                waiting.append(pool.submit(make, index))
                if len(waiting) > n_workers:
                    break
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(n_threads)

"""Work spread over processes: a process that dies costs only the item it worked on."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from monai_mammo.dicom.process.memory import keep_freed_memory

__all__ = ["spread"]

_AHEAD = 2  # items handed out for each worker, so that none waits and little is held in memory


def spread(work: Callable[[Any], Any], items: Iterable[Any], *, workers: int) -> Generator[tuple[int, Any], None, None]:
    """Place and result of each item, in the order in which they are ready.

    When a process dies, all items that were handed out are done again, one by one; so the one that is to blame is told
    apart from those that were beside it. Workers end with this process, however it ends, and leave
    Ctrl-C to it. Whoever stops half-way closes the generator, which waits for what is being worked on.

    Parameters
    ----------
    work : callable
        Takes an item; importable, as are its result and the items.
    items : iterable
    workers : int
        Processes.

    Yields
    ------
    place : int
        Of the item among the items, from 0.
    result
        What `work` gave, `None` where its process died with nothing beside it.

    Raises
    ------
    Exception
        Whatever `work` raises.
    """
    waiting = deque(enumerate(items))
    while waiting:
        lost: list[tuple[int, Any]] = []
        yield from _until_lost(work, waiting, lost, workers)
        while lost:
            yield from _one_by_one(work, lost)


def _until_lost(
    work: Callable[[Any], Any], waiting: deque[tuple[int, Any]], lost: list[tuple[int, Any]], workers: int
) -> Iterator[tuple[int, Any]]:
    """Results until all is done, or until a process has died and what was handed out is lost."""
    pool = _pool(workers)
    pending: dict[Future, tuple[int, Any]] = {}
    try:
        while pending or (waiting and not lost):
            while waiting and not lost and len(pending) < _AHEAD * workers:
                place, item = waiting.popleft()
                try:
                    pending[pool.submit(work, item)] = place, item
                except BrokenProcessPool:
                    lost.append((place, item))
            ready, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in ready:
                place, item = pending.pop(future)
                if isinstance(future.exception(), BrokenProcessPool):
                    lost.append((place, item))
                else:
                    yield place, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _one_by_one(work: Callable[[Any], Any], lost: list[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    """Results of lost items up to the one that ends its process, if there is one."""
    with _pool(1) as pool:
        while lost:
            place, item = lost.pop(0)
            try:
                yield place, pool.submit(work, item).result()
            except BrokenProcessPool:
                yield place, None
                return


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_start)


def _start() -> None:
    """Ctrl-C is for the parent to answer; a parent that is killed takes its workers along."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_freed_memory()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

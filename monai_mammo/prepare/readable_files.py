"""Mammogram files one after the other, passing over what cannot be read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch.utils.data import IterableDataset, get_worker_info

from monai_mammo.errors import MammoError

__all__ = ["ReadableFiles"]

_LOGGER = logging.getLogger(__name__)


class ReadableFiles(IterableDataset):
    """Prepared mammograms of those files that can be read, in the order of the datalist.

    A bad file of a folder costs itself alone: it is listed in `not_read`, and in the log. How many there will be is not
    known before, so the data set has no length.

    Parameters
    ----------
    data : sequence of dict
        As `image_files` gives them.
    transform : callable
        MONAI transform from a dictionary with a path to what a network takes.
    """

    def __init__(self, data: Sequence[dict[str, Any]], transform: Callable[[dict[str, Any]], Any]) -> None:
        super().__init__()
        self.data, self.transform = list(data), transform
        self.not_read: list[str] = []

    def __iter__(self) -> Iterator[Any]:
        """Items that can be read; each of several workers takes its share of the files."""
        self.not_read.clear()
        worker = get_worker_info()
        for item in self.data if worker is None else self.data[worker.id :: worker.num_workers]:
            try:
                made = self.transform(dict(item))
            except Exception as error:
                self._list(item, error)
            else:
                yield made

    def _list(self, item: dict[str, Any], error: BaseException) -> None:
        """List a file that is bad; anything but a `MammoError` is a fault of ours and goes on."""
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, MammoError):
            cause = cause.__cause__  # MONAI wraps what a transform raises
        if cause is None:
            raise error
        self.not_read.append(str(cause))
        _LOGGER.warning("not read: %s", cause)

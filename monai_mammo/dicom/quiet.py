"""Silence of the parser, whose messages quote what a file says, a patient's name among it."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator

__all__ = ["quiet"]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Neither warnings nor log records of pydicom while the body runs.

    pydicom says each complaint twice, as a warning and as a record of the logger ``pydicom``, which passes it on to
    whatever handlers a program has. Both quote values.
    """
    logger = logging.getLogger("pydicom")
    was_disabled = logger.disabled
    logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = was_disabled

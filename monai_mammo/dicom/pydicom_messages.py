"""Suppression of the messages of pydicom and highdicom, which quote what a file says, a patient's name among it."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator

__all__ = ["suppress_name_warnings", "suppress_pydicom_messages"]


@contextlib.contextmanager
def suppress_pydicom_messages() -> Iterator[None]:
    """Suppress warnings and log records of pydicom while the body runs.

    pydicom says each complaint twice, as a warning and as a record of the logger ``pydicom``, which passes it on to
    whatever handlers a program has. Both quote values.

    Yields
    ------
    None
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


@contextlib.contextmanager
def suppress_name_warnings() -> Iterator[None]:
    """Suppress highdicom's warning of a patient's name of one component while the body runs: it quotes the name.

    Yields
    ------
    None
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The string .* is unlikely to represent the intended person name")
        yield

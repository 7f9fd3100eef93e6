"""The public data sets and folders, each from its published layout to the same entries.

A data set is a module with ``entries(source, leave_out=…)``: it lists what the tables and folders say, decodes no
pixels, and gives a `Skipped` or `Failed` for each picture that is not to be read.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from monai_mammo.dicom import Failed, Skipped
from monai_mammo.errors import RequestError

if TYPE_CHECKING:  # the names of the data sets are for a command's help too, which is to be quick
    from monai_mammo.prepare.entry import Entry

__all__ = ["DATASETS", "dataset_entries", "dataset_module"]

_MODULES = {
    "vindr": "vindr",
    "inbreast": "inbreast",
    "cbis-ddsm": "cbis_ddsm",
    "mias": "mias",
    "cdd-cesm": "cdd_cesm",
    "folder": "image_folder",
    "table": "table",
    "run": "generated_run",
}

_OF_USERS = ("folder", "table")  # published data sets name no file outside themselves

DATASETS = tuple(_MODULES)
"""Kinds of data set that `monai_mammo.prepare.prepare` reads."""


def dataset_entries(
    name: str, source: Path, *, leave_out: Path | None = None, allow_outside: bool = False
) -> list[Entry | Skipped | Failed]:
    """Entries of a data set, in the order of its tables.

    Parameters
    ----------
    name : str
        One of `DATASETS`.
    source : Path
        Folder or table, as the data set is published.
    leave_out : Path, optional
        Subfolder that is not looked into, such as the one that is being written.
    allow_outside : bool
        Whether tables and sidecars of ``table`` and ``folder`` may name files outside their folder.

    Returns
    -------
    list of Entry, Skipped and Failed

    Raises
    ------
    RequestError
        The name is unknown, or the source has not the data set's layout.
    """
    options = {"allow_outside": allow_outside} if name in _OF_USERS else {}
    return dataset_module(name).entries(source, leave_out=leave_out, **options)


def dataset_module(name: str) -> ModuleType:
    """The module that reads a data set.

    Parameters
    ----------
    name : str
        One of `DATASETS`.

    Returns
    -------
    module
        With ``entries``; with ``PUBLISHED_COUNTS`` and ``label_counts`` where the published tables were counted.

    Raises
    ------
    RequestError
        The name is unknown.
    """
    if name not in _MODULES:
        raise RequestError(f"dataset {name!r} is not one of {', '.join(DATASETS)}")
    return import_module(f"{__name__}.{_MODULES[name]}")

"""Small trees in the published layout of each data set, with the faults that it is known for.

`write_tree` makes one from phantom pixels; what each holds is told in the module of its name in `layouts`.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

__all__ = ["LAYOUTS", "write_tree"]

LAYOUTS = {
    "vindr": "layouts.vindr",
    "inbreast": "layouts.inbreast",
    "cbis-ddsm": "layouts.cbis_ddsm",
    "mias": "layouts.mias",
    "cdd-cesm": "layouts.cdd_cesm",
}


def write_tree(name: str, folder: Path) -> Path:
    """Write the tree of a data set into a folder, and return the path that `prepare` is given."""
    return import_module(LAYOUTS[name]).write(folder)

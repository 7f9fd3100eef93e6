"""Files of figures, as the command ``evaluate`` writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monai_mammo.errors import RequestError
from monai_mammo.files.bounded import UnreadableFile, read_json

__all__ = ["read_figures"]

_MAX_BYTES = 64 * 2**20


def read_figures(path: Path) -> dict[str, Any]:
    """Figures that lie in a JSON file.

    Parameters
    ----------
    path : Path
        As `evaluate` wrote it.

    Returns
    -------
    dict
        With a ``name``.

    Raises
    ------
    RequestError
        The file cannot be read, or holds something else.
    """
    try:
        values = read_json(path, max_bytes=_MAX_BYTES)
    except UnreadableFile as error:
        raise RequestError(f"figures {error.detail}") from None
    if not isinstance(values, dict) or not isinstance(values.get("name"), str):
        raise RequestError(f"figures {path} are not of this program: there is no name in them")
    return values

"""What tells the manifest of a run of edits from that of a run of images that were generated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["EDITED", "is_edited_run"]

EDITED = "Acquired images of which a part was changed by monai_mammo, not for diagnosis."
"""What every run of edits says of itself."""


def is_edited_run(head: Mapping[str, Any]) -> bool:
    """Whether a manifest is that of a run of edits.

    Parameters
    ----------
    head : mapping
        The manifest, with or without its samples.

    Returns
    -------
    bool
    """
    return "command" in head

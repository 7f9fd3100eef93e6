"""What the images of a report are, by what is stated of each: generated, edited, or of unstated origin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from monai_mammo.prepare.datalist_items import stated_origin

__all__ = ["ImageSort", "sort_of_image", "sort_of_images"]


class ImageSort(StrEnum):
    """What an image is, in the word by which a page names it."""

    SYNTHETIC = "SYNTHETIC"
    EDITED = "edited"
    EXAMINED = "examined"


_SORTS: dict[str | None, ImageSort] = {"edited": ImageSort.EDITED, "generated": ImageSort.SYNTHETIC}


def sort_of_image(item: Mapping[str, Any]) -> ImageSort:
    """What an image is.

    Parameters
    ----------
    item : mapping
        Of a datalist, of a run, or of files.

    Returns
    -------
    ImageSort
        Generated where a run or its datalist states it, edited where `insert` or another command that edits does, and
        otherwise only what it is here: examined.
    """
    return _SORTS.get(stated_origin(item), ImageSort.EXAMINED)


def sort_of_images(items: Iterable[Mapping[str, Any]]) -> ImageSort:
    """What all of some images are; examined where they are of several sorts.

    Parameters
    ----------
    items : iterable of mapping
        As `sort_of_image` takes them.

    Returns
    -------
    ImageSort
    """
    sorts = {sort_of_image(item) for item in items}
    return sorts.pop() if len(sorts) == 1 else ImageSort.EXAMINED

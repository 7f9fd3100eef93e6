"""Images that a page shows, with their words."""

from __future__ import annotations

import dataclasses

__all__ = ["Panel", "Picture"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture with its words.

    Parameters
    ----------
    png : bytes
        The file.
    alternative : str
        What it shows, for those who do not see it.
    caption : str
        Line below it.
    """

    png: bytes
    alternative: str
    caption: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Generated images of one sort, each beside an acquired one where there is one.

    Parameters
    ----------
    title : str
        What sort of images.
    about : str
        How they were chosen.
    rows : tuple of tuple of Picture
    names : tuple of str
        Of the generated images.
    """

    title: str
    about: str
    rows: tuple[tuple[Picture, ...], ...]
    names: tuple[str, ...]

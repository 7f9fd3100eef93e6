"""Encoders of reports behind one small interface: the built-in one, a sentence encoder, CLIP and BioGPT.

Weights come from an installed package or a local folder, when the first text is encoded: making an encoder, as a
config does when it is parsed, reads and fetches nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from monai_mammo.bundle import BundleFolder
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.networks.transformer_encoders import BioGptEncoder, ClipEncoder, SentenceEncoder
from monai_mammo.text import GrammarEncoder

__all__ = ["TEXT_ENCODERS", "TextEncoder", "load_text_encoder", "text_encoder"]


class TextEncoder(Protocol):
    """What turns texts into vectors."""

    @property
    def channels(self) -> int:
        """Length of a vector."""

    @property
    def key(self) -> str:
        """Name of the encoder and of all that its vectors depend on, its weights included."""

    def encode(self, texts: list[str]) -> np.ndarray:
        """Vectors of texts, each by itself, so that a vector does not depend on its neighbours.

        Parameters
        ----------
        texts : list of str

        Returns
        -------
        ndarray, shape (len(texts), channels), float32
            Of length 1; zeros for an empty text, which says "not given".
        """


_FACTORY = "monai_mammo.networks.text_encoder"
TEXT_ENCODERS: dict[str, Any] = {
    "grammar": GrammarEncoder,
    "sentence": SentenceEncoder,
    "clip": ClipEncoder,
    "biogpt": BioGptEncoder,
}
"""Encoders by name."""


def text_encoder(name: str = "grammar", *, folder: str | Path | None = None, **options: Any) -> TextEncoder:
    """Encoder of a name, without reading its weights yet.

    Parameters
    ----------
    name : str
        ``grammar`` (built in), ``sentence`` (all-MiniLM-L6-v2, extra ``text``), ``clip`` or ``biogpt``.
    folder : str, Path or None
        Local folder as transformers' ``save_pretrained`` writes it: needed for ``clip`` and ``biogpt``, in place of the
        installed package for ``sentence``, not allowed for ``grammar``.
    **options
        ``channels`` of ``grammar``.

    Returns
    -------
    TextEncoder

    Raises
    ------
    RequestError
        The name is not one of `TEXT_ENCODERS`, or a folder is missing or too many.
    """
    if name not in TEXT_ENCODERS:
        raise RequestError(f"text encoder {str(name)[:60]!r} is not one of {', '.join(TEXT_ENCODERS)}")
    try:
        return TEXT_ENCODERS[name](**options) if not folder else TEXT_ENCODERS[name](folder=folder, **options)
    except TypeError:
        given = [*options, *(["folder"] if folder else [])]
        raise RequestError(f"text encoder {name!r} does not take {' and '.join(given)}") from None


def load_text_encoder(folder: BundleFolder) -> TextEncoder | None:
    """Encoder that a diffusion bundle's inference config names as ``text_encoder``; `None` where it names none.

    Parameters
    ----------
    folder : BundleFolder

    Returns
    -------
    TextEncoder or None

    Raises
    ------
    MammoError
        The definition is not one of `text_encoder`.
    """
    if "text_encoder" not in folder.config("inference"):
        return None
    target, arguments = folder.network_definition("inference", "text_encoder")
    if target != _FACTORY:
        raise MammoError(
            f"text_encoder of bundle {folder.name} is {target[:80]!r}, not monai_mammo.networks.text_encoder"
        )
    if arguments.get("folder"):
        arguments["folder"] = folder.root / arguments["folder"]  # an absolute one stays
    return text_encoder(**arguments)

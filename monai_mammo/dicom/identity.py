"""Who a synthetic image is and where it comes from: stable UIDs and provenance."""

from __future__ import annotations

import dataclasses
import hashlib

from monai_mammo import __version__
from monai_mammo.errors import MammoError

__all__ = [
    "CONDITIONS_PREFIX",
    "IMPLEMENTATION_UID",
    "IMPLEMENTATION_VERSION",
    "Identity",
    "Provenance",
    "WeightsReference",
    "stable_uid",
]


def stable_uid(*parts: object) -> str:
    """UID that depends on the parts alone, ``2.25.`` and 128 bits of their sha256 (PS3.5, B.2).

    Parameters
    ----------
    *parts : object
        Numbers and strings; their order counts, and ``("a", "b")`` differs from ``("ab",)``.

    Returns
    -------
    str
    """
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"


CONDITIONS_PREFIX = "conditions="
"""Stands before the JSON of the requested conditions in DerivationDescription."""

IMPLEMENTATION_UID = stable_uid("monai_mammo", "implementation")
"""ImplementationClassUID of every file this package writes."""

IMPLEMENTATION_VERSION = f"MONAI_MAMMO_{'.'.join(__version__.split('.')[:2])}"[:16]
"""ImplementationVersionName of every file this package writes."""


@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """Names of one synthetic mammogram; equal names give equal UIDs.

    Parameters
    ----------
    run : str
        What tells this run from others, such as the hash of its request.
    run_seed : int
        Seed of the run.
    sample_id : str
        Sample within the run, such as ``0003``.
    person_id : str
        Invented person whom several samples of a run show; empty: one person a sample.
    """

    run: str
    run_seed: int
    sample_id: str
    person_id: str = ""

    def __post_init__(self) -> None:
        if not self.sample_id:
            raise MammoError("a synthetic mammogram needs a sample id")

    @property
    def person(self) -> str:
        """Invented person, unique over runs: the first 12 digits of a hash and the person or sample."""
        digest = hashlib.sha256(f"{self.run}\x1f{self.run_seed}".encode()).hexdigest()
        return f"{digest[:12]}-{self.person_id or self.sample_id}"

    @property
    def study_uid(self) -> str:
        """StudyInstanceUID: one study a person."""
        return stable_uid(self.run, self.run_seed, self.person_id or self.sample_id, "study")

    def uid(self, role: str) -> str:
        """UID of a part of this sample.

        Parameters
        ----------
        role : str
            Such as ``series`` or ``instance``.

        Returns
        -------
        str
        """
        return stable_uid(self.run, self.run_seed, self.person_id, self.sample_id, role)


@dataclasses.dataclass(frozen=True, slots=True)
class WeightsReference:
    """Weights that took part in an image.

    Parameters
    ----------
    name, version : str
        Bundle and its version.
    sha256 : str
        Hash of the weight file; empty where there are no weights, as in a drawn phantom.
    trained_with : tuple of str or None
        Hashes of the networks that had a part in their training; `None` where the bundle does not state them.
    """

    name: str
    version: str
    sha256: str = ""
    trained_with: tuple[str, ...] | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How a synthetic image came about, as its file says it.

    Parameters
    ----------
    weights : tuple of WeightsReference
        Every bundle that took part, the generator first.
    method : str
        Words for what was done.
    notes : tuple of str
        Sentences that every output must carry, such as that no training image stands behind the request.
    tool, tool_version : str
        Program that made the image.
    """

    weights: tuple[WeightsReference, ...]
    method: str = "generated from noise by latent diffusion"
    notes: tuple[str, ...] = ()
    tool: str = "monai_mammo"
    tool_version: str = __version__

    def __post_init__(self) -> None:
        if not self.weights:
            raise MammoError("provenance of a synthetic image names at least one bundle or drawing routine")

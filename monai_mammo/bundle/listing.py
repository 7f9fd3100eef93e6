"""The bundles that are found, as a list of what they say of themselves."""

from __future__ import annotations

import dataclasses

from monai_mammo.bundle.bundle_folder import BundleFolder
from monai_mammo.bundle.places import list_bundles
from monai_mammo.errors import MammoError

__all__ = ["FoundBundle", "bundles"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FoundBundle:
    """A bundle on disk.

    Parameters
    ----------
    name, root : str
        By which it is found.
    version, weights_sha256 : str
        Empty where they could not be read.
    role : str
        Such as ``baseline``; empty for the bundles of a run.
    problem : str
        Why the bundle cannot be used; empty where it can.
    """

    name: str
    root: str
    version: str = ""
    weights_sha256: str = ""
    role: str = ""
    problem: str = ""

    def to_dict(self) -> dict[str, str]:
        """Plain JSON values.

        Returns
        -------
        dict of str to str
        """
        return dataclasses.asdict(self)


def bundles() -> list[FoundBundle]:
    """Bundles that are found, their weights checked against the hashes they state.

    Returns
    -------
    list of FoundBundle
        In the order in which they are looked for.
    """
    return [_found(folder) for folder in list_bundles()]


def _found(folder: BundleFolder) -> FoundBundle:
    known = FoundBundle(name=folder.name, root=str(folder.root))
    try:
        known = dataclasses.replace(known, version=folder.version, role=folder.role)
        folder.check_weights()
        return dataclasses.replace(known, weights_sha256=folder.weights_sha256["models/model.pt"])
    except MammoError as error:
        return dataclasses.replace(known, problem=str(error))

"""Where bundles lie: named by path, in the user's folders, inside the package or its checkout."""

from __future__ import annotations

import inspect
import os
import sys
from pathlib import Path

from monai_mammo.bundle.bundle_folder import BundleFolder
from monai_mammo.errors import RequestError

__all__ = [
    "DEFAULT_BUNDLES",
    "ENVIRONMENT_VARIABLE",
    "beside",
    "find",
    "list_bundles",
    "notice",
    "root",
    "root_of_config",
]

ENVIRONMENT_VARIABLE = "MONAI_MAMMO_BUNDLES"
"""Folders of further bundles, separated as in ``PATH``."""

DEFAULT_BUNDLES = ("mammo_diffusion", "mammo_autoencoder", "mammo_lesion_segmentation")
"""Names of the generator's, the autoencoder's and the lesion network's bundle."""

_FOREIGN = (
    "bundle {root} did not come with monai_mammo: a bundle is a program of whoever made it, "
    "so use it only if you would run its author's code"
)
_PACKAGE = Path(__file__).resolve().parent.parent


def find(name_or_path: str | os.PathLike[str]) -> BundleFolder:
    """Bundle of that name, or at that path.

    A text with a separator is a path. A name is looked for in the folders of the environment
    variable ``MONAI_MAMMO_BUNDLES``, then among the bundles of the package, then in the working folder.

    Parameters
    ----------
    name_or_path : str or path-like
        Such as ``mammo_diffusion`` or ``./my_bundle``.

    Returns
    -------
    BundleFolder

    Raises
    ------
    RequestError
        There is no such bundle; the message names those that are there.
    MammoError
        A folder of that path exists and is not a bundle.
    """
    text = os.fspath(name_or_path)
    if not text.strip():
        raise RequestError(f"a bundle needs a name or a path; found are {_known()}")
    is_name = Path(text).name == text and text not in (os.curdir, os.pardir)
    for place in _places() if is_name else []:
        if (place / text / "configs" / "metadata.json").is_file():
            return _open(place / text)
    if Path(text).is_dir():
        return _open(Path(text))
    raise RequestError(f"bundle {text!r} is neither a folder nor one of {_known()}")


def list_bundles() -> list[BundleFolder]:
    """Bundles that `find` knows by name, the first of a name only, in alphabetical order.

    Returns
    -------
    list of BundleFolder
    """
    found: dict[str, BundleFolder] = {}
    for place in _places():
        for child in sorted(place.iterdir()) if place.is_dir() else []:
            if (child / "configs" / "metadata.json").is_file():
                found.setdefault(child.name, _open(child))
    return [found[name] for name in sorted(found)]


def root(name: str) -> Path:
    """Folder of a bundle by its name or path, as `find` takes it.

    Parameters
    ----------
    name : str
        As `find` takes it.

    Returns
    -------
    Path
    """
    return find(name).root


def root_of_config() -> Path:
    """Folder of the bundle whose config is being run, for ``bundle_root`` in that config.

    What a config runs is what lies beside it. MONAI hands no path to the expressions of a config, so the folder is
    that of the workflow (``config_root_path``) which is evaluating this call, whether ``monai.bundle.run``,
    ``monai.bundle.load`` or ``monai.bundle.create_workflow`` made it. A bare ``ConfigParser`` does not know where its
    text came from; for it the folder is the working folder, as the model zoo has it, unless ``bundle_root`` is set.

    Returns
    -------
    Path
        Absolute; above the folder ``configs``, else the folder of the config itself.
    """
    frame = sys._getframe(1)
    while frame is not None:
        folder = inspect.getattr_static(frame.f_locals.get("self"), "config_root_path", None)
        if isinstance(folder, Path):
            folder = folder.resolve()
            return folder.parent if folder.name == "configs" else folder
        frame = frame.f_back  # type: ignore[assignment]
    return Path.cwd()


def beside(bundle_root: str | os.PathLike[str], name: str) -> Path:
    """Folder of another bundle that a config works with: the one that lies beside its own, else by name.

    Parameters
    ----------
    bundle_root : str or path
        Folder of the config's own bundle.
    name : str
        Of the other bundle.

    Returns
    -------
    Path

    Raises
    ------
    RequestError
        There is no such bundle.
    """
    neighbour = Path(bundle_root).resolve().parent / name
    return neighbour if (neighbour / "configs" / "metadata.json").is_file() else root(name)


def notice(folder: BundleFolder) -> str:
    """What a user must be told before a bundle's configs are run; empty for the package's own.

    Parameters
    ----------
    folder : BundleFolder

    Returns
    -------
    str
    """
    return "" if folder.is_own else _FOREIGN.format(root=folder.root)


def _places() -> list[Path]:
    named = [Path(part) for part in os.environ.get(ENVIRONMENT_VARIABLE, "").split(os.pathsep) if part]
    return [*named, *_own_places()]


def _own_places() -> list[Path]:
    """Inside the installed package, else beside it in a checkout."""
    return [_PACKAGE / "_bundles", _PACKAGE.parent / "bundles"]


def _open(path: Path) -> BundleFolder:
    resolved = path.resolve()
    return BundleFolder(resolved, is_own=any(resolved.parent == place.resolve() for place in _own_places()))


def _known() -> str:
    return ", ".join(folder.name for folder in list_bundles()) or "no bundle at all"

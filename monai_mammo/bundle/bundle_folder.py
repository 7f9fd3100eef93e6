"""One bundle on disk: what it states of itself, and whether its weights are the ones it states."""

from __future__ import annotations

import dataclasses
import json
import os
import zipfile
from functools import cached_property
from pathlib import Path
from typing import Any

from monai_mammo.bundle.support import SupportTable
from monai_mammo.errors import MammoError
from monai_mammo.files.bounded import UnreadableFile, read_json
from monai_mammo.files.digest import file_sha256
from monai_mammo.files.whole import save_text
from monai_mammo.terms import AcquisitionKind

__all__ = [
    "DETAIL",
    "DETAIL_GUIDE",
    "DRAWING_PARTS",
    "FINISH",
    "GUIDE",
    "JUDGE",
    "PAINTER",
    "CROP_TRANSLATOR",
    "VIEW_TRANSLATOR",
    "BundleFolder",
    "as_json",
    "seal",
]

_MAX_CONFIG_BYTES = 16 * 2**20

DETAIL = ("models/detail.pt", "inference", "detail_def")
"""Weights of the detail stage in a diffusion bundle, and the config and id of its definition."""

GUIDE = ("models/guide.pt", "inference", "guide_def")
"""Weights of a weaker layout network that guidance pushes away from, and the config and id of its definition."""

DETAIL_GUIDE = ("models/detail_guide.pt", "inference", "detail_guide_def")
"""The same for the detail stage."""

FINISH = ("models/finish.pt", "inference", "finish_def")
"""Weights of the finish of the detail stage, and the config and id of its definition."""

DRAWING_PARTS = {"detail": DETAIL, "guide": GUIDE, "detail_guide": DETAIL_GUIDE, "finish": FINISH}
"""What draws in a diffusion bundle beside its main network, where it has it, by the overlay that trains it."""

PAINTER = ("models/painter.pt", "inference", "painter_def")
"""Weights of the lesion painter in a diffusion bundle, and the config and id of its definition."""

CROP_TRANSLATOR = ("models/gan.pt", "inference", "translator_def")
"""Weights of the translation between lesion and healthy tissue in a diffusion bundle, and where its definition is."""

VIEW_TRANSLATOR = ("models/translator.pt", "inference", "view_translator_def")
"""Weights of the translator between acquisitions in a diffusion bundle, and the config and id of its definition."""

JUDGE = ("models/judge.pt", "inference", "judge_def")
"""Weights of the judge in the lesion network's bundle, and the config and id of its definition."""

WEIGHT_SUFFIXES = (".pt", ".safetensors", ".ts", ".onnx")
_METADATA = "configs/metadata.json"


@dataclasses.dataclass(frozen=True)
class BundleFolder:
    """A folder in the layout of a MONAI bundle, read as plain JSON without MONAI.

    Parameters
    ----------
    root : Path
        The bundle's folder.
    is_own : bool
        Whether it is one that came with the installed package.

    Raises
    ------
    MammoError
        The folder holds no ``configs/metadata.json``.
    """

    root: Path
    is_own: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root).resolve())
        if not (self.root / _METADATA).is_file():
            raise MammoError(f"{self.root} is not a bundle: {_METADATA} is missing")

    @classmethod
    def of(cls, folder: BundleFolder | Path | str) -> BundleFolder:
        """Bundle of a folder, or the bundle itself.

        Parameters
        ----------
        folder : BundleFolder, Path or str

        Returns
        -------
        BundleFolder

        Raises
        ------
        MammoError
            The folder holds no ``configs/metadata.json``.
        """
        return folder if isinstance(folder, BundleFolder) else cls(Path(folder))

    @property
    def name(self) -> str:
        """Name of the folder, by which MONAI knows the bundle."""
        return self.root.name

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """Content of ``configs/metadata.json``.

        Raises
        ------
        MammoError
            The file is not a JSON object.
        """
        return _read_object(self.root / _METADATA)

    @property
    def version(self) -> str:
        """Version of the weights and the configs, as ``0.1.0``."""
        return str(self._stated("version"))

    @property
    def weights_sha256(self) -> dict[str, str]:
        """Hash of each weight file by its path in the bundle, as the metadata states it."""
        table = self.metadata.get("weights_sha256", {})
        table = {"models/model.pt": table} if isinstance(table, str) else table
        if not isinstance(table, dict) or not all(isinstance(sha256, str) for sha256 in table.values()):
            raise self._misstated("weights_sha256", "the sha256 of each weight file by its path")
        return dict(table)

    @property
    def prepared_shape(self) -> tuple[int, int]:
        """Rows and columns of a prepared mammogram that the weights were trained on."""
        shape = self._stated("prepared_shape")
        is_shape = isinstance(shape, list) and len(shape) == 2 and all(type(n) is int and 0 < n < 2**16 for n in shape)
        if not is_shape:
            raise self._misstated("prepared_shape", "two whole numbers, rows and columns")
        return shape[0], shape[1]

    @property
    def nominal_spacing_mm(self) -> float:
        """Spacing of prepared pixels in mm, stated where the training images had none."""
        spacing = self.number("nominal_spacing_mm")
        if not spacing > 0:
            raise self._misstated("nominal_spacing_mm", "a number above 0")
        return spacing

    @property
    def takes_any_size(self) -> bool:
        """Whether its network brings images of another size, but the same ratio, to its own."""
        return self.metadata.get("takes_any_size") is True

    @property
    def role(self) -> str:
        """What a bundle is beside those that are used by default, such as ``baseline``; empty where it says nothing."""
        return str(self.metadata.get("role", ""))

    @property
    def draws_at_once(self) -> bool:
        """Whether the generator of the bundle, a VAE, draws in one evaluation, without steps and guidance."""
        return self.network_definition()[0].rpartition(".")[2] == "LatentVAE"

    @property
    def unread_heads(self) -> tuple[str, ...]:
        """Heads of a lesion network that held-back images do not show to be better than the most frequent class."""
        stated = self.metadata.get("unread_heads", {})
        return tuple(stated.get("lesion network", ()) if isinstance(stated, dict) else stated)

    @property
    def unread_heads_of_judge(self) -> tuple[str, ...]:
        """The same of the judge beside a lesion network."""
        stated = self.metadata.get("unread_heads", {})
        return tuple(stated.get("judge", ())) if isinstance(stated, dict) else ()

    @property
    def region_scores(self) -> dict[str, float]:
        """Scores that regions of acquired images reach, by which a lesion network checks generated ones; may be empty.

        ``lesion``, ``other``, ``clear`` and ``presence``, as `monai_mammo.evaluation` measures them.
        """
        table = self.metadata.get("region_scores", {})
        names = ("lesion", "other", "clear", "presence")
        is_table = isinstance(table, dict) and all(
            name in names and type(value) in (int, float) and 0 <= value <= 1 for name, value in table.items()
        )
        if not is_table:
            raise self._misstated("region_scores", f"an object with numbers from 0 to 1 under {', '.join(names)}")
        return {name: float(value) for name, value in table.items()}

    @property
    def presence_kinds(self) -> tuple[str, ...] | None:
        """Acquisition kinds of the images without a lesion behind ``presence`` of `region_scores`; `None`: not stated.

        A network that was shown no image without a lesion of some kind says of each such image that it has one.
        """
        kinds = self.metadata.get("presence_kinds")
        if kinds is None:
            return None
        if not isinstance(kinds, list) or not set(kinds) <= {str(kind) for kind in AcquisitionKind}:
            raise self._misstated("presence_kinds", "a list of acquisition kinds")
        return tuple(kinds)

    @property
    def responds_to(self) -> dict[str, dict[str, Any]]:
        """What `evaluate knobs` measured of each condition of a diffusion bundle, by name; empty where nothing was.

        Each entry has ``responds`` (true, false, or null where it could not be measured), and where measured
        ``measure``, ``form``, ``mean``, ``low`` and ``high`` or ``p``, ``n_seeds``.
        """
        table = self.metadata.get("responds_to", {})
        is_table = isinstance(table, dict) and all(
            isinstance(entry, dict) and entry.get("responds") in (True, False, None) for entry in table.values()
        )
        if not is_table:
            raise self._misstated("responds_to", "for each condition an object with responds true, false or null")
        return dict(table)

    @property
    def trained_with(self) -> dict[str, list[dict[str, str]]]:
        """Networks that had a part in the training of each weight file, by its path in the bundle.

        Of each ``name``, ``version``, ``weights`` and ``sha256``. A file of which nothing is stated is left out, and so
        is one that was exchanged since.
        """
        table = self.metadata.get("trained_with", {})
        keys = {"name", "version", "weights", "sha256"}
        is_table = isinstance(table, dict) and all(
            isinstance(entry, dict)
            and isinstance(entry.get("sha256"), str)
            and isinstance(entry.get("networks"), list)
            and all(isinstance(one, dict) and set(one) == keys for one in entry["networks"])
            for entry in table.values()
        )
        if not is_table:
            allowed = f"for each weight file its sha256 and a list of networks, each with {', '.join(sorted(keys))}"
            raise self._misstated("trained_with", allowed)
        hashes = self.weights_sha256
        return {path: entry["networks"] for path, entry in table.items() if entry["sha256"] == hashes.get(path)}

    @cached_property
    def support(self) -> SupportTable:
        """How many training images and persons stand behind each combination of conditions."""
        return SupportTable.from_dict(self._stated("support"), where=f"{self.root / _METADATA}")

    def defines(self, part: tuple[str, str, str]) -> bool:
        """Whether a diffusion bundle has a further network.

        Parameters
        ----------
        part : tuple of str
            `DETAIL` (its main network then draws layouts), `GUIDE`, `DETAIL_GUIDE`, `FINISH`, `PAINTER`,
            `CROP_TRANSLATOR` or `VIEW_TRANSLATOR`.

        Returns
        -------
        bool
        """
        _, config, key = part
        return key in self.config(config)

    @property
    def has_painter(self) -> bool:
        """Whether the bundle, a diffusion bundle, has a lesion painter with weights."""
        return self.has_weights(PAINTER)

    def has_weights(self, part: tuple[str, str, str]) -> bool:
        """Whether a diffusion bundle has a further network with weights, such as `PAINTER`.

        Parameters
        ----------
        part : tuple of str
            As `defines` takes it.

        Returns
        -------
        bool
        """
        return self.defines(part) and part[0] in self.weights_sha256

    def without_weights(self, part: tuple[str, str, str]) -> str:
        """Sentence that says that a further network has no weights, and which config trains one.

        Parameters
        ----------
        part : tuple of str
            `PAINTER`, `CROP_TRANSLATOR` or `VIEW_TRANSLATOR`.

        Returns
        -------
        str
        """
        what, config = {
            PAINTER: ("a lesion painter", "painter"),
            CROP_TRANSLATOR: ("a translation network", "gan"),
            VIEW_TRANSLATOR: ("a translator", "translate"),
        }[part]
        return (
            f"bundle {self.name} has no weights of {what} ({part[0]}): train one with configs/{config}.json, or name "
            "a bundle that has one"
        )

    def config(self, name: str) -> dict[str, Any]:
        """Content of ``configs/<name>.json`` as it stands, nothing resolved.

        Parameters
        ----------
        name : str
            Of the file, without ending.

        Returns
        -------
        dict

        Raises
        ------
        MammoError
            The file is missing or no JSON object.
        """
        return _read_object(self.root / "configs" / f"{name}.json")

    def network_definition(self, config: str = "inference", key: str = "network_def") -> tuple[str, dict[str, Any]]:
        """Class and arguments of a network, read without running anything of the bundle.

        Parameters
        ----------
        config : str
            Name of the config without suffix.
        key : str
            Id of the network in it.

        Returns
        -------
        target : str
            Dotted name of the class.
        arguments : dict
            Plain JSON values for its constructor.

        Raises
        ------
        MammoError
            The id is not defined, or needs MONAI's expressions to be understood.
        """
        return _definition(self.config(config), key, f"{key} of {self.root / 'configs' / config}.json")

    def trained_network(self, *overlays: str) -> tuple[str, dict[str, Any]]:
        """Class and arguments of the network that a training of the bundle has.

        Parameters
        ----------
        *overlays : str
            Configs laid over ``train.json``, in the order in which the training names them.

        Returns
        -------
        target : str
            Dotted name of the class.
        arguments : dict
            Plain JSON values for its constructor.

        Raises
        ------
        MammoError
            A config is missing, or none defines a network.
        """
        key, values = "network_def", dict(self.config("train"))
        for overlay in overlays:
            changes = self.config(overlay)
            values |= changes
            inner = {k.removeprefix(f"{key}#"): v for k, v in changes.items() if k.startswith(f"{key}#")}
            values[key] = {**values[key], **inner} if isinstance(values.get(key), dict) else values.get(key)
        return _definition(values, key, f"{key} of {', '.join(('train', *overlays))} in {self.root / 'configs'}")

    def check_weights(self, path: str = "models/model.pt") -> Path:
        """Path of a weight file that is whole and the one the metadata states.

        Parameters
        ----------
        path : str
            Relative to the bundle.

        Returns
        -------
        Path

        Raises
        ------
        MammoError
            The file is missing, empty, truncated, not stated, or of another hash.
        """
        file = self.root / path
        stated = self.weights_sha256.get(path)
        if not file.is_file():
            raise MammoError(f"bundle {self.name} has no weights: {file} is missing")
        if file.stat().st_size == 0:
            raise MammoError(f"bundle {self.name} has no weights: {file} is empty")
        if file.suffix == ".pt" and not zipfile.is_zipfile(file):
            raise MammoError(f"{file} is truncated or no weight file: copy it again or install the bundle anew")
        if stated is None:
            raise MammoError(f"{self.root / _METADATA} states no sha256 for {path}: name it under weights_sha256")
        if (found := file_sha256(file)) != stated:
            raise MammoError(f"{file} has sha256 {found[:12]}…, but {_METADATA} states {stated[:12]}…")
        return file

    def number(self, key: str, default: float | None = None) -> float:
        """Number that the metadata states.

        Parameters
        ----------
        key : str
            Name in the metadata.
        default : float or None
            Where it states none; `None` allows no such metadata.

        Returns
        -------
        float

        Raises
        ------
        MammoError
            It is not stated, or not a finite number.
        """
        value = self._stated(key) if default is None else self.metadata.get(key, default)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not abs(value) < 1e300:
            raise self._misstated(key, "a number")
        return float(value)

    def _misstated(self, key: str, allowed: str) -> MammoError:
        stated = repr(self.metadata.get(key))[:80]
        return MammoError(f"{self.root / _METADATA} states {key} as {stated}: it must be {allowed}")

    def _stated(self, key: str) -> Any:
        try:
            return self.metadata[key]
        except KeyError:
            raise MammoError(f"{self.root / _METADATA} does not state {key!r}") from None


def seal(folder: BundleFolder | Path | str, **changes: Any) -> BundleFolder:
    """Write the hash of each weight file, and other changes, into a bundle's metadata.

    What a hospital does after it has put retrained weights into ``models/``.

    Parameters
    ----------
    folder : BundleFolder, Path or str
        The bundle.
    **changes
        Further keys of the metadata, such as ``support=table.to_dict()``.

    Returns
    -------
    BundleFolder
        The bundle with its new metadata, which replaced the old in one step.
    """
    bundle = BundleFolder.of(folder)
    root = bundle.root
    metadata = dict(BundleFolder(root).metadata) | changes
    files = sorted(p for p in (root / "models").glob("*") if p.suffix in WEIGHT_SUFFIXES)
    metadata["weights_sha256"] = {p.relative_to(root).as_posix(): file_sha256(p) for p in files}
    save_text(as_json(metadata) + "\n", root / _METADATA)
    return BundleFolder(root, is_own=bundle.is_own)


def as_json(value: Any, depth: int = 0) -> str:
    """JSON with one line for each innermost list, so that tables stay readable in a diff.

    Parameters
    ----------
    value : object
        Plain values.
    depth : int
        How deep the value lies in others.

    Returns
    -------
    str
        Without a line break at the end.
    """
    pad, inner = "  " * depth, "  " * (depth + 1)
    if isinstance(value, dict) and value:
        lines = [f"{inner}{json.dumps(k)}: {as_json(v, depth + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{pad}}}"
    if isinstance(value, (list, tuple)) and any(isinstance(v, (dict, list, tuple)) for v in value):
        return "[\n" + ",\n".join(inner + as_json(v, depth + 1) for v in value) + f"\n{pad}]"
    return json.dumps(value, ensure_ascii=False)


def _definition(values: dict[str, Any], key: str, place: str) -> tuple[str, dict[str, Any]]:
    definition = _resolve(values.get(key), values, place)
    if not isinstance(definition, dict) or not isinstance(definition.get("_target_"), str):
        raise MammoError(f"{place} names no network: it must be an object with _target_ and plain values")
    arguments = {name: value for name, value in definition.items() if not name.startswith("_")}
    return definition["_target_"], arguments


def _resolve(value: Any, values: dict[str, Any], place: str, seen: tuple[str, ...] = ()) -> Any:
    """A value with its plain ``@id`` references followed."""
    if isinstance(value, dict):
        return {k: _resolve(v, values, place, seen) for k, v in value.items()}
    if isinstance(value, list):
        return [_resolve(v, values, place, seen) for v in value]
    if not (isinstance(value, str) and value[:1] in ("$", "@", "%")):
        return value
    parts = value[1:].replace("#", "::").split("::")
    if value[0] != "@" or not all(part.replace("_", "").isalnum() for part in parts) or value in seen:
        raise MammoError(f"{place} holds {value!r}, which is not a plain value: only MONAI can resolve it")
    found: Any = values
    for part in parts:
        if not isinstance(found, dict) or part not in found:
            raise MammoError(f"{place} refers to {value!r}, which the config does not define")
        found = found[part]
    return _resolve(found, values, place, (*seen, value))


def _read_object(path: Path) -> dict[str, Any]:
    if not os.path.lexists(path):
        raise MammoError(f"{path} is missing")
    try:
        values = read_json(path, max_bytes=_MAX_CONFIG_BYTES)
    except UnreadableFile as error:
        raise MammoError(f"{path} cannot be read: {error.detail}") from None
    if not isinstance(values, dict):
        raise MammoError(f"{path} must hold one JSON object")
    return values

"""What an edit of acquired mammograms is to do, checked, as plain values for the manifest."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from monai_mammo.bundle import DEFAULT_BUNDLES
from monai_mammo.conditions import Box, Conditions
from monai_mammo.editing.evolution import Evolution
from monai_mammo.editing.reading_target import ReadingTarget
from monai_mammo.editing.run_images import images_of_run
from monai_mammo.errors import RequestError
from monai_mammo.files.digest import bytes_sha256, file_sha256
from monai_mammo.generation.runs.manifest import canonical_json
from monai_mammo.generation.runs.output_format import OutputFormat
from monai_mammo.parsed_numbers import parse_number, parse_whole
from monai_mammo.prepare.mammogram_files import image_files
from monai_mammo.terms import Depth, Finding, Modality, Quadrant

__all__ = ["DEFAULT_STRENGTH", "EditMethod", "EditRequest", "listed_images"]

RECIPE = 6
"""Counts up where the same request gives other pixels."""

DEFAULT_STRENGTH = 0.8
"""Time of the schedule that methods start at which start from the noised original."""

_MOST_STEPS = 64
_MOST_VARIANTS = 1000
_MOST_LESIONS = 8
_MOST_TRIES = 16
_DEFAULT_TRIES = 8


class EditMethod(StrEnum):
    """How a region is changed."""

    PAINTER = "painter"
    SDEDIT = "sdedit"
    INVERSION = "inversion"
    GAN = "gan"

    @classmethod
    def parse(cls, text: str) -> EditMethod:
        """Method of a name.

        Parameters
        ----------
        text : str
            Such as ``painter``; case does not matter.

        Returns
        -------
        EditMethod

        Raises
        ------
        RequestError
            There is no such method.
        """
        try:
            return cls(str(text).strip().lower())
        except ValueError:
            raise RequestError(f"method {str(text)[:40]!r} is not one of {', '.join(cls)}") from None

    @property
    def starts_from_original(self) -> bool:
        """Whether it starts from the noised original, at a strength that can be chosen."""
        return self in (EditMethod.SDEDIT, EditMethod.INVERSION)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EditRequest:
    """A request for edits of acquired mammograms.

    Parameters
    ----------
    command : str
        ``insert``, ``remove``, ``evolve``, ``counterfactual`` or ``translate``.
    images : tuple of str
        Paths of the files.
    n_variants : int
        Edited versions of each file.
    seed : int
        Decides all that is drawn by chance.
    shown : Conditions
        What is known of the files beside what they state: kind, view, laterality, density.
    lesion : Conditions
        What is to be seen: finding, shape, margin, BI-RADS, pathology; finding ``none`` where a lesion is removed.
    box : Box or None
        Where, in fractions of the file's picture.
    mask : str or None
        Path of a picture of the file's size that marks the region.
    at : str or None
        Part of the breast, such as ``upper_outer``, or a depth.
    segment : bool
        Whether the region is what the lesion network finds.
    size_mm : float or None
        Longer side of the lesion.
    size_px : float or None
        The same in pixels of the file.
    in_muscle : bool
        Whether a lesion may lie in the pectoral muscle.
    n_lesions : int
        Lesions in each picture, 1 to 8.
    conspicuity : float or None
        Where in the range of real lesions' contrast to their surround the lesion lies, 0 to 1; `None` leaves it where
        the painter puts it within the range.
    evolution : Evolution or None
        Course of a lesion over visits, each of which is a version of the file.
    target : ReadingTarget or None
        What the lesion network is to read of a counterfactual.
    method : EditMethod
        How the region is changed.
    strength : float or None
        Of the methods that start from the noised original: 0.05 to 1, where 1 leaves nothing of it; `None` becomes
        `DEFAULT_STRENGTH` there.
    max_tries : int or None
        Ways to fill a region that are tried at most, 1 to 16; `None` becomes 8 for the painter, and 1 for other methods
        and commands.
    to : Modality or None
        What another acquisition of the breast is to be.
    steps : int
        Network evaluations, 1 to 64.
    guidance : float
        Weight of classifier-free guidance, 0 to 20; 1 is none.
    bundle, autoencoder, lesion_network : str
        Names or paths of the bundles.

    Raises
    ------
    RequestError
        A value is not allowed, or two contradict each other.
    """

    command: str
    images: tuple[str, ...]
    n_variants: int = 1
    seed: int = 0
    shown: Conditions = Conditions()
    lesion: Conditions = Conditions()
    box: Box | None = None
    mask: str | None = None
    at: str | None = None
    segment: bool = False
    size_mm: float | None = None
    size_px: float | None = None
    in_muscle: bool = False
    n_lesions: int = 1
    conspicuity: float | None = None
    evolution: Evolution | None = None
    target: ReadingTarget | None = None
    method: EditMethod = EditMethod.PAINTER
    strength: float | None = None
    max_tries: int | None = None
    to: Modality | None = None
    steps: int = 16
    guidance: float = 1.5
    bundle: str = DEFAULT_BUNDLES[0]
    autoencoder: str = DEFAULT_BUNDLES[1]
    lesion_network: str = DEFAULT_BUNDLES[2]

    @classmethod
    def of_words(
        cls,
        command: str,
        images: str | Path | Sequence[str | Path],
        *,
        shown: Mapping[str, str | None],
        lesion: Mapping[str, str | int | None] | None = None,
        box: Box | Sequence[float] | str | None = None,
        mask: str | Path | None = None,
        method: str = EditMethod.PAINTER,
        takes_one: bool = False,
        **words: Any,
    ) -> Self:
        """Request in the words of a command.

        Parameters
        ----------
        command : str
            As `command` of the class.
        images : path or sequence of paths
            Files, and folders of them.
        shown, lesion : mapping
            What is known of the files, and what is to be seen, by the names that `Conditions.from_dict` takes.
        box : Box, sequence of float, str or None
            ``x0, y0, x1, y1`` in fractions of the file's picture.
        mask : str, Path or None
            Picture that marks the region.
        method : str
            Name of an `EditMethod`.
        takes_one : bool
            Whether the command takes one image alone.
        **words
            All else, by the names of the class.

        Returns
        -------
        EditRequest

        Raises
        ------
        RequestError
            A path is not there, a value is not allowed, or two contradict each other.
        """
        listed = listed_images(images)
        if takes_one and len(listed) != 1:
            raise RequestError(f"{command} takes one image, and {images} holds {len(listed)}")
        return cls(
            command=command,
            images=listed,
            shown=Conditions.from_dict(shown),
            lesion=Conditions.from_dict(lesion or {}),
            box=None if box is None else Box.parse(box if isinstance(box, str) else list(box)),
            mask=None if mask is None else str(mask),
            method=EditMethod.parse(method),
            **words,
        )

    def __post_init__(self) -> None:
        put = object.__setattr__
        if not self.images:
            raise RequestError(f"{self.command} needs one image at least")
        put(self, "n_variants", parse_whole(self.n_variants, name="count", low=1, high=_MOST_VARIANTS))
        put(self, "seed", parse_whole(self.seed, name="seed", low=0, high=2**63 - 1))
        put(self, "steps", parse_whole(self.steps, name="steps", low=1, high=_MOST_STEPS))
        put(self, "guidance", parse_number(self.guidance, name="guidance", low=0, high=20))
        for name, most in (("size_mm", 150), ("size_px", 65535)):
            value = getattr(self, name)
            put(self, name, None if value is None else parse_number(value, name=name, low=0.5, high=most))
        put(self, "n_lesions", parse_whole(self.n_lesions, name="n_lesions", low=1, high=_MOST_LESIONS))
        if self.conspicuity is not None:
            put(self, "conspicuity", parse_number(self.conspicuity, name="conspicuity", low=0, high=1))
        if self.method.starts_from_original:
            strength = DEFAULT_STRENGTH if self.strength is None else self.strength
            put(self, "strength", parse_number(strength, name="strength", low=0.05, high=1))
        elif self.strength is not None:
            raise RequestError(
                f"strength says how far {EditMethod.SDEDIT} and {EditMethod.INVERSION} go from the original, and the "
                f"method is {self.method}"
            )
        tries = self.max_tries
        if tries is None:
            tries = _DEFAULT_TRIES if self.command == "remove" and self.method is EditMethod.PAINTER else 1
        put(self, "max_tries", parse_whole(tries, name="max_tries", low=1, high=_MOST_TRIES))
        if self.box is not None:
            put(self, "box", Box.parse(self.box) if not isinstance(self.box, Box) else self.box)
        if self.at is not None:
            put(self, "at", _place(self.at))
        places = [name for name in ("box", "mask", "at", "segment") if getattr(self, name)]
        if len(places) > 1:
            raise RequestError(f"{places[0]} and {places[1]} both say where: give one of them")
        if self.size_mm is not None and self.size_px is not None:
            raise RequestError("size_mm and size_px both say how large: give one of them")
        if (self.size_mm or self.size_px) and (self.box is not None or self.mask is not None):
            raise RequestError("a box or mask says how large the lesion is: give no size beside it")
        if self.n_lesions > 1 and (self.box is not None or self.mask is not None):
            raise RequestError("a box or mask says where one lesion lies: ask for one, or leave the places open")
        if self.command != "remove" and self.lesion.finding is Finding.NONE:
            raise RequestError(f"{self.command} draws a lesion, and finding 'none' is none: remove takes a lesion out")

    @property
    def count(self) -> int:
        """Edited versions of all files."""
        return len(self.images) * self.n_variants

    @property
    def format(self) -> OutputFormat:
        """Files of a sample follow those of its source; a manifest states DICOM."""
        return OutputFormat.DICOM

    def image_of(self, index: int) -> tuple[int, int]:
        """Number of the file, and of its variant, of a sample: all files come once before any comes twice.

        Parameters
        ----------
        index : int
            Number of the sample, from 0.

        Returns
        -------
        image, variant : int
        """
        return index % len(self.images), index // len(self.images)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values.

        Returns
        -------
        dict
        """
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values |= {"images": [Path(path).name for path in self.images], "count": self.count}
        values |= {"shown": self.shown.to_dict(), "lesion": self.lesion.to_dict()}
        values["box"] = None if self.box is None else list(self.box)
        values["mask"] = None if self.mask is None else Path(self.mask).name
        if self.evolution is None:
            del values["evolution"]
        else:
            values["evolution"] = self.evolution.to_dict()
        del values["method"], values["strength"]
        if self.method is not EditMethod.PAINTER:
            values["method"] = {"name": str(self.method)}
        if self.strength is not None:
            values["method"]["strength"] = self.strength
        if self.command != "remove":
            del values["max_tries"]
        if self.target is None:
            del values["target"]
        else:
            values["target"] = self.target.to_dict()
        if self.to is None:
            del values["to"]
        else:
            values["to"] = str(self.to)
        return values

    def identity(self) -> dict[str, Any]:
        """What decides the pixels and files of a sample, apart from weights and device.

        Returns
        -------
        dict
        """
        values = self.to_dict()
        for name in ("count", "n_variants", "bundle", "autoencoder", "lesion_network", "mask", "guidance"):
            del values[name]
        values |= {"recipe": RECIPE, "source_sha256": [_sha256(path) for path in self.images]}
        values["mask_sha256"] = None if self.mask is None else _sha256(self.mask)
        return values

    @property
    def request_sha256(self) -> str:
        """SHA-256 of `identity` as canonical JSON."""
        return bytes_sha256(canonical_json(self.identity()).encode())


def listed_images(images: str | Path | Sequence[str | Path]) -> tuple[str, ...]:
    """Paths of files, those of a folder in its place.

    Parameters
    ----------
    images : path or sequence of paths
        Files and folders; of a run's folder the image of each sample.

    Returns
    -------
    tuple of str

    Raises
    ------
    RequestError
        A path is not there, or a folder holds no image.
    """
    out: list[str] = []
    for path in [images] if isinstance(images, (str, Path)) else images:
        if Path(path).is_dir():
            out += images_of_run(path) or [item["image"] for item in image_files(path)]
        elif Path(path).is_file():
            out.append(str(path))
        else:
            raise RequestError(f"{path} is neither a file nor a folder")
    return tuple(out)


def _sha256(path: str) -> str:
    try:
        return file_sha256(Path(path))
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror or error}") from None


def _place(text: str) -> str:
    word = str(text).strip().lower().replace("-", "_").replace(" ", "_")
    allowed = [str(member.value) for member in (*Quadrant, *Depth)]
    if word not in allowed:
        raise RequestError(f"place {str(text)[:40]!r} is not one of {', '.join(allowed)}")
    return word

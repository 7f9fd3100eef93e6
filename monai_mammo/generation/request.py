"""What is requested: conditions, count, seed and settings, checked before anything is loaded."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from monai_mammo.bundle import DEFAULT_BUNDLES
from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.files.digest import bytes_sha256, file_sha256
from monai_mammo.generation.engine.source import Keep
from monai_mammo.generation.guidance_weights import GuidanceWeights, parse_guidance, parse_interval
from monai_mammo.generation.runs.manifest_seal import canonical_json
from monai_mammo.generation.runs.output_format import OutputFormat
from monai_mammo.parsed_numbers import parse_number, parse_whole
from monai_mammo.prepare.sidecar import files_beside
from monai_mammo.switches import parse_switch
from monai_mammo.terms import AcquisitionKind, Finding

__all__ = [
    "MAX_STEPS",
    "RECIPE",
    "Request",
    "UnsupportedPolicy",
]

RECIPE = 3
"""Number of the recipe from request to pixels; it grows when the same request gives other pixels."""

MAX_STEPS = 20
"""Most network evaluations a sample may take in one try."""

MAX_COUNT = 100_000
MAX_TRIES = 4


class UnsupportedPolicy(StrEnum):
    """What happens to a request that no training image stands behind."""

    REFUSE = "refuse"
    OVERRIDE = "override"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Conditions, count, seed and settings of a run, valid by construction.

    Parameters
    ----------
    conditions : Conditions or tuple of Conditions
        One for all samples, or one for each sample. A box refers to the picture as it hangs.
    count : int or None
        Number of samples, 1 to 100000; `None` takes one for each of `conditions`, two with `also`.
    also : AcquisitionKind or None
        Kind of a second view of each breast, translated from the first: samples 0 and 1 are of one breast, 2 and 3 of
        the next.
    seed : int
        0 to 2**63 - 1. Noise and drawn lesions depend on it and on the sample's number alone.
    steps : int
        Network evaluations of a try, 1 to `MAX_STEPS`.
    guidance : float, str, mapping or None
        Weight of classifier-free guidance, 0 to 20; 1 is none. Or weights by group of conditions, such as
        ``mask=2,density=1.5,others=1``: names of `monai_mammo.attributes.GUIDED`, and ``others`` (or ``all``) for what
        is not named. `None`, and others that are not stated, take the bundle's own.
    guidance_interval : str, tuple of float or None
        Noise levels ``LOW,HIGH``, sigma over alpha, between which guidance applies; `None` takes the bundle's own,
        which is all where it states none.
    format : OutputFormat
    unsupported : UnsupportedPolicy
    dice_threshold : float
        A sample whose requested and found lesion agree less, by Dice, is drawn again, 0 to 1.
    max_tries : int
        Draws of a sample, the first included, 1 to 4.
    mend : bool
        Whether the lesion painter, where the bundle has one, paints a lesion that was not found and fills what was not
        requested, before the sample is drawn again.
    only_passed : bool
        Whether ``datalist.json`` leaves out samples that failed a criterion, as ``datalist_passed.json`` always does.
    mask : str or None
        Path of a lesion mask (PNG, as the picture hangs, above half is lesion) used for all samples.
    like : str or None
        Path of a real mammogram of which something is kept; `conditions` state what it shows, as far as wanted.
    keep : Keep or None
        ``breast``: outline and large structures, with the lesion that is requested; ``all-but-lesion``: every pixel
        outside the shown and the requested lesion, as the autoencoder reconstructs it; ``nothing`` (the default with
        `like`): its conditions and the outline of its lesion alone.
    strength : float or None
        With `like`, 0 to 1: time of the noise schedule that sampling starts at, from the image's own latent. 1, the
        default, starts from noise alone; 0 is the image's reconstruction.
    bundle, autoencoder, lesion_network : str
        Names or paths of the three bundles. They do not belong to the request's identity: the
        hashes of their weights do, and stand in the manifest.

    Raises
    ------
    RequestError
        A setting is not allowed.
    """

    conditions: Conditions | tuple[Conditions, ...] = Conditions()
    count: int | None = None
    also: AcquisitionKind | None = None
    seed: int = 0
    steps: int = MAX_STEPS
    guidance: GuidanceWeights | None = None
    guidance_interval: tuple[float, float] | None = None
    format: OutputFormat = OutputFormat.DICOM
    unsupported: UnsupportedPolicy = UnsupportedPolicy.REFUSE
    dice_threshold: float = 0.3
    max_tries: int = MAX_TRIES
    mend: bool = True
    only_passed: bool = False
    mask: str | None = None
    like: str | None = None
    keep: Keep | None = None
    strength: float | None = None
    bundle: str = DEFAULT_BUNDLES[0]
    autoencoder: str = DEFAULT_BUNDLES[1]
    lesion_network: str = DEFAULT_BUNDLES[2]

    def __post_init__(self) -> None:
        put = object.__setattr__
        rows = (self.conditions,) if isinstance(self.conditions, Conditions) else tuple(self.conditions)
        if not rows:
            raise RequestError("a request needs the conditions of at least one sample")
        put(self, "conditions", rows)
        put(self, "also", None if self.also is None else AcquisitionKind.parse(self.also))
        count = len(rows) * self.n_views if self.count is None else self.count
        put(self, "count", parse_whole(count, name="count", low=1, high=MAX_COUNT))
        if len(rows) > 1 and self.count != len(rows) * self.n_views:
            raise RequestError(f"count {self.count} does not fit the {len(rows)} samples that are listed")
        self._check_views()
        put(self, "seed", parse_whole(self.seed, name="seed", low=0, high=2**63 - 1))
        put(self, "steps", parse_whole(self.steps, name="steps", low=1, high=MAX_STEPS))
        put(self, "max_tries", parse_whole(self.max_tries, name="max_tries", low=1, high=MAX_TRIES))
        if self.guidance is not None:
            put(self, "guidance", parse_guidance(self.guidance))
        if self.guidance_interval is not None:
            put(self, "guidance_interval", parse_interval(self.guidance_interval))
        put(self, "dice_threshold", parse_number(self.dice_threshold, name="dice_threshold", low=0, high=1))
        put(self, "mend", parse_switch(self.mend, name="mend"))
        put(self, "only_passed", parse_switch(self.only_passed, name="only_passed"))
        put(self, "format", _member(OutputFormat, "format", self.format))
        put(self, "unsupported", _member(UnsupportedPolicy, "unsupported", self.unsupported))
        if self.like is None and (self.keep is not None or self.strength is not None):
            word = "keep" if self.keep is not None else "strength"
            raise RequestError(f"{word} says what stays of a real mammogram: name one with like")
        if self.like is not None:
            put(self, "keep", _member(Keep, "keep", Keep.NOTHING if self.keep is None else self.keep))
            strength = 1.0 if self.strength is None else self.strength
            put(self, "strength", parse_number(strength, name="strength", low=0, high=1))
        if self.mask is not None and any(row.finding is Finding.NONE for row in rows):
            raise RequestError("a mask is given with finding 'none': leave out the mask or name the finding")

    @property
    def n_views(self) -> int:
        """Samples of one breast: 1, or 2 with `also`."""
        return 1 if self.also is None else 2

    def _check_views(self) -> None:
        if self.also is None:
            return
        if self.count is not None and self.count % 2:
            raise RequestError(f"count {self.count} is odd, and each breast has two samples")
        if self.like is not None:
            raise RequestError("like takes one acquired view: ask for a second kind by the command translate")
        assert isinstance(self.conditions, tuple)
        for row in self.conditions:
            if row.kind is None or row.kind is self.also:
                raise RequestError(f"a second view of kind {self.also} needs a first one of another kind: name both")

    def conditions_of(self, index: int) -> Conditions:
        """Conditions that sample `index` is requested to show.

        Parameters
        ----------
        index : int
            Place in the order, from 0.

        Returns
        -------
        Conditions
        """
        rows = self.conditions
        assert isinstance(rows, tuple) and self.count is not None
        return rows[index // self.n_views] if len(rows) > 1 else rows[0]

    def replace(self, **changes: Any) -> Self:
        """Copy with some settings changed, checked anew.

        Returns
        -------
        Request
        """
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, in the order of declaration.

        Returns
        -------
        dict
        """
        out: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name == "also" and value is None:
                continue
            if field.name == "conditions":
                value = [row.to_dict() for row in value]
            elif isinstance(value, tuple):
                value = list(value) if field.name == "guidance_interval" else dict(value)
            out[field.name] = str(value) if isinstance(value, StrEnum) else value
        return out

    def identity(self) -> dict[str, Any]:
        """What decides a sample's pixels and files, apart from weights and device.

        `count` is not in it: sample k is the same in a run of 3 and in a run of 4, so a run may
        grow. Names and paths of bundles are not in it either: the hashes of weights stand for them.

        Returns
        -------
        dict
        """
        out = self.to_dict()
        for name in ("count", "only_passed", "bundle", "autoencoder", "lesion_network", "mask"):
            del out[name]
        out["recipe"] = RECIPE
        out["mask_sha256"] = None if self.mask is None else _file_sha256(self.mask)
        if out["guidance_interval"] is None:
            del out["guidance_interval"]
        if out.pop("like") is None:
            del out["keep"], out["strength"]
        else:
            out |= self.source()
        return out

    def source(self) -> dict[str, Any]:
        """The real mammogram that takes part, as the manifest states it; empty where none does.

        Returns
        -------
        dict
            ``like_sha256``; ``beside_sha256``, of the files beside it that say what it shows; ``keep``, ``strength``.
        """
        if self.like is None:
            return {}
        beside = files_beside(Path(self.like), allow_outside=False)
        return {
            "like_sha256": _file_sha256(self.like, "like"),
            "beside_sha256": [_file_sha256(str(path), "like") for path in beside],
            "keep": str(self.keep),
            "strength": self.strength,
        }

    @property
    def request_sha256(self) -> str:
        """SHA-256 of `identity` as canonical JSON."""
        return bytes_sha256(canonical_json(self.identity()).encode())


def _member(vocabulary: type[StrEnum], name: str, value: Any) -> StrEnum:
    try:
        return vocabulary(str(value))
    except ValueError:
        allowed = ", ".join(vocabulary)
        raise RequestError(f"{name} {str(value)[:40]!r} is not one of {allowed}") from None


def _file_sha256(path: str, word: str = "mask") -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise RequestError(f"{word} {path} cannot be read: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)

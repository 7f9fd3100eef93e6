"""Mammograms without what tells whose they are: a named list stays, everything else goes.

The list is `monai_mammo.dicom.deidentification.kept.KEPT`. It follows the basic profile of DICOM PS3.15, annex E: what
that profile removes or replaces is not on the list, whatever a device or a newer edition of the standard adds is not
either.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

from monai_mammo.dicom.deidentification.bare_pixels import bare_pixel_data, syntax_to_write
from monai_mammo.dicom.deidentification.forms import Codes, Items
from monai_mammo.dicom.deidentification.kept import CLASSES, EMPTIED, HASHED_UIDS, KEPT, LIST_NAME, PERSON
from monai_mammo.dicom.deidentification.pseudonyms import Pseudonyms
from monai_mammo.dicom.pydicom_messages import suppress_pydicom_messages
from monai_mammo.dicom.reading.codecs import PixelFormat, pixel_format
from monai_mammo.dicom.reading.guards import Limits, parse
from monai_mammo.dicom.reading.labels import find_age
from monai_mammo.dicom.reasons import Refusal, SkipReason
from monai_mammo.dicom.writing.store import dataset_bytes, file_meta
from monai_mammo.errors import RequestError
from monai_mammo.terms import Code

__all__ = ["Deidentified", "DeidentificationPolicy", "deidentified_bytes", "deidentify"]

BASIC_PROFILE = Code("113100", "DCM", "Basic Application Confidentiality Profile")
"""Code of the basic profile (PS3.16, CID 7050)."""

BANDS_KEPT = Code("SEX_AND_AGE_BAND", "99MONAI_MAMMO", "Except sex, and age in bands of 5 years")
"""Code of what departs from the basic profile on request."""

_OLDEST_BAND = 90  # ages above 89 identify by themselves (45 CFR 164.514)
_CODE = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
_REPLACED = frozenset({*PERSON, *HASHED_UIDS, *EMPTIED, *_CODE, "SOPClassUID", "PixelData"})
_OF_OURS = frozenset(
    {
        "PatientIdentityRemoved",
        "DeidentificationMethod",
        "DeidentificationMethodCodeSequence",
        "LongitudinalTemporalInformationModified",
        "PixelSpacingCalibrationDescription",
    }
)
_SORTS = {
    **dict.fromkeys(("PN", "AE"), "names"),
    **dict.fromkeys(("DA", "TM", "DT", "AS"), "dates and times"),
    "UI": "UIDs",
    **dict.fromkeys(("LO", "LT", "SH", "ST", "UC", "UT", "UR", "CS"), "text"),
    "SQ": "sequences",
    "UN": "unknown",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DeidentificationPolicy:
    """What the caller decides.

    Parameters
    ----------
    keep_sex_and_age_band : bool
        Sex, and age rounded down to a multiple of 5 years, from 90 years on as 90, stay. The basic profile removes
        both, so the file then names the exception beside it.
    burned_in : {"refuse", "keep"}
        An image whose header says that text is burnt into the picture is refused, or kept and still says so.
    """

    keep_sex_and_age_band: bool = False
    burned_in: Literal["refuse", "keep"] = "refuse"

    def __post_init__(self) -> None:
        if self.burned_in not in ("refuse", "keep"):
            raise RequestError(f"burned-in {self.burned_in!r} is not one of refuse, keep")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Deidentified:
    """A file that was de-identified.

    Parameters
    ----------
    path : Path
        The new file.
    person_id, sop_instance_uid : str
        Pseudonyms; the person's is empty where the file named nobody.
    removed : dict of str to int
        Number of attributes that went, by their sort; never their values.
    notes : tuple of str
        What the list cannot take away.
    """

    path: Path
    person_id: str
    sop_instance_uid: str
    removed: dict[str, int]
    notes: tuple[str, ...] = ()


def deidentify(
    dataset: Dataset,
    *,
    secret: bytes | None = None,
    policy: DeidentificationPolicy | None = None,
    limits: Limits | None = None,
) -> Dataset:
    """Copy of a mammogram's dataset with the kept list alone.

    Stored pixel values stay bit for bit. Of native pixels, bits beside the stored ones and bytes behind the last pixel
    go. Compressed ones are decoded and coded anew; JPEG with loss is stripped to what decoding needs. All of it happens
    in this process, which holds the dataset already: a damaged frame may end it. Files of others are for
    `deidentify_file` and `deidentify_folder`, which have a process of their own for them.

    PatientName and PatientID become a keyed hash, UIDs too, so that under one secret a person and a study stay together
    and a second time changes nothing.

    Parameters
    ----------
    dataset : Dataset
        A single grey image, with its file meta information; it stays as it is.
    secret : bytes, optional
        At least 16 bytes that make the pseudonyms; without it they are random, in each call.
    policy : DeidentificationPolicy, optional
        What is left to the caller.
    limits : Limits, optional
        Most pixels of an image.

    Returns
    -------
    Dataset
        With new file meta information.

    Raises
    ------
    RequestError
        The secret is too short.
    MammoError
        The dataset is not a single grey image, its pixels and header do not fit, or its header says that text is burnt
        into the picture.
    """
    return _deidentified(dataset, Pseudonyms(secret), policy or DeidentificationPolicy(), limits or Limits())[0]


def deidentified_bytes(
    data: bytes, pseudonyms: Pseudonyms, policy: DeidentificationPolicy, limits: Limits
) -> tuple[bytes, Deidentified]:
    """New file of a file's bytes, and a record without a path.

    Parameters
    ----------
    data : bytes
        The file.
    pseudonyms : Pseudonyms
    policy : DeidentificationPolicy
    limits : Limits

    Returns
    -------
    data : bytes
        The new file.
    record : Deidentified
        Without a path.

    Raises
    ------
    Refusal
        The file is not de-identified, see `deidentify`.
    """
    with suppress_pydicom_messages():
        dataset, removed, notes = _deidentified(parse(data, limits), pseudonyms, policy, limits)
        return dataset_bytes(dataset), Deidentified(
            path=Path(),
            person_id=str(dataset.get("PatientID", "")),
            sop_instance_uid=str(dataset.SOPInstanceUID),
            removed=dict(sorted(removed.items())),
            notes=notes,
        )


def _deidentified(
    dataset: Dataset, pseudonyms: Pseudonyms, policy: DeidentificationPolicy, limits: Limits
) -> tuple[Dataset, Counter[str], tuple[str, ...]]:
    removed: Counter[str] = Counter()
    try:
        with suppress_pydicom_messages():
            form = _checked(dataset, policy, limits)
            out = _filtered(dataset, removed)
            _drop_tables_without_a_sequence(out)
            _put_replacements(out, dataset, pseudonyms, policy)
            notes = _put_pixels(out, dataset, form, removed)
            if pixel_format(out, limits) != form:
                raise Refusal(SkipReason.DAMAGED, "an attribute of the pixels has another value representation")
    except Refusal:
        raise
    except Exception as error:  # values are converted on access, so a damaged one shows anywhere, and is quoted
        raise Refusal(SkipReason.DAMAGED, f"an attribute cannot be read ({type(error).__name__})") from None
    return out, removed, notes


def _checked(dataset: Dataset, policy: DeidentificationPolicy, limits: Limits) -> PixelFormat:
    if dataset.get("SOPClassUID") not in CLASSES:
        raise Refusal(SkipReason.NOT_MAMMOGRAPHY, "the object is neither a single X-ray image nor a captured picture")
    if "PixelData" not in dataset:
        raise Refusal(SkipReason.NO_PIXELS, "the object has no pixels")
    if (dataset.get("NumberOfFrames") or 1) != 1:
        raise Refusal(SkipReason.MULTI_FRAME, "the object has more than one frame")
    if dataset.get("SamplesPerPixel") != 1:
        raise Refusal(SkipReason.COLOR, "the picture is coloured")
    if policy.burned_in == "refuse" and dataset.get("BurnedInAnnotation") == "YES":
        raise Refusal(SkipReason.BURNED_IN, "the header says that text is burnt into the picture")
    return pixel_format(dataset, limits)


def _filtered(dataset: Dataset, removed: Counter[str]) -> Dataset:
    """What the list keeps of a dataset or item; what goes is counted."""
    out = Dataset()
    for tag in list(dataset.keys()):
        keyword = keyword_for_tag(tag)
        if tag.is_private or keyword not in KEPT:
            if keyword not in _REPLACED and keyword not in _OF_OURS:
                removed[_sort(dataset, tag)] += 1
            continue
        element = _kept_element(dataset, tag, keyword, removed)
        if element is not None:
            out[tag] = element
    return out


def _kept_element(dataset: Dataset, tag: BaseTag, keyword: str, removed: Counter[str]) -> DataElement | None:
    """Element with what stays of its value, empty where a class demands it, or `None`."""
    kept = KEPT[keyword]
    representations = [*dictionary_VR(tag).split(" or "), dictionary_VR(tag)]
    try:
        element = dataset[tag]
        if element.VR in representations and element.is_empty:
            return _empty(tag, element.VR)
        value = kept.form.kept(element.value) if element.VR in representations else None
        if value is not None and isinstance(kept.form, Items):
            value = Sequence(_kept_items(value, kept.form, removed)) or None
    except Exception:  # a value that cannot be converted is of no form
        value = None
    if value is not None:
        return DataElement(tag, element.VR, copy.deepcopy(value), already_converted=True)
    removed["of another form"] += 1
    return _empty(tag, representations[0]) if kept.is_demanded else None


def _empty(tag: BaseTag, representation: str) -> DataElement:
    return DataElement(tag, representation, [] if representation == "SQ" else None)


def _kept_items(items: Sequence, form: Items, removed: Counter[str]) -> list[Dataset]:
    out = []
    for item in items:
        stays = _filtered(item, removed)
        if isinstance(form, Codes):
            code = form.known.get(str(item.get("CodeValue", "")).strip())
            if code is None:
                removed["codes"] += 1
                continue
            _put_code(stays, code)
        if len(stays) and _table_fits(stays):
            out.append(stays)
    return out


def _put_code(item: Dataset, code: Code) -> None:
    for keyword, text in zip(_CODE, code, strict=True):
        setattr(item, keyword, text)


def _table_fits(item: Dataset) -> bool:
    """Whether a look-up table has the entries that its descriptor announces, and nothing behind them."""
    if ("LUTData" in item) != ("LUTDescriptor" in item):
        return False
    if "LUTData" not in item:
        return True
    n_entries = int(item.LUTDescriptor[0]) or 65536
    n_bytes = len(item.LUTData) if isinstance(item.LUTData, bytes) else 2 * item["LUTData"].VM
    return n_bytes in (2 * n_entries, n_entries + n_entries % 2)


def _drop_tables_without_a_sequence(out: Dataset) -> None:
    """A look-up table belongs into an item, where its size is checked; anywhere else it could be anything."""
    for keyword in ("LUTDescriptor", "LUTData"):
        if keyword in out:
            del out[keyword]


def _sort(dataset: Dataset, tag: BaseTag) -> str:
    if tag.is_private:
        return "private"
    if 0x5000 <= tag.group <= 0x50FF or 0x6000 <= tag.group <= 0x60FF:
        return "overlays and curves"
    representation = dataset.get_item(tag).VR
    if representation in (None, "UN"):
        try:
            representation = dictionary_VR(tag)
        except KeyError:
            return "unknown"
    return _SORTS.get(str(representation), "other")


def _put_replacements(out: Dataset, dataset: Dataset, pseudonyms: Pseudonyms, policy: DeidentificationPolicy) -> None:
    out.SOPClassUID = dataset.SOPClassUID
    for keyword in HASHED_UIDS:
        if dataset.get(keyword):
            setattr(out, keyword, pseudonyms.uid(str(dataset.get(keyword))))
    if "SOPInstanceUID" not in out:
        out.SOPInstanceUID = pseudonyms.uid(f"no uid\x1f{hashlib.sha256(dataset.PixelData).hexdigest()}")
    for keyword in EMPTIED:
        if keyword in dataset:
            out[keyword] = _empty(Tag(keyword), dictionary_VR(keyword))
    for keyword in PERSON:
        if keyword in dataset:
            setattr(out, keyword, pseudonyms.person(dataset))
    if policy.keep_sex_and_age_band:
        _put_sex_and_age_band(out, dataset)
    if "PixelSpacingCalibrationType" in out:  # demands a description
        out.PixelSpacingCalibrationDescription = f"see PixelSpacingCalibrationType; {LIST_NAME}"
    _put_method(out, policy)


def _put_sex_and_age_band(out: Dataset, dataset: Dataset) -> None:
    if dataset.get("PatientSex") in ("F", "M", "O"):
        out.PatientSex = dataset.PatientSex
    age = find_age(dataset)
    if age is not None:
        out.PatientAge = f"{min(age // 5 * 5, _OLDEST_BAND):03d}Y"


def _put_method(out: Dataset, policy: DeidentificationPolicy) -> None:
    out.PatientIdentityRemoved = "YES"
    out.DeidentificationMethod = LIST_NAME
    out.LongitudinalTemporalInformationModified = "REMOVED"
    out.DeidentificationMethodCodeSequence = list(_claims(policy))


def _claims(policy: DeidentificationPolicy) -> Iterator[Dataset]:
    for code in (BASIC_PROFILE, *((BANDS_KEPT,) if policy.keep_sex_and_age_band else ())):
        item = Dataset()
        _put_code(item, code)
        yield item


def _put_pixels(out: Dataset, dataset: Dataset, form: PixelFormat, removed: Counter[str]) -> tuple[str, ...]:
    syntax = syntax_to_write(dataset)
    out["PixelData"], notes = bare_pixel_data(dataset, form, syntax, removed)
    out.file_meta = file_meta(out.SOPClassUID, out.SOPInstanceUID, syntax)
    if dataset.get("BurnedInAnnotation") == "YES":
        return *notes, "the header says that text is burnt into the picture"
    is_said = dataset.get("BurnedInAnnotation") == "NO"
    return notes if is_said else (*notes, "whether text is burnt into the picture is not said")

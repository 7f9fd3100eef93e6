"""Edited real mammograms as DICOM: a new object that says from which image it came and what was changed.

Whatever the acquisition put into the source is copied, nothing of it is invented: what the standard demands and the
source leaves out is there and empty. The patient stays the source's: to write an image without a patient, edit the
de-identified dataset.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom import uid
from pydicom.dataset import Dataset

from monai_mammo.conditions import Box, Conditions
from monai_mammo.dicom.identity import Identity, Provenance, stable_uid
from monai_mammo.dicom.pydicom_messages import suppress_pydicom_messages
from monai_mammo.dicom.reading.guards import Limits, file_bytes, parse
from monai_mammo.dicom.reasons import Refusal
from monai_mammo.dicom.writing.encode import TransferSyntax, encode
from monai_mammo.dicom.writing.greyscale import put_brightness, put_full_window, put_pixels
from monai_mammo.dicom.writing.mammogram_object import INTENTS
from monai_mammo.dicom.writing.provenance_attributes import (
    SOURCE_OF_PROCESSING,
    coded,
    contribution,
    derivation,
    edited_source,
)
from monai_mammo.dicom.writing.store import dataset_bytes, file_meta
from monai_mammo.dicom.writing.told_lesions import lesions_told
from monai_mammo.dicom.writing.visit import Visit, put_visit
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.whole import save_bytes
from monai_mammo.terms import Code

__all__ = ["EDITS", "edited_dataset", "write_edited"]

EDITS = {
    # CID 7203 knows no lesion edits and may be extended
    "lesion_inserted": Code("lesion_inserted", "99MONAI_MAMMO", "Lesion inserted by a generative model"),
    "lesion_removed": Code("lesion_removed", "99MONAI_MAMMO", "Lesion removed by a generative model"),
    "lesion_changed": Code("lesion_changed", "99MONAI_MAMMO", "Lesion changed by a generative model"),
    "reading_changed": Code("reading_changed", "99MONAI_MAMMO", "Changed until a lesion network reads it otherwise"),
    "translated": Code("translated", "99MONAI_MAMMO", "Other acquisition drawn by a generative model"),
    "acquisition_varied": Code("acq_varied", "99MONAI_MAMMO", "Compression or exposure varied by a computer"),
    "reconstructed": Code("reconstructed", "99MONAI_MAMMO", "Passed through a generative autoencoder"),
    "edge_enhancement": Code("113086", "DCM", "Edge enhancement"),
    "smoothing": Code("113087", "DCM", "Smoothing"),
    "gaussian_blur": Code("113088", "DCM", "Gaussian blur"),
}
"""Codes for DerivationCodeSequence of what may be done to an image, by name."""

_MAMMOGRAM_CLASSES = tuple(sop_class for sop_class, _ in INTENTS.values())
_LOSSY = (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLSNearLossless, uid.JPEG2000, uid.HTJ2K)

# true of the source's pixels, bytes or moment of writing, not of these
_NOT_COPIED = (
    "InstanceCreationDate InstanceCreationTime InstanceCreatorUID ContentDate ContentTime IconImageSequence "
    "SmallestImagePixelValue LargestImagePixelValue SmallestPixelValueInSeries LargestPixelValueInSeries "
    "HistogramSequence DigitalSignaturesSequence MACParametersSequence EncryptedAttributesSequence "
    "DataSetTrailingPadding SourceImageSequence DerivationCodeSequence PixelData ExtendedOffsetTable "
    "ExtendedOffsetTableLengths"
).split()
# of a person and a study, which must be there and may be empty (Type 2): a mask of the edit copies them
_MAY_BE_EMPTY = (
    "PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime ReferringPhysicianName StudyID "
    "AccessionNumber"
).split()
# how the source's stored values were to be shown
_NOT_FOR_BRIGHTNESS = (
    "ModalityLUTSequence VOILUTSequence WindowCenterWidthExplanation PixelPaddingValue PixelPaddingRangeLimit"
).split()


def write_edited(
    pixels: np.ndarray,
    source: Dataset | str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    edits: Sequence[str],
    identity: Identity,
    provenance: Provenance,
    conditions: Conditions | None = None,
    visit: Visit | None = None,
    is_moved: bool = False,
    lesions: Sequence[Box] | None = None,
    transfer_syntax: TransferSyntax = "jpeg-ls",
) -> Dataset:
    """Write an edited version of a real mammogram; equal arguments give equal bytes.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
        The picture after editing, on the grid of the source. Unsigned integers are stored values on the
        source's own scale, and its window, tables and polarity are kept. Floats are brightness in [0, 1], as
        `read_mammogram` gives it: they are written over the whole range of the source's bits, MONOCHROME2.
    source : Dataset or path
        The image that was edited; its patient, study and acquisition are copied as they stand. Pass the
        de-identified dataset where the patient shall not be in the file.
    path : path
        File to write; it appears whole or not at all.
    edits : sequence of str
        What was done, names of `EDITS`, at least one.
    identity : Identity
        The run and sample that the edit belongs to; with the source's UIDs it gives the new ones.
    provenance : Provenance
        What made the edit.
    conditions : Conditions, optional
        What the picture shows now, where that is known.
    visit : Visit, optional
        When the picture is said to be taken; as its source, where none is given.
    is_moved : bool
        Whether what the pixels show lies elsewhere than in the source.
    lesions : sequence of Box, optional
        Where lesions are known after the edit; ImageComments then say it, and `told_lesions` reads it.
    transfer_syntax : str
        One of `encode.TRANSFER_SYNTAXES`.

    Returns
    -------
    pydicom.Dataset
        What was written, with its file meta information.

    Raises
    ------
    RequestError
        Pixels and source do not fit, an edit is unknown, side or view of the conditions are not the source's.
    MammoError
        The source cannot be read or is not a grey image, or the file cannot be written.
    """
    dataset = edited_dataset(
        pixels,
        source,
        edits=edits,
        identity=identity,
        provenance=provenance,
        conditions=conditions,
        visit=visit,
        is_moved=is_moved,
        lesions=lesions,
    )
    encode(dataset, transfer_syntax)
    save_bytes(dataset_bytes(dataset), path)
    return dataset


def edited_dataset(
    pixels: np.ndarray,
    source: Dataset | str | os.PathLike[str],
    *,
    edits: Sequence[str],
    identity: Identity,
    provenance: Provenance,
    conditions: Conditions | None = None,
    visit: Visit | None = None,
    is_moved: bool = False,
    lesions: Sequence[Box] | None = None,
) -> Dataset:
    """Dataset of an edited mammogram with native pixels; see `write_edited`.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
    source, edits, identity, provenance, conditions, visit, is_moved, lesions
        As for `write_edited`.

    Returns
    -------
    Dataset
        With file meta information, explicit little endian.

    Raises
    ------
    MammoError
        As for `write_edited`.
    """
    acquired = source if isinstance(source, Dataset) else _read(Path(source))
    _check(pixels, acquired, edits, conditions)
    dataset = _copied(acquired)
    dataset.SOPInstanceUID = stable_uid(acquired.SOPInstanceUID, identity.uid("edited"))
    dataset.SeriesInstanceUID = stable_uid(acquired.SeriesInstanceUID, identity.uid("edited series"))
    dataset.file_meta = file_meta(dataset.SOPClassUID, dataset.SOPInstanceUID, uid.ExplicitVRLittleEndian)
    _put_pixels(dataset, pixels)
    _put_origin(dataset, acquired, edits, is_moved=is_moved)
    _put_provenance(dataset, acquired, provenance, lesions)
    if visit is not None:
        put_visit(dataset, visit)
    made = f"Edited ({', '.join(edits)}), {provenance.method} by {provenance.tool} {provenance.tool_version}"
    dataset.DerivationDescription = derivation(made, conditions, identity)
    return dataset


def _read(path: Path) -> Dataset:
    limits = Limits()
    try:
        with suppress_pydicom_messages():
            return parse(file_bytes(path, limits), limits)
    except Refusal as refusal:
        raise MammoError(f"{path.name} cannot be edited: {refusal.detail}") from None


def _check(pixels: np.ndarray, source: Dataset, edits: Sequence[str], conditions: Conditions | None) -> None:
    needed = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Rows", "Columns", "BitsStored")
    missing = [keyword for keyword in needed if not source.get(keyword)]
    if missing:
        raise MammoError(f"an image without {' and '.join(missing)} cannot be edited")
    if source.get("SamplesPerPixel") != 1 or int(source.get("NumberOfFrames") or 1) != 1 or source.BitsStored > 16:
        raise MammoError("only an image of one grey frame of up to 16 bits can be edited")
    if not edits or any(edit not in EDITS for edit in edits):
        raise RequestError(f"edits {', '.join(map(repr, edits)) or 'none'} are not all of {', '.join(EDITS)}")
    if pixels.shape != (source.Rows, source.Columns):
        raise RequestError(f"edited pixels {pixels.shape} are not on the source's grid {source.Rows, source.Columns}")
    _check_values(pixels, source)
    said = {"laterality": source.get("ImageLaterality"), "view": source.get("ViewPosition")}
    for name, value in said.items():
        shown = getattr(conditions, name, None)
        if shown is not None and value and shown != value:
            raise RequestError(f"{name} {str(shown)!r} of the edited image is not the source's")


def _check_values(pixels: np.ndarray, source: Dataset) -> None:
    if pixels.dtype.kind == "u":
        if source.get("PixelRepresentation") == 1:
            raise RequestError("stored values of a signed source cannot be edited: pass brightness in [0, 1]")
        if int(pixels.max()) >= 2**source.BitsStored:
            raise RequestError(f"stored values reach {int(pixels.max())}, the source has {source.BitsStored} bits")
    elif pixels.dtype.kind == "f":
        if source.SOPClassUID == uid.DigitalMammographyXRayImageStorageForProcessing:
            raise RequestError("an image for processing has no brightness: pass its stored values")
        if not (np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 1):
            raise RequestError("brightness of an edited image must be finite and lie in [0, 1]")
    else:
        raise RequestError(f"edited pixels of type {pixels.dtype} are neither unsigned integers nor floats")


def _copied(source: Dataset) -> Dataset:
    """Copy of the source without pixels, private elements and what is true of its pixels alone."""
    dataset = Dataset()
    try:
        with suppress_pydicom_messages():
            for element in source:  # reading them decodes them, whatever the byte order
                if element.keyword not in _NOT_COPIED and not element.tag.is_private and element.tag.element:
                    dataset.add(copy.deepcopy(element))
            dataset.remove_private_tags()
    except (ValueError, TypeError, AttributeError, NotImplementedError, EOFError):
        raise MammoError("the source of an edit holds an attribute that cannot be read") from None
    for keyword in _MAY_BE_EMPTY:
        if keyword not in dataset:
            setattr(dataset, keyword, "")
    return dataset


def _put_pixels(dataset: Dataset, pixels: np.ndarray) -> None:
    if pixels.dtype.kind == "u":
        put_pixels(dataset, pixels, int(dataset.BitsStored))
        return
    was_inverted = dataset.get("PhotometricInterpretation") == "MONOCHROME1"
    for keyword in _NOT_FOR_BRIGHTNESS:
        dataset.pop(keyword, None)
    put_brightness(dataset, pixels, int(dataset.BitsStored))
    put_full_window(dataset, int(dataset.BitsStored))
    if dataset.SOPClassUID not in _MAMMOGRAM_CLASSES:  # other classes know neither shape nor type of the output
        del dataset.PresentationLUTShape, dataset.RescaleType, dataset.RescaleSlope, dataset.RescaleIntercept
    if was_inverted and "PixelIntensityRelationshipSign" in dataset:
        dataset.PixelIntensityRelationshipSign = -dataset.PixelIntensityRelationshipSign


def _put_origin(dataset: Dataset, source: Dataset, edits: Sequence[str], *, is_moved: bool) -> None:
    item = Dataset()
    item.ReferencedSOPClassUID = source.SOPClassUID
    item.ReferencedSOPInstanceUID = source.SOPInstanceUID
    item.PurposeOfReferenceCodeSequence = [coded(SOURCE_OF_PROCESSING)]
    item.SpatialLocationsPreserved = "NO" if is_moved else "YES"
    # an edited image that is edited again says what was done before, and from which images it came
    dataset.SourceImageSequence = [item, *_former(source, "SourceImageSequence")]
    done = [coded(EDITS[edit]) for edit in edits]
    dataset.DerivationCodeSequence = [*done, *_former(source, "DerivationCodeSequence")]
    # made after the examination (PS3.3, C.7.6.1.1.2); what follows says of what sort the acquisition is
    dataset.ImageType = ["DERIVED", "SECONDARY", *list(source.get("ImageType") or [])[2:]]
    meta = getattr(source, "file_meta", Dataset())
    if meta.get("TransferSyntaxUID") in _LOSSY:  # what was lost once stays lost
        dataset.LossyImageCompression = "01"


def _former(source: Dataset, keyword: str) -> list[Dataset]:
    """Items of a source that was edited itself; those of an acquired one tell of its acquisition."""
    return [] if edited_source(source) is None else [copy.deepcopy(item) for item in source.get(keyword) or []]


def _put_provenance(dataset: Dataset, source: Dataset, provenance: Provenance, lesions: Sequence[Box] | None) -> None:
    dataset.SyntheticData = "YES"
    dataset.SeriesDescription = f"SYNTHETIC EDIT {source.get('SeriesDescription') or ''}".strip()[:64]
    said = "SYNTHETIC content: this image was edited by a computer, not for diagnosis."
    told = [] if lesions is None else [lesions_told(lesions)]
    comments = [said, *provenance.notes, *told, str(source.get("ImageComments") or "")]
    dataset.ImageComments = " ".join(comment for comment in comments if comment)[:10240]
    made_by = [contribution(weights, provenance) for weights in provenance.weights]
    dataset.ContributingEquipmentSequence = [*(dataset.get("ContributingEquipmentSequence") or []), *made_by]

"""Mammograms to write and files to read, both made on the spot."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset

from monai_mammo.conditions import Box, Conditions
from monai_mammo.dicom import Identity, Provenance, WeightsReference, read_mammogram
from monai_mammo.dicom.writing.store import dataset_bytes
from monai_mammo.study import Mammogram, Spacing
from monai_mammo.terms import ChestWall

DIFFUSION = WeightsReference("mammo_diffusion", "0.1.0", "ab" * 32)


@pytest.fixture(scope="session")
def identity():
    return Identity("request-hash", 7, "0001")


@pytest.fixture(scope="session")
def provenance():
    return Provenance(weights=(DIFFUSION, WeightsReference("mammo_autoencoder", "0.1.0", "cd" * 32)))


@pytest.fixture(scope="session")
def make_mammogram():
    """Half an ellipse at the chest wall; every twelfth of the grey scale occurs."""

    def make(laterality="L", view="MLO", shape=(96, 64), **changes):
        y, x = np.mgrid[: shape[0], : shape[1]] / np.array(shape).reshape(2, 1, 1)
        pixels = np.clip(1 - (x / 0.8) ** 2 - ((y - 0.5) / 0.45) ** 2, 0, 1).astype(np.float32)
        wall = ChestWall.LEFT if laterality == "L" else ChestWall.RIGHT
        fields = {
            "pixels": pixels if laterality == "L" else pixels[:, ::-1],
            "conditions": Conditions(
                kind="digital",
                view=view,
                laterality=laterality,
                density="C",
                finding="mass",
                box=Box(0.2, 0.4, 0.5, 0.6),
            ),
            "spacing": Spacing(0.9, 0.8, "nominal"),
            "chest_wall": wall,
        }
        return Mammogram(**{**fields, **changes})

    return make


@pytest.fixture(scope="session")
def make_dataset():
    """Captured mammogram with given stored pixels; the class allows signed pixels."""

    def make(pixels, *, bits=12, signed=False, syntax=uid.ExplicitVRLittleEndian, **attributes):
        dataset = Dataset()
        dataset.SOPClassUID = uid.SecondaryCaptureImageStorage
        dataset.SOPInstanceUID = "2.25.1"
        dataset.Modality = "MG"
        dataset.Rows, dataset.Columns = pixels.shape
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.BitsAllocated = 8 if bits == 8 else 16
        dataset.BitsStored = bits
        dataset.HighBit = bits - 1
        dataset.PixelRepresentation = int(signed)
        for keyword, value in attributes.items():
            if value is None:
                del dataset[keyword]
            else:
                setattr(dataset, keyword, value)
        order = ">" if syntax == uid.ExplicitVRBigEndian else "<"
        kind = "u1" if bits == 8 else f"{order}u2"
        data = (pixels.astype(np.int64) & 0xFFFF).astype(kind).tobytes()
        dataset.add_new("PixelData", "OB" if bits == 8 else "OW", data + b"\0" * (len(data) % 2))
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
        return dataset

    return make


@pytest.fixture
def write(tmp_path):
    """Save a dataset, or bytes, and give the path."""

    def save(content, name="image.dcm"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else dataset_bytes(content))
        return path

    return save


@pytest.fixture
def stored(write):
    """Stored values of a file's bytes, and its notes."""

    def read(data):
        found = read_mammogram(write(data), mode="raw")
        assert isinstance(found, Mammogram), found
        dark, bright = found.value_range
        return np.rint(dark + found.pixels.astype(np.float64) * (bright - dark)).astype(np.int64), found.notes

    return read

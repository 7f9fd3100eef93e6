"""A painter with random weights, and acquired mammograms to edit: files as a scanner writes them."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_bundles import write_painter, write_tiny_bundles

from monai_mammo.conditions import Conditions
from monai_mammo.dicom import Identity, Provenance, WeightsReference
from monai_mammo.dicom.writing.encode import encode
from monai_mammo.dicom.writing.mammogram_object import mammogram_dataset
from monai_mammo.dicom.writing.store import dataset_bytes
from monai_mammo.files.png import png_bytes
from monai_mammo.phantom import draw_mammogram
from monai_mammo.study import Spacing, chest_wall_of

SHAPE = (320, 240)


@pytest.fixture(scope="session")
def painter_folder(tmp_path_factory):
    """Folder with the tiny bundles, the generator's with a painter."""
    folder = tmp_path_factory.mktemp("painter_bundles")
    write_painter(write_tiny_bundles(folder)["mammo_diffusion"])
    return folder


@pytest.fixture
def tiny(painter_folder, monkeypatch):
    """The tiny bundles found by the names of the shipped ones."""
    monkeypatch.setenv("MONAI_MAMMO_BUNDLES", str(painter_folder))
    return painter_folder


@pytest.fixture(scope="session")
def drawn():
    """A drawn mammogram without a lesion."""
    conditions = Conditions(kind="digital", view="CC", laterality="L", density="B", finding="none")
    mammogram = draw_mammogram(conditions, seed=1, shape=SHAPE)
    return mammogram.replace(spacing=Spacing(0.2, 0.2, "imager"), chest_wall=chest_wall_of(conditions.laterality))


@pytest.fixture
def picture(drawn, tmp_path):
    """The same as a PNG of 16 bits."""
    path = tmp_path / "normal.png"
    path.write_bytes(png_bytes(np.round(drawn.pixels * 60000).astype(np.uint16)))
    return path


@pytest.fixture
def scanned(drawn, tmp_path):
    """Writer of a DICOM file as a scanner writes it: a person, no mark of synthesis."""

    def write(name="normal.dcm", *, inverted=False, **changes):
        provenance = Provenance(weights=(WeightsReference("none", "0"),))
        dataset = mammogram_dataset(drawn, identity=Identity("run", 1, "0000"), provenance=provenance)
        for keyword in (
            "SyntheticData DerivationDescription PatientIdentityRemoved DeidentificationMethod "
            "ContributingEquipmentSequence StudyDescription"
        ).split():
            del dataset[keyword]
        fields = {"ImageType": ["ORIGINAL", "PRIMARY", ""], "PatientName": "EXAMPLE^PERSON", "PatientID": "EX-0815"}
        fields |= {"KVP": "29", "ImageComments": "", "SeriesDescription": "L CC"}
        for keyword, value in (fields | changes).items():
            setattr(dataset, keyword, value)
        if inverted:
            values = np.frombuffer(dataset.PixelData, dtype="<u2")
            dataset.PixelData = (4095 - values).astype("<u2").tobytes()
            dataset.PhotometricInterpretation, dataset.PresentationLUTShape = "MONOCHROME1", "INVERSE"
        encode(dataset, "jpeg-ls")
        path = tmp_path / name
        path.write_bytes(dataset_bytes(dataset))
        return path

    return write

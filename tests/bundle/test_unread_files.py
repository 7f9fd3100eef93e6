"""A bad file of a folder costs itself alone, and is said at the end."""

from __future__ import annotations

import json
import shutil

import monai.bundle
import pytest

from monai_mammo.bundle import find
from monai_mammo.errors import MammoError

pytestmark = pytest.mark.filterwarnings("ignore:parsing config_file:UserWarning")


@pytest.mark.parametrize("name", ["mammo_autoencoder", "mammo_lesion_segmentation"])
def test_the_others_are_written_and_the_bad_ones_listed(tiny_bundles, elsewhere, name):
    good = sorted((find(name).root / "data").glob("phantom_*_??.png")) + sorted(
        (find(name).root / "data").glob("phantom_*_MLO.png")
    )
    folder = elsewhere / "folder"
    folder.mkdir()
    for path in good:
        shutil.copy(path, folder / path.name)
    (folder / "a_first.dcm").write_bytes(b"not DICOM")
    (folder / "z_last.png").write_bytes(b"not a picture")
    settings = {"dataset_dir": str(folder), "output_dir": "out", "shape": [64, 48], "logging_file": False}
    config = str(tiny_bundles / name / "configs" / "inference.json")
    with pytest.raises(Exception, match=".") as caught:
        monai.bundle.run(config_file=config, **settings, batch_size=1)
    error: BaseException | None = caught.value
    while error is not None and not isinstance(error, MammoError):
        error = error.__cause__
    assert "2 of 4 images were not read, first " in str(error)
    assert len(json.loads((elsewhere / "out" / "not_read.json").read_text())) == 2
    assert len(list((elsewhere / "out").glob("*.png"))) == len(good) == 2
    for path in ("a_first.dcm", "z_last.png"):
        (folder / path).unlink()
    monai.bundle.run(config_file=config, **settings)
    assert not (elsewhere / "out" / "not_read.json").exists()

"""The room's public face."""

from __future__ import annotations

import subprocess
import sys

import pytest

from monai_mammo import dicom


def test_all_is_what_one_sees_and_each_name_is_documented():
    assert dir(dicom) == dicom.__all__
    for name in dicom.__all__:
        assert getattr(dicom, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = dicom.nothing


def test_reading_costs_neither_torch_nor_monai_nor_highdicom():
    code = (
        "import sys; from monai_mammo.dicom import read_mammogram, write_mammogram, write_segmentation, complete;"
        "sys.exit(any(name in sys.modules for name in ('torch', 'monai', 'highdicom')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

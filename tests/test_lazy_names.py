"""One function gives every package its names on first use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import monai_mammo
from monai_mammo.lazy_names import lazy_names


def test_names_come_from_their_modules():
    get, names = lazy_names("monai_mammo.dicom", {"Limits": "reading.guards", "Study": "monai_mammo.study"})
    assert get("Limits").__module__ == "monai_mammo.dicom.reading.guards"
    assert get("Study") is monai_mammo.Study
    assert names() == ["Limits", "Study"]
    with pytest.raises(AttributeError, match=r"'monai_mammo\.dicom' has no attribute 'nothing'"):
        get("nothing")


def test_a_list_of_names_cannot_be_spoiled_by_its_reader():
    _, names = lazy_names("monai_mammo", {}, names=["b", "a"], submodules=["bundle"])
    names().append("c")
    assert names() == ["b", "a"]


def test_a_submodule_is_loaded_when_it_is_asked_for():
    code = (
        "import sys, monai_mammo; assert 'monai_mammo.bundle' not in sys.modules;"
        "assert monai_mammo.bundle is sys.modules['monai_mammo.bundle']"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_package_has_a_copy_of_its_own():
    packages = Path(monai_mammo.__file__).parent.rglob("__init__.py")
    assert not [path for path in packages if "def __getattr__" in path.read_text(encoding="utf-8")]

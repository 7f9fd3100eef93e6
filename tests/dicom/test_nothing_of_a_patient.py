"""What files say of a person stands in no message, note, log record or warning of the readers."""

from __future__ import annotations

import logging
import warnings

import pytest
from named_files import FILES, NAME
from pydicom import dcmread

from monai_mammo.dicom import Deidentified, complete, deidentify_file, read_mammogram, read_segmentation
from monai_mammo.dicom.pydicom_messages import suppress_pydicom_messages
from monai_mammo.errors import MammoError
from monai_mammo.study import Mammogram


@pytest.fixture
def heard(caplog, capfd):
    """All that is said, by logging, warnings or printing, in one text."""
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield lambda: "\n".join([caplog.text, *(str(warning.message) for warning in caught), *capfd.readouterr()])


def said_of(result):
    """What a result says in words: all of it but the pixels and the hash of the file."""
    if isinstance(result, Mammogram):
        return "\n".join([*result.notes, repr(result.conditions), repr(result.spacing), result.person_id])
    return repr(result)


@pytest.mark.parametrize("name", FILES)
def test_reader_repeats_nothing(name, write, heard):
    path = write(FILES[name])
    result = read_mammogram(path)
    assert NAME not in said_of(result)
    assert NAME not in heard()


@pytest.mark.parametrize("name", FILES)
def test_de_identification_repeats_nothing(name, write, heard, tmp_path):
    result = deidentify_file(write(FILES[name]), tmp_path / "new.dcm", secret=b"a secret of the hospital")
    assert NAME not in repr(result)
    assert NAME not in heard()
    if isinstance(result, Deidentified):
        assert NAME.encode() not in (tmp_path / "new.dcm").read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_checks_of_written_files_repeat_nothing(name, write, heard):
    path = write(FILES[name])
    try:
        read_segmentation(path)
    except MammoError as error:
        assert NAME not in str(error)
    try:
        with suppress_pydicom_messages():
            dataset = dcmread(path, force=True)
    except Exception:
        return
    assert NAME not in "\n".join(complete(dataset))
    assert NAME not in heard()


def test_files_are_of_both_sorts(write):
    """The corpus is no good where every file ends alike."""
    ends = [type(read_mammogram(write(data))).__name__ for data in FILES.values()]
    assert {"Mammogram", "Skipped", "Failed"} == set(ends)


def test_the_name_would_be_heard(heard, write):
    """Without silence pydicom does repeat it, so the tests above can fail."""
    for element in dcmread(write(FILES["WindowCenter"])).iterall():
        str(element.value)
    assert NAME in heard()

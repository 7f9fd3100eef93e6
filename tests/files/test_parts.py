"""Parts make the file they were made of, or none."""

from __future__ import annotations

import json

import pytest

from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files import join_parts, split_file


@pytest.mark.parametrize(("size", "n_parts"), [(0, 0), (1, 1), (999, 1), (1000, 1), (1001, 2), (2500, 3)])
def test_a_file_comes_back_from_its_parts(tmp_path, size, n_parts):
    data = bytes(i * 7 % 251 for i in range(size))
    (tmp_path / "state.pt").write_bytes(data)
    listed = split_file(tmp_path / "state.pt", tmp_path / "back", part_bytes=1000)
    parts = sorted(path for path in (tmp_path / "back").iterdir() if path != listed)
    assert len(parts) == n_parts and all(path.stat().st_size <= 1000 for path in parts)
    assert join_parts(listed, tmp_path / "again" / "deep").read_bytes() == data


@pytest.mark.parametrize("fault", ["changed", "missing", "swapped", "other"])
def test_parts_that_are_not_those_of_the_file_give_none(tmp_path, fault):
    (tmp_path / "w.pt").write_bytes(bytes(range(251)) * 10)
    listed = split_file(tmp_path / "w.pt", tmp_path / "back", part_bytes=1000)
    first, second = tmp_path / "back" / "w.pt.000", tmp_path / "back" / "w.pt.001"
    record = json.loads(listed.read_text())
    if fault == "changed":
        first.write_bytes(first.read_bytes()[:-1] + b"x")
    elif fault == "missing":
        second.unlink()
    elif fault == "swapped":
        listed.write_text(json.dumps(record | {"parts": [record["parts"][i] for i in (0, 2, 1)]}))
    else:
        listed.write_text(json.dumps({"name": "w.pt"}))
    with pytest.raises(MammoError, match=r"w\.pt") as caught:
        join_parts(listed, tmp_path / "again")
    assert "\n" not in str(caught.value) and not list((tmp_path / "again").glob("*"))


def test_parts_of_nothing_and_names_that_leave_the_folder_are_refused(tmp_path):
    (tmp_path / "w.pt").write_bytes(b"abc")
    with pytest.raises(RequestError, match="parts of 0 bytes"):
        split_file(tmp_path / "w.pt", tmp_path / "back", part_bytes=0)
    with pytest.raises(MammoError, match="none.pt cannot be read"):
        split_file(tmp_path / "none.pt", tmp_path / "back", part_bytes=10)
    listed = split_file(tmp_path / "w.pt", tmp_path / "back", part_bytes=2)
    record = json.loads(listed.read_text())
    for changed in ({"name": "../w.pt"}, {"parts": [{"name": "../../w.pt", "sha256": ""}]}):
        listed.write_text(json.dumps(record | changed))
        with pytest.raises(RequestError, match="leaves the folder"):
            join_parts(listed, tmp_path / "again")

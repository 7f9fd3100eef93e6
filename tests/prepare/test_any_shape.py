"""Tables and JSON files of any shape: one sentence in place of a traceback."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from json_places import places, replaced

from monai_mammo.conditions import Conditions
from monai_mammo.dicom import Failed
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.bounded import UnreadableFile, read_json
from monai_mammo.phantom import draw_mammogram
from monai_mammo.prepare import prepare
from monai_mammo.prepare.datalist import PreparedFolder
from monai_mammo.prepare.datalist_items import load_datalist
from monai_mammo.prepare.datasets import dataset_entries
from monai_mammo.prepare.entry import Entry
from monai_mammo.prepare.inspection.prepared import prepared_entries
from monai_mammo.prepare.sidecar import Sidecar

RULES = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ODD: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        10**400,
        1.5,
        -0.0,
        "",
        " ",
        "x",
        "\0",
        "\ud800",
        "../x",
        "/etc/hostname",
        "nan",
        "1e999",
    ),
    *("a" * 5000, [], [[]], {}, {"x": 1}, [1, 2, 3, 4], ["0.1", "0.1", "0.2", "0.2"], [0.1, 0.1, 0.2, 0.2]),
]
SIDECAR = {
    "kind": "film",
    "view": "CC",
    "laterality": "L",
    "density": "B",
    "finding": "mass",
    "birads": 4,
    "pathology": "benign",
    "age_years": 50,
    "box": [0.1, 0.1, 0.2, 0.2],
    "text": "words",
    "person_id": "p",
    "lesion_mask": "m.png",
}
ITEM = {
    "image": "images/a.npy",
    "breast": "breasts/a.png",
    "label": "masks/a.png",
    "conditions": {key: value for key, value in SIDECAR.items() if key not in ("person_id", "lesion_mask")},
    "boxes": [[0.1, 0.1, 0.2, 0.2]],
    "diffuse_boxes": [[0.1, 0.1, 0.2, 0.2]],
    "labels": {"a": "b"},
    "record": {"row": 1},
    "person_id": "p",
    "image_id": "a",
    "source_sha256": "0" * 64,
}


@st.composite
def mutants(draw: st.DrawFn, sound: Any) -> Any:
    """A sound JSON value with one or two of its parts replaced."""
    value = sound
    for _ in range(draw(st.integers(1, 2))):
        value = replaced(value, draw(st.sampled_from(list(places(value)))), draw(st.sampled_from(ODD)))
    return value


def is_sentence(error: Exception) -> bool:
    return "\n" not in str(error) and 10 < len(str(error)) < 1000 and str(error).isprintable()


@RULES
@given(values=mutants(SIDECAR))
def test_a_sidecar(tmp_path: Path, values: Any):
    (tmp_path / "a.json").write_text(json.dumps(values))
    try:
        sidecar = Sidecar.read(tmp_path / "a.json")
    except RequestError as error:
        assert is_sentence(error) and "a.json" in str(error)
    else:
        json.dumps(sidecar.conditions.to_dict(), allow_nan=False).encode()
        assert sidecar.lesion_mask is None or sidecar.lesion_mask.parent == tmp_path


@RULES
@given(values=mutants(ITEM["conditions"]))
def test_conditions(values: Any):
    if not isinstance(values, dict):
        return
    try:
        known = Conditions.from_dict(values, where="here")
    except RequestError as error:
        assert "\n" not in str(error) and len(str(error)) < 1000
    else:
        assert Conditions.from_dict(json.loads(json.dumps(known.to_dict()))) == known


@RULES
@given(values=mutants({"training": [ITEM], "validation": [], "version": 2, "shape": [8, 6]}))
def test_a_datalist(tmp_path: Path, values: Any):
    (tmp_path / "datalist.json").write_text(json.dumps(values))
    try:
        items = load_datalist(tmp_path / "datalist.json")
    except RequestError as error:
        assert is_sentence(error)
    else:
        assert all(Path(item["image"]).is_relative_to(tmp_path) for item in items)
    try:
        entries = prepared_entries(tmp_path)
    except RequestError as error:
        assert is_sentence(error)
    else:
        assert all(isinstance(entry, (Entry, Failed)) for entry in entries)


CELLS = st.sampled_from(
    [
        *("", " ", "x", "\0", "a,b", '"', "\n", "mass", "mass|", "|", "CC", "-1", "9" * 5000, "nan", "[", "{}", "[5]"),
        *('[{"x":1}]', '[{"x":0,"y":0,"w":1e999,"h":1}]', '[{"x":0.1,"y":0.1,"w":0.2,"h":"0.2"}]', "[" * 3000, "../a"),
        *("\ufffd", "\ud800".encode("utf-8", "replace").decode(), "a.png", "1845x4002", "0x0", "99999x1"),
    ]
)


@RULES
@given(data=st.data())
def test_a_table(tmp_path: Path, data: st.DataObject):
    known = "image_id file person_id kind laterality view density birads finding age boxes mask split chest_wall width "
    columns = data.draw(st.permutations([*known.split(), "height", "measured_size"]))
    columns = columns[: data.draw(st.integers(0, len(columns)))] + data.draw(st.lists(CELLS, max_size=2))
    rows = data.draw(st.lists(st.lists(CELLS, max_size=len(columns) + 1), max_size=3))
    if data.draw(st.booleans()):  # a good line, with one bad cell
        sound = {"image_id": "a", "file": "a.png", "person_id": "p", "view": "CC", "birads": "4", "split": "train"}
        rows.append([sound.get(name, "") for name in columns])
        if columns:
            rows[-1][data.draw(st.integers(0, len(columns) - 1))] = data.draw(CELLS)
    for name in ("metadata.csv", "contours.csv"):
        with open(tmp_path / name, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([columns if name == "metadata.csv" else ("image_id", "type", "polygon"), *rows])
    try:
        listed = dataset_entries("table", tmp_path / "metadata.csv")
    except RequestError as error:
        assert is_sentence(error)
    else:
        for item in listed:
            assert isinstance(item, (Entry, Failed))
            assert isinstance(item, Entry) or is_sentence(MammoError(item.detail)), item.detail


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf{}", b"{}", b"[1]", b'"a"', b"5"])
def test_what_is_json_comes_back(tmp_path: Path, data: bytes):
    (tmp_path / "a.json").write_bytes(data)
    assert read_json(tmp_path / "a.json") == json.loads(data.decode("utf-8-sig"))


@pytest.mark.parametrize(("depth", "is_allowed"), [(64, True), (65, False), (100_000, False)])
def test_depth_is_bounded(tmp_path: Path, depth: int, is_allowed: bool):
    (tmp_path / "a.json").write_text("[" * depth + "]" * depth)
    if is_allowed:
        read_json(tmp_path / "a.json")
    else:
        with pytest.raises(UnreadableFile, match=r"a\.json could not be read as JSON: it is nested deeper than 64"):
            read_json(tmp_path / "a.json")


def test_a_png_of_ours_is_opened_by_one_module():
    """`Image.open` without a list of formats starts programs."""
    package = Path(__file__).parents[2] / "monai_mammo"
    callers = [path for path in package.rglob("*.py") if "Image.open(" in path.read_text(encoding="utf-8")]
    assert [path.relative_to(package).as_posix() for path in callers] == ["files/picture.py"]


def test_a_record_of_a_prepared_image_of_any_shape_is_kept_or_as_good_as_none(tmp_path: Path):
    drawn = draw_mammogram(Conditions(laterality="L", view="CC"), seed=1, shape=(96, 72))
    prepare([drawn], out=tmp_path, shape=(64, 48))
    (path,) = (tmp_path / "items").iterdir()
    folder, record = PreparedFolder(tmp_path, (64, 48)), json.loads(path.read_text())
    assert folder.record(path.stem) == record
    n_kept = n_none = 0
    for place in places(record):
        for odd in ODD:
            path.write_text(json.dumps(replaced(record, place, odd)))
            found = folder.record(path.stem)
            if found is None:
                n_none += 1
                continue
            n_kept += 1
            assert isinstance(found["item"]["person_id"], str) and found["item"]["image_id"] == path.stem
            Conditions.from_dict(found["item"]["conditions"])
    assert n_none > 500 and n_kept > 20


@pytest.mark.parametrize("text", ["[]", "{", "null", '{"shape": 5}', '{"shape": [1, "x"]}', "[" * 100_000])
def test_settings_of_a_prepared_folder_of_any_shape_are_one_sentence(tmp_path: Path, text):
    (tmp_path / "settings.json").write_text(text)
    with pytest.raises(RequestError, match=r"settings\.json is not as `prepare` writes it"):
        PreparedFolder(tmp_path, (64, 48)).check()

"""Requests: what is allowed, what identifies them, and files that list them."""

from __future__ import annotations

import json

import pytest

from monai_mammo.conditions import Conditions
from monai_mammo.errors import RequestError
from monai_mammo.generation.conditions_file import conditions_from_file
from monai_mammo.generation.request import MAX_STEPS, Request

BAD = {
    "count": [0, -1, "many", 1.5, True, 100_001, "٣٠٠٠٠٠٠"],
    "seed": [-1, "x", 2.5, 2**63],
    "steps": [0, MAX_STEPS + 1, "ten"],
    "guidance": [-0.1, 21, "strong", float("nan")],
    "dice_threshold": [-0.1, 1.1, "x"],
    "max_tries": [0, 5],
    "format": ["jpeg", ""],
    "unsupported": ["maybe"],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD.items() for v in values])
def test_a_bad_setting_is_named_in_one_sentence(name, value):
    with pytest.raises(RequestError, match=f"^{name} ") as caught:
        Request(**{name: value})
    assert "\n" not in str(caught.value)


def test_words_of_a_command_line_become_numbers():
    request = Request(count="3", seed="7", steps="5", guidance="1.5", dice_threshold="0.4")
    assert (request.count, request.seed, request.steps, request.guidance) == (3, 7, 5, 1.5)


def test_count_is_no_part_of_the_identity_but_all_that_moves_a_pixel_is():
    base = Request(seed=7, count=3)
    assert base.replace(count=4).request_sha256 == base.request_sha256
    changes = [
        {"seed": 8},
        {"steps": 5},
        {"guidance": 1.0},
        {"conditions": Conditions(density="C")},
        {"dice_threshold": 0.1},
        {"max_tries": 1},
        {"format": "png"},
    ]
    hashes = {base.replace(**change).request_sha256 for change in changes}
    assert len(hashes) == len(changes)
    assert base.request_sha256 not in hashes


def test_bundle_paths_do_not_identify_a_request():
    assert Request(bundle="/a/b").request_sha256 == Request(bundle="c").request_sha256


def test_a_mask_is_identified_by_its_bytes(tmp_path):
    a, b, c = (tmp_path / name for name in "abc")
    a.write_bytes(b"one")
    b.write_bytes(b"one")
    c.write_bytes(b"two")
    same, also, other = (Request(mask=str(path)).request_sha256 for path in (a, b, c))
    assert same == also != other


def test_several_conditions_give_one_sample_each():
    rows = (Conditions(view="CC"), Conditions(view="MLO"))
    request = Request(conditions=rows)
    assert request.count == 2
    assert [request.conditions_of(i).view for i in range(2)] == ["CC", "MLO"]
    with pytest.raises(RequestError, match="count 3 does not fit the 2 samples"):
        Request(conditions=rows, count=3)


def test_csv_and_json_list_the_same_samples(tmp_path):
    table = tmp_path / "r.csv"
    table.write_text('density,view,birads,box\nC,MLO,5,"0.1,0.2,0.3,0.4"\n,CC,,\n')
    listed = tmp_path / "r.json"
    listed.write_text(
        json.dumps([{"density": "C", "view": "MLO", "birads": 5, "box": [0.1, 0.2, 0.3, 0.4]}, {"view": "CC"}])
    )
    assert conditions_from_file(table) == conditions_from_file(listed)


def test_a_row_goes_before_what_holds_for_all(tmp_path):
    table = tmp_path / "r.csv"
    table.write_text("density,view\nC,\n,CC\n")
    rows = conditions_from_file(table, base={"density": "A", "view": "MLO"})
    assert [(r.density, r.view) for r in rows] == [("C", "MLO"), ("A", "CC")]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("r.csv", "density\nE\n", "density 'E' in r.csv line 2 is not one of A, B, C, D"),
        ("r.csv", "densty\nA\n", "condition 'densty' in r.csv line 2"),
        ("r.csv", "density\nA,B\n", "line 2 has more values"),
        ("r.csv", "density\n", "lists no sample"),
        ("r.json", "{", "could not be read as JSON"),
        ("r.json", "[1]", "must be a JSON object or a list"),
        ("r.json", '[{"density": "A"}, {"birads": 9}]', "birads '9' in r.json row 2"),
        ("r.txt", "", "is not one of .json, .csv"),
    ],
)
def test_a_bad_file_is_named_with_its_line(tmp_path, name, text, sentence):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(RequestError, match=sentence):
        conditions_from_file(path)


def test_a_missing_file_is_a_request_error(tmp_path):
    with pytest.raises(RequestError, match="none.csv could not be read: No such file"):
        conditions_from_file(tmp_path / "none.csv")

"""The whole comparison on drawn mammograms, from folders to tables and sheets."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

from monai_mammo.bundle import find, seal
from monai_mammo.cli.main import main
from monai_mammo.errors import RequestError
from monai_mammo.evaluation.realism import ImageSet, realism_figures
from monai_mammo.evaluation.realism.compared_images import synthetic_images
from monai_mammo.evaluation.realism.compared_sets import control_positions, halved_by_person
from monai_mammo.evaluation.realism.examined_set import compared_sizes
from monai_mammo.evaluation.realism.kind_sheets import kind_sheet, pair_sheet, paired
from monai_mammo.evaluation.realism.radiomics import FEATURE_NAMES, radiomic_features
from monai_mammo.networks import EfficientNetLite
from monai_mammo.phantom import draw_mammogram
from monai_mammo.prepare import prepare_mammogram

SHAPE = (96, 72)
KINDS = ("film", "digital")


def drawn(seed: int, kind: str) -> np.ndarray:
    from monai_mammo.conditions import Conditions

    shown = Conditions.from_dict({"kind": kind, "view": ("CC", "MLO")[seed % 2]})
    return prepare_mammogram(draw_mammogram(shown, seed=seed, shape=(128, 96)), shape=SHAPE).image


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """24 images of 12 persons to compare with, 16 of 8 others for the control, two kinds."""
    folder = tmp_path_factory.mktemp("acquired")
    splits = {"training": [], "validation": [], "test": [], "external": []}
    for i in range(40):
        kind, split = KINDS[i % 2], "validation" if i < 24 else "training"
        np.save(folder / f"{i}.npy", np.rint(drawn(i, kind) * 65535).astype(np.uint16))
        item = {"image": f"{i}.npy", "image_id": f"a{i}", "person_id": f"p{i // 2}", "boxes": []}
        splits[split].append({**item, "conditions": {"kind": kind, "view": ("CC", "MLO")[i % 2]}})
    (folder / "datalist.json").write_text(json.dumps({"version": 1, "shape": list(SHAPE), **splits}))
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Twelve blurred films as pictures, every second one mirrored."""
    from scipy.ndimage import gaussian_filter

    folder = tmp_path_factory.mktemp("pictures")
    for i in range(12):
        image = gaussian_filter(drawn(100 + i, "film"), 1.5)
        grey = np.rint(image * 255).astype(np.uint8)
        Image.fromarray(grey[:, ::-1] if i % 2 else grey).save(folder / f"{i:02d}.png")
    return folder


@pytest.fixture
def _with_encoder(bundles):
    folder = find("mammo_lesion_segmentation")
    path = folder.root / "configs" / "inference.json"
    config = json.loads(path.read_text())
    config["encoder_def"] = {"_target_": "monai_mammo.networks.EfficientNetLite", "variant": "lite0"}
    path.write_text(json.dumps(config))
    torch.manual_seed(0)
    torch.save(EfficientNetLite("lite0").half().state_dict(), folder.root / "models" / "encoder_lite0.pt")
    seal(folder.root)


@pytest.mark.usefixtures("_with_encoder")
def test_blurred_pictures_are_told_from_acquired_ones_and_the_control_is_not(prepared, pictures, tmp_path, capsys):
    words = ["evaluate", "realism", str(pictures), "--reference", str(prepared), "--kind", "film", "--device", "cpu"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    figures = json.loads((tmp_path / "out" / "realism.json").read_text())
    said = capsys.readouterr()
    assert (tmp_path / "out" / "realism.md").read_text() == said.out
    n_done, _, n_all, *_ = said.err.strip().splitlines()[-1].split()
    assert n_done == n_all, "how far it is, to the end"
    assert figures["settings"]["n_images"] == {"synthetic": 12, "reference": 24, "control": 8}
    assert {row["kind"] for rows in ("measures", "frechet", "auc") for row in figures[rows]} == {"film"}
    measures = {row["measure"]: row for row in figures["measures"]}
    assert measures["skin-line step"]["share"]["high"] < 0.9
    assert measures["breast area"]["share"]["low"] < 1 < measures["breast area"]["share"]["high"]
    acquired = measures["skin-line step"]["acquired"]
    assert (acquired["n"], acquired["n_persons"]) == (12, 12)
    spectrum = {(row["view"], row["measure"]): row for row in figures["spectrum"]}
    auc = {(row["size"], row["features"]): row for row in figures["auc"]}
    sorts = ("last layer", "inner layers", "radiomic")
    assert set(auc) == {("full", "filtered radiomic"), *((size, f) for size in ("full", "half") for f in sorts)}
    assert auc["full", "filtered radiomic"]["synthetic"]["value"] > 0.95
    assert auc["full", "radiomic"]["synthetic"]["value"] > 0.95
    frechet = {row["features"]: row for row in figures["frechet"]}
    for sort in ("radiomic", "filtered radiomic"):
        assert frechet[sort]["synthetic"]["low"] > frechet[sort]["control"]["high"]
    assert {view for view, _ in spectrum} == {"both"}, "films were drawn in one view"
    assert spectrum["both", "spectral exponent"]["difference"]["low"] > 0.1
    names = sorted(path.name for path in (tmp_path / "out").glob("*.png"))
    assert names == [*(f"pair_{i:02d}_film.png" for i in range(10)), "sheet_film.png"]
    sheet = np.asarray(Image.open(tmp_path / "out" / "sheet_film.png"))
    assert sheet.shape == (20 + 3 * 100, 8 * 76 + 12), "twelve pairs, four in a row"


def test_pictures_are_brought_chest_wall_left(pictures):
    found = synthetic_images(pictures)
    assert found.kinds == (None,) * 12
    assert all(image[:, 0].mean() > image[:, -1].mean() for image in found.images)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nothing"], "is not a run, a prepared folder or a folder of pictures"),
        (["PICTURES", "--kind", "tomosynthesis"], "'tomosynthesis' in --kind is not one of"),
        (["PICTURES", "--split", "test"], "lists no image"),
        (["EMPTY"], "holds no run, no datalist.json, no DICOM file and no picture"),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_sentence(prepared, pictures, tmp_path, capsys, words, sentence):
    words = [{"PICTURES": str(pictures), "EMPTY": str(tmp_path)}.get(word, word) for word in words]
    assert main(["evaluate", "realism", *words, "--reference", str(prepared)]) == 2
    assert sentence in capsys.readouterr().err


def some(n: int, shape=SHAPE, prefix="p", kinds=None) -> ImageSet:
    rng = np.random.default_rng(n)
    return ImageSet.of([rng.random(shape) for _ in range(n)], persons=[f"{prefix}{i}" for i in range(n)], kinds=kinds)


def test_images_of_another_size_or_of_one_person_are_refused():
    with pytest.raises(RequestError, match="synthetic 96 x 72, reference 64 x 48.*: `monai-mammo prepare`"):
        realism_figures(some(4, prefix="s"), some(4, (64, 48)), some(4, (64, 48), "c"))
    with pytest.raises(RequestError, match="a person of the reference is in the control"):
        realism_figures(some(4, prefix="s"), some(4), some(4))
    with pytest.raises(RequestError, match="a person of the reference is in the control"):
        realism_figures(some(4, prefix="s"), some(4), some(3))
    with pytest.raises(RequestError, match="images of a set have one size"):
        ImageSet.of([np.zeros((4, 4)), np.zeros((4, 5))])


def test_sizes_of_the_classifier():
    assert compared_sizes((384, 288)) == {"full": (384, 288), "half": (192, 144), "small": (64, 48)}
    assert compared_sizes((128, 96)) == {"full": (128, 96), "half": (64, 48)}


def test_the_control_has_the_kinds_of_what_was_generated():
    kinds = ["film"] * 6 + ["digital"] * 6
    chosen = control_positions(kinds, ["digital"] * 4 + ["film"])
    assert sorted(kinds[i] for i in chosen) == ["digital"] * 4 + ["film"]
    assert control_positions(kinds, ["digital"] * 9) == list(range(6, 12)), "as far as they last"
    assert len(control_positions(kinds, [None] * 5)) == 5


def test_halves_share_no_person():
    persons = [f"p{i % 5}" for i in range(9)]
    first, second = halved_by_person(persons)
    assert sorted(first + second) == list(range(9))
    assert {len({persons[i] for i in half}) for half in (first, second)} == {2, 3}
    assert not {persons[i] for i in first} & {persons[i] for i in second}
    with pytest.raises(RequestError, match="two persons"):
        halved_by_person(["p0"])


def test_halves_have_the_same_mix_of_kinds():
    """Of persons with one kind, and of those with several; the odd one of each sort goes to either half in turn."""
    kinds_of = [
        *(["film"] for _ in range(7)),
        *(["digital"] for _ in range(3)),
        *(["digital", "film"] for _ in range(2)),
    ]
    persons = [f"p{i}" for i, kinds in enumerate(kinds_of) for _ in kinds]
    kinds = [kind for kinds in kinds_of for kind in kinds]
    for seed in range(20):
        halves = halved_by_person(persons, kinds=kinds, seed=seed)
        mixes = [Counter(kinds[i] for i in half) for half in halves]
        assert sorted(mix["film"] for mix in mixes) == [4, 5] and sorted(mix["digital"] for mix in mixes) == [2, 3]
        assert [len({persons[i] for i in half}) for half in halves] == [6, 6]
        assert not {persons[i] for i in halves[0]} & {persons[i] for i in halves[1]}
    assert halved_by_person(persons, kinds=["film"] * len(persons), seed=3) == halved_by_person(persons, seed=3)


def test_pairs_have_one_kind_and_the_view_where_there_is_one():
    synthetic = some(3, kinds=["film", "digital", "film"])
    acquired = some(3, kinds=["digital", "film", "contrast"])
    assert paired(synthetic, acquired, [0, 1, 2]) == [(0, 1), (1, 0)], "no film is left for the third"


def test_sheets_show_the_pixels_as_they_are():
    from io import BytesIO

    left, right = some(2).images
    sheet = np.asarray(Image.open(BytesIO(kind_sheet([(left, right)], what="film"))))
    assert (sheet[20:116, :72] == np.rint(right * 255)).all(), "acquired at the left"
    assert (sheet[20:116, 4 * 76 + 12 : 4 * 76 + 84] == np.rint(left * 255)).all()
    pair = np.asarray(Image.open(BytesIO(pair_sheet(left, right, what="film"))))
    assert pair.shape == (20 + 288, 2 * 216 + 12)
    assert (pair[21:308:3, 1:216:3] == np.rint(right * 255)).all()
    assert (pair[20:308:3, 2:216:3] == pair[22:308:3, 0:216:3]).all()


def test_radiomic_features_of_known_pictures():
    whole = np.ones((64, 64), dtype=bool)
    checks = np.indices((64, 64)).sum(axis=0) % 2 / 2.0 + 0.25  # 0.25 and 0.75: levels 7 and 23
    found = dict(zip(FEATURE_NAMES, radiomic_features(checks, whole), strict=True))
    assert found["mean"] == 0.5 and found["sd"] == 0.25 and found["entropy"] == 1
    assert found["contrast, 1 px"] == pytest.approx(16**2 / 2), "two of four directions differ"
    assert found["contrast, 2 px"] == 0 and found["correlation, 2 px"] == pytest.approx(1)
    flat = dict(zip(FEATURE_NAMES, radiomic_features(np.full((64, 64), 0.5), whole), strict=True))
    assert flat["sd"] == 0 and flat["energy, 4 px"] == 1 and flat["pattern 8"] == 1
    assert flat["power 0"] == pytest.approx(-120)

"""Drift that is planted is named with its direction, and a half that was held back is not called drift."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from monai_mammo.bundle import find
from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.evaluation import evaluate, markdown_table
from monai_mammo.evaluation.drift.drift_figures import _far
from monai_mammo.evaluation.drift.training_summary import FILE, FamilySummary, TrainingSummary
from monai_mammo.phantom import draw_mammogram

SHAPE = (64, 48)
N = 60
VIEWS = ("CC", "MLO")
IMAGES = [  # MLO views darker than CC ones
    draw_mammogram(Conditions(laterality="L", kind="film", view=VIEWS[i % 2]), seed=i, shape=SHAPE).pixels
    ** np.float32(1 + i % 2)
    for i in range(2 * N)
]


def smaller(image):
    small = np.clip(ndimage.zoom(image, 0.85, order=1), 0, 1)
    out = np.zeros(SHAPE, image.dtype)
    top = (SHAPE[0] - small.shape[0]) // 2
    out[top : top + small.shape[0], : small.shape[1]] = small
    return out


def write(folder, images, *, split="training", view=None, kind="film", more=()):
    """Prepared folder with two images a person."""
    folder.mkdir(exist_ok=True)
    items = []
    for i, image in enumerate(images):
        np.save(folder / f"{split}{i}.npy", np.rint(image * 65535).astype(np.uint16))
        Image.fromarray(((image > 0) * 255).astype(np.uint8)).save(folder / f"{split}{i}.png")
        conditions = {"kind": kind, "view": view or VIEWS[i % 2]}
        item = {"image": f"{split}{i}.npy", "breast": f"{split}{i}.png", "image_id": str(i), "boxes": []}
        items.append({**item, "person_id": f"{split}{i // 2}", "source": "drawn", "conditions": conditions})
    splits = {name: [] for name in ("training", "validation", "test", "external")} | {split: [*items, *more]}
    path = folder / "datalist.json"
    path.write_text(json.dumps({"version": 1, "shape": list(image.shape), **splits}))
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return write(tmp_path_factory.mktemp("trained"), IMAGES[:N])


@pytest.fixture
def summary(trained):
    told = []
    path = evaluate("training-summary", datalist=trained, n_network=0, progress=told.append)
    assert path.name == FILE.rpartition("/")[2] and path.stat().st_size < 100_000
    assert told[-1].n_done == told[-1].n_all == N
    return TrainingSummary.load(find("mammo_diffusion"))


def drift(folder, images, **words):
    return evaluate("drift", prepared=write(folder, images).parent, n_network=0, device="cpu", **words)


def verdicts(figures):
    return {
        row["measure"]: (row["verdict"], row["words"]) for row in figures["rows"] if "radiomic" not in row["measure"]
    }


def test_a_half_that_was_held_back_is_not_called_drift(summary, tmp_path):
    figures = drift(tmp_path / "held", IMAGES[N:])
    assert {verdict for verdict, _ in verdicts(figures).values()} <= {"like", "unclear"}
    assert figures["sentence"].startswith("Your breasts are not shown to look unlike the training data.")
    assert sum(row["verdict"] == "unlike" for row in figures["rows"]) == 0
    assert [row["group"] for row in figures["groups"]] == ["film, CC", "film, MLO"]
    assert figures["groups"][0] == {**figures["groups"][0], "n_images": 30, "n_training_persons": 30}
    (radiomic,) = figures["families"]
    assert radiomic["features"] == "radiomic" and radiomic["far"]["n"] == N and radiomic["verdict"] != "unlike"


def test_planted_drift_is_named_with_its_direction(summary, tmp_path):
    gamma = drift(tmp_path / "gamma", [image**2 for image in IMAGES[N:]], out=tmp_path / "drift.json")
    assert verdicts(gamma)["brightness"] == ("unlike", "darker")
    assert "brightness (darker: -" in gamma["sentence"] and "standard deviations" in gamma["sentence"]
    assert json.loads((tmp_path / "drift.json").read_text()) == gamma
    row = next(row for row in gamma["rows"] if row["measure"] == "brightness")
    d = row["difference"]
    assert d["low"] < d["mean"] < d["high"] < -0.25 and d["n"] == N and row["yours"]["mean"] < row["training"]
    assert gamma["families"][0]["verdict"] == "unlike" and gamma["families"][0]["far"]["low"] > 0.1
    scale = drift(tmp_path / "scale", [smaller(image) for image in IMAGES[N:]])
    assert verdicts(scale)["breast area"] == ("unlike", "smaller")
    assert verdicts(scale)["breast height"] == ("unlike", "less tall")
    table = markdown_table(scale)
    assert "| breast area |" in table and "unlike: smaller" in table and "Your breasts look unlike" in table


def test_a_folder_of_one_view_is_compared_with_that_view(summary, tmp_path):
    """MLO images alone are darker than the mean of both views, and like MLO training images."""
    path = write(tmp_path / "mlo", IMAGES[N + 1 :: 2], view="MLO", split="external")
    figures = evaluate("drift", prepared=path, n_network=0, device="cpu")
    assert verdicts(figures)["brightness"][0] != "unlike" and figures["prepared"]["n_images"] == 30
    as_cc = write(tmp_path / "cc", IMAGES[N + 1 :: 2], view="CC", split="external")
    wrong = evaluate("drift", prepared=as_cc, n_network=0, device="cpu")
    assert verdicts(wrong)["brightness"] == ("unlike", "darker")


def test_what_cannot_be_compared_is_said(summary, tmp_path):
    strange = write(tmp_path / "kind", IMAGES[:4], kind="digital")
    with pytest.raises(
        RequestError, match="images of digital, CC, digital, MLO, and the bundle was trained on film, CC"
    ):
        evaluate("drift", prepared=strange, n_network=0, device="cpu")
    with pytest.raises(RequestError, match="prepared at 32 x 24, the training images at 64 x 48"):
        drift(tmp_path / "small", [image[::2, ::2] for image in IMAGES[:4]])
    with pytest.raises(RequestError, match="split 'test' of"):
        evaluate("drift", prepared=strange, split="test", n_network=0, device="cpu")
    few = drift(tmp_path / "few", IMAGES[N : N + 2])
    assert {verdict for verdict, _ in verdicts(few).values()} == {"not measured"}, "one person has no interval"
    both = write(tmp_path / "both", IMAGES[N : N + 8], more=json.loads(strange.read_text())["training"])
    for item in json.loads(strange.read_text())["training"]:
        for key in ("image", "breast"):
            (tmp_path / "both" / item[key]).write_bytes((tmp_path / "kind" / item[key]).read_bytes())
    assert evaluate("drift", prepared=both, n_network=0, device="cpu")["strange"] == ["digital, CC", "digital, MLO"]
    with pytest.raises(MammoError, match="carries no summary of its training images"):
        evaluate("drift", prepared=strange, bundle="mammo_autoencoder", n_network=0, device="cpu")
    folder = find("mammo_diffusion")
    path = folder.root / FILE
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(MammoError, match="damaged"):
        TrainingSummary.load(folder)


def test_features_of_networks_are_compared_where_the_weights_are_the_same(trained, tmp_path):
    evaluate("training-summary", datalist=trained, n_images=30, n_network=20, device="cpu")
    summary = TrainingSummary.load(find("mammo_diffusion"))
    assert list(summary.families) == ["radiomic", "judge"], "the tiny bundle has no encoder"
    assert summary.families["judge"].n_images.tolist() == [20, 20] and summary.n_images.tolist() == [30, 30]
    path = write(tmp_path / "held", IMAGES[N:])
    figures = evaluate("drift", prepared=path, n_network=10, device="cpu")
    judge = figures["families"][1]
    assert judge["far"]["n"] == 20 and judge["verdict"] in ("like", "unclear")
    without = evaluate("drift", prepared=path, n_network=0, device="cpu")["families"][1]
    assert without["verdict"] == "not measured" and without["reason"]


def test_one_image_in_twenty_of_the_same_law_is_far():
    """Found on persons that centre and spread were not of, so that few images do not make it more."""
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(20):
        known, new = rng.normal(size=(60, 8)) * 3, rng.normal(size=(400, 8)) * 3
        family = FamilySummary.of(known, [0] * 60, [str(i) for i in range(60)], 2, "")
        shares.append(family.is_far(new, [0] * 400).mean())
        assert np.isnan(family.is_far(new, [1] * 400)).all() and np.isnan(family.is_far(new, [-1] * 400)).all()
    assert np.mean(shares) == pytest.approx(0.05, abs=0.03)


@pytest.mark.parametrize(("n_persons", "verdict"), [(20, "unclear"), (60, "like")])
def test_no_far_image_among_few_persons_proves_little(n_persons, verdict):
    """0 of 20 may be 16 % (Wilson), which is above the tenth that is drift; two images a person add nothing to that."""
    known = np.random.default_rng(0).normal(size=(60, 8))
    family = FamilySummary.of(known, [0] * 60, [str(i) for i in range(60)], 1, "")
    at_the_middle = np.repeat(known.mean(axis=0)[None], 2 * n_persons, axis=0)
    persons = [str(i // 2) for i in range(2 * n_persons)]
    found = _far("x", at_the_middle, [0] * len(persons), persons, SimpleNamespace(families={"x": family}))
    assert found["far"]["mean"] == found["far"]["low"] == 0 and found["verdict"] == verdict
    assert found["far"]["high"] == pytest.approx(1.959964**2 / (n_persons + 1.959964**2), abs=1e-3)

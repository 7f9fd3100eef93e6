"""A run, the folder prepared from it and plain MONAI give a training the same pictures, sides, masks and parts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.data import load_decathlon_datalist
from monai.transforms import LoadImaged
from PIL import Image

from monai_mammo.conditions import Box
from monai_mammo.errors import RequestError
from monai_mammo.generation import generate, verify
from monai_mammo.generation.engine.generator import Generator
from monai_mammo.measures.overlap import dice
from monai_mammo.networks import Autoencoder
from monai_mammo.prepare import prepare
from monai_mammo.prepare.drawn_items import training_items
from monai_mammo.training import LatentDataset, LesionDataset, PreparedDataset

SHAPE = (64, 48)
PATHS = ("image", "label", "breast", "preview")


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_folder, drawn_generator):
    """Eight drawn mammograms: both sides and both views, one in four without a lesion."""
    folder = tmp_path_factory.mktemp("drawn")
    findings = ("mass", "mass", "none", "mass")
    shown = list(zip(findings, "LRLR", strict=True))
    rows = [f"digital,C,{view},{finding},{side}" for view in ("CC", "MLO") for finding, side in shown]
    (folder / "r.csv").write_text("\n".join(["kind,density,view,finding,laterality", *rows]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MONAI_MAMMO_BUNDLES", str(tiny_folder))
        patch.setattr(Generator, "load", lambda *_, **__: drawn_generator)
        generate(conditions=folder / "r.csv", out=folder / "run", unsupported="override")
    return folder / "run"


@pytest.fixture(scope="module")
def prepared(run, tmp_path_factory):
    """The same run by way of `prepare`."""
    out = tmp_path_factory.mktemp("again") / "prepared"
    prepare(run, out=out, shape=SHAPE)
    return out


def items(folder: Path) -> list[dict]:
    return [item for split in ("training", "validation") for item in training_items(folder, split=split)]


def drawn(item: dict) -> tuple[np.ndarray, np.ndarray]:
    """Image that the sample was drawn as, and the requested lesion, chest wall left."""
    from monai_mammo.conditions import Conditions
    from monai_mammo.phantom import draw_mammogram
    from monai_mammo.prepare.array import prepare_mammogram

    conditions = Conditions.from_dict(item["conditions"]).replace(laterality="L", box=None)
    index = int(item["image_id"][-4:])
    out = prepare_mammogram(draw_mammogram(conditions, seed=index, shape=(192, 144)), shape=SHAPE)
    lesion = np.asarray(Image.open(item["preview"].replace("mammogram", "lesion"))) > 0
    return out.image, np.fliplr(lesion) if item["conditions"]["laterality"] == "R" else lesion


def given(folder: Path) -> list[dict]:
    """What the lesion network is given, unchanged in shape and brightness."""
    return list(map(LesionDataset(items(folder), is_augmented=False).__getitem__, range(8)))


def test_the_run_is_in_order_and_divided(run, prepared):
    assert verify(run).problems == ()
    for folder in (run, prepared):
        assert [len(training_items(folder, split=split)) for split in ("training", "validation")] == [6, 2]
    parts = [{item["person_id"] for item in training_items(folder, split="validation")} for folder in (run, prepared)]
    assert parts[0] == parts[1] == {"SYNTHETIC_sample_0003", "SYNTHETIC_sample_0007"}


def test_the_networks_are_given_what_was_drawn(run):
    listed = items(run)
    whole, lesions = PreparedDataset(listed), given(run)
    torch.manual_seed(0)
    encoder = Autoencoder((8, 8), n_blocks=1)
    latents = LatentDataset(listed, encoder, n_views=1, drop_each=0.0, drop_all=0.0)
    for index, item in enumerate(listed):
        image, lesion = drawn({**item, "preview": str(run / item["preview"])})
        for batch in (whole[index], lesions[index]):
            assert batch["image"].shape == (1, *SHAPE)
            assert np.abs(batch["image"][0].numpy() - image).max() <= 1 / 65535
        assert (lesions[index]["label"][0].numpy() == lesion).all()
        assert lesions[index]["mask_kind"] == (3 if lesion.any() else 1)
        assert lesions[index]["lesion"].any() == lesion.any() == lesions[index]["presence"].item()
        with torch.no_grad():
            direct = encoder.encode(torch.from_numpy(image)[None, None])[0][0]
        assert (latents.latent(index) - direct).abs().max() < 0.05
        assert latents[index]["spatial"][0].any() == lesion.any()


def test_the_prepared_run_shows_the_same(run, prepared):
    for one, other in zip(given(run), given(prepared), strict=True):
        a, b = one["image"][0].numpy(), other["image"][0].numpy()
        assert a[:, :8].mean() > a[:, -8:].mean() and b[:, :8].mean() > b[:, -8:].mean(), "chest wall left"
        assert a[a > 0].mean() == pytest.approx(b[b > 0].mean(), rel=0.1)
        assert dice(a > 0, b > 0) > 0.9
        assert one["mask_kind"] == other["mask_kind"]
        if one["label"].any():
            assert dice(one["label"][0].numpy() > 0, other["label"][0].numpy() > 0) > 0.6
        assert (one["classes"] == other["classes"]).all()


def test_boxes_lie_round_their_lesions_on_both_sides(run, prepared):
    """Box and lesion of the prepared frame, chest wall left, whichever side was requested."""
    for folder in (run, prepared):
        sides = set()
        for item, shown in zip(items(folder), given(folder), strict=True):
            lesion = shown["label"][0].numpy() > 0
            if not lesion.any():
                assert item["boxes"] == []
                continue
            (box,) = map(Box.parse, item["boxes"])
            rows, columns = np.nonzero(lesion)
            is_in = (np.abs(columns + 0.5 - 48 * box.center[0]) <= 24 * box.width_fraction + 1) & (
                np.abs(rows + 0.5 - 64 * box.center[1]) <= 32 * box.height_fraction + 1
            )
            assert is_in.mean() > 0.95 and tuple(item["conditions"]["box"]) == tuple(box)
            sides.add(item["conditions"]["laterality"])
        assert sides == {"L", "R"}


@pytest.mark.parametrize("which", ["run", "prepared"])
def test_plain_monai_reads_the_same(request, which):
    folder = request.getfixturevalue(which)
    listed = load_decathlon_datalist(str(folder / "datalist.json"), True, "training")
    ours = LesionDataset(training_items(folder), is_augmented=False)
    stated = json.loads((folder / "datalist.json").read_text())["training"]
    assert len(listed) == len(ours) == len(stated) == 6
    for index, (item, plain) in enumerate(zip(listed, stated, strict=True)):
        for key, value in plain.items():
            expected = str(folder / value) if key in PATHS else value
            assert item[key] == expected, f"{key} means what it says"
        keys = [key for key in ("image", "label") if key in item]
        loaded = LoadImaged(keys)(item)
        assert np.abs(np.asarray(loaded["image"]) / 65535 - ours[index]["image"][0].numpy()).max() < 1e-6
        if "label" in keys:
            assert (np.asarray(loaded["label"]) > 0).tolist() == (ours[index]["label"][0].numpy() > 0).tolist()


def test_pictures_of_8_bits_are_as_bright_as_of_16():
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
    both = [{"image": image, "conditions": {}} for image in (grey, grey.astype(np.uint16) * 257)]
    dataset = PreparedDataset(both)
    assert torch.equal(dataset[0]["image"], dataset[1]["image"])
    assert dataset[0]["image"].max() == pytest.approx(47 * 5 / 255)
    with pytest.raises(RequestError, match="8 or 16 bit grey"):
        PreparedDataset([{"image": grey / 255, "conditions": {}}])


def test_no_image_is_one_sentence(tmp_path):
    with pytest.raises(RequestError, match="no image"):
        PreparedDataset([])
    (tmp_path / "datalist.json").write_text(json.dumps({"training": [], "validation": []}))
    for split in ("training", "validation"):
        with pytest.raises(RequestError, match=f"the {split} part of .* lists no image"):
            training_items(tmp_path, split=split)

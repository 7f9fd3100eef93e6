"""Figures of translated views: what they say of pictures whose nearness is known, and the whole command."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from tiny_bundles import SHAPE, write_view_translator

from monai_mammo.bundle import seal
from monai_mammo.cli.main import main
from monai_mammo.errors import RequestError
from monai_mammo.evaluation.evaluate_figures import evaluate
from monai_mammo.evaluation.tables import markdown_table
from monai_mammo.evaluation.translated_views import _Case, _correlation, _measures
from monai_mammo.prepare import pair_items


@pytest.fixture
def pairs(tmp_path):
    """Prepared folder of drawn pairs."""
    folder = tmp_path / "prepared"
    folder.mkdir()
    items = []
    for k, item in enumerate(pair_items("phantom", split="validation", shape=SHAPE, n_phantoms=3)):
        np.save(folder / f"{k}.npy", item["image"])
        Image.fromarray((item["breast"] * 255).astype(np.uint8)).save(folder / f"{k}_breast.png")
        files = {"image": f"{k}.npy", "breast": f"{k}_breast.png"}
        if "label" in item:
            Image.fromarray((item["label"] * 255).astype(np.uint8)).save(folder / f"{k}_lesion.png")
            files["label"] = f"{k}_lesion.png"
        del item["modality"]
        items.append({**item, **files, "image_id": f"drawn_{k}", "boxes": [], "findings": []})
    path = folder / "datalist.json"
    content = {"version": 1, "shape": list(SHAPE), "training": [], "validation": items, "test": [], "external": []}
    path.write_text(json.dumps(content))
    return path


def test_errors_and_contrast_are_those_inside_the_breast():
    rng = np.random.default_rng(0)
    breast = np.zeros((96, 72), dtype=bool)
    breast[8:88, :60] = True
    acquired = np.where(breast, 0.4 + 0.05 * rng.random(breast.shape), 0).astype(np.float32)
    mask = np.zeros_like(breast)
    mask[40:52, 20:32] = True
    acquired[mask] += 0.2
    case = _Case(of="digital", onto="contrast", item={}, acquired=acquired, breast=breast, source=acquired, mask=mask)
    own = _measures(case, acquired)
    assert "MAE" not in own and own["lesion contrast"] == pytest.approx(0.2, abs=0.01)
    brighter = _measures(case, acquired + 0.1)
    assert brighter["MAE"] == pytest.approx(0.1, abs=1e-6) and brighter["PSNR, dB"] == pytest.approx(20, abs=0.01)
    assert brighter["lesion contrast"] == pytest.approx(own["lesion contrast"], abs=1e-6)
    outside = np.where(breast, acquired, 0.5).astype(np.float32)
    assert _measures(case, outside)["MAE"] == 0
    finest = "power 1/4 to 1/2, dB"
    smooth = np.where(breast, 0.4, 0).astype(np.float32)
    assert _measures(case, smooth)[finest] < own[finest] - 20


def test_the_agreement_of_contrasts_is_that_of_ranks():
    persons = [f"p{k // 2}" for k in range(12)]
    values = np.random.default_rng(0).random(12)
    found = _correlation(list(np.exp(3 * values)), list(values), persons)
    assert found["mean"] == 1 and found["low"] == 1 and found["n"] == 12
    assert _correlation(list(values[:4]), list(values[:4]), persons[:4]) is None
    assert _correlation([1.0] * 12, list(values), persons) is None


def test_the_command_writes_figures_a_table_and_a_sheet(pairs, bundles, tmp_path, capsys):
    root = bundles / "mammo_diffusion"
    before = {name: (root / "configs" / name).read_bytes() for name in ("metadata.json", "inference.json")}
    try:
        write_view_translator(root)
        out, sheet = tmp_path / "translation.json", tmp_path / "pairs.png"
        words = ["evaluate", "translation", "--datalist", str(pairs), "--steps", "2", "--sheet", str(sheet)]
        assert main([*words, "--out", str(out)]) == 0
        figures = json.loads(out.read_text())
        assert figures["n_pairs"] == 3 and figures["overlap"]["after"]["mean"] > 0.95
        rows = {(row["way"], row["measure"]): row for row in figures["rows"]}
        row = rows["digital to contrast", "MAE"]
        assert row["diffusion"]["n"] == 3 and row["acquired"] is None and "regression" not in row
        assert row["one step"]["mean"] != row["diffusion"]["mean"]
        assert ("contrast to digital", "rank correlation of lesion contrast") in rows
        assert capsys.readouterr().out == markdown_table(figures)
        assert Image.open(sheet).size[0] == 4 * SHAPE[1] + 3 * 4
    finally:
        (root / "models" / "translator.pt").unlink()
        for name, content in before.items():
            (root / "configs" / name).write_bytes(content)
        seal(root)


def test_a_split_without_pairs_is_one_sentence(datalist, bundles):
    with pytest.raises(RequestError, match="holds no breast in both kinds"):
        evaluate("translation", datalist=datalist, split="external")

"""The whole report on drawn mammograms: from folders to sentence and page, with what best and bad look like."""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import json
import os
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import torch
from PIL import Image
from tiny_bundles import write_vae

from monai_mammo.bundle import find, seal
from monai_mammo.bundle.fingerprint import TrainingFingerprint
from monai_mammo.cli.main import main
from monai_mammo.conditions import Conditions
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.evaluation import evaluate
from monai_mammo.evaluation.realism.compared_images import synthetic_items
from monai_mammo.evaluation.report import report_schema
from monai_mammo.evaluation.report.drawn_baselines import VAE_BUNDLES
from monai_mammo.evaluation.report.image_sorts import sort_of_image, sort_of_images
from monai_mammo.evaluation.report.report_page import report_page
from monai_mammo.evaluation.report.report_source import ReportSource
from monai_mammo.evaluation.report.report_table import report_table
from monai_mammo.evaluation.report.utility_of_report import utility_of_report
from monai_mammo.evaluation.utility import evaluate_utility
from monai_mammo.generation import verify
from monai_mammo.networks import EfficientNetLite
from monai_mammo.phantom import draw_mammogram
from monai_mammo.prepare import prepare_mammogram

ROOT = Path(__file__).resolve().parents[3]
SHAPE = (64, 48)
N_SYNTHETIC, N_REFERENCE, N_CONTROL = 22, 48, 24


def write_item(folder, name: str, person: str, seed: int, *, image=None) -> dict:
    """A drawn film of one person, its files and its item."""
    view, density = ("CC", "MLO")[seed % 2], "ABCD"[seed // 2 % 4]
    shown = {"kind": "film", "view": view, "laterality": "L", "density": density, "finding": "mass", "age_years": 44}
    drawn = prepare_mammogram(draw_mammogram(Conditions.from_dict(shown), seed=seed, shape=(128, 96)), shape=SHAPE)
    pixels = drawn.image if image is None else image
    np.save(folder / f"{name}.npy", np.rint(pixels * 65535).astype(np.uint16))
    for key, mask in (("breast", drawn.breast), ("lesion", drawn.lesion_mask)):
        Image.fromarray((mask * 255).astype(np.uint8)).save(folder / f"{name}_{key}.png")
    box = list(drawn.conditions.box)
    item = {"image": f"{name}.npy", "breast": f"{name}_breast.png", "label": f"{name}_lesion.png", "boxes": [box]}
    item |= {"image_id": name, "person_id": person, "mask_kind": "contour", "source": "drawn"}
    item |= {"source_sha256": hashlib.sha256(name.encode()).hexdigest()}
    return {**item, "conditions": {**shown, "box": box}}


def write_datalist(folder, **splits) -> None:
    named = {split: splits.get(split, []) for split in ("training", "validation", "test", "external")}
    (folder / "datalist.json").write_text(json.dumps({"version": 1, "shape": list(SHAPE), **named}))


@pytest.fixture(scope="module")
def acquired(tmp_path_factory):
    """48 films of 24 persons to compare with, 24 of 12 others to train on."""
    folder = tmp_path_factory.mktemp("acquired")
    items = [write_item(folder, f"a{i}", f"p{i // 2}", i) for i in range(N_REFERENCE + N_CONTROL)]
    write_datalist(folder, validation=items[:N_REFERENCE], training=items[N_REFERENCE:])
    return folder


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """22 films of nobody."""
    folder = tmp_path_factory.mktemp("generated")
    write_datalist(folder, training=[write_item(folder, f"s{i}", f"s{i}", 500 + i) for i in range(N_SYNTHETIC)])
    return folder


@pytest.fixture(scope="module")
def _with_encoder(bundles):
    folder = find(str(bundles / "mammo_lesion_segmentation"))
    path = folder.root / "configs" / "inference.json"
    config = json.loads(path.read_text())
    config["encoder_def"] = {"_target_": "monai_mammo.networks.EfficientNetLite", "variant": "lite0"}
    path.write_text(json.dumps(config))
    torch.manual_seed(0)
    torch.save(EfficientNetLite("lite0").half().state_dict(), folder.root / "models" / "encoder_lite0.pt")
    seal(folder.root)


@pytest.fixture(scope="module")
def _with_vaes(bundles):
    for name in VAE_BUNDLES:
        write_vae(bundles / name, conditional=name == "mammo_conditional_vae")


@pytest.fixture(scope="module")
def reported(bundles, acquired, generated, _with_encoder, _with_vaes, tmp_path_factory):
    """Folder of the report with baselines, and its JSON; the command has no word `report` in it."""
    out = tmp_path_factory.mktemp("report") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MONAI_MAMMO_BUNDLES", str(bundles))
        words = [str(generated), "--reference", str(acquired), "--baselines", "--device", "cpu", "--out", str(out)]
        assert main(["evaluate", *words]) == 0
    return out, json.loads((out / "report.json").read_text())


def test_the_report_has_the_stated_form(reported):
    _, report = reported
    jsonschema.Draft202012Validator.check_schema(report_schema())
    jsonschema.validate(report, report_schema())
    assert report["synthetic"]["n_images"] == N_SYNTHETIC
    reference = report["reference"]
    assert (reference["n_images"], reference["n_persons"]) == (N_REFERENCE, N_REFERENCE // 2)
    assert reference["n_control_images"] == N_SYNTHETIC, "as many as are generated"
    assert report["closeness_to"] == "training split of the reference"


def test_a_form_that_is_broken_is_told(reported):
    _, report = reported
    for broken in ({"sentence": "Good."}, {"version": 2}, {"verdicts": [{"name": "x"}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(report | broken, report_schema())


def test_real_images_come_before_blurred_ones_and_noise_comes_last(reported):
    _, report = reported
    rows = {row["images"].split()[0]: row for row in report["baselines"] if "drawn_by" not in row}
    assert list(rows) == ["these", "acquired", "blurred", "shuffled", "noised"]
    outside = {  # the tiny judge was never trained: its features need not see noise
        name: sum(v["light"] == "outside limits" for k, v in row["verdicts"].items() if not k.endswith("_judge"))
        for name, row in rows.items()
    }
    distance = {name: row["mean_frechet"] for name, row in rows.items()}
    assert outside["acquired"] == 0 and outside["acquired"] < outside["blurred"] <= outside["noised"]
    assert distance["acquired"] < distance["blurred"] < distance["noised"]
    answers = {name: row["answers"]["realism"] for name, row in rows.items()}
    assert answers["acquired"] != "outside limits" and answers["blurred"] == answers["noised"] == "outside limits"
    assert distance["acquired"] < distance["shuffled"]
    told = {name: row["verdicts"]["auc_radiomic"]["figure"]["value"] for name, row in rows.items()}
    kernel = {name: row["verdicts"]["kernel_radiomic"]["judged"] for name, row in rows.items()}
    assert kernel["acquired"]["low"] < 0 < kernel["acquired"]["high"], "unbiased: nothing to be seen"
    assert kernel["acquired"]["high"] < kernel["shuffled"]["low"] < kernel["blurred"]["low"] < kernel["noised"]["low"]
    precision = {name: row["verdicts"]["precision_radiomic"]["light"] for name, row in rows.items()}
    assert precision["acquired"] != "outside limits" and precision["blurred"] == precision["noised"] == "outside limits"
    assert told["acquired"] < 0.75 and min(told["blurred"], told["noised"]) > 0.9
    assert rows["these"]["verdicts"]["frechet_radiomic"]["light"] != "outside limits"


def test_both_vaes_draw_an_image_for_each_acquired_one_under_its_conditions(reported, acquired):
    out, report = reported
    rows = {row["drawn_by"]["name"]: row for row in report["baselines"] if "drawn_by" in row}
    assert list(rows) == list(VAE_BUNDLES) and "left out of the baselines" not in str(report["notes"])
    (of_acquired,) = (row for row in report["baselines"] if row["images"].startswith("acquired"))
    page, table = (out / "report.html").read_text(encoding="utf-8"), report_table(report)
    datalist = json.loads((acquired / "datalist.json").read_text())
    for name, row in rows.items():
        (folder,) = (out / "cache" / "drawn").glob(f"{name}-*")
        manifest = json.loads((folder / "manifest.json").read_text())
        assert verify(folder).is_in_order
        assert row["n"] == manifest["request"]["count"] == of_acquired["n"] == N_SYNTHETIC
        assert row["drawn_by"]["run_sha256"] == manifest["run_sha256"]
        assert (
            row["drawn_by"]["sha256"]
            == find(name).weights_sha256["models/model.pt"]
            == manifest["weights"][0]["sha256"]
        )
        assert row["answers"]["realism"] == "outside limits" and row["mean_frechet"] > of_acquired["mean_frechet"]
        assert f"images of {name}" in page and f"images of {name}" in table
        stated = [sample["conditions"] for sample in manifest["samples"]]
        assert all(len(sample["tries"]) == 1 for sample in manifest["samples"]), "nothing is drawn again"
        if name == "mammo_conditional_vae":
            some = ("kind", "view", "density", "finding", "laterality")
            shown = Counter(tuple(i["conditions"][key] for key in some) for i in datalist["validation"])
            asked = Counter(tuple(one[key] for key in some) for one in stated)
            assert asked <= shown and sum(asked.values()) == N_SYNTHETIC
        else:
            assert not any("density" in one for one in stated), "of what it ignores nothing is stated"
            read = [verdict["light"] for key, verdict in row["verdicts"].items() if key.startswith("judge_")]
            assert set(read) == {"not measured"}, "nothing was requested that the judge could read"
        assert row["verdicts"]["origin"]["figure"]["value"] == 1, "weights and request of each are stated"


def test_sizes_brightness_and_diversity_stand_by_kind_and_view(reported):
    out, report = reported
    profile = {(row["view"], row["measure"]): row for row in report["figures"]["realism"]["profile"]}
    assert {view for view, _ in profile} == {"CC", "MLO", "both"}
    area = profile["both", "breast area"]
    assert area["difference"]["mean"] == pytest.approx(area["synthetic"]["mean"] - area["acquired"]["mean"], abs=2e-4)
    for row in report["figures"]["diversity"]:
        for side in ("synthetic", "acquired"):
            assert row[side]["within"]["n_pairs"] > 0 and row[side]["ratio"]["value"] > 0
    assert {row["features"] for row in report["figures"]["diversity"]} == {"inner layers", "filtered radiomic"}
    verdicts = {row["images"].split()[0]: row["verdicts"]["diversity"] for row in report["baselines"][:2]}
    assert verdicts["acquired"]["judged"]["value"] == pytest.approx(1, abs=0.1)
    assert verdicts["acquired"]["light"] != "outside limits", "of 22 images the interval may reach a limit"
    text = (out / "report.html").read_text(encoding="utf-8")
    assert "Diversity: mean distance" in text and "Size, brightness, density and spectrum by kind and view" in text
    assert "Images beside those that they were made from" not in text, "no source is known"


def test_subgroups_and_cases_have_their_numbers(reported):
    _, report = reported
    rows = {tuple(row["subgroup"].items()): row for row in report["figures"]["subgroups"]["rows"]}
    film = rows[(("kind", "film"),)]
    assert (film["n_synthetic"], film["n_acquired"], film["n_persons"]) == (22, 48, 24)
    assert (("age", "40 to 49"),) in rows
    few = {tuple(row["subgroup"].items()): row for row in report["figures"]["subgroups"]["too_few"]}
    assert few[(("density", "A"),)]["n_synthetic"] == 6, "under ten: named, without figures"
    cases = report["figures"]["cases"]
    assert sum(row["n_acquired"] for row in cases["rows"]) == N_REFERENCE
    assert len(cases["few_persons"]) == len(cases["rows"]) == 8
    assert cases["covered"]["synthetic"]["mean"] == 1.0
    assert cases["cases_covered"]["mean"] == 1.0 and cases["cases_covered"]["n"] == 8 and cases["missing"] == []
    subgroups = report["figures"]["subgroups"]
    assert {row["n_persons"] for row in subgroups["few_persons"]} < set(range(1, 20))
    covered = [row["coverage"]["radiomic"] for row in subgroups["rows"]]
    assert covered and all(0 <= of["synthetic"]["mean"] <= 1 and of["control"]["n"] > 0 for of in covered)


class _Page(HTMLParser):
    """Elements with their attributes, and what leads out of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_the_page_loads_nothing_and_tells_its_tables(reported):
    out, report = reported
    text = (out / "report.html").read_text(encoding="utf-8")
    page = _Page(text)
    assert not page.of("script") and not page.of("link") and not page.of("iframe")
    for _, attributes in page.elements:
        for key in ("src", "href", "srcset", "action", "data", "poster"):
            value = attributes.get(key)
            assert value is None or value.startswith(("data:image/png;base64,", "#")), value
    assert "url(" not in text and "@import" not in text and "http" not in re.sub(r"http-equiv", "", text)
    assert report["sentence"] in text and text.index(report["sentence"]) < text.index("<table")
    assert page.of("html")[0]["lang"] == "en" and len(page.of("h1")) == len(page.of("main")) == 1
    assert len(page.of("caption")) == len(page.of("table")) >= 10
    assert all(attributes.get("scope") in ("col", "row", "rowgroup") for attributes in page.of("th"))
    assert all(attributes.get("alt") for attributes in page.of("img")) and len(page.of("img")) >= 12
    svgs = page.of("svg")
    assert len(svgs) >= 5 and all(a["role"] == "img" and f'id="{a["aria-labelledby"]}"' in text for a in svgs)
    identifiers = [a["id"] for _, a in page.elements if a.get("id")]
    assert len(identifiers) == len(set(identifiers))
    targets = {a["href"][1:] for a in page.of("a")}
    assert targets <= set(identifiers)
    for row in report["verdicts"]:
        assert f"</span> {row['light']}</span>" in text, "each light has its words"


def test_each_figure_stands_below_the_question_that_it_answers(reported):
    out, report = reported
    text = (out / "report.html").read_text(encoding="utf-8")
    asked = [row["question"] for row in report["verdicts"] if row["question"] in report["answers"]]
    for name in dict.fromkeys(asked):
        question, light = (report["answers"][name][key] for key in ("question", "light"))
        if name != "substitution":
            assert f'<a href="#verdicts-{name}">{question}</a>' in text, "the first screen leads there"
        group = re.search(rf'id="verdicts-{name}">.*?</tbody>', text, re.DOTALL).group()
        assert f"</span> {light}</span>" in group.partition("</tr>")[0]
        for row in report["verdicts"]:
            assert (f'<th scope="row">{html.escape(row["title"])}<' in group) == (
                name == row["question"] or (name == "help" and row["name"] == "utility_beyond_augmentation")
            ), row["name"]


def test_the_first_screen_says_which_figure_gives_a_question_its_light(reported):
    """And who drew the images, where a run states it."""
    _, report = reported
    some = json.loads(json.dumps(report))
    for row in some["verdicts"]:
        row["light"] = "within limits"
    rows = {row["name"]: row for row in some["verdicts"]}
    lights = dict.fromkeys(("realism", "request", "copies"), "within limits") | {"help": "not measured"}
    for name in ("auc_network", "auc_judge"):
        rows[name] |= {"light": "outside limits", "figure": {"value": 0.98, "low": 0.96, "high": 0.99, "n": 60}}
    rows["utility_gain"] |= {"light": "not measured", "reason": "this report trains no network"}
    rows["utility_beyond_augmentation"] |= {"light": "not measured", "reason": "this report trains no network"}
    for name, light in (lights | {"realism": "outside limits"}).items():
        some["answers"][name] = {**some["answers"][name], "light": light}
    some["synthetic"]["weights"] = [{"name": "mammo_vae", "version": "0.1.0"}, {"name": "mammo_autoencoder"}]
    text = html.unescape(report_page(some))
    cards = dict(re.findall(r"<dt>.*?>([^<>]+\?)<.*?</dt><dd>(.*?)</dd>", text))
    assert rows["auc_network"]["title"] + ": 0.98 (0.96 to 0.99); 1 more<" in cards["Are they real enough?"]
    assert cards["Do they help a training?"].count("this report trains no network") == 1
    assert "<br>" not in cards["Do they copy persons?"], "nothing stands against them"
    assert f"({report['synthetic']['form']}), drawn by mammo_vae 0.1.0, beside" in text
    assert "drawn by" not in report_page(report)


def test_dicom_files_of_anybody_are_brought_to_the_grid_of_the_reference(reported, acquired, make_run, tmp_path):
    """Of another size and either side, with masks among them; what the files state is read, and nothing else is."""
    out, _ = reported
    drawn = [draw_mammogram(Conditions(kind="digital", view="CC", finding="none"), seed=i, shape=SHAPE) for i in (1, 2)]
    run = make_run([(side, one.pixels, np.zeros(SHAPE, bool)) for side, one in zip("LR", drawn, strict=True)])
    folder = tmp_path / "theirs" / "study"
    folder.mkdir(parents=True)
    for i, path in enumerate(sorted(run.rglob("*.dcm"))):
        (folder / f"{i}.dcm").write_bytes(path.read_bytes())
    items = synthetic_items(folder.parent, shape=(96, 72))
    assert [item["conditions"]["laterality"] for item in items] == ["L", "R"]
    for item in items:
        assert item["image"].shape == (96, 72) and item["conditions"]["view"] == "CC"
        assert item["breast"][:, :8].mean() > item["breast"][:, -8:].mean(), "chest wall left"
        assert item["mask_kind"] == "none" and not item["label"].any()
    with pytest.raises(RequestError, match="holds DICOM files: bring them to the grid"):
        synthetic_items(folder)
    words = {"reference": acquired, "device": "cpu", "cache": out / "cache"}
    report = evaluate("report", synthetic=folder.parent, **words)
    about = {"name": "theirs", "form": "folder of DICOM files", "n_images": 2, "images": "SYNTHETIC"}
    assert report["synthetic"] == about, "as our files state of themselves"
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(MammoError, match="cannot be read"):
        evaluate("report", synthetic=folder.parent, **words)


def test_images_are_named_by_what_is_stated_of_them(reported, acquired, generated, make_run):
    """A prepared folder states nothing, unless of a run; what a run draws is synthetic; acquired stays acquired."""
    out, report = reported
    page = (out / "report.html").read_text(encoding="utf-8")
    assert report["synthetic"]["images"] == "examined" and "<h1>What these mammograms may be used for</h1>" in page
    captions = [one.partition(":")[0] for one in re.findall(r"<figcaption>(.*?)</figcaption>", page)]
    assert captions.count("examined") == sum(len(panel["names"]) for panel in report["panels"])
    assert set(captions) == {"examined", "acquired"} and "it is not stated whether they were generated" in page
    drawn = draw_mammogram(Conditions(view="CC"), seed=3, shape=SHAPE)
    run = make_run([("L", drawn.pixels, np.zeros(SHAPE, bool))])
    of_run, of_folder = synthetic_items(run), synthetic_items(generated)
    assert sort_of_images(of_run) == "SYNTHETIC" and sort_of_images([*of_run, *of_folder]) == "examined"
    assert sort_of_image({**of_folder[0], "labels": {"is_synthetic": "true"}}) == "SYNTHETIC"
    named = {**report, "synthetic": {**report["synthetic"], "images": "SYNTHETIC"}}
    assert "<h1>What these synthetic mammograms may be used for</h1>" in report_page(named)


def test_what_is_of_few_images_is_in_no_plot_and_no_table(reported):
    _, report = reported
    few = json.loads(json.dumps(report))
    realism = few["figures"]["realism"]
    for row in [*realism["frechet"], *realism["auc"], *few["figures"]["neighbours"]]:
        for name in ("synthetic", "control"):
            row[name] = None if row[name] is None else {**row[name], "n": 19, "value": 0.123, "mean": 0.123}
    for row in realism["profile"]:
        row["acquired"] = {**(row["acquired"] or {"mean": 0.777, "low": 0, "high": 1}), "n": 9}
        row["control_difference"] = {"mean": 0.777, "low": 0.0, "high": 1.0, "n": 22}
    plots = [set(re.findall(r'<svg[^>]*aria-labelledby="(.*?)-title"', report_page(some))) for some in (report, few)]
    assert plots[0] - plots[1] == {"frechet", "auc", "neighbours"}
    assert "0.123" not in report_page(few) and "0.777" not in report_page(few)


def test_a_second_time_nothing_is_measured_anew(reported, acquired, generated, monkeypatch):
    out, report = reported

    def refuse(*_, **__):
        raise AssertionError("an image was measured anew")

    for name in ("examined_set", "read_items", "read_with_features", "closest", "closest_copies"):
        monkeypatch.setattr(f"monai_mammo.evaluation.report.measured_side.{name}", refuse)
    monkeypatch.setattr("monai_mammo.evaluation.found_breast.seen_breast", refuse)
    monkeypatch.setattr("monai_mammo.generation.engine.generator.Generator.load", refuse)
    monkeypatch.setattr("monai_mammo.evaluation.report.training_images.image_features", refuse)
    monkeypatch.setattr("monai_mammo.evaluation.realism.classifier_auc.logistic_scores", refuse)
    monkeypatch.setattr("monai_mammo.evaluation.realism.frechet.FeatureSpace.of", refuse)
    words = {"synthetic": generated, "reference": acquired, "device": "cpu", "baselines": True}
    again = evaluate("report", **words, cache=out / "cache")
    assert json.loads(json.dumps(again)) == report, "to the last digit"


def test_a_report_that_keeps_nothing_has_the_same_figures(reported, acquired, generated):
    _, report = reported
    words = {"synthetic": generated, "reference": acquired, "device": "cpu", "baselines": True}
    assert json.loads(json.dumps(evaluate("report", **words))) == report


def test_pictures_of_others_are_shown_and_not_measured(reported, acquired, generated, tmp_path):
    """Of any size; what stands in the report beside them is as without them."""
    out, report = reported
    others = tmp_path / "paper"
    others.mkdir()
    for i in range(6):
        grey = np.full((40 + 60 * i, 50), 40 * i + 20, dtype=np.uint8)
        grey[5, 5] = 0
        Image.fromarray(grey).save(others / f"figure_{i}.png")
    words = {"synthetic": generated, "reference": acquired, "device": "cpu", "baselines": True, "cache": out / "cache"}
    again = json.loads(json.dumps(evaluate("report", **words, peers=[f"a paper={others}"], out=tmp_path / "out")))
    *panels, peers = again.pop("panels")
    assert again == {key: value for key, value in report.items() if key != "panels"} and panels == report["panels"]
    assert peers["title"] == "Of others: a paper" and "4 of 6 pictures" in peers["about"] and len(peers["names"]) == 4
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    shown = re.findall(r"<figcaption>of a paper: (figure_\d.png), (\d+) x 50 pixels</figcaption>", text)
    assert [name for name, _ in shown] == peers["names"] and {int(rows) for _, rows in shown} <= set(range(40, 400, 60))
    largest = max(Image.open(BytesIO(base64.b64decode(one))).height for one in re.findall(r'base64,([^"]+)"', text))
    assert largest <= SHAPE[0], "larger ones are shrunk to the rows of the reference"
    for wrong, said in (([others, others], "paper stands twice"), (["=x"], "is not NAME=FOLDER")):
        with pytest.raises(RequestError, match=said):
            evaluate("report", **words, peers=wrong)


def test_a_report_needs_no_monai():
    """Its import takes longer than all the rest of a second report."""
    code = "import sys, monai_mammo.evaluation.report.report_of_folder; sys.exit('monai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_two_workers_find_what_one_finds_and_leave_nothing_to_measure(
    reported, acquired, generated, tmp_path, monkeypatch
):
    _, report = reported

    def refuse(*_, **__):
        raise AssertionError("an image was measured here and not by a worker")

    for name in ("examined_set", "read_items", "read_with_features", "closest"):
        monkeypatch.setattr(f"monai_mammo.evaluation.report.measured_side.{name}", refuse)
    seen: list = []
    words = {"synthetic": generated, "reference": acquired, "cache": tmp_path, "device": "cpu", "workers": "2"}
    again = evaluate("report", **words, baselines=True, progress=seen.append)
    assert again["verdicts"] == report["verdicts"] and again["baselines"] == report["baselines"]
    done = [at.n_done for at in seen]
    assert done == sorted(done) and done[-1] == seen[-1].n_all, "each image counts once"
    assert len(done) > 4, "told while they work"


def test_a_number_of_workers_that_is_none_is_refused(acquired, generated):
    with pytest.raises(RequestError, match="workers '0' is not a whole number from 1 to 1024"):
        evaluate("report", synthetic=generated, reference=acquired, workers=0)


def test_images_of_the_reference_are_named_and_outside_limits(acquired, tmp_path, reported):
    """The validation split as what is generated: the same files, the same persons; one flat picture beside them."""
    content = json.loads((acquired / "datalist.json").read_text())
    items = [
        {**item, **{key: str(acquired / item[key]) for key in ("image", "breast", "label")}}
        for item in content["validation"][:5]
    ]
    for item in items:
        for key in ("image", "breast", "label"):
            name = item[key].rsplit("/", 1)[1]
            (tmp_path / name).write_bytes((acquired / name).read_bytes())
            item[key] = name
    flat = write_item(tmp_path, "flat", "f", 900, image=np.full(SHAPE, 0.5, np.float32))
    write_datalist(tmp_path, training=[*items, flat])
    report = evaluate("report", synthetic=tmp_path, reference=acquired, cache=reported[0] / "cache", device="cpu")
    verdicts = {row["name"]: row for row in report["verdicts"]}
    assert verdicts["identical"]["light"] == verdicts["same_persons"]["light"] == "outside limits"
    assert report["answers"]["copies"]["light"] == "outside limits"
    assert report["sentence"].startswith("These images may not be used for testing software")
    assert verdicts["frechet_radiomic"]["figure"] is None, "five images are too few"
    assert verdicts["frechet_radiomic"]["reason"] == "5 images, and 20 at least are needed"
    words = " ".join(report["notes"])
    assert "acquisition kind" not in words
    assert "5 of 5 images are pixel for pixel images of the reference" in words
    assert "Of one value everywhere, and left out: 1 image." in words and "There are few images, 5:" in words


def test_a_judge_that_saw_the_reference_is_not_heard(acquired, generated, reported, bundles, capsys):
    """The judge's bundle says that it was trained on two films of the reference and on one that is not in it."""
    home = find(str(bundles / "mammo_lesion_segmentation"))
    seen = [np.load(acquired / f"a{i}.npy") / np.float32(65535) for i in range(3)]
    stated = [hashlib.sha256(name.encode()).hexdigest() for name in ("a0", "a1", "elsewhere")]
    path = TrainingFingerprint.of(seen, stated).save(home)
    try:
        words = [str(generated), "--reference", str(acquired), "--cache", str(reported[0] / "cache"), "--device", "cpu"]
        assert main(["evaluate", *words, "--out", str(reported[0].parent / "seen")]) == 0
    finally:
        path.unlink()
    said = "2 of 48 acquired images of the reference were trained on by the networks that examine"
    assert said in capsys.readouterr().out
    page = (reported[0].parent / "seen" / "report.html").read_text()
    assert said in page and "the judge was trained on images of the reference" in page


class _Means(torch.nn.Module):
    """Mean brightness of four strips, or one value for all images."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return torch.nn.functional.adaptive_avg_pool2d(x, (4, 1)).flatten(1) * self.factor


def test_a_file_s_network_is_one_more_sort_of_features(acquired, generated, tmp_path, reported):
    for name, factor in (("means", 1.0), ("flat", 0.0)):
        torch.jit.script(_Means(factor)).save(str(tmp_path / f"{name}.pt"))
    words = {"synthetic": generated, "reference": acquired, "cache": reported[0] / "cache", "device": "cpu"}
    report = evaluate("report", **words, features=[tmp_path / "means.pt"])
    verdicts = {row["name"]: row for row in report["verdicts"]}
    for measure in ("auc", "frechet", "kernel", "precision", "coverage"):
        row = verdicts[f"{measure}_file means.pt"]
        assert row["figure"]["n"] >= 20 and row["family"] == "file means.pt" and row["light"] != "not measured"
    built_in = {row["name"] for row in reported[1]["verdicts"]}
    assert set(verdicts) - built_in == {name for name in verdicts if name.endswith("file means.pt")}
    with pytest.raises(RequestError, match="features of file flat.pt are the same for all acquired images"):
        evaluate("report", **words, features=[tmp_path / "flat.pt"])
    with pytest.raises(RequestError, match="files of features need different names"):
        evaluate("report", **words, features=[tmp_path / "means.pt", tmp_path / "means.pt"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nothing", "--reference", "REAL"], "nothing is not a run, a prepared folder or a folder of pictures"),
        (["REAL"], "the following arguments are required: --reference, --out"),
        (["realsim", "run"], "invalid choice: 'realsim'"),
        (["REAL", "--reference", "REAL", "--split", "test"], "split 'test' of"),
        (["REAL", "--reference", "REAL", "--features", "no.pt"], "no.pt is not a file: a TorchScript file"),
        (["REAL", "--reference", "REAL", "--synthetic-split", "test"], "split 'test' lists none"),
    ],
)
def test_what_cannot_be_reported_is_said_in_a_sentence(acquired, tmp_path, capsys, words, sentence):
    words = [{"REAL": str(acquired)}.get(word, word) for word in words]
    out = ["--out", str(tmp_path / "out")] if "--reference" in words else []
    assert main(["evaluate", *words, *out, *(["--device", "cpu"] if out else [])]) == 2
    assert sentence in capsys.readouterr().err


def test_images_that_are_no_numbers_are_named(acquired, tmp_path, capsys):
    """Fractions, which may be NaN, as a picture and in a prepared folder."""
    fractions = np.full(SHAPE, 0.5, np.float32)
    fractions[3] = np.nan
    pictures, prepared = tmp_path / "pictures", tmp_path / "prepared"
    pictures.mkdir(), prepared.mkdir()
    Image.fromarray(fractions).save(pictures / "nan.tif")
    item = write_item(prepared, "nan", "n", 901)
    np.save(prepared / "nan.npy", fractions)
    write_datalist(prepared, training=[item])
    for folder, said in ((pictures, "nan.tif cannot be read as a picture"), (prepared, "nan.npy is not an array of")):
        words = [str(folder), "--reference", str(acquired), "--device", "cpu", "--out", str(tmp_path / "out")]
        assert main(["evaluate", *words]) == 1
        assert said in capsys.readouterr().err


def test_tutorial_07_evaluate(bundles, _with_encoder):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "tutorials" / "07_evaluate.py")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    sharp, blurred, *distances = done.stdout.splitlines()
    assert sharp.startswith("sharp: These images may") and blurred.startswith("blurred: These images may")
    assert len(distances) == 2
    for line in distances:
        values = [float(number) for number in re.findall(r"\d+\.\d+", line)]
        assert len(values) == 2 and values[1] > 2 * values[0] > 0


def test_trainings_are_part_of_a_report(reported, acquired, generated, tmp_path, monkeypatch):
    small = functools.partial(evaluate_utility, steps=2, seeds=2, doses=(1.0,))
    monkeypatch.setattr("monai_mammo.evaluation.report.utility_of_report.evaluate_utility", small)
    cache, out, said = reported[0] / "cache", tmp_path / "out", []
    words = {"synthetic": generated, "reference": acquired, "cache": cache, "device": "cpu"}
    report = evaluate("report", **words, utility=True, sources=generated, out=out, announce=said.append)
    jsonschema.validate(report, report_schema())
    assert "24 trainings of 2 architectures: about" in said[0]
    row = next(row for row in report["verdicts"] if row["name"] == "utility_gain")
    assert row["figure"]["n"] == N_REFERENCE and row["light"] in ("unclear", "within limits", "outside limits")
    assert report["answers"]["help"]["light"] == row["light"]
    pairs = {row["measure"]: row["figure"] for row in report["figures"]["pairs"]}
    assert pairs["psnr"]["mean"] == 100 and pairs["ssim"]["mean"] == 1 and pairs["inner layers"]["mean"] == 0
    assert pairs["psnr"]["n"] == N_SYNTHETIC and "ms_ssim" not in pairs, "64 rows have no room for five scales"
    text = (out / "report.html").read_text(encoding="utf-8")
    assert "Images beside those that they were made from" in text
    page = _Page(text)
    assert report["figures"]["utility"]["sentence"] in html.unescape(text)
    assert any(a.get("id") == "utility" for a in page.of("section")) and 'id="utility-areas-title"' in text
    assert len(page.of("caption")) == len(page.of("table")) and "What each training gains" in text
    file = out / "utility" / "utility.json"
    how = {"reference": acquired, "splits": ("validation", "training"), "homes": ("", "mammo_lesion_segmentation")}
    how |= {"out": None, "device": "cpu", "seed": 0, "progress": None, "announce": None}
    drawn, others = (ReportSource.of(folder, kind=None, split="training") for folder in (generated, acquired))
    assert utility_of_report(drawn, file, target="density", **how) == report["figures"]["utility"]
    with pytest.raises(RequestError, match="utility.json is of other images than"):
        utility_of_report(others, file, target="density", **how)
    with pytest.raises(RequestError, match="holds no figures as `evaluate utility` writes them"):
        utility_of_report(drawn, out / "report.json", target="density", **how)
    reason = utility_of_report(drawn, True, target="finding", **how)["reason"]
    assert reason.startswith("all 22 synthetic images are of one class of finding, a finding")
    assert utility_of_report(drawn, False, target="finding", **how) == {"reason": "this report trains no network"}

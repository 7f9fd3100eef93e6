"""Trainings on drawn images with planted truth, from folders to figures, stopped and gone on with."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest

from monai_mammo.cli.main import main
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.evaluation import evaluate
from monai_mammo.evaluation.utility.training_sets import TrainingSet, draw_chances


def gains(figures):
    return {name: row["gain"] for name, row in figures["recipes"].items()}


def test_synthetic_images_that_carry_the_signal_help(acquired, synthetic, read_by):
    figures = evaluate(
        "utility", synthetic=synthetic, reference=acquired, target="finding", scorers={"ridge": read_by}, seeds=4
    )
    found = gains(figures)
    assert found["added"]["low"] > 0 and found["better"]["low"] > 0 and "a gain is shown" in figures["sentence"]
    assert found["alone"]["value"] > 0.02, "200 images teach more than 24"
    rows = {(row["arm"], row["than"]): row for row in figures["comparisons"]}
    assert figures["n_comparisons"] == len(rows) == 12
    assert rows["pretrained", "acquired"]["is_shown"] and rows["pretrained", "acquired"]["p_holm"] < 0.05
    assert ("reversed", "acquired") in rows and ("augmented_dose_1", "augmented") in rows
    assert set(figures["data"]["training"]["classes"].values()) == {12} and figures["data"]["test"]["n_persons"] == 100


@pytest.mark.parametrize(
    ("target", "words", "classes"),
    [
        ("pathology", ("benign", "malignant"), {"normal or benign": 12, "malignant": 12}),
        ("density", ("A", "B", "C", "D"), {"A": 6, "B": 6, "C": 6, "D": 6}),
    ],
)
def test_each_target_is_read(write_folder, tmp_path, read_by, target, words, classes):
    """Of two classes and of four, and synthetic images that carry the signal are not called useless."""
    acquired, synthetic = tmp_path / "acquired", tmp_path / "synthetic"
    acquired.mkdir(), synthetic.mkdir()
    values = {target: words}
    write_folder(acquired, {"training": 24, "validation": 200}, seed=1, values=values, per_person=2)
    write_folder(synthetic, {"training": 200}, seed=2, name="s", values=values)
    figures = evaluate(
        "utility", synthetic=synthetic, reference=acquired, target=target, scorers={"ridge": read_by}, seeds=4
    )
    assert figures["data"]["training"]["classes"] == classes
    assert "a gain is shown" in figures["sentence"]
    assert gains(figures)["added"]["low"] > 0


def test_wrong_labels_harm_and_noise_is_not_said_to_help(acquired, write_folder, tmp_path, read_by):
    words = {"reference": acquired, "target": "finding", "scorers": {"ridge": read_by}, "seeds": 4}
    wrong, noise = tmp_path / "wrong", tmp_path / "noise"
    for folder, drawn_as in ((wrong, lambda place, rng: 1 - place), (noise, lambda place, rng: 0)):
        folder.mkdir()
        write_folder(folder, {"training": 200}, seed=3, name="w", drawn_as=drawn_as)
    harmed = evaluate("utility", synthetic=wrong, **words)
    assert gains(harmed)["added"]["high"] < 0 and gains(harmed)["alone"]["high"] < -0.1
    assert "they harm" in harmed["sentence"]
    useless = evaluate("utility", synthetic=noise, **words)
    assert gains(useless)["better"]["low"] < 0 and "a gain is shown" not in useless["sentence"]
    assert not any(row["is_shown"] and row["gain"]["value"] > 0 for row in useless["comparisons"])
    assert "could have been seen" in useless["sentence"] and useless["recipes"]["added"]["could_see"] > 0


def test_a_stopped_call_goes_on_and_gives_the_same(small, read_by, tmp_path):
    (acquired, synthetic), calls = small, []

    def counted(stages, test_images, seed):
        calls.append(seed)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return read_by(stages, test_images, seed)

    words = {"synthetic": synthetic, "reference": acquired, "target": "finding", "seeds": 2, "doses": (1.0,)}
    said, shares = [], []
    with pytest.raises(KeyboardInterrupt):
        evaluate("utility", **words, scorers={"one": counted}, out=tmp_path / "out")
    assert not (tmp_path / "out" / "utility.json").exists() and len(calls) == 6
    more = {"announce": said.append, "progress": lambda one: shares.append((one.n_done, one.n_all, one.share))}
    figures = evaluate("utility", **words, scorers={"one": counted}, out=tmp_path / "out", **more)
    assert len(calls) == 6 + (12 - 5), "five trainings were finished"
    assert (
        shares[0][0] == 6 and shares[-1] == (12, 12, 1.0) and [s for *_, s in shares] == sorted(s for *_, s in shares)
    )
    assert said == [
        "7 trainings of 1 architectures (5 more are done already); how long one takes is told after the first"
    ]
    whole = evaluate("utility", **words, scorers={"one": read_by})
    assert figures["comparisons"] == whole["comparisons"] and figures["arms"] == whole["arms"]
    evaluate("utility", **words, scorers={"one": counted}, out=tmp_path / "out", **more)
    assert len(calls) == 13 and said[-1] == "all 12 trainings are done already"
    assert json.loads((tmp_path / "out" / "utility.json").read_text()) == figures


@pytest.mark.usefixtures("_with_encoder")
def test_the_command_trains_says_how_long_and_its_predictions_give_the_same(small, tmp_path, capsys):
    acquired, synthetic = small
    out, other = tmp_path / "out", tmp_path / "other"
    words = ["evaluate", "utility", str(synthetic), "--reference", str(acquired), "--target", "finding"]
    words += ["--seeds", "2", "--steps", "4", "--doses", "1", "--device", "cpu"]
    assert main([*words, "--out", str(out)]) == 0
    printed = capsys.readouterr()
    assert "24 trainings of 2 architectures: about" in printed.err and "on this machine" in printed.err
    assert printed.out == (out / "utility.md").read_text() and "| small network | acquired images |" in printed.out
    figures = json.loads((out / "utility.json").read_text())
    assert figures["settings"]["n_steps"] == 4 and figures["settings"]["architectures"] == [
        "small network",
        "frozen features",
    ]
    assert "each of the 24 synthetic images is drawn 3 times" in figures["notes"][1]
    first = (out / "predictions.csv").read_bytes()
    shutil.rmtree(out / "trainings")
    assert main([*words, "--out", str(out)]) == 0
    assert (out / "predictions.csv").read_bytes() == first, "trained anew, on features that were kept: the same"
    capsys.readouterr()
    assert main(["evaluate", "utility", "--predictions", str(out / "predictions.csv"), "--out", str(other)]) == 0
    handed_in = json.loads((other / "utility.json").read_text())
    order = lambda rows: sorted(rows, key=lambda row: (row["architecture"], row["arm"], row.get("than", "")))  # noqa: E731
    assert order(handed_in["comparisons"]) == order(figures["comparisons"])
    assert handed_in["recipes"] == figures["recipes"]


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda rows: [{k: v for k, v in row.items() if k != "truth"} for row in rows], "lack the columns truth"),
        (lambda rows: rows[:-1], "score different images"),
        (lambda rows: [*rows, rows[0]], "line 26 is scored twice"),
        (lambda rows: [{**rows[0], "score": "nan"}, *rows[1:]], "line 2 are not finite"),
        (lambda rows: [{**rows[0], "seed": "a"}, *rows[1:]], "line 2 are not all numbers"),
        (lambda rows: [{**rows[0], "person": ""}, *rows[1:]], "person in predictions.csv line 2 is empty"),
        (lambda rows: [{**rows[0], "truth": "3"}, *rows[1:]], "another person, kind or truth than before"),
        (lambda rows: [], "hold no line"),
        (lambda rows: [row for row in rows if row["arm"] != "acquired"], "has no arm 'acquired'"),
    ],
)
def test_a_table_of_predictions_that_is_wrong_is_one_sentence(tmp_path, change, sentence):
    rows = [
        {"person": f"p{i}", "image": f"i{i}", "arm": arm, "architecture": "n", "seed": s, "truth": i % 2, "score": i}
        for arm in ("acquired", "mine")
        for s in (0, 1)
        for i in range(6)
    ]
    path = tmp_path / "predictions.csv"

    def write(some):
        fields = list(some[0]) if some else list(rows[0])
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, fields)
            writer.writeheader()
            writer.writerows(some)

    write(rows)
    assert evaluate("utility", predictions=path)["comparisons"][0]["arm"] == "mine", "arms of any name"
    write(change(rows))
    with pytest.raises(RequestError, match=sentence):
        evaluate("utility", predictions=path)


def test_what_cannot_be_trained_or_tested_is_said(acquired, synthetic, write_folder, tmp_path, read_by):
    words = {"target": "finding", "scorers": {"ridge": read_by}, "seeds": 2}

    def refused(sentence, **other):
        with pytest.raises(RequestError, match=sentence):
            evaluate("utility", **{**words, "synthetic": synthetic, "reference": acquired, **other})

    def folder(place, splits, **how):
        (tmp_path / place).mkdir()
        return write_folder(tmp_path / place, splits, **how)

    refused("target 'age' is not one of density, finding, pathology", target="age")
    refused("none of 200 synthetic images states its density", target="density")
    refused("split 'training' cannot be trained on and tested on", split="training")
    refused("split 'test' of .* lists no image: a training needs persons on both sides", split="test")
    refused("doses 0, 1 are not different numbers above 0", doses=(0.0, 1.0))
    refused("1 seeds are not 2 to 100", seeds=1)
    refused("0 steps of a training", steps=0)
    refused("predictions stand in place of trainings", predictions="x.csv")
    refused("needs synthetic images and a reference", synthetic=None)
    one = folder("one", {"training": 40}, name="s", values={"finding": ("mass",)})
    refused("all 40 synthetic images are of one class of finding, a finding", synthetic=one)
    few = folder("few", {"training": 12}, name="s")
    refused("synthetic images are too few to read finding: 6 no finding, 6 a finding, and 10", synthetic=few)
    same = folder("same", {"training": 24}, seed=1)
    refused("24 images of the synthetic images are, pixel for pixel, acquired images", synthetic=same)
    persons = folder("persons", {"training": 40}, seed=5)
    content = json.loads((persons / "datalist.json").read_text())
    content["validation"] = content["training"]
    (persons / "datalist.json").write_text(json.dumps(content))
    refused("'training' and the acquired images of split 'validation' share 40 persons", reference=persons)
    for item in content["training"]:
        item["person_id"] = "a_validation_p0"
    (persons / "datalist.json").write_text(json.dumps({**content, "validation": []}))
    refused("the synthetic images and the acquired images of split 'validation' share 1 person", synthetic=persons)
    (tmp_path / "mine.txt").write_text("mine")
    refused("holds other files", out=tmp_path)
    with pytest.raises(MammoError, match="gave scores of shape"):
        evaluate(
            "utility", synthetic=synthetic, reference=acquired, target="finding", scorers={"bad": lambda *a: [1.0]}
        )


def test_rare_classes_are_drawn_more_often_and_doses_kept():
    classes, kinds = np.array([0] * 10 + [1] * 90), ["film"] * 100
    chances = draw_chances(classes, kinds)
    assert chances.sum() == pytest.approx(1) and chances[:10].sum() == pytest.approx(0.25), "a root of 10 to one of 90"
    mixed = draw_chances(np.array([0, 0, 1, 1, 0, 1]), ["film"] * 4 + ["digital"] * 2)
    assert mixed[:4].sum() == pytest.approx(4 / 6)

    def some(n):
        image = np.zeros((4, 4), np.float32)
        return TrainingSet(
            images=(image,) * n,
            truth=np.zeros(n),
            chances=np.full(n, 1 / n),
            digests=tuple(map(str, range(n))),
            may_flip=np.zeros(n, bool),
        )

    joined = some(10).joined(some(4), dose=0.5)
    assert joined.chances[10:].sum() == pytest.approx(1 / 3) and joined.chances.sum() == pytest.approx(1)
    assert joined.digest != some(10).joined(some(4), dose=1).digest

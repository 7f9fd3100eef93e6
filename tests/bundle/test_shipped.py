"""What the bundles state of themselves, read as text: no MONAI, no torch."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from monai_mammo.attributes import COLUMNS
from monai_mammo.bundle import CROP_TRANSLATOR, DETAIL, DETAIL_GUIDE, FINISH, GUIDE, find
from monai_mammo.errors import RequestError
from monai_mammo.terms import BIRADS_CATEGORIES, Density, Finding, Pathology, View
from monai_mammo.training import frozen_part

NAMES = ("mammo_autoencoder", "mammo_conditional_vae", "mammo_diffusion", "mammo_lesion_segmentation", "mammo_vae")
CONFIGS = ("train", "inference", "evaluate", "multi_gpu_train", "smoke")
SECTIONS = (
    "Intended use", "Out-of-scope use", "Data and licence", "Training procedure", "Metrics", "Limitations",
    "Failure cases", "Ethical considerations", "Commands", "How to cite",
)  # fmt: skip
CHECKER = Path(__file__).resolve().parents[3] / "shared" / "tools" / "bundle_check.py"

bundles = pytest.mark.parametrize("name", NAMES)


def strict(path: Path) -> dict:
    """JSON object in which no key stands twice."""

    def unique(pairs: list) -> dict:
        keys = [key for key, _ in pairs]
        assert len(set(keys)) == len(keys), f"{path.name}: {keys}"
        return dict(pairs)

    return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=unique)


def values(config: object) -> list:
    """Every plain value below a config."""
    inner = config.values() if isinstance(config, dict) else config if isinstance(config, list) else None
    return [config] if inner is None else [value for part in inner for value in values(part)]


@bundles
def test_every_file_of_the_layout_is_there(name):
    root = find(name).root
    wanted = ["LICENSE", "docs/README.md", "docs/data_license.txt", "configs/logging.conf", "configs/metadata.json"]
    wanted += [f"configs/{config}.json" for config in CONFIGS]
    assert [path for path in wanted if not (root / path).is_file() or not (root / path).stat().st_size] == []


@bundles
def test_the_metadata_are_complete(name):
    meta = strict(find(name).root / "configs" / "metadata.json")
    for key in (
        "schema", "version", "changelog", "monai_version", "pytorch_version", "numpy_version", "task", "description",
        "required_packages_version", "authors", "copyright", "data_source", "data_type", "intended_use", "references",
        "network_data_format", "supported_apps", "weights_sha256", "prepared_shape", "nominal_spacing_mm",
        "eval_metrics",
    ):  # fmt: skip
        assert key in meta, key
    assert meta["eval_metrics"], "no figure that a command measured"
    assert next(iter(meta["changelog"])) == meta["version"]
    assert "not for clinical use" in meta["intended_use"]


@bundles
def test_the_weights_that_are_there_are_the_ones_stated(name):
    folder = find(name)
    for path in sorted((folder.root / "models").glob("*.pt")):
        stated = folder.weights_sha256[path.relative_to(folder.root).as_posix()]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == stated
        assert path.stat().st_size < 25_000_000


@bundles
def test_train_and_inference_name_the_same_network(name):
    """The next weights may be told of further attributes: those of the shipped ones come first."""
    folder = find(name)
    (target, trained), (shipped, arguments) = folder.network_definition("train"), folder.network_definition("inference")
    more, told = trained.pop("more_attributes", []), arguments.pop("more_attributes", [])
    assert (target, trained) == (shipped, arguments) and more[: len(told)] == told


def test_the_generator_trains_and_samples_with_one_schedule():
    folder = find("mammo_diffusion")
    assert folder.network_definition("train", "schedule") == folder.network_definition("inference", "schedule")


def test_the_diffusion_bundle_names_its_detail_stage_as_it_trains_it():
    folder = find("mammo_diffusion")
    assert folder.defines(DETAIL) and "models/detail.pt" in folder.weights_sha256
    assert folder.network_definition("inference", "detail_def") == folder.network_definition("detail")
    assert folder.network_definition("inference", "detail_schedule") == folder.network_definition("detail", "schedule")


def test_the_diffusion_bundle_names_the_guide_of_its_layout_stage_as_it_trains_it():
    folder = find("mammo_diffusion")
    assert folder.defines(GUIDE) and "models/guide.pt" in folder.weights_sha256
    assert folder.network_definition("inference", "guide_def") == folder.trained_network("guide")
    for name in ("layout_guidance", "layout_range", "finer_texture"):
        assert folder.config("inference")[name] == folder.metadata[name]


def test_the_diffusion_bundle_names_the_guide_of_its_detail_stage_as_it_trains_it():
    folder = find("mammo_diffusion")
    assert folder.defines(DETAIL_GUIDE) and "models/detail_guide.pt" in folder.weights_sha256
    assert folder.network_definition("inference", "detail_guide_def") == folder.trained_network(
        "detail", "detail_guide"
    )
    assert folder.config("inference")["detail_guidance"] == folder.metadata["detail_guidance"]


def test_the_diffusion_bundle_names_the_finish_of_its_detail_stage_as_it_trains_it():
    folder = find("mammo_diffusion")
    assert folder.network_definition("inference", "finish_def") == folder.network_definition("finish")
    assert folder.has_weights(FINISH)
    assert folder.config("inference")["finish_weight"] == folder.metadata["finish_weight"]


def test_a_part_is_loaded_where_the_bundle_has_it_and_another_word_is_refused():
    root = find("mammo_diffusion").root
    assert frozen_part(find("mammo_autoencoder").root, "guide") is None
    guide, detail = (
        sum(p.numel() for p in frozen_part(root, part).parameters()) for part in ("detail_guide", "detail")
    )
    assert 0 < guide < detail / 4
    with pytest.raises(RequestError, match="'painting' of a diffusion bundle is not one of detail, guide"):
        frozen_part(root, "painting")


def test_the_diffusion_bundle_names_its_painter_as_it_trains_it():
    folder = find("mammo_diffusion")
    assert folder.network_definition("inference", "painter_def") == folder.network_definition("painter")
    assert folder.network_definition("painter", "schedule") == folder.network_definition("inference", "detail_schedule")
    assert folder.has_painter == (folder.root / "models" / "painter.pt").is_file()


def test_the_diffusion_bundle_names_its_translation_as_it_trains_it():
    folder = find("mammo_diffusion")
    assert folder.network_definition("inference", "translator_def") == folder.network_definition("gan")
    assert folder.has_weights(CROP_TRANSLATOR) == (folder.root / "models" / "gan.pt").is_file()


def test_the_lesion_bundle_names_its_judge():
    folder = find("mammo_lesion_segmentation")
    target, arguments = folder.network_definition("inference", "judge_def")
    assert target == "monai_mammo.networks.PyramidJudge"
    assert (target, arguments) == folder.network_definition("judge")


@bundles
@pytest.mark.parametrize("config", CONFIGS)
def test_expressions_are_a_reference_or_a_small_call(name, config):
    path = find(name).root / "configs" / f"{config}.json"
    texts = [value for value in values(strict(path)) if isinstance(value, str)]
    assert all(len(text) <= 120 and ";" not in text and "lambda" not in text for text in texts)
    assert not any("#" in text and not text.startswith(("$", "@")) for text in texts)


@bundles
def test_smoke_changes_numbers_and_places_only(name):
    smoke = strict(find(name).root / "configs" / "smoke.json")
    assert smoke["max_epochs"] == 1 and smoke["dataset_dir"] == "phantom"
    assert not any(isinstance(value, dict) for value in smoke.values())
    assert "models" not in json.dumps(smoke)


@bundles
def test_the_card_has_its_sections_and_places_for_figures(name):
    card = (find(name).root / "docs" / "README.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", card, re.M)
    assert sorted(headings) == sorted(SECTIONS)
    opened, closed = re.findall(r"<!-- figures:([\w-]+) -->", card), re.findall(r"<!-- /figures:([\w-]+) -->", card)
    assert opened == closed and opened


@bundles
def test_the_card_says_why_monais_check_of_inputs_and_outputs_does_not_apply(name):
    """``verify_net_in_out`` gives one tensor called ``image`` and takes one back, and cannot run other forms."""
    root = find(name).root
    inputs = strict(root / "configs" / "metadata.json")["network_data_format"]["inputs"]
    said = re.search(r"`verify_net_in_out` does not apply: (.+)", (root / "docs" / "README.md").read_text("utf-8"))
    assert said and "one tensor called `image`" in said[1]
    assert "`x`" in said[1] if "x" in inputs else "class logits by name" in said[1]


def test_the_cards_table_of_support_agrees_with_the_metadata():
    folder = find("mammo_diffusion")
    card = (folder.root / "docs" / "README.md").read_text(encoding="utf-8")
    table = card.partition("<!-- figures:support -->")[2].partition("<!-- /figures:support -->")[0]
    rows = [line.strip("| ").split(" | ") for line in table.strip().splitlines()[2:]]
    assert sum(int(row[4]) for row in rows) == sum(row.n_images for row in folder.support.rows)
    assert folder.support.rows


@bundles
def test_both_data_sets_are_attributed(name):
    text = (find(name).root / "docs" / "data_license.txt").read_text(encoding="utf-8")
    for words in ("10.7937/K9/TCIA.2016.7O02S9CY", "10.7937/29kw-ae92", "CC BY 3.0", "CC BY 4.0", "10.7937"):
        assert words in text


def test_channels_of_the_lesion_network_are_the_vocabularies():
    outputs = find("mammo_lesion_segmentation").metadata["network_data_format"]["outputs"]
    vocabularies = {
        "finding": Finding,
        "birads": BIRADS_CATEGORIES,
        "density": Density,
        "view": View,
        "pathology": Pathology,
    }
    for head, vocabulary in vocabularies.items():
        assert outputs[head]["channel_def"] == {str(i): str(term) for i, term in enumerate(vocabulary)}


def test_columns_of_the_generators_attributes_are_the_encoders():
    attributes = COLUMNS
    names = find("mammo_diffusion").metadata["network_data_format"]["inputs"]["attributes"]["channel_def"]
    taken = attributes[: 10 + len(find("mammo_diffusion").network_definition()[1].get("more_attributes", ()))]
    assert [names[str(i)].removeprefix("box ") for i in range(len(names))] == list(taken)


@bundles
def test_sample_pictures_say_that_they_are_drawn(name):
    data = find(name).root / "data"
    assert all(path.name.startswith("phantom_") for path in data.glob("*"))


@pytest.mark.slow  # `.ci/run` asks the same checker for more
@pytest.mark.shared
@pytest.mark.skipif(not CHECKER.is_file(), reason="the bundle checker lies outside the repository")
def test_metadata_fit_the_published_schema():
    words = [sys.executable, str(CHECKER), str(find(NAMES[0]).root.parent), "--profile", "plus", "--no-weights"]
    for check in ("metadata", "metadata_fields", "metadata_text", "versions", "data_format", "paths"):
        words += ["--only", f"static.{check}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stdout.strip().endswith("30 passed, 0 failed"), done.stdout

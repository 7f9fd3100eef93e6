"""The bundles' own configs, run by MONAI from another folder, with tiny networks in place of the real ones."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import monai.bundle
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from PIL import Image

from monai_mammo import networks
from monai_mammo.bundle import DETAIL, FINISH, BundleFolder, PartInTraining, find, put_weights
from monai_mammo.bundle.training_record import forget_parts, record_of
from monai_mammo.cli.main import main
from monai_mammo.files.digest import file_sha256
from monai_mammo.sampling.bundle_sampler import sampler_of
from monai_mammo.training import frozen_cascade, frozen_part

REPOSITORY = Path(__file__).resolve().parents[2]
NAMES = ("mammo_autoencoder", "mammo_conditional_vae", "mammo_diffusion", "mammo_lesion_segmentation", "mammo_vae")
BEFORE_DIFFUSION = ("mammo_autoencoder", "mammo_lesion_segmentation")
SHAPE = [64, 48]
QUICK = {
    "phantom_shape": SHAPE,
    "working_shape": SHAPE,
    "n_phantoms": 4,
    "batch_size": 2,
    "num_workers": 0,
    "track": False,
}
QUICK_WORDS = (
    "--phantom_shape [64,48] --n_phantoms 4 --batch_size 2 --num_workers 0 --track false --compile no --output_dir out"
).split()
pytestmark = [
    pytest.mark.filterwarnings("ignore:parsing config_file:UserWarning"),  # MONAI says that configs are code
    pytest.mark.usefixtures("elsewhere"),
]
names = pytest.mark.parametrize("name", NAMES)


def files(root: Path, *configs: str) -> list[str]:
    return [str(root / "configs" / f"{config}.json") for config in configs]


def run(root: Path, *configs: str, **overrides) -> None:
    monai.bundle.run(
        config_file=files(root, *configs),
        meta_file=str(root / "configs" / "metadata.json"),
        logging_file=False,
        **overrides,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@names
def test_smoke_trains_and_touches_no_bundle(tiny_bundles, elsewhere, name):
    before = contents(tiny_bundles)
    run(tiny_bundles / name, "train", "smoke", **QUICK)
    written = set(contents(elsewhere / "output_smoke" / name))
    assert {"models/model.pt", "models/checkpoint.pt"} <= written
    assert contents(tiny_bundles) == before
    target, arguments = BundleFolder(tiny_bundles / name).network_definition("train")
    net = networks.load_weights(
        networks.build(target, arguments), elsewhere / "output_smoke" / name / "models" / "model.pt"
    )
    assert all(torch.isfinite(p).all() for p in net.parameters())


@names
def test_fine_tuning_starts_from_the_weights_of_the_bundle(tiny_bundles, elsewhere, name):
    still = {"learning_rate": 0.0, "max_epochs": 1, "output_dir": "tuned"}
    run(tiny_bundles / name, "train", "smoke", "fine_tune", **QUICK, **still)
    roots = (tiny_bundles / name, elsewhere / "tuned")
    before, after = (torch.load(root / "models" / "model.pt", weights_only=True) for root in roots)
    measured_anew = {"latent_mean", "latent_std"}
    assert before.keys() <= after.keys()
    assert all(".added." in key for key in after.keys() - before.keys()), "a network may have grown by attributes"
    assert all(torch.equal(value, after[key]) for key, value in before.items() if key not in measured_anew)


def test_the_command_trains_and_switches_mean_what_they_say(tiny_bundles, elsewhere):
    words = ["train", str(tiny_bundles / "mammo_lesion_segmentation"), "smoke", *QUICK_WORDS]
    words += ["--half", "all", "--working_shape", "[64,48]"]

    def train(resume: str, n_epochs: int) -> dict:
        assert main([*words, "--resume", resume, "--max_epochs", str(n_epochs)]) == 0
        return torch.load(elsewhere / "out" / "models" / "checkpoint.pt", weights_only=True)

    first = train("yes", 1)
    path = elsewhere / "out" / "models" / "checkpoint.pt"
    torch.save({**first, "epoch": 5, "iteration": 5 * first["iteration"]}, path)
    assert train("false", 1)["epoch"] == 1, "what was there is not gone on from"
    torch.save({**first, "epoch": 5, "iteration": 5 * first["iteration"]}, path)
    assert train("on", 6)["epoch"] == 6
    assert not (elsewhere / "out" / "mlruns.db").exists()


@pytest.mark.parametrize("switch", ["resume", "track", "compile", "is_first_rank"])
def test_a_switch_that_is_neither_yes_nor_no_is_one_sentence(tiny_bundles, capsys, switch):
    settings = [word for word in QUICK_WORDS if word not in ("--track", "false", "--compile", "no")]
    words = ["train", str(tiny_bundles / "mammo_autoencoder"), "smoke", *settings, f"--{switch}", "perhaps"]
    assert main(words) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.fullmatch(r"monai-mammo: (\w+) 'perhaps' is not one of true, yes, on, 1, false, no, off, 0", said), said


@names
def test_switches_of_configs_go_to_what_parses_them(name):
    for path in sorted((find(name).root / "configs").glob("*.json")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(if|and|or|not) @(track|resume|compile|is_first_rank)", text), path.name
        assert not re.search(r"@(track|resume|compile|is_first_rank) (if|and|or)", text), path.name


def test_the_detail_stage_is_trained_beside_the_layout(tiny_bundles, elsewhere):
    root = tiny_bundles / "mammo_diffusion"
    before = contents(tiny_bundles)
    run(root, "train", "detail", "smoke", **QUICK, max_epochs=1, output_dir="detail")
    assert contents(tiny_bundles) == before
    network = networks.build(*BundleFolder(root).network_definition("detail"))
    trained = networks.load_weights(network, elsewhere / "detail" / "models" / "model.pt")
    assert any(p.abs().max() > 0 for p in trained.output[-1].parameters())
    assert (trained.residual_std < 1).all() and trained.air < 0  # measured on the training images


def test_the_painter_is_trained_on_crops_and_put_beside_the_stages(tiny_bundles, elsewhere):
    root = tiny_bundles / "mammo_diffusion"
    before = contents(tiny_bundles)
    small = {"network_def#channels": [8, 16], "network_def#n_blocks": 1, "network_def#context_channels": 8}
    quick = {**QUICK, **small, "phantom_shape": [160, 120]}
    run(root, "train", "painter", "smoke", **quick, max_epochs=1, output_dir="painter")
    assert contents(tiny_bundles) == before
    target, arguments = BundleFolder(root).network_definition("painter")
    arguments |= {name.removeprefix("network_def#"): value for name, value in small.items()}
    trained = networks.load_weights(networks.build(target, arguments), elsewhere / "painter" / "models" / "model.pt")
    assert any(p.abs().max() > 0 for p in trained.output[-1].parameters())
    assert not (trained.residual_std == 1).any() and (trained.texture_std < 1).any()  # measured on the training crops


def test_the_gan_is_trained_on_the_painters_crops_and_goes_on_exactly_where_it_stopped(tiny_bundles, elsewhere):
    root = tiny_bundles / "mammo_diffusion"
    before = contents(tiny_bundles)
    small = {"network_def#channels": 8, "network_def#n_blocks": 1, "phantom_shape": [256, 192], "n_phantoms": 8}
    small |= {
        f"{one}_discriminator#{name}": 8 for one in ("lesion", "healthy") for name in ("channels", "norm#1#num_groups")
    }
    quick = {**QUICK, **small, "cache_dir": "latents", "precision": None, "resume": True}
    parts = {}
    for name, epochs in (("whole", (2,)), ("stopped", (1, 2))):
        for max_epochs in epochs:
            run(root, "train", "gan", "smoke", **quick, max_epochs=max_epochs, output_dir=name)
        parts[name] = torch.load(elsewhere / name / "models" / "checkpoint.pt", weights_only=True)
    assert contents(tiny_bundles) == before
    for part in ("network", "loss_function"):
        both = [parts[name][part] for name in parts]
        tensors = {key for key, value in both[0].items() if isinstance(value, torch.Tensor)}
        assert tensors and all(torch.equal(both[0][key], both[1][key]) for key in tensors)
    target, arguments = BundleFolder(root).network_definition("gan")
    network = networks.build(target, {**arguments, "channels": 8, "n_blocks": 1})
    trained = networks.load_weights(network, elsewhere / "whole" / "models" / "model.pt")
    assert trained.to_lesion[-1].weight.any() and trained.to_healthy[-1].weight.any()
    assert not (trained.texture_std == 1).any()  # measured on the training crops


@pytest.mark.parametrize("overlays", [("translate",), ("translate", "translate_regression")])
def test_the_translator_is_trained_on_pairs_of_any_modalities(tiny_bundles, elsewhere, overlays):
    root = tiny_bundles / "mammo_diffusion"
    small = {"network_def#channels": [8, 16, 16], "network_def#n_blocks": 1, "network_def#context_channels": 8}
    modalities = ["digital", "contrast"] if len(overlays) == 1 else ["digital", "ultrasound"]
    quick = {**QUICK, **small, "modalities": modalities, "network_def#attention_scales": []}
    run(root, "train", *overlays, "smoke", **quick, max_epochs=1, output_dir="translate")
    target, arguments = BundleFolder(root).trained_network(*overlays)
    arguments |= {name.removeprefix("network_def#"): value for name, value in small.items()}
    arguments |= {"modalities": modalities, "attention_scales": []}
    trained = networks.load_weights(networks.build(target, arguments), elsewhere / "translate" / "models" / "model.pt")
    assert any(p.abs().max() > 0 for p in trained.output[-1].parameters())
    assert not (trained.band_std == 1).any() and trained.air < 0  # measured on the training pairs


def test_a_finish_is_trained_on_what_the_bundle_draws_and_put_in(tiny_bundles, elsewhere, tmp_path):
    root = Path(shutil.copytree(tiny_bundles / "mammo_diffusion", tmp_path / "home" / "mammo_diffusion"))
    shutil.copytree(tiny_bundles / "mammo_autoencoder", tmp_path / "home" / "mammo_autoencoder")
    quick = {**QUICK, "n_drawn": 1, "n_val_drawn": 1, "loss#crop_size": 8, "cache_dir": "kept"}
    run(root, "train", "finish", **quick, max_epochs=1, output_dir="finish")
    weights = elsewhere / "finish" / "models" / "model.pt"
    assert {part.weights for part in record_of(weights)} >= {"models/model.pt", "models/detail.pt"}
    assert torch.load(weights, weights_only=True)["output.weight"].any(), "it starts from zero"
    before = frozen_part(root, "finish")
    folder = put_weights(root, weights, "finish")
    assert folder.has_weights(FINISH) and not torch.equal(
        before.output.weight, frozen_part(root, "finish").output.weight
    )
    device = torch.device("cpu")
    assert sampler_of(folder, device).finish is not None and frozen_cascade(str(root)).finish is None


def test_texts_are_an_overlay_by_which_the_network_grows(tiny_bundles, elsewhere):
    root = tiny_bundles / "mammo_diffusion"
    before = contents(tiny_bundles)
    run(root, "train", "text", "smoke", **QUICK, max_epochs=1, output_dir="text", cache_dir="kept")
    assert contents(tiny_bundles) == before
    target, arguments = BundleFolder(root).network_definition("train")
    network = networks.build(target, {**arguments, "text_channels": 256})
    grown = networks.build(target, {**arguments, "text_channels": 256})
    networks.load_weights(network, elsewhere / "text" / "models" / "model.pt")
    networks.load_weights(grown, root / "models" / "model.pt", grow=True)
    assert len(list((elsewhere / "kept").glob("captions_*.npy"))) == 2  # training and validation
    assert all(torch.isfinite(p).all() for p in network.parameters()) and network.text.null.any()
    before, after = grown.state_dict(), network.state_dict()
    assert any(not torch.equal(after[name], before[name]) for name in before if name.startswith("output"))


def test_the_loop_is_an_overlay_whose_switch_is_its_weight_and_start(tiny_bundles, elsewhere):
    root = tiny_bundles / "mammo_diffusion"
    before = contents(tiny_bundles)
    quick = {**QUICK, "max_epochs": 2, "loop_every": 1, "loop_latest_time": 1.0, "precision": None}

    def trained(name, *overlays, **settings):
        forget_parts()  # as in a process of its own
        run(root, "train", *overlays, "smoke", **quick, **settings, output_dir=name)
        return torch.load(elsewhere / name / "models" / "checkpoint.pt", weights_only=True)

    with_loop = trained("loop", "loop", loop_start=0, loop_weight=1.0)
    late = trained("late", "loop", loop_start=99)
    quick = {key: value for key, value in quick.items() if "loop" not in key}
    plain = trained("plain")
    assert contents(tiny_bundles) == before
    assert plain["loss_function"] == {}
    assert int(with_loop["loss_function"]["loop.iteration"]) == with_loop["iteration"] == plain["iteration"]
    assert all(torch.equal(value, plain["network"][key]) for key, value in late["network"].items())
    taught = {name: record_of(elsewhere / name / "models" / "model.pt") for name in ("loop", "late", "plain")}
    read = [PartInTraining.of(BundleFolder(tiny_bundles / name), "models/model.pt") for name in BEFORE_DIFFUSION]
    assert taught == {"loop": tuple(read), "late": tuple(read), "plain": tuple(read[:1])}, "who had a part is stated"
    forget_parts()
    run(root, "train", "fine_tune", "smoke", **quick, output_dir="finer", ckpt_path=elsewhere / "loop/models/model.pt")
    finer = record_of(elsewhere / "finer" / "models" / "model.pt")
    begun = PartInTraining("", "", "model.pt", file_sha256(elsewhere / "loop/models/model.pt"))
    assert set(finer) == {*read, begun}, "who had a part in what it began from had one too"


@pytest.mark.parametrize(("name", "stage"), [("mammo_diffusion", ["detail"]), ("mammo_autoencoder", [])])
def test_the_length_of_the_average_is_chosen_after_the_training(tiny_bundles, elsewhere, name, stage):
    root = tiny_bundles / name
    quick = {**QUICK, "output_dir": "averaged", "max_epochs": 2, "resume": True}
    forget_parts()
    run(root, "train", *stage, "smoke", "power_averages", **quick, snapshot_epochs=1)
    assert len(list((elsewhere / "averaged" / "averages").glob("averages_*.pt"))) == 2
    run(root, "train", *stage, "smoke", "choose_average", **quick, lengths=[0.06, 0.2])
    chosen = elsewhere / "averaged" / "chosen_average"
    scores = json.loads((chosen / "lengths.json").read_text())["by_length"]
    assert len(scores) == 2 and all(np.isfinite(list(scores.values())))
    beside = elsewhere / "averaged" / "models" / "model.pt"
    assert record_of(chosen / "model.pt") == record_of(beside) and record_of(beside) is not None
    network = networks.build(*BundleFolder(root).trained_network(*stage))
    networks.load_weights(network, chosen / "model.pt")
    assert all(torch.isfinite(p).all() for p in network.parameters())


@names
def test_evaluate_writes_figures_of_the_bundles_weights(tiny_bundles, elsewhere, name):
    run(tiny_bundles / name, "train", "evaluate", **QUICK)
    table = (elsewhere / "output" / name / "evaluation" / "metrics.csv").read_text()
    assert all(np.isfinite(float(line.split(",")[-1])) for line in table.strip().splitlines())
    detail = (
        {"guide.pt", "detail.pt", "detail_guide.pt", "finish.pt"}
        if BundleFolder(tiny_bundles / name).defines(DETAIL)
        else set()
    )
    encoder = {"encoder_lite0.pt"} if name == "mammo_lesion_segmentation" else set()
    assert contents(tiny_bundles / name / "models").keys() == {"model.pt", *detail, *encoder}


@names
def test_inference_is_honest_about_its_properties(tiny_bundles, elsewhere, name):
    path = files(tiny_bundles / name, "inference")[0]
    workflow = monai.bundle.create_workflow(config_file=path, workflow_type="inference", logging_file=False)
    assert workflow.check_properties() == []
    assert isinstance(workflow.evaluator, SupervisedEvaluator)
    assert len(workflow.dataset.data if hasattr(workflow.dataset, "not_read") else workflow.dataset) > 0
    assert isinstance(workflow.network_def, torch.nn.Module)
    assert not contents(elsewhere)


@names
def test_training_is_honest_about_its_properties(tiny_bundles, name):
    paths = files(tiny_bundles / name, "train")
    meta = str(tiny_bundles / name / "configs" / "metadata.json")
    workflow = ConfigWorkflow(paths, meta, logging_file=False, workflow_type="train")
    for key, value in QUICK.items():
        workflow.parser[key] = value
    workflow.initialize()
    assert workflow.check_properties() == []
    assert isinstance(workflow.trainer, SupervisedTrainer)
    assert isinstance(workflow.train_dataset_data, list) and isinstance(workflow.val_dataset_data, list)


@names
def test_load_gives_the_network_with_its_weights(tiny_bundles, name):
    for kind in ("train", "inference"):
        net = monai.bundle.load(name, bundle_dir=str(tiny_bundles), source="github", workflow_type=kind)
        stated = torch.load(tiny_bundles / name / "models" / "model.pt", weights_only=True)
        state = {key: value.half() for key, value in net.state_dict().items()}
        assert all(torch.equal(state[key], value) for key, value in stated.items())
        rest = [state[key] for key in state.keys() - stated.keys() if "number.0" not in key]
        assert not any(value.any() for value in rest), "what the weights lack adds nothing"


def test_lesions_are_outlined_on_the_files_own_grid(tiny_bundles, elsewhere):
    root = tiny_bundles / "mammo_lesion_segmentation"
    run(root, "inference", shape=SHAPE)
    for path in sorted((root / "data").glob("*_??.png")) + sorted((root / "data").glob("*_MLO.png")):
        with Image.open(path) as picture:
            mask = Image.open(elsewhere / "output" / root.name / f"{path.stem}_lesion.png")
            assert mask.size == picture.size
            assert set(np.unique(np.asarray(mask))) <= {0, 255}


def test_reconstructions_are_those_of_the_prepared_picture(tiny_bundles, elsewhere):
    run(tiny_bundles / "mammo_autoencoder", "inference", shape=SHAPE)
    written = sorted((elsewhere / "output" / "mammo_autoencoder").glob("*_reconstruction.png"))
    assert len(written) == 2
    with Image.open(written[0]) as picture:
        assert picture.size == tuple(SHAPE[::-1])
        assert np.asarray(picture).max() > 50


def test_requests_come_from_a_file_and_hang_as_asked(tiny_bundles, elsewhere):
    rows = [{"laterality": "L"}, {"laterality": "R"}]
    (elsewhere / "asked").mkdir()
    (elsewhere / "asked" / "requests.json").write_text(json.dumps(rows), encoding="utf-8")
    conditions = {"kind": "film", "density": "B", "view": "MLO", "finding": "mass", "birads": 4}
    root = tiny_bundles / "mammo_diffusion"
    run(root, "inference", dataset_dir="asked", conditions=conditions, steps=2)
    out = elsewhere / "output" / "mammo_diffusion"
    sides = [json.loads((out / f"sample_{i:04d}.json").read_text())["conditions"]["laterality"] for i in range(2)]
    assert sides == ["L", "R"]
    with Image.open(out / "sample_0000.png") as picture:
        assert "Synthetic" in picture.text["Description"] and picture.size == tuple(SHAPE[::-1])
    first = contents(out)
    run(root, "inference", dataset_dir="asked", conditions=conditions, steps=2, batch_size=1, output_dir="again")
    again = contents(elsewhere / "again")
    near = [np.asarray(Image.open(p / "sample_0001.png")).astype(int) for p in (out, elsewhere / "again")]
    assert first.keys() == again.keys() and abs(near[0] - near[1]).max() <= 1


def test_what_no_training_image_shows_is_refused(tiny_bundles):
    conditions = {"kind": "digital", "density": "A", "view": "CC", "finding": "duct"}
    with pytest.raises(Exception) as caught:
        run(tiny_bundles / "mammo_diffusion", "inference", conditions=conditions)
    error: BaseException = caught.value
    while error.__cause__ is not None:
        error = error.__cause__
    assert "no training image shows" in str(error)


@names
def test_what_an_overlay_sets_is_there_to_be_set(name):
    root = find(name).root
    stages = {"mammo_autoencoder": "decoder", "mammo_diffusion": "detail", "mammo_lesion_segmentation": "judge"}
    more = ("loop", "painter", "gan", "translate", "finish") if name == "mammo_diffusion" else ()
    extra = (*([stages[name]] if name in stages else []), *more)
    for overlay in ("smoke", "evaluate", "multi_gpu_train", "fine_tune", *extra):
        base = ConfigParser()
        base.read_config(files(root, "train"))
        for key in json.loads(Path(files(root, overlay)[0]).read_text(encoding="utf-8")):
            parent = key.replace("#", "::").rpartition("::")[0]
            assert not parent or parent in base, f"{overlay}: {key}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "overlays"),
    [
        *((name, ()) for name in NAMES),
        ("mammo_diffusion", ("loop",)),
        ("mammo_diffusion", ("detail",)),
        ("mammo_autoencoder", ("decoder",)),
    ],
)
def test_two_ranks_train_one_network(tiny_bundles, elsewhere, name, overlays):
    configs = repr(files(tiny_bundles / name, "train", *overlays, "smoke", "multi_gpu_train"))
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m", "monai.bundle"]
    words += ["run", "--config_file", configs]
    quick = {**QUICK, "batch_size": 1} | (
        {"loop_start": 0, "loop_every": 1, "loop_latest_time": 1.0} if "loop" in overlays else {}
    )
    words += [word for key, value in quick.items() for word in (f"--{key}", str(value))]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert (elsewhere / "output_smoke" / name / "models" / "model.pt").is_file()

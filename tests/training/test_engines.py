"""Trainer, evaluator, checkpoints and tracking together, on phantoms and tiny networks."""

from __future__ import annotations

import dataclasses
import json
import os
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from ignite.engine import Events
from PIL import Image
from torch import nn

from monai_mammo.bundle import PartInTraining
from monai_mammo.bundle.training_record import record_of
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.folder_lock import LOCK, folder_lock
from monai_mammo.measures.breast_psnr import BreastPSNR
from monai_mammo.networks import Autoencoder
from monai_mammo.prepare.datalist_items import outlined_items
from monai_mammo.prepare.drawn_items import phantom_items, training_items
from monai_mammo.prepare.mammogram_files import image_files
from monai_mammo.training import (
    AutocastInferer,
    AutoencoderLoss,
    BestWeightsWriter,
    CheckpointHandler,
    CropDataset,
    EpochValidation,
    ExponentialMovingAverage,
    LatentStatistics,
    NetworkEvaluator,
    NetworkTrainer,
    PredictionWriter,
    PreparedDataset,
    ReconstructionInferer,
    data_loader,
    loss_terms,
    set_latent_statistics,
    tracking_handler,
)
from monai_mammo.training.checkpoints import random_state, restore_random_state, save_atomically, shipped_state
from monai_mammo.training.writers import NOT_ACQUIRED, file_names

SHAPE = (64, 48)


@pytest.fixture(scope="module")
def items() -> list[dict]:
    return phantom_items(8, shape=SHAPE)


def network(seed: int = 0) -> Autoencoder:
    torch.manual_seed(seed)
    return Autoencoder((8, 8), n_blocks=1)


def trainer(items: list[dict], *, max_epochs: int, handlers: list, seed: int = 3) -> NetworkTrainer:
    net = network()
    return NetworkTrainer(
        "cpu",
        max_epochs,
        data_loader(CropDataset(items, crop_size=32, seed=seed), batch_size=4, seed=seed),
        net,
        torch.optim.AdamW(net.parameters(), 1e-2),
        AutoencoderLoss(kl=1e-3),
        inferer=AutocastInferer(None),
        ema=ExponentialMovingAverage(net, decay=0.5),
        warm_up_iterations=1,
        seed=seed,
        train_handlers=handlers,
    )


def equal(a: dict, b: dict) -> bool:
    return set(a) == set(b) and all(torch.equal(a[k], b[k]) for k in a)


def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(items, tmp_path):
    whole = trainer(items, max_epochs=3, handlers=[])
    whole.decay_start_fraction = 1.0
    whole.run()
    path = tmp_path / "deep" / "checkpoint.pt"
    first = trainer(items, max_epochs=3, handlers=[CheckpointHandler(path)])
    first.add_event_handler(Events.EPOCH_COMPLETED(once=2), lambda engine: engine.terminate())
    first.run()
    torch.manual_seed(99)
    second = trainer(items, max_epochs=3, handlers=[CheckpointHandler(path)])
    second.run()
    assert second.state.epoch == 3 and second.state.iteration == whole.state.iteration
    assert equal(second.network.state_dict(), whole.network.state_dict())
    assert equal(second.ema.average, whole.ema.average)
    assert not equal(first.network.state_dict(), whole.network.state_dict())


def test_a_finished_run_is_not_run_again(items, tmp_path):
    path = tmp_path / "checkpoint.pt"
    trainer(items, max_epochs=1, handlers=[CheckpointHandler(path)]).run()
    again = trainer(items, max_epochs=1, handlers=[CheckpointHandler(path)])
    before = path.read_bytes()
    again.run()
    assert again.state.iteration == 2 and path.read_bytes() == before


def test_without_resume_a_run_starts_anew(items, tmp_path):
    path = tmp_path / "checkpoint.pt"
    trainer(items, max_epochs=1, handlers=[CheckpointHandler(path)]).run()
    seen = []
    again = trainer(items, max_epochs=1, handlers=[CheckpointHandler(path, resume=False)])
    again.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: seen.append(engine.state.iteration))
    again.run()
    assert seen == [1, 2]


def test_a_checkpoint_is_plain_values_only(items, tmp_path):
    path = tmp_path / "checkpoint.pt"
    trainer(items, max_epochs=1, handlers=[CheckpointHandler(path)]).run()
    state = torch.load(path, weights_only=True)
    assert {"network", "optimizer", "ema", "loss_function", "random", "epoch", "iteration"} <= set(state)
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.99])
def test_a_damaged_checkpoint_is_one_sentence(items, tmp_path, kept):
    path = tmp_path / "checkpoint.pt"
    trainer(items, max_epochs=1, handlers=[CheckpointHandler(path)]).run()
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(MammoError, match="is damaged") as caught:
        trainer(items, max_epochs=2, handlers=[CheckpointHandler(path)]).run()
    assert "\n" not in str(caught.value)


def test_a_checkpoint_of_another_network_is_refused(items, tmp_path):
    path = tmp_path / "checkpoint.pt"
    trainer(items, max_epochs=1, handlers=[CheckpointHandler(path)]).run()
    other = trainer(items, max_epochs=2, handlers=[CheckpointHandler(path)])
    other.network = Autoencoder((16, 8), n_blocks=1)
    with pytest.raises(MammoError, match="network in checkpoint .* does not fit"):
        other.run()


def test_a_checkpoint_without_a_part_names_it(items, tmp_path):
    save_atomically({"network": {}, "epoch": 1, "iteration": 2}, tmp_path / "c.pt")
    with pytest.raises(MammoError, match="does not hold ema, loss_function, optimizer"):
        trainer(items, max_epochs=2, handlers=[CheckpointHandler(tmp_path / "c.pt")]).run()


def test_one_training_works_on_a_checkpoint_and_ranks_that_do_not_write_join_it(items, tmp_path):
    path = tmp_path / "models" / "checkpoint.pt"
    with folder_lock(path.parent):
        with pytest.raises(MammoError, match=f"models is being written by process {os.getpid()}"):
            trainer(items, max_epochs=1, handlers=[CheckpointHandler(path)]).run()
        with pytest.raises(MammoError, match="is being written"):
            trainer(items, max_epochs=1, handlers=[CheckpointHandler(path, resume=False)]).run()
        other_rank = trainer(items, max_epochs=1, handlers=[CheckpointHandler(path, is_writer=False)])
        other_rank.run()
        assert other_rank.state.iteration == 2 and [p.name for p in path.parent.iterdir()] == [LOCK]


def test_the_folder_is_free_once_a_training_has_ended_or_failed(items, tmp_path):
    path = tmp_path / "checkpoint.pt"
    held = []

    def fail(engine):
        held.append((tmp_path / LOCK).is_file())
        raise ValueError("as a loss may")

    failing = trainer(items, max_epochs=1, handlers=[CheckpointHandler(path)])
    failing.add_event_handler(Events.ITERATION_COMPLETED, fail)
    with pytest.raises(ValueError, match="as a loss may"):
        failing.run()
    assert held == [True] and not (tmp_path / LOCK).exists()
    trainer(items, max_epochs=1, handlers=[CheckpointHandler(path)]).run()
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "weights.pt"
    save_atomically({"a": torch.ones(2)}, path)

    class Unwritable:
        def __reduce__(self):
            raise RuntimeError("no space left")

    with pytest.raises(MammoError, match="could not be written"):
        save_atomically({"a": torch.zeros(10), "b": Unwritable()}, path)
    assert torch.equal(torch.load(path, weights_only=True)["a"], torch.ones(2))
    assert [file.name for file in tmp_path.iterdir()] == ["weights.pt"]


def test_a_file_in_the_way_of_the_folder_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(MammoError, match="could not be written"):
        save_atomically({}, tmp_path / "file" / "weights.pt")


def test_random_states_come_back(tmp_path):
    save_atomically(random_state(), tmp_path / "r.pt")
    drawn = (np.random.rand(3), torch.rand(3), __import__("random").random())
    restore_random_state(torch.load(tmp_path / "r.pt", weights_only=True))
    again = (np.random.rand(3), torch.rand(3), __import__("random").random())
    assert np.array_equal(drawn[0], again[0]) and torch.equal(drawn[1], again[1]) and drawn[2] == again[2]


def test_shipped_weights_are_half_and_on_the_cpu():
    state = shipped_state(nn.BatchNorm2d(3))
    assert state["weight"].dtype == torch.float16 and state["num_batches_tracked"].dtype == torch.int64


def evaluator(items: list[dict], net: nn.Module, *, ema=None, handlers=()) -> NetworkEvaluator:
    loader = data_loader(PreparedDataset(items), batch_size=3, is_training=False)
    loss = AutoencoderLoss(kl=0.0, gradient=0.0)
    return NetworkEvaluator(
        "cpu", loader, net, loss, inferer=AutocastInferer(None), ema=ema, terms=["l1"], val_handlers=list(handlers)
    )


def test_validation_is_the_mean_over_images_not_over_batches(items):
    net = network().eval()
    engine = evaluator(items, net)
    engine.run()
    images = torch.stack([torch.from_numpy(PreparedDataset(items).image(i))[None] for i in range(8)])
    with torch.no_grad():
        wanted = (net(images)[0] - images).abs().mean()
    assert engine.state.metrics["val_l1"] == pytest.approx(float(wanted), rel=1e-5)
    assert engine.state.metrics["val_loss"] == pytest.approx(float(wanted), rel=1e-5)


def test_validation_judges_the_moving_average_and_leaves_the_network(items):
    net = network()
    ema = ExponentialMovingAverage(net)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    plain = evaluator(items, net)
    plain.run()
    with torch.no_grad():
        for value in ema.average.values():
            value.add_(0.05)
    averaged = evaluator(items, net, ema=ema)
    averaged.run()
    assert averaged.state.metrics["val_loss"] != pytest.approx(plain.state.metrics["val_loss"], rel=1e-3)
    assert equal(net.state_dict(), before)


def test_validation_asks_the_same_each_time(items):
    class Noisy(nn.Module):
        def forward(self, call, batch):
            return {"loss": torch.rand(()), "l1": torch.rand(())}

    engine = evaluator(items, network())
    engine.loss_function = Noisy()
    engine.run()
    first = engine.state.metrics["val_loss"]
    torch.manual_seed(5)
    engine.run(global_epoch=7)
    assert engine.state.metrics["val_loss"] == first


def test_the_best_weights_are_kept_through_worse_epochs_and_resumes(items, tmp_path):
    writer = BestWeightsWriter(tmp_path / "model.pt", metric="val_loss")
    engine = evaluator(items, network())
    for value, is_written in ((float("nan"), False), (2.0, True), (3.0, False), (float("inf"), False), (1.0, True)):
        (tmp_path / "model.pt").unlink(missing_ok=True)
        engine.state.metrics = {"val_loss": value}
        writer(engine)
        assert (tmp_path / "model.pt").is_file() is is_written
    again = BestWeightsWriter(tmp_path / "model.pt", metric="val_loss")
    before = PartInTraining("read before the pause", "1", "models/model.pt", "ab" * 32)
    state = writer.state_dict()
    again.load_state_dict({**state, "parts": [*state["parts"], dataclasses.asdict(before)]})
    assert again.best == 1.0
    engine.state.metrics = {"val_loss": 0.5}
    again(engine)
    assert before in record_of(tmp_path / "model.pt")
    again.load_state_dict({"best": 1.0})  # of a checkpoint from before there were records
    engine.state.metrics = {"val_loss": 1.0}
    only_reader = BestWeightsWriter(tmp_path / "other.pt", metric="val_loss", is_writer=False)
    only_reader(engine)
    assert only_reader.best == 1.0 and not (tmp_path / "other.pt").exists()


def test_the_written_weights_have_unit_latents(items, tmp_path):
    statistics = LatentStatistics(PreparedDataset(items))
    handlers = [statistics, BestWeightsWriter(tmp_path / "model.pt", metric="val_loss")]
    evaluator(items, network(), handlers=handlers).run()
    net = network()
    net.load_state_dict({k: v.float() for k, v in torch.load(tmp_path / "model.pt", weights_only=True).items()})
    images = torch.stack([torch.from_numpy(PreparedDataset(items).image(i))[None] for i in range(8)])
    with torch.no_grad():
        latents = net.eval().to_latent(images)
    assert latents.mean(dim=(0, 2, 3)).abs().max() < 0.01  # half precision of the buffers
    assert (latents.std(dim=(0, 2, 3)) - 1).abs().max() < 0.01


def test_latent_statistics_take_evenly_spread_images(items):
    dataset, net = PreparedDataset(items), network()
    set_latent_statistics(net, dataset, n_images=2)
    some = net.latent_mean.clone()
    set_latent_statistics(net, PreparedDataset([items[0], items[4]]))
    assert torch.allclose(net.latent_mean, some)


def test_psnr_counts_the_breast_only():
    target = torch.zeros(1, 1, 4, 4)
    target[..., :2] = 0.5
    predicted = target.clone()
    predicted[..., :2] += 0.1
    predicted[..., 2:] = 0.9  # air
    metric = BreastPSNR()
    assert float(metric(predicted, target)) == pytest.approx(20.0, abs=1e-4)
    assert float(metric.aggregate()) == pytest.approx(20.0, abs=1e-4)


def test_training_is_tracked_in_sqlite(items, tmp_path):
    validation = evaluator(items, network(), handlers=[tracking_handler(tmp_path, experiment="x", is_validation=True)])
    handlers = [EpochValidation(validation), tracking_handler(tmp_path, experiment="x")]
    trainer(items, max_epochs=2, handlers=handlers).run()
    with sqlite3.connect(tmp_path / "mlruns.db") as store:
        keys = {key for (key,) in store.execute("select distinct key from metrics")}
        steps = {step for (step,) in store.execute("select step from metrics where key = 'val_loss'")}
        runs = store.execute("select status from runs").fetchall()
    assert {"loss", "l1", "kl", "val_loss", "val_l1"} <= keys
    assert steps == {1, 2}
    assert runs == [("FINISHED",)]


def test_an_inactive_rank_tracks_nothing(tmp_path):
    tracking_handler(tmp_path, experiment="x", is_active=False).attach(None)
    assert not list(tmp_path.iterdir())


def test_loss_terms_are_numbers():
    assert loss_terms({"loss": torch.tensor(2.0), "l1": torch.tensor(1.0)}) == {"loss": 2.0, "l1": 1.0}


def test_phantom_splits_share_no_person():
    persons = [
        {item["person_id"] for item in phantom_items(8, split=s, shape=SHAPE)} for s in ("training", "validation")
    ]
    assert not persons[0] & persons[1] and len(persons[0]) == 2


def test_phantoms_are_a_prepared_dataset(items):
    dataset = PreparedDataset(items)
    assert dataset.image(0).shape == SHAPE and 0 < dataset.image(0).max() <= 1
    outlined = outlined_items(items)
    assert outlined and all(PreparedDataset(outlined).mask(i).any() for i in range(len(outlined)))
    assert len(outlined) < len(items)


def test_phantoms_are_drawn_at_the_size_of_the_release():
    assert {item["image"].shape for item in phantom_items(1)} == {(384, 288)}
    assert {item["image"].shape for item in training_items("phantom", n_phantoms=1)} == {(384, 288)}


@pytest.mark.parametrize("n, split", [(0, "training"), (4, "train")])
def test_wrong_phantoms_are_refused(n, split):
    with pytest.raises(RequestError):
        phantom_items(n, split=split, shape=SHAPE)


def test_a_folder_without_datalist_is_refused(tmp_path):
    with pytest.raises(RequestError, match=r"datalist\.json"):
        training_items(tmp_path)


def test_drawn_data_are_announced(caplog):
    training_items("phantom", n_phantoms=1, shape=SHAPE)
    assert "drawn phantoms" in caplog.text


def test_image_files_leave_out_masks_and_sidecars(tmp_path):
    for name in ("b.PNG", "a.dcm", "sub/c.webp", "a_mask.png", "a.json", ".hidden.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [item["name"] for item in image_files(tmp_path)] == ["a", "b", "c"]
    with pytest.raises(RequestError, match="holds no file"):
        image_files(_folder(tmp_path / "empty"))
    with pytest.raises(RequestError, match="not a folder"):
        image_files(tmp_path / "none")


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_a_device_cache_and_a_transform_change_where_and_what_not_which(items):
    plain, cached = CropDataset(items, crop_size=32, seed=1), CropDataset(items, crop_size=32, seed=1, device="cpu")
    assert all(torch.equal(plain[i]["image"], cached[i]["image"]) for i in range(8))

    class Brighter:
        def set_random_state(self, seed):
            self.seed = seed

        def __call__(self, item):
            return {**item, "image": item["image"] + self.seed % 97}

    changed = CropDataset(items, crop_size=32, seed=1, transform=Brighter())
    differences = [float((changed[i]["image"] - plain[i]["image"]).mean()) for i in range(8)]
    assert len({round(d) for d in differences}) > 1
    assert [float((changed[i]["image"] - plain[i]["image"]).mean()) for i in range(8)] == differences


def test_pictures_are_marked_and_whole(tmp_path):
    writer = PredictionWriter(tmp_path / "deep", suffix="_r")
    engine = SimpleNamespace(
        state=SimpleNamespace(output={"pred": torch.tensor([[[[0.0, 0.5], [1.0, 2.0]]]])}, batch={"name": ["../a"]})
    )
    writer(engine)
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["a_r.png"]
    with Image.open(tmp_path / "deep" / "a_r.png") as image:
        assert np.asarray(image).tolist() == [[0, 128], [255, 255]]
        assert image.text["Description"] == NOT_ACQUIRED


def test_predictions_are_written_by_name_decollated_or_not(items, tmp_path):
    from monai.engines import SupervisedEvaluator

    for decollate in (False, True):
        loader = data_loader(PreparedDataset(items), batch_size=3, is_training=False)
        engine = SupervisedEvaluator(
            torch.device("cpu"),
            loader,
            network(),
            inferer=ReconstructionInferer(None),
            decollate=decollate,
            val_handlers=[PredictionWriter(tmp_path / str(decollate), suffix="_r")],
        )
        engine.run()
    names = {f"{item['image_id']}_r.png" for item in items}
    assert {p.name for p in (tmp_path / "True").iterdir()} == names == {p.name for p in (tmp_path / "False").iterdir()}
    first = sorted(names)[0]
    assert (tmp_path / "True" / first).read_bytes() == (tmp_path / "False" / first).read_bytes()
    with Image.open(tmp_path / "True" / first) as image:
        assert image.size == SHAPE[::-1]


def test_file_names_are_what_monai_asks_for():
    assert json.dumps(file_names([{"name": "a"}])) == '[{"filename_or_obj": "a"}]'


@pytest.mark.parametrize(("interval", "expected"), [(1, [1, 2, 3, 4, 5]), (2, [2, 4, 5]), (9, [5])])
def test_a_training_is_validated_at_its_interval_and_at_its_end(items, interval, expected):
    validated = []
    validation = EpochValidation(SimpleNamespace(run=validated.append), interval=interval)
    trainer(items, max_epochs=5, handlers=[validation]).run()
    assert validated == expected
    with pytest.raises(ValueError, match="validation interval 0"):
        EpochValidation(SimpleNamespace(), interval=0)

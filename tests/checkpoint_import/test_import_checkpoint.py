"""Weights of other projects compute in MONAI's modules what they computed at home.

The answers were computed once by monai-generative 0.2.3, and by the U-Net and autoencoder of latent diffusion as
audioldm 0.1.1 carries them, on weights and inputs that `foreign_states` makes of names and shapes.
"""

from __future__ import annotations

import json
from pathlib import Path

import foreign_states as foreign
import pytest
import torch
from monai.bundle import ConfigParser
from monai.networks import nets

import monai_mammo
from monai_mammo.checkpoint_import import import_checkpoint, importing
from monai_mammo.cli.main import main
from monai_mammo.errors import MammoError, RequestError

SMALL = ((8, 16), (1, 2), (False, True))
COMPVIS = ((32, 64), 1, (False, True))
GENERATIVE_WORDS = {"norm_num_groups": 4}
ANSWERS: dict[str, dict[str, list[float]]] = {
    "generative autoencoder": {
        "mu": [-0.94934, 0.3796, 0.06517, -0.33876, -0.04555],
        "sigma": [1.14158, 0.96255, 0.64801, 1.08924, 1.20709],
        "decoded": [0.91063, -1.34164, 0.80406, 0.32619, 0.93899],
    },
    "generative autoencoder, transposed": {"decoded": [0.0783, -0.33801, 0.6389, 0.64121, 0.45649]},
    "generative unet": {"prediction": [-0.35638, 0.54114, 0.98878, -0.2793, 0.57765]},
    "generative unet, conditional": {"prediction": [-0.96735, -0.42436, -0.05281, -0.56938, -0.33851]},
    "generative unet, classes": {"prediction": [-0.1885, 0.73986, 1.13361, -0.36043, 0.3718]},
    "compvis autoencoder": {
        "mu": [0.55795, -0.273, -0.44561, 0.85565, -0.6014],
        "sigma": [0.75229, 0.74111, 1.00328, 0.73668, 0.78323],
        "decoded": [0.45333, 0.33551, 0.45069, 0.44869, 0.46153],
    },
    "compvis unet": {"prediction": [-0.0904, -1.59668, -1.27027, -0.83154, -1.67731]},
    "compvis unet, conditional": {"prediction": [-0.20828, -1.71268, -1.02212, -0.48616, -1.34345]},
    "compvis unet, classes": {"prediction": [-0.12209, -1.33246, -1.1957, -0.84954, -1.53891]},
}


def shapes_of(case: str) -> foreign.Shapes:
    make = {
        "generative autoencoder": lambda **_: foreign.generative_autoencoder(*SMALL),
        "generative unet": lambda **more: foreign.generative_unet(*SMALL, **more),
        "compvis autoencoder": lambda **_: foreign.compvis_autoencoder(*COMPVIS),
        "compvis unet": lambda **more: foreign.compvis_unet(*COMPVIS, **more),
    }
    network, _, variant = case.partition(", ")
    return make[network](**{"conditional": {"context": 6}, "classes": {"n_classes": 4}}.get(variant, {}))


def words_of(case: str) -> dict:
    words: dict = dict(GENERATIVE_WORDS) if "generative" in case else {}
    if "unet" in case:
        words["num_head_channels"] = 8 if "generative" in case else 16
    if "transposed" in case:
        words["use_convtranspose"] = True
    return words


def imported(case: str, folder: Path, *, prefix: str = "", **more):
    path = folder / f"{case.replace(' ', '_').replace(',', '')}.pt"
    torch.save({prefix + name: value for name, value in foreign.filled(shapes_of(case)).items()}, path)
    return import_checkpoint(path, out=folder / "imported", **{**words_of(case), **more})


def module_of(folder: Path) -> torch.nn.Module:
    """What MONAI makes of the config that was written."""
    parser = ConfigParser()
    parser.read_config(str(folder / "configs" / "inference.json"))
    parser["bundle_root"] = str(folder)
    return parser.get_parsed_content("network")


@torch.no_grad()
def answers(module: torch.nn.Module, case: str) -> dict[str, torch.Tensor]:
    if "autoencoder" in case:
        image = foreign.wave((2, 1, 16, 16), 0.5)
        mu, sigma = module.encode(image)
        return {"mu": mu, "sigma": sigma, "decoded": module.decode(mu)}
    inputs: dict = {"x": foreign.wave((2, 2, 16, 16), 0.5), "timesteps": torch.tensor([3, 700])}
    if "conditional" in case:
        inputs["context"] = foreign.wave((2, 5, 6), 0.25)
    if "classes" in case:
        inputs["class_labels"] = torch.tensor([0, 2])
    return {"prediction": module(**inputs)}


@pytest.mark.parametrize("case", ANSWERS)
def test_imported_weights_answer_as_they_did_at_home(tmp_path, case):
    report = imported(case, tmp_path)
    assert {one.reference.split(",")[0] for one in report.parity} >= {
        f"the forward pass of {'compvis' if 'compvis' in case else 'monai-generative'}"
    }
    assert all(one.largest_relative_difference < 1e-5 for one in report.parity)
    module = module_of(tmp_path / "imported")
    assert not module.training
    given = answers(module, case)
    for name, wanted in ANSWERS[case].items():
        flat = given[name].flatten()
        found = flat[:: flat.numel() // 5][:5]
        assert torch.allclose(found, torch.tensor(wanted), atol=5e-5), name


def test_monais_own_loader_answers_otherwise(tmp_path):
    """What this command is for: the same weights by `load_old_state_dict`, without a word."""
    case = "generative autoencoder"
    report = imported(case, tmp_path)
    arguments = {name: value for name, value in report.definition.items() if name != "_target_"}
    other = nets.AutoencoderKL(**{**arguments, "include_fc": True}).eval()
    other.load_old_state_dict(foreign.filled(shapes_of(case)))
    right, wrong = (answers(module, case)["decoded"] for module in (module_of(tmp_path / "imported"), other))
    assert (right - wrong).norm() > 0.3 * right.norm()


@pytest.mark.parametrize("include_fc", [True, False])
@pytest.mark.parametrize("combined", [True, False])
def test_weights_in_monais_own_names_are_taken_as_they_are(tmp_path, include_fc, combined):
    flags = {"include_fc": include_fc, "use_combined_linear": combined}
    network = nets.DiffusionModelUNet(
        spatial_dims=2,
        in_channels=2,
        out_channels=1,
        channels=(8, 16),
        num_res_blocks=(1, 2),
        attention_levels=(False, True),
        norm_num_groups=4,
        num_head_channels=8,
        resblock_updown=True,
        with_conditioning=True,
        cross_attention_dim=6,
        transformer_num_layers=2,
        **flags,
    ).eval()
    network.load_state_dict(foreign.filled({name: tuple(v.shape) for name, v in network.state_dict().items()}))
    torch.save(network.state_dict(), tmp_path / "unet.pth")
    report = import_checkpoint(tmp_path / "unet.pth", out=tmp_path / "imported", num_heads=2, norm_num_groups=4)
    assert report.layout == "monai" and report.definition["num_head_channels"] == [4, 8]
    case = "unet, conditional"
    ours, theirs = (answers(module, case)["prediction"] for module in (module_of(tmp_path / "imported"), network))
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_three_dimensions_and_no_attention(tmp_path):
    shapes = foreign.generative_autoencoder((4, 8), (1, 1), (True, False), dims=3)
    torch.save({"state_dict": foreign.filled(shapes)}, tmp_path / "a.pt")
    report = import_checkpoint(tmp_path / "a.pt", out=tmp_path / "imported", norm_num_groups=2)
    assert report.definition["spatial_dims"] == 3 and report.definition["attention_levels"] == [True, False]


def test_a_layer_that_was_never_applied_is_left_out_and_said(tmp_path):
    report = imported("generative autoencoder", tmp_path)
    n_layers = sum(name.endswith("proj_attn.weight") for name in shapes_of("generative autoencoder"))
    assert n_layers == 6
    assert report.not_imported == {"layers that the original never applies (proj_attn)": 2 * n_layers}
    assert report.definition["include_fc"] is False
    assert dict(report.assumed) == {"norm_eps": 1e-6, "use_convtranspose": False}
    assert "norm_eps 1e-06, use_convtranspose False was assumed" in report.warnings[0]


def stable_diffusion(folder: Path) -> Path:
    """A checkpoint as Lightning wrote them: two networks, an averaged copy, a text encoder, objects beside."""
    autoencoder = foreign.filled(shapes_of("compvis autoencoder"))
    unet = foreign.filled(shapes_of("compvis unet, conditional"))
    state = {f"first_stage_model.{name}": value.half() for name, value in autoencoder.items()}
    state |= {f"model.diffusion_model.{name}": value.half() for name, value in unet.items()}
    state |= {"model_ema.diffusion_modelinput_blocks00weight": torch.zeros(3), "model_ema.decay": torch.tensor(0.9)}
    state |= {"cond_stage_model.transformer.weight": torch.zeros(2, 2), "betas": torch.zeros(10)}
    torch.save({"epoch": 3, "global_step": 7, "state_dict": state, "callbacks": {}}, folder / "sd.ckpt")
    return folder / "sd.ckpt"


def test_a_checkpoint_of_stable_diffusion_gives_the_network_that_is_named(tmp_path):
    path = stable_diffusion(tmp_path)
    with pytest.raises(RequestError, match=r"holds autoencoder of compvis, unet of compvis: name one network"):
        import_checkpoint(path, out=tmp_path / "imported")
    report = import_checkpoint(path, out=tmp_path / "imported", network="unet", num_heads=4)
    left = {"autoencoder of compvis": len(shapes_of("compvis autoencoder"))}
    beside = (("model_ema", 2), ("cond_stage_model", 1), ("betas", 1))
    left |= {f"{part}, no part of the network": n for part, n in beside}
    assert report.not_imported == left
    stored = torch.load(tmp_path / "imported" / "models" / "model.pt", weights_only=True)
    assert {value.dtype for value in stored.values()} == {torch.float16}, "what came in half precision stays so"
    assert next(module_of(tmp_path / "imported").parameters()).dtype == torch.float32


def test_safetensors_are_read(tmp_path):
    torch_files = pytest.importorskip("safetensors.torch")
    torch_files.save_file(foreign.filled(shapes_of("compvis autoencoder")), tmp_path / "vae.safetensors")
    report = import_checkpoint(tmp_path / "vae.safetensors", out=tmp_path / "imported")
    assert report.parity[0].largest_relative_difference < 1e-5
    (tmp_path / "bad.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}      ...")
    with pytest.raises(RequestError, match=r"checkpoint bad\.safetensors is damaged"):
        import_checkpoint(tmp_path / "bad.safetensors", out=tmp_path / "other")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "train.json",
            {"net": {"_target_": "generative.nets.DiffusionModelUNet", "num_head_channels": [0, 8]}},
        ),
        ("v1.yaml", {"model": {"params": {"unet_config": {"target": "ldm.UNetModel", "params": {"num_heads": 2}}}}}),
    ],
)
def test_the_definition_tells_what_the_weights_do_not(tmp_path, name, content):
    (tmp_path / name).write_text(json.dumps(content))  # JSON is YAML
    words = {"num_head_channels": None, "definition": tmp_path / name}
    report = imported("generative unet", tmp_path, **words)
    assert report.definition["num_head_channels"][1] == 8
    with pytest.raises(RequestError, match=rf"definition {name} names no AutoencoderKL"):
        imported("generative autoencoder", tmp_path, definition=tmp_path / name)


@pytest.mark.parametrize(
    ("case", "words", "sentence"),
    [
        ("generative unet", {"num_head_channels": None}, "the weights do not tell the heads of attention"),
        ("generative unet", {"num_head_channels": "3"}, r"num_head_channels 3 does not divide the widths 8, 16"),
        ("generative unet", {"num_head_channels": "8,8,8"}, r"num_head_channels 8, 8, 8 does not divide"),
        ("generative unet", {"num_heads": 2}, "num_heads and num_head_channels say the same in two ways"),
        ("generative unet", {"num_head_channels": "many"}, "num_head_channels 'many' is not a whole number"),
        ("generative autoencoder", {"norm_num_groups": None}, r"norm_num_groups 32 does not divide the width 8"),
        ("generative autoencoder", {"norm_eps": "x"}, "norm_eps 'x' is not a number between 0 and 1"),
        ("generative autoencoder", {"network": "unet"}, "holds no unet, but autoencoder of monai-generative"),
        ("generative autoencoder", {"network": "gan"}, "network 'gan' is not one of autoencoder, unet"),
        ("generative autoencoder", {"use_convtranspose": "perhaps"}, "use_convtranspose 'perhaps' is not one of"),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_one_sentence(tmp_path, case, words, sentence):
    with pytest.raises(RequestError, match=sentence):
        imported(case, tmp_path, **words)
    assert not (tmp_path / "imported").exists()


SHRINKING = ("input_blocks__2__0__op__weight", "input_blocks__2__0__op__bias")


def changed(state: dict, **changes) -> dict:
    """A state with some tensors taken away (`None`) or put in."""
    state = {**state, **{name.replace("__", "."): value for name, value in changes.items()}}
    return {name: value for name, value in state.items() if value is not None}


@pytest.mark.parametrize(
    ("case", "changes", "sentence"),
    [
        (
            "generative autoencoder",
            {"decoder__blocks__4__conv1__conv__weight": None},
            r"lacks decoder\.blocks\.4",
        ),
        ("generative autoencoder", {"decoder__blocks__40__weight": torch.ones(3)}, r"no place for decoder\.blocks\.40"),
        ("generative autoencoder", {"decoder__blocks__4__norm1__bias": torch.ones(7)}, r"4\.norm1\.bias .* \(7,\)"),
        ("generative autoencoder", {"encoder__blocks__1__norm1__weight": None}, r"blocks\.1 is not of a known kind"),
        ("compvis autoencoder", {"encoder__mid__attn_1__q__weight": None}, r"mid\.attn_1\.q\.weight is missing"),
        ("compvis autoencoder", {"quantize__embedding__weight": torch.ones(3, 3)}, "a vector-quantised autoencoder"),
        (
            "compvis unet",
            dict.fromkeys(SHRINKING),
            "by residual blocks or by averages cannot be imported",
        ),
        ("compvis unet", {"middle_block__0__emb_layers__1__weight": torch.ones(128, 128)}, "scales and shifts"),
        ("compvis unet", {"label_emb__0__0__weight": torch.ones(2, 2)}, "Stable Diffusion XL"),
        ("compvis unet", {"out__5__weight": torch.ones(2)}, r"1 keys have no place, such as out\.5\.weight"),
    ],
)
def test_another_architecture_is_one_sentence_with_the_keys_that_do_not_fit(tmp_path, case, changes, sentence):
    path = tmp_path / "other.pt"
    torch.save(changed(foreign.filled(shapes_of(case)), **changes), path)
    with pytest.raises(RequestError, match=sentence) as caught:
        import_checkpoint(path, out=tmp_path / "imported", **words_of(case))
    assert "\n" not in str(caught.value) and str(caught.value).startswith("checkpoint other.pt cannot be imported")
    assert not (tmp_path / "imported").exists()


def test_weights_of_something_else_are_refused(tmp_path):
    torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "linear.pt")
    with pytest.raises(RequestError, match="none of its 2 keys, such as bias, weight, is a sign of a network"):
        import_checkpoint(tmp_path / "linear.pt", out=tmp_path / "imported")


class Planted:
    """An object whose unpickling would leave a trace."""

    def __reduce__(self):
        return (exec, ("open('planted', 'w').close()",))


@pytest.mark.parametrize("content", [Planted(), {"state_dict": {"a": torch.ones(1)}, "hook": Planted()}, [1, 2], {}])
def test_nothing_in_a_file_is_run(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    torch.save(content, "bad.ckpt")
    with pytest.raises(RequestError, match=r"bad\.ckpt (cannot be read|holds no state dict|cannot be imported)"):
        import_checkpoint("bad.ckpt", out="imported")
    assert not Path("planted").exists() and not Path("imported").exists()


def test_a_file_that_is_cut_or_missing_or_of_another_kind_is_one_sentence(tmp_path):
    torch.save(foreign.filled(shapes_of("compvis autoencoder")), tmp_path / "whole.pt")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "whole.pt").read_bytes()[:5000])
    (tmp_path / "text.pth").write_text("weights")
    for name in ("cut.pt", "text.pth", "absent.pt"):
        with pytest.raises(RequestError, match=rf"checkpoint .*{name} cannot be read"):
            import_checkpoint(tmp_path / name, out=tmp_path / "imported")
    with pytest.raises(RequestError, match=r"checkpoint a\.bin is not one of \.pt, \.pth, \.ckpt, \.safetensors"):
        import_checkpoint(tmp_path / "a.bin", out=tmp_path / "imported")


def test_a_folder_with_other_things_is_refused_and_an_earlier_import_replaced(tmp_path):
    imported("generative autoencoder", tmp_path)
    first = (tmp_path / "imported" / "import.json").read_text()
    imported("compvis autoencoder", tmp_path)
    assert (tmp_path / "imported" / "import.json").read_text() != first
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(RequestError, match="holds other files"):
        import_checkpoint(tmp_path / "compvis_autoencoder.pt", out=tmp_path / "other")


def test_a_module_that_computes_something_else_is_not_written(tmp_path, monkeypatch):
    """The parity check can fail: queries and keys of one attention are exchanged on the way."""
    right = importing._TRANSLATIONS[importing.NetworkKind.AUTOENCODER, True]

    def exchanged(state, untold):
        translated = right(state, untold)
        place = "encoder.blocks.4.attn"
        moved = dict(translated.state)
        moved[f"{place}.to_q.weight"], moved[f"{place}.to_v.weight"] = (
            moved[f"{place}.to_v.weight"],
            moved[f"{place}.to_q.weight"],
        )
        return importing.dataclasses.replace(translated, state=moved)

    monkeypatch.setitem(importing._TRANSLATIONS, (importing.NetworkKind.AUTOENCODER, True), exchanged)
    with pytest.raises(MammoError, match=r"differs from the forward pass of compvis, .* nothing was written"):
        imported("compvis autoencoder", tmp_path)
    assert not (tmp_path / "imported").exists()


def test_weights_that_are_not_finite_are_said_to_be_damaged(tmp_path):
    state = foreign.filled(shapes_of("compvis autoencoder"))
    state["encoder.conv_in.bias"][0] = float("nan")
    torch.save(state, tmp_path / "nan.pt")
    with pytest.raises(MammoError, match="gives mu that is not finite"):
        import_checkpoint(tmp_path / "nan.pt", out=tmp_path / "imported")


def test_the_command_says_what_was_compared_and_what_was_assumed(tmp_path, capsys):
    path = tmp_path / "unet.pt"
    torch.save(foreign.filled(shapes_of("generative unet")), path)
    words = [str(path), "--out", str(tmp_path / "imported"), "--num-head-channels", "8", "--norm-num-groups", "4"]
    assert main(["import-checkpoint", *words]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("unet of monai-generative, 0.06 M parameters")
    assert "largest difference from the forward pass of monai-generative, restated: " in said.out
    assert "warning: the weights do not tell and nobody gave: norm_eps 1e-06 was assumed" in said.err
    assert main(["import-checkpoint", *words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) | {"folder": None} == json.loads(
        (tmp_path / "imported" / "import.json").read_text()
    ) | {"folder": None}
    assert main(["import-checkpoint", str(path), "--out", str(tmp_path / "new")]) == 2
    assert "name num_head_channels" in capsys.readouterr().err
    assert monai_mammo.import_checkpoint is import_checkpoint

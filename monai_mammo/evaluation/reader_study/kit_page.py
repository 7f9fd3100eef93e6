"""The page of a reader study: it runs from a stick, by keyboard, and asks for nothing from elsewhere."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np

from monai_mammo.files.png import png_bytes

__all__ = ["display_check", "kit_page"]

_N_STEPS, _STEP_PX, _FIELD_PX, _SQUARE_PX = 18, 40, 360, 30
_DARK, _BRIGHT = 13, 242  # 5 % and 95 % of 255, as in the SMPTE pattern


def kit_page(key: Mapping[str, Any]) -> str:
    """Page of a study.

    Parameters
    ----------
    key : mapping
        As `reader_kit` gives it. Of its items only names, tasks and files come into the page.

    Returns
    -------
    str
        HTML with style and script inside; images lie in ``images/`` beside it.
    """
    home = files("monai_mammo.evaluation.reader_study")
    style, script, body = (home.joinpath(f"kit.{form}").read_text(encoding="utf-8") for form in ("css", "js", "html"))
    kit = {
        "kit": key["kit"],
        "display": key["display"],
        "items": [
            {"item": item["item"], "task": item["task"], "files": [image["file"] for image in item["images"]]}
            for item in sorted(key["items"], key=lambda item: item["item"])
        ],
    }
    data = json.dumps(kit).replace("<", "\\u003c")
    script_hash = base64.b64encode(sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'; script-src 'sha256-{script_hash}'"
    )
    wedge = base64.b64encode(png_bytes(display_check(**key["display"]))).decode()
    body = body.replace("{kit}", escape(str(key["kit"]))).replace("{wedge}", wedge)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Reader study {escape(str(key['kit']))}</title><style>{style}</style></head>\n"
        f'<body>{body}<script type="application/json" id="kit">{data}</script><script>{script}</script></body></html>\n'
    )


def display_check(*, dark: int, bright: int) -> np.ndarray:
    """Picture by which a display is checked: steps from black to white, squares of 5 % in black and of 95 % in white.

    Parameters
    ----------
    dark, bright : int
        Number of squares in either field, 1 to 6.

    Returns
    -------
    ndarray, shape (220, 720), uint8
    """
    steps = np.rint(np.linspace(0, 255, _N_STEPS)).astype(np.uint8)
    wedge = np.repeat(np.repeat(steps[None], _STEP_PX, axis=1), 2 * _STEP_PX, axis=0)
    fields = []
    for background, value, count in ((0, _DARK, dark), (255, _BRIGHT, bright)):
        field = np.full((140, _FIELD_PX), background, dtype=np.uint8)
        for i in range(count):
            left = 15 + i * 2 * _SQUARE_PX - (5 if i else 0)
            field[55 : 55 + _SQUARE_PX, left : left + _SQUARE_PX] = value
        fields.append(field)
    return np.concatenate([wedge, np.concatenate(fields, axis=1)])

"""mini-MIAS: twelve films with their untouched lines, drawn breasts, and a bright disc in each circle.

Films are a quarter of the released size but for mdb005, which has 1024 x 1024 pixels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from layouts.pictures import with_disc
from PIL import Image

from monai_mammo.prepare.geometry import resize

LINES = Path(__file__).parents[1] / "fixtures" / "mini-mias" / "Info.txt"
RELEASED = "mdb005"
_RULE = "=" * 65


def write(folder: Path) -> Path:
    """Write the tree below a folder."""
    top = folder / "all-mias"
    top.mkdir(parents=True)
    published = LINES.read_text(encoding="ascii")
    prose = f"{'Words':>20}\n\n1st column: mdb reference\n2) not a line of a film: mdb\n{_RULE}\n\n"
    (top / "Info.txt").write_text(f"{prose}{published}\n{_RULE}\n")
    (top / "Licence.txt").write_text("Drawn pictures.\n")
    for name in sorted({line.split()[0] for line in published.splitlines()}):
        circles = [tuple(map(int, f[4:])) for f in map(str.split, published.splitlines()) if f[0] == name and f[6:]]
        side = 1024 if name == RELEASED else 256
        pixels = film(int(name[3:]), circles, side)
        Image.fromarray(np.rint(255 * pixels).astype(np.uint8)).save(top / f"{name}.pgm")
    return top


def film(number: int, circles, side: int) -> np.ndarray:
    """Breast as wide as the circles of the published lines need it; even numbers have the chest wall at the left."""
    rng = np.random.default_rng(number)
    y, x = np.mgrid[:side, :side] / side
    breast = np.abs((y - 0.5) / 0.49) ** 4 + (x / 0.9) ** 2 < 1
    tissue = resize(rng.random((12, 12)), (side, side))  # so that no two films are alike
    pixels = np.where(breast, 0.2 + 0.4 * tissue, 0.04) + 0.02 * rng.standard_normal((side, side))
    pixels = pixels if number % 2 == 0 else pixels[:, ::-1]
    for column, from_bottom, radius in circles:
        scale = side / 1024
        pixels = with_disc(pixels, (column + 0.5) * scale, (1023.5 - from_bottom) * scale, radius * scale)
    return np.clip(pixels, 0, 1)

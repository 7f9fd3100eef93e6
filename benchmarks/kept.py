"""What stays of an acquired mammogram under `--keep` and `--strength`: figures and a sheet for each kind.

    python benchmarks/kept.py --datalist prepared/datalist.json --n 2 --out kept

Sources are images of the validation split with a boxed mass of 0.5 to 4 % of the picture. For each source a row: the
image, its reconstruction, `breast` with a lesion elsewhere, `all-but-lesion` with it, with the old place drawn anew and
with no lesion, `nothing`, and strengths 0.2 to 1. Printed: correlation with the source inside the breast of means over
8 x 8 pixels, overlap of the breasts, the largest difference to the reconstruction where nothing is drawn.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from monai_mammo import bundle
from monai_mammo.attributes import NOT_ALWAYS_TAKEN
from monai_mammo.conditions import Box, Conditions
from monai_mammo.files.png import png_bytes
from monai_mammo.files.whole import save_bytes
from monai_mammo.generation.engine.generator import Generator
from monai_mammo.generation.engine.plan import plan_sample
from monai_mammo.generation.engine.settings import DrawSettings
from monai_mammo.generation.engine.source import Keep, Source
from monai_mammo.prepare.datalist_items import load_items
from monai_mammo.prepare.geometry import mask_of_box
from monai_mammo.terms import AcquisitionKind, Finding, Laterality
from monai_mammo.training.lesion_dataset import LesionDataset

STRENGTHS = (0.2, 0.4, 0.6, 0.8, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datalist", required=True)
    parser.add_argument("--split", default="validation")
    parser.add_argument("--n", type=int, default=2, help="sources of each kind")
    parser.add_argument("--kinds", nargs="+", default=[str(kind) for kind in AcquisitionKind])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--out", required=True, help="folder")
    arguments = parser.parse_args()
    diffusion, *others = (bundle.find(name) for name in bundle.DEFAULT_BUNDLES[:3])
    generator = Generator.load(diffusion, *others, device="cpu")
    rows: list[dict[str, Any]] = []
    for kind in arguments.kinds:
        pictures = []
        for number, (image, breast, conditions) in enumerate(_sources(arguments, kind)):
            shown, found = _row(generator, diffusion, image, breast, conditions, steps=arguments.steps)
            pictures.append(np.concatenate(shown, axis=1))
            rows += [{"kind": kind, "source": number, **figures} for figures in found]
            save_bytes(png_bytes(np.concatenate(pictures)), Path(arguments.out) / f"{kind}.png", make_folder=True)
            save_bytes((json.dumps(rows, indent=1) + "\n").encode(), Path(arguments.out) / "kept.json")
    for kind in arguments.kinds:
        for what in dict.fromkeys(row["what"] for row in rows):
            some = [row for row in rows if row["kind"] == kind and row["what"] == what]
            if some:
                mean = {name: np.mean([row[name] for row in some]) for name in ("correlation", "overlap")}
                most = max(row["outside"] for row in some)
                found = f"{mean['correlation']:.3f}  {mean['overlap']:.3f}  {most:.4f}"
                print(f"{kind:10} {what:28} {found}  n {len(some)}")


def _sources(arguments: argparse.Namespace, kind: str) -> list[tuple[np.ndarray, np.ndarray, Conditions]]:
    items = []
    for item in load_items(arguments.datalist, split=arguments.split):
        box = Conditions.from_dict(item["conditions"]).box
        fits = item["conditions"].get("kind") == kind and item["conditions"].get("finding") == "mass"
        if fits and box is not None and 0.005 < box.width_fraction * box.height_fraction < 0.04:
            items.append(item)
    step = max(1, len(items) // arguments.n)
    data = LesionDataset(items[::step][: arguments.n], is_augmented=False)
    return [(data.image(i), data.image(i) > 0, data.conditions[i]) for i in range(len(data))]


def _row(
    generator: Generator,
    diffusion: bundle.BundleFolder,
    image: np.ndarray,
    breast: np.ndarray,
    conditions: Conditions,
    *,
    steps: int,
) -> tuple[list[np.ndarray], list[dict[str, Any]]]:
    assert conditions.box is not None
    lesion = mask_of_box(conditions.box, image.shape) > 0
    # in the prepared frame, which is that of a left breast
    same = conditions.replace(laterality=Laterality.L, **dict.fromkeys(("text", *NOT_ALWAYS_TAKEN)))
    moved = same.replace(box=_elsewhere(breast, lesion), birads=5)
    removed = same.replace(finding=Finding.NONE, box=None, birads=None)
    reconstruction = generator.reconstruction(image)
    requested = [
        ("breast, lesion elsewhere", moved, Keep.BREAST, 1.0),
        ("all but lesion, elsewhere", moved, Keep.ALL_BUT_LESION, 1.0),
        ("all but lesion, same place", same, Keep.ALL_BUT_LESION, 1.0),
        ("all but lesion, none", removed, Keep.ALL_BUT_LESION, 1.0),
        *((f"nothing, strength {strength:g}", same, Keep.NOTHING, strength) for strength in STRENGTHS),
    ]
    pictures, rows = [image, reconstruction], []
    for what, wanted, keep, strength in requested:
        source = Source(
            image=image,
            breast=breast,
            outline=lesion,
            lesion=lesion,
            shown=conditions,
            keep=keep,
            strength=strength,
            sha256="0" * 64,
        )
        sample = plan_sample(
            wanted,
            index=0,
            seed=1,
            table=diffusion.support,
            shape=diffusion.prepared_shape,
            spacing_mm=diffusion.nominal_spacing_mm,
            refuse_unsupported=False,
        )
        weight = diffusion.number("guidance", 2.0)
        settings = DrawSettings(seed=1, steps=steps, guidance=weight, source=source)
        drawn = generator.draw([sample], settings)[0][0].image
        kept = source.drawn(sample.lesion) == 0
        is_breast = drawn > 0
        rows.append(
            {
                "what": what,
                "correlation": _correlation(drawn, image, breast),
                "overlap": float((is_breast & breast).sum() / (is_breast | breast).sum()),
                "outside": float(np.abs(drawn - reconstruction)[kept & is_breast].max(initial=0.0)),
            }
        )
        pictures.append(drawn)
        print(what, rows[-1], flush=True)
    return pictures, rows


def _elsewhere(breast: np.ndarray, lesion: np.ndarray) -> Box:
    """Box in the middle of what is farthest from skin, edges and the lesion."""
    rows, columns = breast.shape
    distance = ndimage.distance_transform_edt(np.pad(breast, 1))[1:-1, 1:-1]
    distance[ndimage.binary_dilation(lesion, iterations=rows // 12)] = 0
    row, column = np.unravel_index(int(distance.argmax()), distance.shape)
    half = rows // 20
    x0, y0 = max(0, column - half) / columns, max(0, row - half) / rows
    return Box(float(x0), float(y0), float(min(columns, column + half) / columns), float(min(rows, row + half) / rows))


def _correlation(a: np.ndarray, b: np.ndarray, breast: np.ndarray) -> float:
    """Of means over 8 x 8 pixels, inside the breast."""
    is_inside = _coarse(breast.astype(np.float32)) > 0.5
    return float(np.corrcoef(_coarse(a)[is_inside], _coarse(b)[is_inside])[0, 1])


def _coarse(picture: np.ndarray) -> np.ndarray:
    rows, columns = (side // 8 * 8 for side in picture.shape)
    return picture[:rows, :columns].reshape(rows // 8, 8, columns // 8, 8).mean(axis=(1, 3))


if __name__ == "__main__":
    main()

"""In how bright and how busy tissue of their breast lesions lie: real ones, and places that rules choose.

    python benchmarks/where_lesions_lie.py prepared/datalist.json --kind contrast digital film

Outlined lesions of the training split beside places for a mass of 0.08 of the height in training views without one, on
films, which all show one, away from it. Of the ring round each: the share of the breast that is darker than its mean,
and the share whose texture, finer than 4 pixels, is fainter than its own.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy import ndimage

from monai_mammo.conditions import Conditions
from monai_mammo.lesions.contrast_ranges import ring_round
from monai_mammo.lesions.placing import draw_outline
from monai_mammo.lesions.placing_in_breast import allowed_places, fitting_places, place_in_breast
from monai_mammo.prepare.datalist_items import breast_of, load_datalist, mask_of, pixels_of
from monai_mammo.terms import View

SIZE, LEAST_PX, LARGEST = 0.08, 40, 0.05
COARSE_PX, NEAR_PX, EDGE_PX = 4.0, 6.0, 6
N_PLACES, SEED = 8, 3


class Shown(NamedTuple):
    """A prepared view with its breast, its texture and where lesions are."""

    image: np.ndarray
    breast: np.ndarray
    texture: np.ndarray
    lesions: np.ndarray

    @classmethod
    def of(cls, item: dict[str, Any]) -> Shown:
        image = pixels_of(item).astype(np.float32) / 65535
        breast = breast_of(item, image.shape)
        lesions = mask_of(item, "label", image.shape) > 0 if item["mask_kind"] == "contour" else np.zeros_like(breast)
        return cls(image, breast, np.where(breast, image - ndimage.gaussian_filter(image, COARSE_PX), 0), lesions)

    def busyness(self, place: np.ndarray) -> float:
        """Depth of the texture at a place."""
        return float(np.sqrt(np.mean(self.texture[place] ** 2)))

    def standing(self, outline: np.ndarray) -> tuple[float, float] | None:
        """Shares of the breast that are darker, and that are less busy, than the ring round an outline."""
        ring = ring_round(outline, self.breast & ~self.lesions)
        if ring.sum() < LEAST_PX:
            return None
        inner = ndimage.binary_erosion(self.breast, iterations=EDGE_PX)
        near = np.sqrt(ndimage.gaussian_filter(self.texture**2, NEAR_PX))
        darker = (self.image[inner] < self.image[ring].mean()).mean()
        return float(darker), float((near[inner] < self.busyness(ring)).mean())


RULES: dict[str, Callable[[Shown, list[np.ndarray]], np.ndarray]] = {
    "any": lambda _, places: places[1],
    "brightest of eight": lambda shown, places: max(places[1:], key=lambda one: shown.image[one].mean()),
    "as insert places": lambda _, places: places[0],
}


def main() -> None:
    """Print quartiles of real lesions and of each rule, by kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datalist", help="datalist.json of the prepared images")
    parser.add_argument("--kind", nargs="+", default=["contrast", "digital", "film"])
    parser.add_argument("--n", type=int, default=60, help="views of each sort and kind (default %(default)s)")
    words = parser.parse_args()
    print("| kind | places | n | darker: quartiles | less busy: quartiles |\n| --- | --- | --- | --- | --- |")
    for kind in words.kind:
        items = [one for one in load_datalist(words.datalist) if one["conditions"].get("kind") == kind]
        outlined, free = ([one for one in items if one.get("mask_kind") == sort] for sort in ("contour", "none"))
        found = {"real": [s for item in thinned(outlined, words.n) for s in real(Shown.of(item))]}
        found |= {name: [] for name in RULES}
        for number, item in enumerate(thinned(free or outlined, words.n)):
            shown = Shown.of(item)
            places = places_in(
                shown, Conditions.from_dict({**item["conditions"], "finding": "mass"}).replace(box=None), number
            )
            for name, rule in RULES.items():
                found[name] += (
                    [s for s in [shown.standing(rule(shown, places))] if s] if len(places) == 1 + N_PLACES else []
                )
        for name, values in found.items():
            darker, quieter = (
                "  ".join(f"{v:.2f}" for v in np.quantile(one, (0.25, 0.5, 0.75))) for one in zip(*values, strict=True)
            )
            print(f"| {kind} | {name} | {len(values)} | {darker} | {quieter} |", flush=True)


def thinned(items: list[dict[str, Any]], n: int) -> list[dict[str, Any]]:
    """At most about `n` of the items, at even distances."""
    return items[:: max(1, len(items) // n)]


def real(shown: Shown) -> Iterator[tuple[float, float]]:
    """Where the lesions of a view lie, those of more than a twentieth of the picture left out."""
    labels, n = ndimage.label(shown.lesions)
    for number in range(1, n + 1):
        outline = labels == number
        if LEAST_PX <= outline.sum() <= LARGEST * outline.size and (found := shown.standing(outline)):
            yield found


def places_in(shown: Shown, conditions: Conditions, number: int) -> list[np.ndarray]:
    """The place of a lesion that `insert` would draw, and eight that fit, or those that were found."""
    rows, columns = shown.image.shape
    allowed = allowed_places(shown.breast, view=conditions.view or View.CC, lesions=shown.lesions)
    words: dict[str, Any] = {"seed": SEED, "sample_id": number, "size_fraction": (SIZE * rows / columns, SIZE)}
    chosen = place_in_breast(conditions, shown.image, allowed, **words)
    fitting = itertools.islice(fitting_places(conditions, allowed, **words), N_PLACES)
    return [draw_outline(chosen.points, chosen.box, (rows, columns)), *(mask for _, mask in fitting)]


if __name__ == "__main__":
    main()

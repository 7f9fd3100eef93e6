"""What of an inserted lesion the judge reads: its contrast, its edge and texture, or the place that it lies at.

    python benchmarks/what_the_judge_reads.py RUN

Of a run of `insert` into whole mammograms the judge's score at each lesion before the edit, as it is, with half of what
was added, and with what was added made smoother by 1.5 pixels of the prepared grid.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections import defaultdict

import numpy as np
import torch
from scipy import ndimage

from monai_mammo import bundle
from monai_mammo.bundle import DEFAULT_BUNDLES
from monai_mammo.evaluation.edits.edited_places import edited_places, load_edited_run
from monai_mammo.evaluation.edits.lesion_maps import lesion_maps
from monai_mammo.evaluation.examiners import examiners
from monai_mammo.networks.probable_regions import place_score

SMOOTH_PX = 1.5


def main() -> None:
    """Print quartiles of the scores of each version."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="folder that insert wrote")
    words = parser.parse_args()
    home = bundle.find(DEFAULT_BUNDLES[2])
    judge = examiners(home, "cpu")["judge"]
    found = defaultdict[str, list[float]](list)
    for one in edited_places("run", load_edited_run(words.run), persons={}, shape=home.prepared_shape, on_grid=False):
        before, after = one.before.on_grid, one.after.on_grid
        if before is None or after is None:
            continue
        added = after.image - before.image
        versions = {"before": 0 * added, "as it is": added, "half": added / 2}
        versions["smoother"] = ndimage.gaussian_filter(added, SMOOTH_PX)
        shown = [dataclasses.replace(after, image=np.clip(before.image + what, 0, 1)) for what in versions.values()]
        for name, probability in zip(versions, lesion_maps(judge, shown, device=torch.device("cpu")), strict=True):
            found[name].append(place_score(probability, after.mask))
    for name, scores in found.items():
        low, middle, high = np.quantile(scores, (0.25, 0.5, 0.75))
        print(f"{name}: {middle:.2f} ({low:.2f} to {high:.2f}), n {len(scores)}")


if __name__ == "__main__":
    main()

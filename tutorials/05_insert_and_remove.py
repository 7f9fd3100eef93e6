# %% [markdown]
# # A lesion into a mammogram, and out again
#
# Edits keep the file's own size: every pixel away from the place keeps the value that the file stores, and the
# manifest proves it. Two drawn mammograms stand here for acquired ones, so that the tutorial runs anywhere; put your
# own files in their place. What is drawn comes from the lesion painter of `mammo_diffusion`.

# %%
import json
import tempfile
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image

import monai_mammo
from monai_mammo.dicom import Identity, Provenance, WeightsReference, write_mammogram
from monai_mammo.files.png import save_png
from monai_mammo.phantom import draw_mammogram
from monai_mammo.study import Spacing

work = Path(tempfile.mkdtemp())
acquired = work / "acquired"
acquired.mkdir()
drawn = Provenance(weights=(WeightsReference("phantom", "1"),), method="drawn")
for name, finding in (("normal", "none"), ("lesion", "mass")):
    shown = monai_mammo.Conditions(kind="digital", view="CC", laterality="L", density="B", finding=finding)
    mammogram = draw_mammogram(shown, seed=1, shape=(480, 360)).replace(spacing=Spacing(0.4, 0.4, "imager"))
    identity = Identity("tutorial", 1, name, person_id=name)
    write_mammogram(mammogram, acquired / f"{name}.dcm", identity=identity, provenance=drawn)
    if finding == "mass":
        box = mammogram.conditions.box

# %% [markdown]
# ## Insert
# Where nothing is named, the place is drawn from those of real lesions of the view, in bright tissue, away from skin,
# muscle and known lesions. Size in millimetres needs a file that states its spacing. `conspicuity` moves the contrast
# within the range of real lesions: 0 is the faintest, 1 the most conspicuous.

# %%
what = {"finding": "mass", "shape": "irregular", "margin": "spiculated", "size_mm": 24, "seed": 7}
inserted = monai_mammo.insert(acquired / "normal.dcm", out=work / "inserted", count=2, **what)
for sample in inserted.samples:
    print(sample["id"], "box", [round(v, 2) for v in sample["box"]], "contrast", sample["contrast"])

# %% [markdown]
# What changed is told pixel by pixel, and nothing else did.

# %%
folder = inserted.folder / "sample_0000"
before, after = (pydicom.dcmread(path).pixel_array for path in (acquired / "normal.dcm", folder / "edited.dcm"))
changed = np.asarray(Image.open(folder / "changed.png")) > 0
print(
    f"{changed.mean():.1%} of the pixels changed; elsewhere equal: {np.array_equal(before[~changed], after[~changed])}"
)
print("files:", ", ".join(sorted(path.name for path in folder.iterdir())))

# %% [markdown]
# ## Remove
# A box, a mask or the lesion network says what goes; else the lesion that the file, or the JSON file beside a picture,
# tells of.

# %%
removed = monai_mammo.remove(acquired / "lesion.dcm", out=work / "removed", box=box, seed=7)
print("removed:", removed.samples[0]["where"], "contrast", removed.samples[0]["contrast"])

# %% [markdown]
# ## Proof
# `verify` decodes the edited files and holds them against the hashes of their sources.

# %%
for run in (inserted, removed):
    print(run.folder.name, "in order" if monai_mammo.verify(run.folder).is_in_order else "not in order")

# %% [markdown]
# ## A training set
# From a folder whose lesions are known: lesions inserted into images without one, and taken out of images with one,
# with a datalist and the same as COCO. Pictures state what they show in a JSON file beside them.

# %%
pictures = work / "pictures"
for name, values in (("normal", {"finding": "none"}), ("lesion", {"finding": "mass", "box": list(box)})):
    stored = pydicom.dcmread(acquired / f"{name}.dcm").pixel_array
    save_png((stored * 16).astype(np.uint16), pictures / f"{name}.png", make_folder=True)
    shown = {"kind": "digital", "view": "CC", "laterality": "L", "person_id": name, **values}
    (pictures / f"{name}.json").write_text(json.dumps(shown))
made = monai_mammo.augment(pictures, out=work / "set", per_image=1, seed=7)
print(f"{made['n_inserted']} inserted, {made['n_removed']} removed")
for item in json.loads((work / "set" / "datalist.json").read_text())["training"]:
    print(item["image_id"], item["mask_kind"], item["boxes"])

# %% [markdown]
# ## Side by side
# Whether a reader would take them for acquired is not said here: `monai-mammo evaluate edits` measures it.

# %%
places = [np.asarray(Image.open(folder / name)) for name in ("before.png", "after.png", "difference.png")]
save_png(np.concatenate(places, axis=1), work / "places.png", description="Synthetic, not for diagnosis.")
print("before, after and difference in", work / "places.png")

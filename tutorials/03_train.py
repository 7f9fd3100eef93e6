# %% [markdown]
# # From your own images to your own generator
#
# A folder is prepared, an epoch of each stage trained, and mammograms are drawn by what came out. The data are drawn
# here, eight persons of them, so that the tutorial runs anywhere; an epoch on so few says nothing of quality. Put
# your own folder in their place, and leave `max_epochs` and `n_views` to the configs. Needs the extra `training`.

# %%
import shutil
import tempfile
from pathlib import Path

import monai_mammo
from monai_mammo import bundle
from monai_mammo.dicom import Identity, Provenance, WeightsReference, write_mammogram
from monai_mammo.phantom import draw_study
from monai_mammo.prepare import load_datalist

work = Path(tempfile.mkdtemp())
shape = bundle.find("mammo_diffusion").prepared_shape
export = work / "export"
export.mkdir()
drawn = Provenance(weights=(WeightsReference("phantom", "1"),), method="drawn")
for person in range(8):
    for view, mammogram in enumerate(draw_study(person, shape=shape)):
        identity = Identity("tutorial", person, f"view-{view}", person_id=f"person-{person}")
        write_mammogram(mammogram, export / f"{person}_{view}.dcm", identity=identity, provenance=drawn)

# %% [markdown]
# ## Prepared
# On the grid of the shipped weights, split by person: nobody is in two splits. Of so few persons most seeds put nobody
# into the validation split, which a training needs; this one puts two there.

# %%
prepared = work / "prepared"
report = monai_mammo.prepare(export, out=prepared, shape=shape, seed=28)
items = load_datalist(prepared / "datalist.json", split="training")
print(report.count("read"), "images read,", len(items), "of them for training")

# %% [markdown]
# ## Bundles of your own
# A bundle is a folder. What is trained goes into copies, which find each other because they lie side by side.

# %%
own = work / "bundles"
for name in ("mammo_diffusion", "mammo_autoencoder", "mammo_lesion_segmentation"):
    shutil.copytree(bundle.find(name).root, own / name)


def train(name, *overlays, **settings):
    """Train from the weights that are in the bundle, and put the best ones by validation in their place."""
    output_dir = work / "_".join([name, *overlays])
    settings |= {"dataset_dir": str(prepared), "output_dir": str(output_dir), "max_epochs": 1, "track": False}
    monai_mammo.train(own / name, *overlays, batch_size=4, **settings)
    bundle.put_weights(own / name, output_dir / "models" / "model.pt", *overlays)
    print(f"{name} {' '.join(overlays)}: trained")


# %% [markdown]
# ## An epoch of each
# The decoder first: the latent space stays as it is, so the order does not matter. Then the two stages of the
# diffusion: the layout learns under all conditions, the detail on crops. `fine_tune` starts from the bundle's weights;
# without it a network starts from nothing. A training that was stopped goes on by the same call.

# %%
train("mammo_autoencoder", "decoder", crop_size=64)
latents = {"n_views": 2, "cache_dir": str(work / "latents")}
train("mammo_diffusion", "fine_tune", **latents)
train("mammo_diffusion", "detail", "fine_tune", **latents)

# %% [markdown]
# ## What it has seen
# The bundle states how many persons stand behind each combination; `generate` refuses what nobody stands behind, and
# warns where there are few.

# %%
bundle.write_support(own / "mammo_diffusion", items)
seen = next(item["conditions"] for item in items if item["conditions"]["finding"] == "mass")
run = monai_mammo.generate(
    **{name: seen[name] for name in ("kind", "density", "view", "finding")},
    count=2,
    steps=8,
    max_tries=1,
    bundle=str(own / "mammo_diffusion"),
    autoencoder=str(own / "mammo_autoencoder"),
    lesion_network=str(own / "mammo_lesion_segmentation"),
    out=work / "run",
)
print(f"{len(run)} mammograms in {run.folder}, by {run.manifest['weights'][0]['name']}")
for warning in run.warnings[:3]:
    print("warning:", warning)

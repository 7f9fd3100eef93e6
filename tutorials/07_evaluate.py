# %% [markdown]
# # What may these images be used for?
#
# Two folders of pictures, of which somebody says that they are as good as acquired mammograms, are held against
# acquired ones: a report each, and a table of both. All images are drawn here, small and few, so that the tutorial runs
# anywhere; put a folder that `monai-mammo prepare` wrote, and pictures on its grid, in their place.

# %%
import tempfile
from pathlib import Path

import monai_mammo
from monai_mammo.conditions import Conditions
from monai_mammo.files.png import png_bytes
from monai_mammo.phantom import draw_mammogram
from monai_mammo.prepare import prepare_mammogram

work = Path(tempfile.mkdtemp())
shape, film = (64, 48), Conditions(kind="film", laterality="L", finding="mass")


def drawn(seed):
    """A drawn film of a person of whom there are two views, CC and MLO."""
    shown = film.replace(view=("CC", "MLO")[seed % 2], density="ABCD"[seed // 2 % 4])
    return draw_mammogram(shown, seed=seed, shape=(128, 96)).replace(person_id=f"person-{seed // 2}")


# %% [markdown]
# ## Acquired images
# Prepared, and split by person: what is compared with, and images of other persons beside them, which say what the same
# figure is between acquired and acquired.

# %%
reference = work / "reference"
monai_mammo.prepare((drawn(seed) for seed in range(44)), out=reference, shape=shape)

# %% [markdown]
# ## Two folders of pictures
# One is drawn as the acquired ones are, but of other persons. In the other everything is half as fine, as the images of
# many a generator are.

# %%
for name in ("sharp", "blurred"):
    (work / name).mkdir()
for seed in range(500, 520):
    mammogram = drawn(seed)
    sharp = prepare_mammogram(mammogram, shape=shape).image
    coarse = prepare_mammogram(mammogram, shape=(shape[0] // 2, shape[1] // 2)).image
    (work / "sharp" / f"{seed}.png").write_bytes(png_bytes(sharp))
    (work / "blurred" / f"{seed}.png").write_bytes(png_bytes(coarse.repeat(2, axis=0).repeat(2, axis=1)))

# %% [markdown]
# ## A report of each
# `report.html` is the page to read; the sentence is what it comes to. Pictures alone state nothing of what was asked,
# so that question stays open, and with 20 images few lights are anything but unclear.

# %%
reports = {}
for name in ("sharp", "blurred"):
    folder, words = work / f"report_{name}", {"reference": reference, "split": "training", "kind": "film"}
    reports[name] = monai_mammo.evaluate("report", synthetic=work / name, out=folder, cache=work / "kept", **words)
    print(f"{name}: {reports[name]['sentence']}")

# %% [markdown]
# ## Side by side
# Two distances of the table, by brightness and texture and by the same of filtered pictures: of the blurred pictures
# they must be the larger. A figure that cannot tell them is of no use.

# %%
files = [f"{name}={work / f'report_{name}' / 'report.json'}" for name in reports]
table = monai_mammo.evaluate("compare", files=files)
for row in table["rows"]:
    if row["measure"].startswith("Fréchet distance of radiomic"):
        sharp, blurred = (one["value"] for one in row["generated"])
        print(f"{row['measure']}: sharp {sharp:.2f}, blurred {blurred:.2f}")

# %% [markdown]
# # Saying what is to be seen
#
# The words of a report, an outline, a mammogram whose like is wanted, and how strongly all of it pulls. All
# samples have the same seed, so what differs between them is what was asked.

# %%
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import monai_mammo
from monai_mammo.bundle import find
from monai_mammo.files.png import save_png
from monai_mammo.text import conditions_of_text

work = Path(tempfile.mkdtemp())
common = {"kind": "film", "density": "B", "view": "MLO", "seed": 3, "max_tries": 2}
drawn = {}


def draw(name, **conditions):
    """One sample, its warnings, and its picture for the sheet at the end."""
    run = monai_mammo.generate(**{**common, **conditions}, out=work / name)
    for warning in run.warnings:
        print(f"{name}: {warning}")
    drawn[name] = run.folder / run.samples[0]["id"]
    return run.samples[0]["conditions"]


# %% [markdown]
# ## By text
# A grammar of reports reads findings, shape, margin, quadrant or clock face, side, view, density and BI-RADS. It says
# which words it did not understand, and `generate` warns of them; what flags state must not contradict the words.

# %%
words = "Left breast: irregular spiculated mass in the upper outer quadrant, rather impressive. BI-RADS 5."
report = conditions_of_text(words)
print({k: v for k, v in report.conditions.to_dict().items() if k != "text"})
print("not understood:", report.not_understood)
shown = draw("text", text=words)
print("drawn in the box", [round(value, 2) for value in shown["box"]])

# %% [markdown]
# ## By an outline
# White pixels of a picture are the lesion, as the mammogram hangs: the chest wall of a left breast is at the left edge.

# %%
rows, columns = find("mammo_diffusion").prepared_shape
outline = Image.new("L", (columns, rows))
centre = (0.30 * columns, 0.45 * rows)
corners = [
    (centre[0] + radius * columns * np.cos(angle), centre[1] + radius * columns * np.sin(angle))
    for radius, angle in zip([0.09, 0.06] * 6, np.linspace(0, 2 * np.pi, 12, endpoint=False), strict=True)
]
ImageDraw.Draw(outline).polygon(corners, fill=255)
outline.save(work / "outline.png")
draw("outline", laterality="L", finding="mass", birads=4, mask=work / "outline.png")

# %% [markdown]
# ## Like another mammogram
# What a file, or the JSON file beside a picture, states of itself (kind, view, side, density, finding, BI-RADS, box) is
# taken where nothing else is asked. A drawn phantom stands here for a mammogram of yours, so that the tutorial runs
# anywhere; the weights never saw one.

# %%
phantom = find("mammo_autoencoder").root / "data" / "phantom_L_MLO.png"
of_file = dict.fromkeys(("kind", "density", "view"))
shown = draw("like", like=phantom, **of_file)
print({name: shown[name] for name in ("kind", "view", "laterality", "density")})

# %% [markdown]
# With `keep` more of it stays: `all-but-lesion` keeps every pixel outside the lesions and draws them anew, `breast`
# keeps outline and large structures, `nothing` the outline of the lesion in other tissue.

# %%
draw("kept", like=phantom, keep="all-but-lesion", finding="mass", birads=5, box=(0.2, 0.5, 0.35, 0.65), **of_file)

# %% [markdown]
# ## How strongly the conditions pull
# Guidance of 1 is the plain model; above, what was asked is exaggerated. Each condition may have a weight of its own.

# %%
draw("guided", text=words, guidance=4)
draw("by_mask", text=words, guidance="mask=4,others=1")

# %% [markdown]
# ## Side by side

# %%
pictures = [np.asarray(Image.open(folder / "mammogram.png").convert("L")) / 255 for folder in drawn.values()]
save_png(np.concatenate(pictures, axis=1), work / "conditions.png", description="Synthetic, not for diagnosis.")
print("from left to right:", ", ".join(drawn), "in", work / "conditions.png")

# %% [markdown]
# # From a request to synthetic mammograms
#
# Four left MLO views of a heterogeneously dense breast with a mass, made on a laptop in under a minute.
# Every file says that it is synthetic; this is research software, not a medical device.

# %%
import json
import tempfile
from pathlib import Path

import monai_mammo

out = Path(tempfile.mkdtemp()) / "run"

# %% [markdown]
# Ask for what is to be seen. What is left out stays open: here the BI-RADS category, and the place of the
# mass, which is drawn from real lesion boxes. The same call in the same folder changes nothing;
# with a larger `count` it adds samples.

# %%
run = monai_mammo.generate(density="C", view="MLO", laterality="L", finding="mass", count=2, seed=7, out=out)
print(f"{len(run)} mammograms in {run.folder}")

# %% [markdown]
# Anything a user of the images must know stands in `run.warnings`, in the manifest and in the DICOM files:
# few training persons, a combination that no training image shows, a lesion that was not found.

# %%
for warning in run.warnings:
    print("warning:", warning)

# %% [markdown]
# Did the mass come out? The lesion network looked at each picture. Its agreement with what was asked
# is a Dice; under a threshold the sample was drawn again.

# %%
for sample in run.samples:
    box = ", ".join(f"{value:.2f}" for value in sample["conditions"]["box"])
    print(f"{sample['id']}: asked at ({box}), Dice {sample['found']['dice']}, {len(sample['tries'])} tries")

# %% [markdown]
# A folder for each sample: DICOM, a segmentation with the asked and the found lesion, previews, conditions.

# %%
for path in sorted(run.folder.rglob("*")):
    print(path.relative_to(run.folder))

# %% [markdown]
# `verify` looks at every file again: hashes, DICOM attributes, the side by the pixels, the mask in the breast.

# %%
report = monai_mammo.verify(out)
print("in order" if report.is_in_order else report.problems)

# %% [markdown]
# `datalist.json` lists images and labels in MONAI's form.

# %%
datalist = json.loads((out / "datalist.json").read_text())
print(datalist["training"][0]["image"], datalist["training"][0]["label"])

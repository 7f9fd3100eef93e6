# %% [markdown]
# # From a folder of DICOM to prepared images
#
# A hospital's export holds more than mammograms: reports, masks, broken files, films that hang mirrored.
# Each file is read, skipped or failed with a reason, and a bad one costs only itself. The data are drawn here, so
# that the tutorial runs anywhere; put your own folder in their place.

# %%
import json
import tempfile
from pathlib import Path

import numpy as np

from monai_mammo.dicom import GuardedReader, Identity, Provenance, WeightsReference, deidentify_file, write_mammogram
from monai_mammo.phantom import draw_study
from monai_mammo.prepare import Trace, doctor, open_cached, prepare

work = Path(tempfile.mkdtemp())
export = work / "export"
export.mkdir()
drawn = Provenance(weights=(WeightsReference("phantom", "1"),), method="drawn")
for person in range(3):
    for view, mammogram in enumerate(draw_study(person, shape=(512, 384))):
        identity = Identity("tutorial", person, f"view-{view}", person_id=f"person-{person}")
        write_mammogram(mammogram, export / f"{person}_{view}.dcm", identity=identity, provenance=drawn)

# the last one once more, as a mirror shows it
flipped = mammogram.replace(pixels=mammogram.pixels[:, ::-1], lesion_mask=None)
write_mammogram(flipped, export / "mirrored.dcm", identity=Identity("tutorial", 9, "mirrored"), provenance=drawn)
(export / "notes.txt").write_text("no mammogram")
whole = (export / "0_0.dcm").read_bytes()
(export / "cut.dcm").write_bytes(whole[: len(whole) // 2])

# %% [markdown]
# ## One file
# The reader works in a process of its own, with a limit on memory and time: a file that crashes a decoder ends that
# process and becomes a reason code. Spacing that a file does not state is unknown, never 1.0.

# %%
with GuardedReader() as reader:
    mammogram = reader.read(export / "1_2.dcm")
    print(mammogram.conditions.to_dict(), mammogram.spacing)
    for name in ("cut.dcm", "notes.txt"):
        print(reader.read(export / name))

# %% [markdown]
# ## What the folder hides
# `doctor` looks at every file before anything is trained: what cannot be read, what hangs mirrored or is inverted,
# views that are missing, copies, persons on both sides of a split. It writes a table, JSON and a page with thumbnails.

# %%
findings = doctor(export, out=work / "doctor")
for issue in findings.issues:
    print(f"{issue.severity}: {issue.sentence}")

# %% [markdown]
# ## Prepared
# One grid, brightness in [0, 1], chest wall left, air 0, split by person. The same call completes what was interrupted.
# `full_size` keeps the pixels of each file too, memory-mapped, for random patches.

# %%
report = prepare(export, out=work / "prepared", shape=(128, 96), full_size=True)
print({status: report.count(status) for status in ("read", "skipped", "failed")}, report.reasons)
datalist = json.loads((work / "prepared" / "datalist.json").read_text())
items = [item for split in ("training", "validation", "test") for item in datalist[split]]
print(len(items), "images;", len({item["person_id"] for item in items}), "persons")

# %% [markdown]
# ## Back to the file
# Each item carries the trace of what was done to it, so a mask that a network finds goes back to the file's own grid.

# %%
item = items[0]
trace = Trace.from_dict(item["trace"])
image = np.load(work / "prepared" / item["image"])
found = image > 40_000  # stands for a network's answer
print("found on", found.shape, "and back on", trace.inverse(found, order=0).shape)

# %% [markdown]
# ## Patches at full size

# %%
patch = open_cached(work / "prepared", item).random_patch(np.random.default_rng(0), (64, 64))
print(patch.image.shape, f"brightness {patch.image.min():.2f} to {patch.image.max():.2f}")

# %% [markdown]
# ## Out of the hospital
# A named list of attributes is kept, everything else goes; pixels stay bit for bit.

# %%
record = deidentify_file(export / "1_2.dcm", work / "out.dcm", secret=b"sixteen bytes or more")
print(record.removed)

# %% [markdown]
# # One breast at several visits
#
# `evolve` shows one mammogram at several visits with a lesion whose volume follows a law. A drawn mammogram stands
# here for an acquired or generated one, so that the tutorial runs anywhere.

# %%
import tempfile
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image

import monai_mammo
from monai_mammo.dicom import Identity, Provenance, WeightsReference, write_mammogram
from monai_mammo.editing.evolution_table import evolution_rows, printed_rows
from monai_mammo.phantom import draw_mammogram
from monai_mammo.study import Spacing

work = Path(tempfile.mkdtemp())
shown = monai_mammo.Conditions(kind="digital", view="CC", laterality="L", density="B", finding="none")
mammogram = draw_mammogram(shown, seed=1, shape=(480, 360)).replace(spacing=Spacing(0.4, 0.4, "imager"))
write_mammogram(
    mammogram,
    work / "normal.dcm",
    identity=Identity("tutorial", 1, "normal", person_id="person"),
    provenance=Provenance(weights=(WeightsReference("phantom", "1"),), method="drawn"),
)

# %% [markdown]
# ## Growth
# The volume doubles in 180 days; the outline grows as its margin does, from the same noise, so that it stays the same
# lesion. Compression and exposure differ a little between visits, unless that is switched off.

# %%
lesion = {"margin": "circumscribed", "size_mm": 24, "seed": 7}
quiet = {"compression": False, "exposure": False}
course = monai_mammo.evolve(work / "normal.dcm", out=work / "course", visits=3, months=12, **lesion, **quiet)
print("\n".join(printed_rows(evolution_rows(course.samples))))

# %% [markdown]
# Each visit is a study of its own: dates and study UIDs rise. With both changes switched off, every pixel away from
# the lesion is that of the source.

# %%
visits = [pydicom.dcmread(path) for path in course.paths("edited.dcm")]
print("dates:", ", ".join(one.StudyDate for one in visits))
print("studies in order:", [one.StudyInstanceUID for one in visits] == sorted(one.StudyInstanceUID for one in visits))
source = pydicom.dcmread(work / "normal.dcm").pixel_array
changed = [np.asarray(Image.open(path)) > 0 for path in course.paths("changed.png")]
equal = [np.array_equal(one.pixel_array[~where], source[~where]) for one, where in zip(visits, changed, strict=True)]
print("pixels away from the lesion equal at each visit:", equal)

# %% [markdown]
# ## Treatment
# From the first visit on the lesion halves in 60 days.

# %%
treated = monai_mammo.evolve(
    work / "normal.dcm", out=work / "treated", visits=2, months=4, response=1, halving_days=60, **lesion
)
print("\n".join(printed_rows(evolution_rows(treated.samples))))
print("verified:", [monai_mammo.verify(run.folder).is_in_order for run in (course, treated)])
print("the place at each visit:", course.folder / "evolution.png")

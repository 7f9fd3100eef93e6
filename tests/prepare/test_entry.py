"""What a data set says of one picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from monai_mammo.conditions import Box, Conditions
from monai_mammo.errors import MammoError
from monai_mammo.prepare.entry import Entry
from monai_mammo.study import Annotation, Mammogram, Spacing
from monai_mammo.terms import ChestWall
from monai_mammo.terms import FindingCategory as Category

OUTLINE = np.array([[0.1, 0.1], [0.3, 0.1], [0.2, 0.3]])


def entry(**values):
    return Entry(path=Path("a.png"), image_id="a", name="a.png", **values)


def test_lesions_and_outlines_follow_from_annotations_and_skin_is_no_lesion():
    place = Box(0.1, 0.1, 0.3, 0.3)
    mass = Annotation(categories=(Category.MASS,), box=place, outlines=(OUTLINE,), mask_kind="contour")
    skin = Annotation(categories=(Category.SKIN_THICKENING,), box=Box(0.5, 0.0, 0.9, 0.2), mask_kind="box")
    both = entry(annotations=(mass, skin))
    assert (both.lesions, both.diffuse) == ((mass.box,), (skin.box,))
    assert len(both.outlines) == 1


def test_a_finding_of_skin_and_mass_is_a_lesion_and_one_without_a_name_is_none():
    assert Annotation(categories=(Category.SKIN_RETRACTION, Category.MASS)).is_lesion
    assert not Annotation(categories=(Category.NONE,)).is_lesion
    assert not Annotation().is_lesion


@pytest.mark.parametrize(
    "changes", [{"labels": {"density_source": "F"}}, {"record": {"row": 3}}, {"notes": ("a box was clipped",)}]
)
def test_whatever_the_tables_say_changes_the_fingerprint(changes):
    assert entry(**changes).fingerprint() != entry().fingerprint()


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("lesions", (Box(0.1, 0.1, 0.3, 0.3),), (Box(0.1, 0.1, 0.3, 0.31),)),
        ("diffuse", (Box(0.1, 0.1, 0.3, 0.3),), (Box(0.1, 0.1, 0.3, 0.31),)),
        ("outlines", (OUTLINE,), (OUTLINE + [[0, 0], [0, 0], [0.01, 0]],)),
        ("conditions", Conditions(birads=4), Conditions(birads=5)),
        ("conditions", Conditions(box=(0.1, 0.1, 0.3, 0.3)), Conditions(box=(0.1, 0.1, 0.3, 0.31))),
        ("chest_wall", ChestWall.LEFT, ChestWall.RIGHT),
        ("pixel_aspect", 1.0, 1.1),
        ("person_id", "p1", "p2"),
    ],
)
def test_a_corrected_label_box_or_outline_changes_the_fingerprint(name, before, after):
    """So that the picture is prepared anew although its pixels are the same."""
    assert entry(**{name: before}).fingerprint() == entry(**{name: before}).fingerprint()
    assert entry(**{name: before}).fingerprint() != entry(**{name: after}).fingerprint()


def test_a_mask_kind_and_a_letter_are_of_their_vocabularies():
    with pytest.raises(MammoError, match="contour, box, circle, point, none"):
        Annotation(mask_kind="blob")
    with pytest.raises(MammoError, match="a, b, c"):
        Annotation(birads=4, birads_letter="d")


def _drawn(kind):
    return Annotation(categories=(Category.MASS,), box=Box(0.1, 0.1, 0.3, 0.3), outlines=(OUTLINE,), mask_kind=kind)


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (("contour",), "contour"),
        (("contour", "box", "circle"), "box"),
        (("contour", "circle"), "circle"),
        (("point", "contour"), "contour"),
        (("point",), "point"),
    ],
)
def test_a_mask_is_of_the_roughest_kind_and_of_points_only_where_all_are(kinds, expected):
    labels = entry(annotations=tuple(map(_drawn, kinds)))
    assert labels.mask_kind(labels.labelled(Mammogram(pixels=np.zeros((64, 48))))) == expected


def test_skin_does_not_say_how_the_lesions_were_drawn():
    skin = Annotation(categories=(Category.SKIN_THICKENING,), box=Box(0.5, 0.0, 0.9, 0.2), mask_kind="box")
    labels = entry(annotations=(skin, _drawn("contour")))
    assert labels.mask_kind(labels.labelled(Mammogram(pixels=np.zeros((64, 48))))) == "contour"


def test_a_nominal_spacing_gives_way_to_that_of_the_file():
    labels = entry(spacing=Spacing(0.07, 0.07, "nominal:set"))
    stated = Spacing(0.05, 0.05, "imager")
    assert labels.labelled(Mammogram(pixels=np.zeros((64, 48)))).spacing == Spacing(0.07, 0.07, "nominal:set")
    assert labels.labelled(Mammogram(pixels=np.zeros((64, 48)), spacing=stated)).spacing == stated
    assert labels.fingerprint() != entry().fingerprint()

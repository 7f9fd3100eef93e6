"""What is said of images that state no acquisition kind, before the work starts and in the report."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from monai_mammo.evaluation.report.report_notes import notes_of, unlike_kinds, unstated_kinds
from monai_mammo.evaluation.report.report_source import ReportSource
from monai_mammo.evaluation.report.training_images import TrainingImages


def source(*kinds: str | None) -> ReportSource:
    items = [{"conditions": {} if kind is None else {"kind": kind}} for kind in kinds]
    return ReportSource(folder=Path("pictures"), form="folder of pictures", items=items, constant=[], manifest=None)


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ((None, None), "The acquisition kind of 2 of 2 images is not stated"),
        (("film", None, "digital"), "The acquisition kind of 1 of 3 images is not stated"),
        (("film", "film"), None),
    ],
)
def test_images_that_state_no_kind_are_counted_and_the_option_named(kinds, said):
    found = unstated_kinds(source(*kinds))
    if said is None:
        assert found is None
    else:
        assert found.startswith(said) and found.endswith("say --kind film, digital or contrast where they are of one.")


def test_acquired_images_beside_what_was_made_of_them_are_said_to_take_no_part():
    figures = {"identity": {"n": 60, "n_identical": 0, "n_of_shared_persons": 0}, "judge_trained_on": 0}
    some = dataclasses.replace(source("film"), beside=[{"is_acquired": True}] * 2)
    trained = TrainingImages(prints=None, of="", items=[], by_hash={})
    said = "2 acquired images, which the folder lists beside those that were made of them, take no part"
    assert any(note.startswith(said) for note in notes_of(some, [], some.items, figures, trained))
    assert not any("take no part" in note for note in notes_of(source("film"), [], some.items, figures, trained))


def test_another_mix_of_kinds_is_said_since_a_classifier_on_all_tells_it_apart():
    known = [{"conditions": {"kind": kind}} for kind in ["film"] * 8 + ["digital"] * 2]
    assert unlike_kinds(source(*["film"] * 9, "digital"), known) is None, "a tenth apart"
    said = unlike_kinds(source(*["film"] * 2, *["digital"] * 2), known)
    assert said.startswith("The images are 50% film, 50% digital, those of the reference 80% film, 20% digital: ")
    assert unlike_kinds(source("film", None), known) is None

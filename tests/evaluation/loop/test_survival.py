"""What survives the loop, on readings that are planted."""

from __future__ import annotations

import pytest

from monai_mammo.evaluation.lesion_readings import Reading
from monai_mammo.evaluation.loop.survival import broken_attributes, loop_figures


def reading(person: str = "p", *, dice=None, iou=None, density=(1, 1), mask_kind="contour", is_clear=False) -> Reading:
    labels, found = {"density": density[0]}, {"density": density[1]}
    return Reading(
        kind="film",
        person_id=person,
        mask_kind=mask_kind,
        dice=dice,
        iou=iou,
        is_clear=is_clear,
        labels=labels,
        found=found,
    )


def triplet(i: int, *dice: float, density=(1, 1, 1)):
    return tuple(reading(f"p{i}", dice=d, density=(1, k)) for d, k in zip(dice, density, strict=True))


def test_what_survives_is_counted_among_what_was_read_in_both():
    """20 triplets: read in both in 12, of which 3 survive; besides, 5 synthetic lesions are found by chance."""
    some = [triplet(i, 0.8, 0.6, 0.5 if i < 3 else 0.1) for i in range(12)]
    some += [triplet(12 + i, 0.8, 0.1, 0.5 if i < 5 else 0.0) for i in range(8)]
    row = next(row for row in loop_figures(some) if row["attribute"] == "mask (Dice)")
    assert (row["n"], row["n_persons"], row["n_read"], row["reason"]) == (20, 20, 12, "")
    assert row["survives"]["mean"] == 0.25 and row["by_chance"]["mean"] == 0.4
    assert row["autoencoder_error"]["mean"] == pytest.approx((12 * 0.2 + 8 * 0.7) / 20)
    assert row["cycle_error"]["mean"] == pytest.approx(
        (12 * 0.6 - 8 * 0.5 + 8 * 0.6 - 3 * 0.5 - 9 * 0.1 - 5 * 0.5) / 20
    )
    assert row["score"]["synthetic"]["low"] < row["score"]["synthetic"]["mean"] < row["score"]["synthetic"]["high"]


def test_a_loop_without_loss_has_no_error_and_all_survives():
    rows = {row["attribute"]: row for row in loop_figures([triplet(i, 0.7, 0.7, 0.7) for i in range(15)])}
    assert set(rows) == {"mask (Dice)", "density"}
    for row in rows.values():
        assert row["cycle_error"]["mean"] == row["autoencoder_error"]["mean"] == 0 and row["survives"]["mean"] == 1


def test_too_few_have_a_reason_in_place_of_a_figure():
    row = loop_figures([triplet(i, 0.7, 0.7, 0.7) for i in range(9)])[0]
    assert row["survives"] is row["score"]["acquired"] is row["cycle_error"] is None
    assert row["reason"] == "9 triplets state it, and 10 at least are needed"
    some = [triplet(i, 0.7, 0.7 if i < 4 else 0.0, 0.7) for i in range(12)]
    row = loop_figures(some)[0]
    assert row["survives"] is None and row["score"]["acquired"]["n"] == 12
    assert row["reason"] == "it is read in 4 acquired and reconstructed images, and 10 at least are needed"
    assert loop_figures([]) == []


def test_what_broke_was_read_before():
    assert broken_attributes(triplet(0, 0.8, 0.6, 0.1)) == ["mask (Dice)"]
    assert broken_attributes(triplet(0, 0.8, 0.1, 0.0)) == [], "the autoencoder lost it, not the generator"
    assert broken_attributes(triplet(0, 0.8, 0.6, 0.3, density=(1, 1, 2))) == ["density"]
    clear = [reading(mask_kind="none", is_clear=yes) for yes in (True, True, False)]
    assert broken_attributes(tuple(clear)) == ["no lesion"]

"""Figures as compact markdown tables, as the model cards and the terminal show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from monai_mammo.errors import RequestError
from monai_mammo.evaluation.drift.drift_table import drift_table
from monai_mammo.evaluation.edits.edit_tables import edit_tables
from monai_mammo.evaluation.knobs.knob_page import knob_page
from monai_mammo.evaluation.lesion_readings import MASK_MEASURES
from monai_mammo.evaluation.loop.loop_table import loop_table
from monai_mammo.evaluation.markdown import NONE, count_words, figure_words, table_under
from monai_mammo.evaluation.reader_study.reader_study_table import reader_table
from monai_mammo.evaluation.realism.realism_tables import realism_table
from monai_mammo.evaluation.report.report_table import report_table
from monai_mammo.evaluation.utility.utility_page import utility_table

__all__ = ["markdown_table"]

_INTERVAL = "Means of per-image figures with 95 % bootstrap intervals over persons."


def markdown_table(figures: Mapping[str, Any]) -> str:
    """Table of figures, with a sentence on what they are above it.

    Parameters
    ----------
    figures : mapping
        As `reconstruction_figures`, `lesion_figures` or `adherence_figures` give them.

    Returns
    -------
    str

    Raises
    ------
    RequestError
        The figures are of another command.
    """
    command = figures.get("command")
    if command not in _TABLES:
        raise RequestError(f"figures of command {command!r} are not one of {', '.join(_TABLES)}")
    return _TABLES[command](figures)


def _reconstruction(figures: Mapping[str, Any]) -> str:
    settings = figures["settings"]
    rows, columns = settings["bicubic_shape"]
    head = (
        f"{_about(figures)} Data range 1. Bicubic: the same images shrunk to {rows} x {columns}, "
        f"as many values as the latent's {settings['latent_values']}, and back. {_INTERVAL}"
    )
    lines = [
        [
            row["kind"],
            row["region"],
            count_words(row["psnr"]),
            figure_words(row["psnr"], 1),
            _plain(row["psnr_bicubic"], 1),
            figure_words(row["psnr_gain"], 1, sign="+"),
            figure_words(row["ssim"], 3),
            _plain(row["ssim_bicubic"], 3),
        ]
        for row in figures["rows"]
    ]
    titles = ["kind", "region", "n", "PSNR, dB", "bicubic", "gain, dB", "SSIM", "bicubic"]
    return table_under(head, titles, lines)


def _lesions(figures: Mapping[str, Any]) -> str:
    head = (
        f"{_about(figures)} A pixel counts as lesion above a probability of {figures['settings']['threshold']}; "
        "box IoU is that of the largest found component with the largest known box. Class heads: share of images "
        f"named rightly, beside the share of the most frequent class. {_INTERVAL}"
    )
    keys = sorted({(row["measure"], row["kind"]) for row in figures["rows"]}, key=_measure_order(figures["rows"]))
    return _networks_beside_each_other(head, keys, figures["rows"])


def _examiners(figures: Mapping[str, Any]) -> str:
    settings = figures["settings"]
    unread = "; ".join(
        f"{network}: {', '.join(heads) or 'none'}" for network, heads in figures.get("unread", {}).items()
    )
    head = (
        f"{_about(figures)} Intervals of 95 % over persons. A detection meets a lesion where its centre lies in its "
        f"box or the boxes overlap by an IoU of {settings['hit_iou']:g}. Most frequent class: what naming it for every "
        f"image gets right. Heads not shown to be better than that are neither used nor printed: {unread}."
    )
    keys = list(dict.fromkeys((row["measure"], row["kind"]) for row in figures["rows"]))
    measures = list(dict.fromkeys(measure for measure, _ in keys))
    return _networks_beside_each_other(head, sorted(keys, key=lambda key: measures.index(key[0])), figures["rows"])


def _networks_beside_each_other(head: str, keys: Sequence[tuple[str, str]], rows: Sequence[Mapping[str, Any]]) -> str:
    """A line for each measure and kind, a column for each network."""
    table = {(row["measure"], row["kind"], row["network"]): row for row in rows}
    lines = []
    for measure, kind in keys:
        ours, judge = (table.get((measure, kind, name)) for name in ("lesion network", "judge"))
        known = ours or judge or {}
        frequent = known.get("most_frequent")
        share = NONE if frequent is None else f"{frequent:.2f}"
        persons = str(known.get("n_persons", NONE))
        lines.append([measure, kind, count_words(known), persons, figure_words(ours, 2), figure_words(judge, 2), share])
    return table_under(
        head, ["measure", "kind", "n", "persons", "lesion network", "judge", "most frequent class"], lines
    )


def _adherence(figures: Mapping[str, Any]) -> str:
    sides, first = figures["sides"], figures["first_try_dice"]
    n = sum(run["n_samples"] for run in figures["runs"])
    n_mended = sum(run.get("n_mended", 0) for run in figures["runs"])
    sentences = [
        f"{n} generated images beside acquired ones: {_about(figures)}",
        f"Side read from the written pixels: as requested in {sides['as_requested']} of {sides['n']} files"
        + (
            f", as ImageLaterality says in {sides['image_laterality']} and as PatientOrientation says in "
            f"{sides['patient_orientation']} of {sides['n_dicom']} DICOM files."
            if sides["n_dicom"]
            else "."
        ),
        "Dice of first tries, before any was mended or drawn again: "
        f"{figure_words(first, 2)}, n = {count_words(first)}."
        if first
        else "",
        f"Mended by the lesion painter: {n_mended} of {n}." if n_mended else "",
        _INTERVAL,
        "What a single image shows is left out.",
    ]
    lines = [
        [
            row["network"],
            row["measure"],
            row["kind"],
            figure_words(row["synthetic"], 2),
            count_words(row["synthetic"]),
            figure_words(row["acquired"], 2),
            count_words(row["acquired"]),
            figure_words(row["ratio"], 2),
        ]
        for row in figures["rows"]
        if row["synthetic"]["low"] is not None  # a figure of one image is an anecdote: it has no interval
    ]
    titles = ["read by", "measure", "kind", "synthetic", "n", "acquired", "n", "ratio"]
    return table_under(" ".join(s for s in sentences if s), titles, lines)


def _spots(figures: Mapping[str, Any]) -> str:
    smallest = figures["smallest_feature_px"]
    head = (
        f"{_about(figures)} A square spot planted in each breast survives where at least "
        f"{figures['settings']['kept_share']:.0%} of its contrast is left after reconstruction. Smallest spot of which "
        f"nine in ten survive at a contrast of 0.2: {'none' if smallest is None else f'{smallest} pixels'}."
    )
    lines = [
        [str(row["size_px"]), f"{row['contrast']:g}", str(row["n"]), f"{row['survives']:.2f}", f"{row['kept']:.2f}"]
        for row in figures["rows"]
    ]
    return table_under(head, ["side, pixels", "contrast", "n", "survive", "mean contrast kept"], lines)


def _memorisation(figures: Mapping[str, Any]) -> str:
    head = (
        f"{_about(figures)} Distance to the closest over distance to the second closest of "
        f"{figures['bundles'][0]['n_fingerprinted']} training images, by structure inside the breast: a copy has a low "
        f"ratio. Under {figures['threshold']:.3f}, as 1 in 100 acquired images that were not trained on, an image is a "
        "suspected copy. Planted copies are training images blurred, moved by a hundredth and noised."
    )
    lines = [
        [
            row["images"],
            str(row["n"]),
            f"{row['similarity_median']:.2f}",
            f"{row['ratio_median']:.2f}",
            f"{row['ratio_lowest']:.2f}",
            str(row["n_suspected"]),
        ]
        for row in figures["rows"]
    ]
    return table_under(
        head, ["images", "n", "similarity, median", "ratio, median", "ratio, lowest", "suspected"], lines
    )


def _copies(figures: Mapping[str, Any]) -> str:
    settings, ways = figures["settings"], list(figures["limits"])
    limit = figures["limits"].get("gate", 0.0)
    words = {
        "structure": "structure: of what stands out inside the breast, in four orientations and moved",
        "gate": f"gate: the same as the fingerprint of {settings['gate']} has it, by its own limit {limit:.2f}",
        "radiomic": "radiomic: of brightness and texture inside the breast",
        "learned": "learned: of features of a pretrained network",
    }
    limits = (
        "Limits: 1 in 100 acquired images that were not trained on is suspected; these are judged by the limit of the "
        "other half of their persons. "
    )
    head = (
        f"{_about(figures)} Shares of images suspected to be copies of {settings['n_trained']} training images, "
        "with 95 % intervals (Wilson; of all copies by bootstrap over persons). "
        f"{'' if ways == ['gate'] else limits}Distance to the closest over that to the second closest; "
        f"{'; '.join(words[way] for way in ways)}."
    )
    lines = [[row["images"], str(row["n"]), *(figure_words(row[way], 3) for way in ways)] for row in figures["rows"]]
    return table_under(head, ["images", "n", *ways], lines)


def _membership(figures: Mapping[str, Any]) -> str:
    head = (
        f"Images that were trained on beside others: {_about(figures)} Share of pairs of one kind in which "
        "the training image has the lower loss, with 95 % bootstrap interval over persons: 0.5 tells nothing of who "
        "was trained on."
    )
    lines = [
        [
            row["network"],
            str(row["n"]),
            str(row["n_others"]),
            f"{row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})",
            f"{row['loss']['trained']:.4f}",
            f"{row['loss']['others']:.4f}",
        ]
        for row in figures["rows"]
    ]
    return table_under(
        head, ["network", "trained on", "others", "area under the curve", "median loss", "of others"], lines
    )


def _texture(figures: Mapping[str, Any]) -> str:
    head = (
        f"{_about(figures)} Power inside the breast by spatial frequency (cycles a pixel), in dB, and exponent of the "
        f"spectrum, of tiles of {figures['settings']['tile_px']} x {figures['settings']['tile_px']} pixels; others as "
        "differences to acquired images: below 0 dB is smoother, above 0 grainier. Intervals are 95 % bootstrap "
        "intervals over persons."
    )
    lines = [
        [
            row["kind"],
            row["measure"],
            count_words(row["acquired"]),
            figure_words(row["acquired"], 1),
            figure_words(row["reconstructed"], 1, sign="+"),
            figure_words(row["generated"], 1, sign="+"),
            count_words(row["generated"]),
        ]
        for row in figures["rows"]
    ]
    return table_under(head, ["kind", "measure", "n", "acquired", "reconstructed", "generated", "n"], lines)


def _comparison(figures: Mapping[str, Any]) -> str:
    """Each generator in a column; acquired images that differ between columns stand side by side."""
    sentences = [_about_weights(generator) for generator in figures["generators"]]
    lines = [
        [
            row["measure"],
            row["kind"],
            "; ".join(text for one in row["acquired"] if (text := _figure(one)) != NONE) or NONE,
            *(_with_n(one) for one in row["generated"]),
        ]
        for row in figures["rows"]
    ]
    head = " ".join(
        [
            *(sentence for sentence in sentences if sentence),
            "The same acquired images beside each generator; where the control follows the kinds of the generated "
            "images, each control is named. Brackets: 95 % bootstrap intervals over persons; n: generated images. "
            "What a single image shows is left out.",
        ]
    )
    return table_under(head, ["measure", "kind", "acquired", *(one["name"] for one in figures["generators"])], lines)


def _about_weights(generator: Mapping[str, Any]) -> str:
    weights = ", ".join(f"{one['name']} {one['version']}" for one in generator["weights"])
    return f"{generator['name']}: {weights}." if weights else ""


def _figure(found: Mapping[str, Any] | None) -> str:
    if not found or found["low"] is None:
        return NONE
    return figure_words(found)


def _with_n(found: Mapping[str, Any] | None) -> str:
    text = _figure(found)
    return f"{text}, n {found['n']}" if found and text != NONE and "n" in found else text


def _translation(figures: Mapping[str, Any]) -> str:
    after, before = (figures["overlap"][key] for key in ("after", "before"))
    head = (
        f"{_about(figures)} {figures['n_pairs']} pairs; {figures['n_left_out']} more have outlines that do not agree. "
        f"Outlines overlap by an IoU of {figure_words(before, 3)}, and of {figure_words(after, 3)} after one was laid "
        "over the other. Inside the breast, data range 1. Source: the other view as it is. Reconstruction: what the "
        "autoencoder keeps of the acquired view. One step: the translator asked once at pure noise, its own mean. "
        "Diffusion: the translator alone. With details: its layout under details of the generator, which is what "
        "translate writes. Difference: what is written less regression, or less one step where there is none, pair by "
        "pair. Lesion contrast: mean brightness in the outline less that of its surround. Intervals: 95 % over persons."
    )
    ways = ("source", "reconstruction", "regression", "one step", "diffusion", "with details")
    methods = ("acquired", *ways, "difference")
    lines = []
    for row in figures["rows"]:
        digits = 2 if "dB" in row["measure"] or "length" in row["measure"] else 3
        values = [figure_words(row.get(name), digits) for name in methods]
        lines.append([row["way"], row["measure"], count_words(row.get("diffusion")), *values])
    return table_under(head, ["direction", "measure", "n", *methods], lines)


_TABLES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "reconstruction": _reconstruction,
    "spots": _spots,
    "lesions": _lesions,
    "examiners": _examiners,
    "adherence": _adherence,
    "memorisation": _memorisation,
    "copies": _copies,
    "drift": drift_table,
    "membership": _membership,
    "texture": _texture,
    "realism": realism_table,
    "knobs": knob_page,
    "loop": loop_table,
    "edits": edit_tables,
    "translation": _translation,
    "utility": utility_table,
    "report": report_table,
    "comparison": _comparison,
    "reader study": reader_table,
}


def _about(figures: Mapping[str, Any]) -> str:
    data = figures["data"]
    words = f"{data['n_images']} images of {data['n_persons']} persons, {data['split']} split"
    return f"{words} ({', '.join(data['sources'])})."


def _measure_order(rows: Sequence[Mapping[str, Any]]) -> Callable[[tuple[str, str]], tuple[int, int]]:
    """Masks first, then heads; kinds as they come, all last."""
    measures = list(dict.fromkeys([*MASK_MEASURES, *(row["measure"] for row in rows)]))
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    return lambda key: (measures.index(key[0]), kinds.index(key[1]))


def _plain(value: Mapping[str, Any] | None, digits: int) -> str:
    return NONE if not value else f"{value['mean']:.{digits}f}"

"""Is what was requested there? The same readings on generated and on acquired images, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_mammo import bundle
from monai_mammo.bundle import DEFAULT_BUNDLES
from monai_mammo.dicom.orientation import chest_wall_of_orientation
from monai_mammo.dicom.writing.store import read_dataset
from monai_mammo.evaluation.examiners import JUDGE, examiners, refuse_judge_that_drew
from monai_mammo.evaluation.intervals import ratio_of_means, summary
from monai_mammo.evaluation.lesion_readings import THRESHOLD, Reading, measured, read_items, summarised
from monai_mammo.evaluation.run_items import items_of_run, load_run, person_of_sample, written_pixels
from monai_mammo.evaluation.stated import about_bundle, about_datalist, kind_groups
from monai_mammo.generation.engine.check import seen_breast
from monai_mammo.generation.runs.manifest import Manifest, sample_name
from monai_mammo.lesions.contrast_ranges import outlined_lesions
from monai_mammo.prepare.breast import chest_wall_side
from monai_mammo.prepare.datalist_items import load_items
from monai_mammo.prepare.geometry import as_displayed
from monai_mammo.terms import ChestWall, Laterality

__all__ = ["adherence_figures", "compared_readings", "side_figures"]


def adherence_figures(
    runs: Sequence[str | Path],
    datalist: str | Path,
    *,
    split: str = "validation",
    lesion_network: str = DEFAULT_BUNDLES[2],
    device: str = "auto",
) -> dict[str, Any]:
    """Side, view, lesion and attributes of generated images against what was requested, beside acquired images.

    The lesion network chose among the tries of a run, so its Dice flatters; the Dice of the first
    tries, and the judge's on what was kept, stand beside it.

    Parameters
    ----------
    runs : sequence of str or Path
        Folders that `generate` wrote.
    datalist : str or Path
        ``datalist.json`` of the acquired images.
    split : str
        Of the datalist, such as ``validation``.
    lesion_network : str
        Name or path of the bundle with lesion network and judge.
    device : {"auto", "cpu", "cuda"}

    Returns
    -------
    dict
        ``sides``: numbers of files whose side is right; ``first_try_dice``; ``rows``: for each
        network, kind and measure the figures on synthetic and on acquired images, and their ratio.

    Raises
    ------
    RequestError
        A folder holds no run, or there is no such datalist, split, bundle or device, or the judge
        had a part in a run.
    MammoError
        Weights or files are missing or damaged.
    """
    manifests, home = [load_run(run) for run in runs], bundle.find(lesion_network)
    for manifest in manifests:
        refuse_judge_that_drew(home, manifest)
    synthetic = [item for run in runs for item in items_of_run(run)]
    acquired = load_items(datalist, split=split)
    rows = []
    for name, network in examiners(home, device).items():
        compared = compared_readings(read_items(network, synthetic), read_items(network, acquired))
        rows += [{"network": name, **row} for row in compared]
    rows += _contrast_rows(synthetic, acquired)
    return {
        "name": "adherence",
        "command": "adherence",
        "data": about_datalist(datalist, acquired, split),
        "runs": [_about_run(manifest) for manifest in manifests],
        "bundles": [about_bundle(home), about_bundle(home, JUDGE[0])],
        "settings": {"threshold": THRESHOLD},
        "sides": side_figures(manifests, synthetic),
        "first_try_dice": _first_try_dice(manifests),
        "rows": rows,
    }


def side_figures(manifests: Sequence[Manifest], items: Sequence[Mapping[str, Any]] = ()) -> dict[str, int]:
    """Number of samples whose side, read from the written pixels, is the stated one.

    Parameters
    ----------
    manifests : sequence of Manifest
    items : sequence of mapping
        Of `items_of_run`, as far as they were read already: the breast is not looked for twice.

    Returns
    -------
    dict
        ``n``: samples; ``as_requested``: the side is that of the request; ``n_dicom``: samples with a DICOM
        file; ``image_laterality``, ``patient_orientation``: the pixels agree with that attribute of it.
        A side that the pixels do not tell agrees with nothing.
    """
    out = dict.fromkeys(("n", "as_requested", "n_dicom", "image_laterality", "patient_orientation"), 0)
    displayed = {item["person_id"]: item["breast"] for item in items}
    for manifest in manifests:
        for index, entry in manifest.samples.items():
            folder = manifest.folder / sample_name(index)
            laterality = entry["conditions"].get("laterality")
            breast = displayed.get(person_of_sample(manifest, index))
            if breast is None:
                breast = seen_breast(written_pixels(folder))
            else:
                breast = as_displayed(breast, Laterality.parse(laterality or "L"))  # its own inverse: as it was written
            side = None if breast is None else chest_wall_side(breast)
            out["n"] += 1
            out["as_requested"] += side is not None and side is _expected(laterality)
            path = folder / "mammogram.dcm"
            if path.is_file():
                dataset = read_dataset(path)
                out["n_dicom"] += 1
                out["image_laterality"] += side is not None and side is _expected(dataset.get("ImageLaterality"))
                stated = chest_wall_of_orientation(dataset.get("PatientOrientation"))
                out["patient_orientation"] += side is not None and side is stated
    return out


def compared_readings(synthetic: Sequence[Reading], acquired: Sequence[Reading]) -> list[dict[str, Any]]:
    """Figures of one network on synthetic images, beside those on acquired images of the same kinds.

    Parameters
    ----------
    synthetic, acquired : sequence of Reading

    Returns
    -------
    list of dict
        ``kind``, ``measure``, the figures ``synthetic`` and ``acquired``, and their ``ratio``.
    """
    kinds = {r.kind for r in synthetic}
    real = measured([r for r in acquired if r.kind in kinds])
    rows = []
    for (kind, measure), values in measured(synthetic).items():
        twins = real.get((kind, measure), [])
        rows.append(
            {
                "kind": kind,
                "measure": measure,
                "synthetic": summarised(values, measure),
                "acquired": summarised(twins, measure) if twins else None,
                "ratio": ratio_of_means(
                    [v for _, v in values],
                    [v for _, v in twins],
                    persons=[r.person_id for r, _ in values],
                    reference_persons=[r.person_id for r, _ in twins],
                ),
            }
        )
    return rows


def _contrast_rows(synthetic: Sequence[dict[str, Any]], acquired: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Contrast of outlined lesions to their surround, which no network reads, by kind."""
    seen = {name: _contrasts(items) for name, items in (("synthetic", synthetic), ("acquired", acquired))}
    rows = []
    for kind, members in kind_groups([kind for kind, _, _ in seen["synthetic"]]).items():
        ours = [seen["synthetic"][i] for i in members]
        if not ours:  # none was asked for a lesion
            continue
        twins = [one for one in seen["acquired"] if kind in ("all", one[0])]
        both = [[value for _, _, value in some] for some in (ours, twins)]
        persons = [[person for _, person, _ in some] for some in (ours, twins)]
        rows.append(
            {
                "network": "none: pixels",
                "kind": kind,
                "measure": "lesion contrast",
                "synthetic": summary(both[0], persons=persons[0]),
                "acquired": summary(both[1], persons=persons[1]) if twins else None,
                "ratio": ratio_of_means(*both, persons=persons[0], reference_persons=persons[1]),
            }
        )
    return rows


def _contrasts(items: Sequence[dict[str, Any]]) -> list[tuple[str | None, str, float]]:
    """Kind, person and mean contrast of the outlined lesions of each image that has one."""
    out = []
    for item in items:
        if item.get("mask_kind") == "contour":
            values = [found.contrast for _, found in outlined_lesions(item)]
            kind = item["conditions"].get("kind")
            out += [(kind, str(item["person_id"]), sum(values) / len(values))] if values else []
    return out


def _expected(laterality: str | None) -> ChestWall | None:
    return {"L": ChestWall.LEFT, "R": ChestWall.RIGHT}.get(str(laterality))


def _first_try_dice(manifests: Sequence[Manifest]) -> dict[str, Any] | None:
    """Dice that the run's own lesion network gave each sample's first try, before any was drawn again."""
    first = [entry["tries"][0]["dice"] for manifest in manifests for entry in manifest.samples.values()]
    return summary([value for value in first if value is not None])


def _kept(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The try that a sample is."""
    return entry["tries"][entry["kept_try"]]


def _about_run(manifest: Manifest) -> dict[str, Any]:
    request = manifest.head["request"]
    names = ("seed", "steps", "dice_threshold", "max_tries", "mend")
    return {
        "run_sha256": manifest.run_sha256,
        "n_samples": len(manifest.samples),
        "n_mended": sum(bool(_kept(entry).get("mended")) for entry in manifest.samples.values()),
        "guidance": manifest.head["guidance"],
        "weights": manifest.head["weights"],
        **{name: request.get(name) for name in names},
    }

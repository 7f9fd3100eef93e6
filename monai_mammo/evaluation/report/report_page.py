"""The report as one page of HTML that loads nothing from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from monai_mammo.bundle.support import FEW_PERSONS
from monai_mammo.evaluation.report.coverage_words import covered_cases
from monai_mammo.evaluation.report.criteria import AREA, HEADINGS, QUESTIONS
from monai_mammo.evaluation.report.figure_words import MEASURE_WORDS, NEIGHBOUR_WORDS
from monai_mammo.evaluation.report.html_parts import NONE, figure_text, light_html, list_html, table_html
from monai_mammo.evaluation.report.image_sorts import ImageSort
from monai_mammo.evaluation.report.shown_images import Panel
from monai_mammo.evaluation.report.source_pairs import PAIR_MEASURES
from monai_mammo.evaluation.report.svg_plots import interval_plot
from monai_mammo.evaluation.report.uses import how_many_outside
from monai_mammo.evaluation.report.utility_section import utility_section

__all__ = ["report_page"]

_TITLES = {
    ImageSort.SYNTHETIC: "What these synthetic mammograms may be used for",
    ImageSort.EDITED: "What these edited mammograms may be used for",
    ImageSort.EXAMINED: "What these mammograms may be used for",
}
_GENERATED = "Figures call the images that are examined generated."
_SORT_NOTES = {
    ImageSort.SYNTHETIC: [],
    ImageSort.EDITED: [f"Images named edited are acquired ones of which a part was drawn. {_GENERATED}"],
    ImageSort.EXAMINED: [f"Of images named examined it is not stated whether they were generated. {_GENERATED}"],
}
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def report_page(report: Mapping[str, Any], panels: Sequence[Panel] = ()) -> str:
    """Page of a report.

    Parameters
    ----------
    report : mapping
        As `evaluate_report` gives it.
    panels : sequence of Panel
        Images that are shown.

    Returns
    -------
    str
        HTML with everything inside: style, plots as SVG, images as PNG.
    """
    style = files("monai_mammo.evaluation.report").joinpath("report.css").read_text(encoding="utf-8")
    sections = [
        ("images", "The images", _panels(panels)),
        *((name, f"{name.capitalize()}: {about}", _HEADED[name](report)) for name, about in HEADINGS.items()),
        ("utility", "Utility: what a training gains by the images", utility_section(report["figures"]["utility"])),
        ("baselines", "What best and bad look like", _baselines(report)),
        ("method", "How this was measured", _method(report)),
    ]
    shown = [(name, title, body) for name, title, body in sections if body]
    page_title = _TITLES[ImageSort(report["synthetic"]["images"])]
    links = "".join(f'<li><a href="#{name}">{escape(title.partition(":")[0])}</a></li>' for name, title, _ in shown)
    body = "".join(
        f'<section id="{name}" aria-labelledby="{name}-h"><h2 id="{name}-h">{escape(title)}</h2>{text}</section>'
        for name, title, text in shown
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(page_title)}: {escape(str(report['synthetic']['name']))}</title>"
        f"<style>{style}</style></head><body>"
        '<a class="skip" href="#verdicts">To the table of verdicts</a>'
        f'<header><p class="over">{escape(_about(report))}</p><h1>{escape(page_title)}</h1></header><main>'
        f"{_first_screen(report)}"
        f'<nav aria-label="Sections"><ul>{links}</ul></nav>{body}</main>'
        "<footer><p>Made by monai_mammo, research software, not a medical device. Images named SYNTHETIC were not "
        "acquired from patients. Acquired images are shown as the reference folder holds them: pass this page on only "
        "where those images may be passed on.</p></footer></body></html>\n"
    )


def _about(report: Mapping[str, Any]) -> str:
    synthetic, reference = report["synthetic"], report["reference"]
    weights = synthetic.get("weights") or []
    drawn = f", drawn by {weights[0]['name']} {weights[0]['version']}," if weights else ""
    return (
        f"{synthetic['n_images']} images of {synthetic['name']} ({synthetic['form']}){drawn} beside "
        f"{reference['n_images']} acquired images of {reference['n_persons']} persons ({reference['name']}, "
        f"{reference['split']} split)"
    )


def _first_screen(report: Mapping[str, Any]) -> str:
    notes = [*_SORT_NOTES[ImageSort(report["synthetic"]["images"])], *report["notes"]]
    warning = f'<section class="notes" aria-label="Notes"><h2>Mind</h2>{list_html(notes)}</section>' if notes else ""
    answered = {row["question"] for row in report["verdicts"]}
    questions = "".join(
        f"<div><dt>{_linked(question, name, answered)}</dt><dd>{light_html(report['answers'][name]['light'])} "
        f"<small>{escape(how_many_outside(report['verdicts'], name))}</small>{_why(report, name)}</dd></div>"
        for name, question in QUESTIONS.items()
    )
    uses = table_html(
        "Uses, and what stands against them",
        ["use", "may be used", "because"],
        [
            [use["use"], "yes" if use["is_allowed"] else "no", use["because"] or "nothing stands against it"]
            for use in report["uses"]
        ]
        + [["diagnosis", "no", "never, whatever the figures"]],
    )
    return (
        f'<p class="sentence" id="sentence"><strong>{escape(report["sentence"])}</strong></p>'
        f'<dl class="questions">{questions}</dl>{warning}{_verdicts(report)}{uses}'
    )


def _why(report: Mapping[str, Any], name: str) -> str:
    """Which figures give a question its light, the first in words; nothing where all is well."""
    answer = report["answers"][name]
    some = [row for row in report["verdicts"] if name in (row["question"], row["heading"])]
    deciding = [row for row in some if row["light"] == answer["light"] != "within limits"]
    if answer["light"] == "not measured":
        words = "; ".join(dict.fromkeys(row["reason"] for row in deciding if row["reason"])) or answer["because"]
    elif deciding:
        first = deciding[0]
        more = f"; {len(deciding) - 1} more" if len(deciding) > 1 else ""
        words = f"{first['title']}: {_with_unit(figure_text(first['figure'], _digits(first)), first)}{more}"
    else:
        return ""
    return f"<br><small>{escape(words)}</small>"


def _verdicts(report: Mapping[str, Any]) -> str:
    verdicts = sorted(report["verdicts"], key=lambda row: list(_GROUPS).index(_group(row)))
    rows = [
        [
            escape(row["title"]) + (f"<br><small>{escape(row['kind'])} images</small>" if row["kind"] else ""),
            light_html(row["light"]) + (f"<br><small>{escape(row['reason'])}</small>" if row["reason"] else ""),
            escape(_with_unit(figure_text(row["figure"], _digits(row)), row)),
            str(row["figure"]["n"]) if row["figure"] else NONE,
            _beside(row),
            escape(_judged(row)),
            escape(row["rule"]),
        ]
        for row in verdicts
    ]
    groups: dict[int, tuple[str, str]] = {}
    for place, row in enumerate(verdicts):
        name = _group(row)
        if not place or _group(verdicts[place - 1]) != name:
            light = light_html(report["answers"][name]["light"]) if name in report["answers"] else ""
            groups[place] = f"{_GROUP}{name}", f"{escape(_GROUPS[name])} {light}".strip()
    titles = ["figure", "light", "value (95 % interval)", "n", "beside", "judged", "limits"]
    table = table_html("Verdicts", titles, rows, is_html=range(7), groups=groups)
    return f'<div id="verdicts"><p class="legend">{escape(_LIGHTS)}</p>{table}</div>'


_GROUP = "verdicts-"
_GROUPS = {
    **QUESTIONS,
    "substitution": "Do they teach as much as acquired images?",
    **{name: f"{name.capitalize()}: {about}" for name, about in HEADINGS.items()},
}
"""What groups of figures answer to, in the order in which they are shown."""


def _group(row: Mapping[str, Any]) -> str:
    """What a figure answers to; a further one of what a training gains stands with the one that gives the light."""
    return "help" if row["name"] == "utility_beyond_augmentation" else str(row["question"] or row["heading"])


def _linked(question: str, name: str, answered: set[str]) -> str:
    """Question as a link to its figures, where there are any."""
    return f'<a href="#{_GROUP}{name}">{escape(question)}</a>' if name in answered else escape(question)


_LIGHTS = (
    "● within limits: the whole interval is. ■ outside limits: the whole interval is beyond what is tolerated. "
    "▲ unclear: neither, by too few images or lying between. ○ not measured."
)


def _digits(row: Mapping[str, Any]) -> int:
    return {"dB": 1, AREA: 3}.get(row["unit"], 2)


def _with_unit(text: str, row: Mapping[str, Any]) -> str:
    return f"{text} {row['unit']}" if row["unit"] and text != NONE else text


def _beside(row: Mapping[str, Any]) -> str:
    beside = row["beside"]
    if not beside or "value" not in beside:
        return NONE
    return f"{escape(figure_text(beside, _digits(row)))}, n {beside['n']}<br><small>{escape(beside['what'])}</small>"


def _judged(row: Mapping[str, Any]) -> str:
    if row["judged_by"] == "itself" or row["judged"] is None:
        return NONE
    signed = "+" if row["judged_by"] == "difference" else ""
    return f"{row['judged_by']} {figure_text(row['judged'], _digits(row), sign=signed)}"


_BESIDE = (
    "Beside each image that is examined stands the acquired image of the reference that is closest to it by features, "
    "and, where it is at hand, the closest training image. Its ratio is the distance to it over that to the second "
    "closest: near 1 no training image stands out, however unlike the two look."
)


def _panels(panels: Sequence[Panel]) -> str:
    out = [f"<p>{_BESIDE}</p>"] if panels else []
    for panel in panels:
        rows = "".join(f'<li><div class="row">{"".join(map(_picture, row))}</div></li>' for row in panel.rows)
        out.append(f'<h3>{escape(panel.title)}</h3><p>{escape(panel.about)}</p><ul class="panel">{rows}</ul>')
    return "".join(out)


def _picture(picture: Any) -> str:
    data = base64.b64encode(picture.png).decode()
    return (
        f'<figure><img alt="{escape(picture.alternative, quote=True)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{escape(picture.caption)}</figcaption></figure>"
    )


def _plot(svg: str, title: str) -> str:
    if not svg:
        return ""
    label = escape(title, quote=True)
    return (
        f'<figure class="plot"><div class="scroll" role="region" tabindex="0" aria-label="{label}">{svg}</div></figure>'
    )


def _congruence(report: Mapping[str, Any]) -> str:
    realism = report["figures"]["realism"]
    shapes = realism["settings"]["sizes"]
    sides = ["generated", "control"]
    auc = interval_plot(
        "auc",
        "Area under the curve of a classifier that tells images from acquired ones, all kinds: 0.5 cannot, 1 always",
        sides,
        [
            (f"{row['features']}, {' x '.join(map(str, shapes[row['size']]))}", _both(row))
            for row in _of_all(realism["auc"])
        ],
        line_at=0.5,
        unit="area under the curve",
    )
    frechet = interval_plot(
        "frechet",
        "Fréchet distance to acquired images by kind and sort of features",
        sides,
        [(f"{row['kind']}, {row['features']}", _both(row)) for row in realism["frechet"]],
        line_at=0,
        unit="share of the acquired images' variance",
    )
    kernel = interval_plot(
        "kernel",
        "Unbiased kernel distance to acquired images by kind and sort of features",
        sides,
        [(f"{row['kind']}, {row['features']}", _both(row)) for row in realism["kernel"]],
        line_at=0,
        unit="kernel distance",
    )
    spectrum = interval_plot(
        "spectrum",
        "Power inside the breast by spatial frequency, less that of acquired images",
        sides,
        [
            (f"{row['kind']}, {row['measure'].removeprefix('power ')}", [row["difference"], row["control_difference"]])
            for row in realism["spectrum"]
            if row["view"] == "both" and row["measure"].startswith("power") and _n(row["difference"]) >= 10
        ],
        line_at=0,
        unit="dB; bands in cycles a pixel",
    )
    measures = interval_plot(
        "measures",
        "Measures of single images as share of acquired images', all kinds",
        sides,
        [
            (MEASURE_WORDS[row["measure"]].partition(",")[0], [row["share"], row["control_share"]])
            for row in _of_all(realism["measures"])
            if _n(row["synthetic"]) >= 10
        ],
        line_at=1,
        unit="share",
    )
    tables = [
        table_html(
            "Fréchet distance by kind",
            ["kind", "features", "generated", "n", "control", "n"],
            _distances(realism["frechet"]),
            about="Few images make it larger, in the control alike; under 20 images it is left out.",
        ),
        table_html(
            "Kernel distance by kind",
            ["kind", "features", "generated", "n", "control", "n"],
            _distances(realism["kernel"]),
            about=(
                "Unbiased, of the kernel (x · y / k + 1)³ on the same components: few images do not make it larger, "
                "and by chance it may be negative; under 20 images it is left out."
            ),
        ),
        table_html(
            "Classifier by kind, full size",
            ["kind", "features", "generated (AUC)", "n", "control (AUC)", "n"],
            [
                [row["kind"], row["features"], *_enough(row["synthetic"], 20), *_enough(row["control"], 20)]
                for row in realism["auc"]
                if row["size"] == "full"
            ],
            about="The control's brackets are the reach of chance in a single division; under 20 images left out.",
        ),
        table_html(
            "Measures of single images by kind",
            ["measure", "kind", "generated", "n", "acquired", "n", "share", "share, control"],
            [
                [
                    MEASURE_WORDS[row["measure"]],
                    row["kind"],
                    *_enough(row["synthetic"], 10, 3),
                    *_enough(row["acquired"], 10, 3),
                    figure_text(row["share"]) if _least(row) >= 10 else NONE,
                    figure_text(row["control_share"]) if _n(row["acquired"]) >= 10 else NONE,
                ]
                for row in realism["measures"]
            ],
            about="Lengths in pixels of the image; under 10 images left out.",
        ),
    ]
    tables.append(
        table_html(
            "Size, brightness, density and spectrum by kind and view",
            ["measure", "kind", "view", "generated", "n", "acquired", "n", "difference", "difference, control"],
            [
                [
                    MEASURE_WORDS[row["measure"]],
                    row["kind"],
                    row["view"],
                    *_enough(row["synthetic"], 10, 3),
                    *_enough(row["acquired"], 10, 3),
                    figure_text(row["difference"], 3, sign="+") if _least(row) >= 10 else NONE,
                    figure_text(row["control_difference"], 3, sign="+") if _least_of_control(row) >= 10 else NONE,
                ]
                for row in realism["profile"]
            ],
            about=(
                "Area as share of the picture; mean and standard deviation of brightness inside the breast; percent "
                "density, the share of the breast above Otsu's threshold; exponent of the power spectrum. Under 10 "
                "images left out."
            ),
        )
    )
    if report["figures"]["pairs"]:
        tables.append(_pairs(report["figures"]["pairs"]))
    plots = [
        _plot(auc, "Classifier"),
        _plot(frechet, "Fréchet distance"),
        _plot(kernel, "Kernel distance"),
        _plot(spectrum, "Spectrum"),
        _plot(measures, "Measures of single images"),
    ]
    return "".join([f"<p>{escape(_SORTS)}</p>", *plots, *tables])


_SORTS = (
    "Images are compared by several sorts of features. Radiomic: numbers of brightness, texture and spectrum inside "
    "the breast; filtered radiomic: such numbers of filtered pictures. Inner layers and last layer: of a network "
    "trained on photographs, which has seen no mammogram; inner layers see texture, the last what a picture shows. "
    "Judge: of the network that examines. The control is acquired images of other persons: what generated ones could "
    "reach at best."
)


def _both(row: Mapping[str, Any]) -> list[Mapping[str, Any] | None]:
    """Figures of generated images and of the control, those left out that are of fewer than 20 images."""
    return [row[name] if _n(row[name]) >= 20 else None for name in ("synthetic", "control")]


def _least(row: Mapping[str, Any]) -> int:
    return min(_n(row["synthetic"]), _n(row["acquired"]))


def _least_of_control(row: Mapping[str, Any]) -> int:
    return min(_n(row["control_difference"]), _n(row["acquired"]))


def _pairs(rows: Sequence[Mapping[str, Any]]) -> str:
    return table_html(
        "Images beside those that they were made from",
        ["measure", "kind", "mean", "n"],
        [[PAIR_MEASURES[row["measure"]], row["kind"], figure_text(row["figure"], 3), _n_text(row)] for row in rows],
        about=(
            "Data range 1; SSIM with a Gaussian of 1.5 pixels, MS-SSIM on five scales. Distances of features in "
            "deviations of acquired images, as share of the mean distance of two acquired images of two persons. "
            "Intervals over persons of the sources."
        ),
    )


def _n_text(row: Mapping[str, Any]) -> str:
    return str(_n(row["figure"]))


def _distances(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    return [
        [row["kind"], row["features"], *_enough(row["synthetic"], 20), *_enough(row["control"], 20)] for row in rows
    ]


def _coverage(report: Mapping[str, Any]) -> str:
    figures = report["figures"]
    plot = interval_plot(
        "neighbours",
        "Precision, recall and coverage by the five nearest neighbours",
        ["generated", "control"],
        [
            (f"{NEIGHBOUR_WORDS[row['measure']]}, {row['features']}", _both(row))
            for row in figures["neighbours"]
            if row["measure"] != "density"
        ],
        line_at=1,
        unit="share",
    )
    neighbours = table_html(
        "Neighbours by sort of features",
        ["measure", "features", "generated", "n", "control", "n"],
        [
            [
                NEIGHBOUR_WORDS[row["measure"]],
                row["features"],
                *_enough(row["synthetic"], 20),
                *_enough(row["control"], 20),
            ]
            for row in figures["neighbours"]
        ],
        about=(
            "Precision: generated images in a neighbourhood of acquired ones; recall: acquired images in one of "
            "generated ones; neighbourhoods an image: those that a generated image lies in, over five; coverage: "
            "acquired images whose neighbourhood holds a generated one. Under 20 images left out."
        ),
    )
    diversity = table_html(
        "Diversity: mean distance of two images of one kind",
        ["kind", "features", "images", "of equal conditions", "pairs", "of other conditions", "pairs", "ratio"],
        [
            [
                row["kind"],
                row["features"],
                words,
                *_pairs_of(row[side]["within"]),
                *_pairs_of(row[side]["between"]),
                figure_text(row[side]["ratio"]),
            ]
            for row in figures["diversity"]
            for side, words in (("synthetic", "generated"), ("acquired", "acquired"))
        ],
        about=(
            "Root mean square over features, in deviations of acquired images; pairs of two persons. Equal are view, "
            "density and finding. Where images of equal conditions lie closer together than acquired ones do, the same "
            "breast is drawn again and again."
        ),
    )
    cases = figures["cases"]
    table = table_html(
        "Cases: kind, view, density and finding on both sides",
        ["case", "generated images", "acquired images", "acquired persons", "persons enough"],
        [
            [
                ", ".join(str(row[name]) for name in ("kind", "view", "density", "finding")),
                str(row["n_synthetic"]),
                str(row["n_acquired"]),
                str(row["n_persons"]),
                "yes" if row["n_persons"] >= cases["n_few_persons"] else f"no, under {cases['n_few_persons']}",
            ]
            for row in cases["rows"]
        ],
    )
    words = f"<p>{escape(covered_cases(cases))}</p>"
    if cases["missing"]:
        words += f"<h3>Cases of the reference that are not generated</h3>{list_html(cases['missing'])}"
    n_few, n_all, n_least = len(cases["few_persons"]), len(cases["rows"]), cases["n_few_persons"]
    words += f"<p>{n_few} of {n_all} cases have acquired images of fewer than {n_least} persons.</p>"
    return (
        _plot(plot, "Neighbours")
        + neighbours
        + (diversity if figures["diversity"] else "")
        + (words + table if cases["rows"] else "<p>Conditions are not stated.</p>")
    )


def _pairs_of(figure: Mapping[str, Any] | None) -> tuple[str, str]:
    return (NONE, "0") if figure is None else (figure_text(figure), str(figure["n_pairs"]))


def _constraint(report: Mapping[str, Any]) -> str:
    adherence = report["figures"]["adherence"]
    if "rows" not in adherence:
        return f"<p>Adherence was not measured: {escape(adherence['reason'])}.</p>"
    judged = [row for row in adherence["rows"] if row["network"] == "judge"]
    plot = interval_plot(
        "adherence",
        "What the judge reads as requested, and as stated of acquired images, all kinds",
        ["generated", "acquired"],
        [(row["measure"], [row["synthetic"], row["acquired"]]) for row in _of_all(judged)],
        unit="overlap, or share of images",
    )
    table = table_html(
        "Requested against found, by network and kind",
        ["measure", "read by", "kind", "generated", "n", "acquired", "n", "ratio"],
        [
            [
                row["measure"],
                row["network"],
                row["kind"],
                *_enough(row["synthetic"], 10),
                *_enough(row["acquired"], 10),
                figure_text(row["ratio"]) if min(_n(row["synthetic"]), _n(row["acquired"])) >= 10 else NONE,
            ]
            for row in adherence["rows"]
        ],
        about="The lesion network chose among the tries of a run, so its figures flatter. Under 10 images left out.",
    )
    return _plot(plot, "Adherence") + table


def _completeness(report: Mapping[str, Any]) -> str:
    stated = report["figures"]["cases"]["stated"]
    return table_html(
        "Images that state kind, view, density and finding",
        ["images", "share", "n"],
        [[name, *_enough(stated[key], 1)] for name, key in (("generated", "synthetic"), ("acquired", "reference"))],
    )


def _compliance(report: Mapping[str, Any]) -> str:
    memorisation = report["figures"]["memorisation"]
    if "rows" not in memorisation:
        return f"<p>Closeness to training images was not measured: {escape(memorisation['reason'])}.</p>"
    return table_html(
        f"Closeness to training images: {report['closeness_to']}",
        ["images", "n", "similarity, median", "ratio, median", "ratio, lowest", "suspected"],
        [
            [
                row["images"],
                str(row["n"]),
                f"{row['similarity_median']:.2f}",
                f"{row['ratio_median']:.2f}",
                f"{row['ratio_lowest']:.2f}",
                str(row["n_suspected"]),
            ]
            for row in memorisation["rows"]
        ],
        about=(
            "Distance to the closest over distance to the second closest training image: a copy has a low ratio. Under "
            f"{memorisation['threshold']:.3f}, as 1 in 100 acquired images that were not trained on, an image is "
            "suspected."
        ),
    )


def _comprehension(report: Mapping[str, Any]) -> str:
    synthetic = report["synthetic"]
    rows = [[str(key), _words(value)] for key, value in synthetic.items()]
    rows += [
        [f"bundle {one['name']} {one['version']}", f"{one['weights']}, sha256 {one['sha256']}"]
        for one in report["bundles"]
    ]
    return table_html("What is stated of the images, and what they were read with", ["what", "stated"], rows)


def _consistency(report: Mapping[str, Any]) -> str:
    subgroups = report["figures"]["subgroups"]
    out = []
    for caption, rows in (
        ("By kind, view, density, finding and age", subgroups["rows"]),
        ("By kind, view, density and age together", subgroups["crossed"]),
    ):
        if rows:
            out.append(table_html(caption, _SUBGROUP_TITLES, [_subgroup(row) for row in rows]))
    few = [
        f"{_of(row)}: {row['n_synthetic']} generated and {row['n_acquired']} acquired images"
        for row in subgroups["too_few"]
        if len(row["subgroup"]) == 1 or row["n_synthetic"] and row["n_acquired"]
    ]
    some = [
        f"{_of(row)}: {row['n_persons']} persons"
        for row in subgroups["few_persons"]
        if any(row["subgroup"] == there["subgroup"] for there in [*subgroups["rows"], *subgroups["crossed"]])
    ]
    if some:
        title = f"Of fewer than {subgroups['n_few_persons']} persons: their figures are of these persons"
        out.append(f"<h3>{title}</h3>{list_html(some)}")
    if few:
        out.append(f"<h3>Left out, with fewer than {subgroups['n_least_images']} images on a side</h3>{list_html(few)}")
    return "".join(out)


_SUBGROUP_TITLES = [
    "subgroup",
    "generated",
    "acquired",
    "persons",
    "finest texture, dB",
    "control, dB",
    "fibres, share",
    "control, share",
    "judge's box IoU",
    "on acquired",
    "covered, radiomic",
    "by control",
]


def _subgroup(row: Mapping[str, Any]) -> list[str]:
    few = " (few)" if row["n_persons"] < FEW_PERSONS else ""
    radiomic = row["coverage"].get("radiomic", {})
    return [
        _of(row),
        str(row["n_synthetic"]),
        str(row["n_acquired"]),
        f"{row['n_persons']}{few}",
        figure_text(row["texture"]["synthetic"], 1, sign="+"),
        figure_text(row["texture"]["control"], 1, sign="+"),
        figure_text(row["ridge"]["synthetic"]),
        figure_text(row["ridge"]["control"]),
        figure_text(row["box"]["synthetic"]),
        figure_text(row["box"]["acquired"]),
        figure_text(radiomic.get("synthetic")),
        figure_text(radiomic.get("control")),
    ]


def _baselines(report: Mapping[str, Any]) -> str:
    rows = report["baselines"]
    if not rows:
        return (
            "<p>Not asked for: <code>--baselines</code> judges real images, images of VAEs, and blurred, shuffled and "
            "noised copies alike.</p>"
        )
    names = [row["name"] for row in report["verdicts"]]
    titles = {row["name"]: row["title"] for row in report["verdicts"]}
    plot = interval_plot(
        "baseline-frechet",
        "Fréchet distance of radiomic features and of features of a pretrained network",
        ["radiomic", "network"],
        [(row["images"], [row["verdicts"][f"frechet_{f}"]["figure"] for f in ("radiomic", "network")]) for row in rows],
        line_at=0,
        unit="share of the acquired images' variance",
    )
    summary = table_html(
        "Verdicts of each",
        [
            "images",
            "n",
            "real enough",
            "outside limits",
            "unclear",
            "within limits",
            "mean Fréchet distance",
            "sentence",
        ],
        [
            [
                row["images"],
                str(row["n"]),
                light_html(row["answers"]["realism"]) if "answers" in row else NONE,
                *(str(row["lights"][light]) for light in ("outside limits", "unclear", "within limits")),
                NONE if row["mean_frechet"] is None else f"{row['mean_frechet']:.2f}",
                row["sentence"],
            ]
            for row in rows
        ],
        about="One half of the reference's persons stands for generated images and is compared with the other. Bundles "
        "draw an image for each image of that half, under its conditions as far as they respond to these, and none is "
        "drawn again.",
        is_html=[2],
    )
    lights = table_html(
        "Lights of each",
        ["figure", *(row["images"] for row in rows)],
        [
            [
                escape(titles[name]),
                *(
                    f"{light_html(row['verdicts'][name]['light'])}<br><small>"
                    f"{escape(figure_text(row['verdicts'][name]['figure']))}</small>"
                    for row in rows
                ),
            ]
            for name in names
        ],
        is_html=range(len(rows) + 1),
    )
    return _plot(plot, "Baselines") + summary + lights


def _method(report: Mapping[str, Any]) -> str:
    reference = report["reference"]
    words = [
        f"The control is {reference['n_control_images']} acquired images of {reference['n_control_persons']} persons "
        "who are not in the reference, as many of each kind as are generated: no generator can be better.",
        "Brackets are 95 % intervals by resampling persons; a generated image is a person of its own. Shares of runs "
        "and of suspected copies have Wilson's interval. Differences and ratios of two figures join both intervals.",
        "Whether the images help a training was measured by trainings with and without them."
        if "recipes" in report["figures"]["utility"]
        else f"Whether the images help a training was not measured: {report['figures']['utility']['reason']}.",
        "The limits stand in one table of the program, which the documents show with the reasons.",
    ]
    return list_html(words)


_HEADED: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "congruence": _congruence,
    "coverage": _coverage,
    "constraint": _constraint,
    "completeness": _completeness,
    "compliance": _compliance,
    "comprehension": _comprehension,
    "consistency": _consistency,
}


def _of_all(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Rows of all images where there are such, else those of the only kind."""
    return [row for row in rows if row["kind"] == "all"] or list(rows)


def _n(figure: Mapping[str, Any] | None) -> int:
    return int(figure["n"]) if figure else 0


def _enough(figure: Mapping[str, Any] | None, n_least: int, digits: int = 2) -> tuple[str, str]:
    n = _n(figure)
    return (figure_text(figure, digits) if n >= n_least else NONE), str(n)


def _of(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row["subgroup"].items())


def _words(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(_words(one) for one in value)
    return ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)

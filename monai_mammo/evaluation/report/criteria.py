"""The one table of limits: by which figure a report judges, beside what it stands, and where its lights change.

A figure of generated images says little alone, so most are judged by what they have more, or less, than the same figure
of acquired images of other persons (the control), or of the judge on acquired images.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from monai_mammo.evaluation.intervals import difference_of_figures, ratio_of_figures, share_of
from monai_mammo.evaluation.report.lights import Light, light_of

__all__ = ["AREA", "CRITERIA", "HEADINGS", "NO_TRAINING", "QUESTIONS", "Criterion", "limits_table", "verdicts_of"]

HEADINGS: dict[str, str] = {
    "congruence": "whether images and their features are distributed as acquired ones are",
    "coverage": "how much of what acquired images show the generated ones show too",
    "constraint": "whether images keep to anatomy and to what was requested",
    "completeness": "whether what is needed to use an image is stated with it",
    "compliance": "whether images copy those of persons",
    "comprehension": "whether it is known where images come from and how they were judged",
    "consistency": "whether figures hold in each subgroup",
}
"""The seven Cs of the scorecard for synthetic medical data (Zamzmi et al., Commun Eng 2025), and what each asks."""

QUESTIONS: dict[str, str] = {
    "realism": "Are they real enough?",
    "request": "Do they show what was requested?",
    "help": "Do they help a training?",
    "copies": "Do they copy persons?",
}
"""What one wants to know before one uses generated images."""

_Figure = Mapping[str, Any] | None
_Found = tuple[_Figure, _Figure, str]
_INFINITY = math.inf
NO_TRAINING = "this report trains no network"
"""Why there is no figure of what a training gains, where none was asked for."""

_CONTROL = "acquired images of other persons"
_JUDGE = "the judge on acquired images"
AREA = "of the area"
"""Unit of gains in area under the curve."""

_FILE = "file "  # how sorts of features begin that a file's network gives
_FILTERED = "radiomic features of filtered images"
_ALL_SIGHTED = 0.9  # share of planted copies that closeness must find before it says anything of others


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """A figure, its limits, and what it is an answer to.

    Parameters
    ----------
    name : str
        By which the report's JSON has it.
    title : str
        As the tables have it.
    heading : str
        One of `HEADINGS`.
    question : str
        One of `QUESTIONS`, ``substitution`` (whether they teach as much as acquired images), or empty.
    beside : str
        What the same figure of acquired images is of.
    judged : {"itself", "difference", "ratio"}
        Whether the figure is judged, or its difference to, or ratio with, the one beside it.
    good, tolerated : tuple of float
        Limits of what is judged; see `light_of`.
    find : callable
        From the report's figures to the figure, the one beside it, and why there is none.
    n_least : int
        Images under which it is left out.
    family : str
        Sort of features, where it is a distance between features; both radiomic ones are of one sort, as neither
        can speak for the other.
    unit : str
        Of the figure.
    """

    name: str
    title: str
    heading: str
    question: str
    beside: str
    judged: str
    good: tuple[float, float]
    tolerated: tuple[float, float]
    find: Callable[[Mapping[str, Any]], _Found]
    n_least: int = 10
    family: str = ""
    unit: str = ""

    @property
    def rule(self) -> str:
        """Limits in words."""
        what = {"itself": "figure", "difference": "difference", "ratio": "ratio"}[self.judged]
        beyond = "" if self.tolerated == self.good else f"; outside {self._beyond}"
        return f"{what} {_limits(self.good, self._ends)}{beyond}"

    @property
    def _ends(self) -> tuple[float, float]:
        """What no value of it passes: a bound there is not said."""
        is_share = self.judged == "itself" and self.good[0] >= 0 and self.good[1] <= 1
        return (0.0, 1.0) if is_share else (-_INFINITY, _INFINITY)

    @property
    def _beyond(self) -> str:
        """What lies beyond what is tolerated, in words."""
        (low, high), ends = self.tolerated, self._ends
        below = [f"below {low:g}"] if low > ends[0] else []
        sides = [*below, *([f"above {high:g}"] if high < ends[1] else [])]
        return f"if all {' or '.join(sides)}" if sides else "never"

    @property
    def limits(self) -> tuple[str, str]:
        """What is within limits, and what is tolerated, in words."""
        return _limits(self.good, self._ends), _limits(self.tolerated, self._ends)

    def verdict(self, figures: Mapping[str, Any]) -> dict[str, Any]:
        """Row of the table of verdicts.

        Parameters
        ----------
        figures : mapping
            As `compared_sides` gives them.

        Returns
        -------
        dict
            ``name``, ``title``, ``kind`` (where the figure is of one acquisition kind), ``heading``, ``question``;
            ``figure``, ``beside`` and ``judged``, each with ``value``, ``low``, ``high``, and the first two with ``n``,
            or `None`; ``light`` and ``reason``.
        """
        found, twin, reason = self.find(figures)
        figure, beside = _plain(found), _plain(twin)
        if figure is not None and figure["n"] < self.n_least:
            reason = f"{figure['n']} images, and {self.n_least} at least are needed"
            figure = None
        elif figure is not None and self.judged != "itself" and beside is None:
            reason = reason or f"there is no figure of {self.beside}"
        judged = None
        if figure is not None and not reason:
            judged = self._judged(figure, beside)
        if figure is not None and not reason and judged is None:
            reason = f"the figure of {self.beside} is 0, and there is no ratio to it"
        light = light_of(judged, good=self.good, tolerated=self.tolerated)
        return {
            "name": self.name,
            "title": self.title,
            "kind": (found or {}).get("kind", ""),
            "heading": self.heading,
            "question": self.question,
            "family": self.family,
            "unit": self.unit,
            "figure": figure,
            "beside": {"what": self.beside, **(beside or {})} if self.beside else None,
            "judged": judged,
            "judged_by": self.judged,
            "rule": self.rule,
            "light": str(light),
            "reason": reason if light is Light.NOT_MEASURED else "",
        }

    def _judged(self, figure: Mapping[str, Any], beside: _Figure) -> dict[str, Any] | None:
        if self.judged == "difference" and beside is not None:
            return difference_of_figures(figure, beside)
        if self.judged == "ratio" and beside is not None:
            return ratio_of_figures(figure, beside)
        return {key: figure[key] for key in ("value", "low", "high")}


def verdicts_of(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Verdict of each of `CRITERIA`, in their order, and the same for the features of networks in files.

    Parameters
    ----------
    figures : mapping
        As `compared_sides` gives them.

    Returns
    -------
    list of dict
    """
    return [criterion.verdict(figures) for criterion in (*CRITERIA, *_of_files(figures))]


def _of_files(figures: Mapping[str, Any]) -> list[Criterion]:
    """Criteria of the features of networks in files, as those of `CRITERIA`."""
    sorts = dict.fromkeys(row["features"] for row in figures["realism"]["frechet"])
    out: list[Criterion] = []
    for sort in sorts:
        if sort.startswith(_FILE):
            words = f"features of the network in {sort.removeprefix(_FILE)}"
            out += [*_distances(sort, sort, words), _coverage(sort, sort, words)]
    return out


def limits_table() -> str:
    """The limits as a markdown table, as the documents show them.

    Returns
    -------
    str
    """
    beside = {c.name: f"{c.judged} to {c.beside}" if c.judged != "itself" else c.beside or "–" for c in CRITERIA}
    rows = [f"| {c.heading} | {c.title} | {beside[c.name]} | {' | '.join(c.limits)} |" for c in CRITERIA]
    return (
        "\n".join(["| heading | figure | beside | within limits | tolerated |", "|---|---|---|---|---|", *rows]) + "\n"
    )


def _limits(limits: tuple[float, float], ends: tuple[float, float]) -> str:
    low, high = limits
    if low == high:
        return f"{low:g}"
    if limits == ends:
        return "any"
    if low <= ends[0]:
        return f"{high:g} at most"
    return f"{low:g} at least" if high >= ends[1] else f"{low:g} to {high:g}"


def _plain(figure: _Figure) -> dict[str, Any] | None:
    """Figure with the names ``value``, ``low``, ``high``, ``n``."""
    if figure is None:
        return None
    value = figure["value"] if "value" in figure else figure["mean"]
    return {"value": value, "low": figure["low"], "high": figure["high"], "n": int(figure["n"])}


def _row(rows: Sequence[Mapping[str, Any]], **words: str) -> Mapping[str, Any] | None:
    """Row of all images where there is one, else of the only kind."""
    fitting = [row for row in rows if all(row[key] == value for key, value in words.items())]
    return next((row for row in fitting if row["kind"] == "all"), fitting[0] if len(fitting) == 1 else None)


def _commonest(rows: Sequence[Mapping[str, Any]], figures: Mapping[str, Any], **words: str) -> Mapping[str, Any] | None:
    """Row of the kind of which most images are generated: means over several kinds tell of their mix."""
    fitting = [row for row in rows if all(row[key] == value for key, value in words.items())]
    kinds = [row for row in fitting if row["kind"] != "all"] or fitting
    n_of = figures["realism"]["settings"]["n_of_kinds"]
    return max(kinds, key=lambda row: n_of["synthetic"].get(row["kind"], 0), default=None)


def _of_features(rows: str, family: str, **words: str) -> Callable[[Mapping[str, Any]], _Found]:
    def find(figures: Mapping[str, Any]) -> _Found:
        row = _row(figures["realism"][rows], features=family, **words)
        if row is None or row["synthetic"] is None:
            return None, None, "too few images, or the lesion network's bundle carries no encoder"
        return row["synthetic"], row["control"], ""

    return find


def _of_measure(measure: str) -> Callable[[Mapping[str, Any]], _Found]:
    def find(figures: Mapping[str, Any]) -> _Found:
        row = _commonest(figures["realism"]["measures"], figures, measure=measure)
        if row is None or row["share"] is None:
            return None, None, "no image shows it"
        figure = {**row["share"], "n": row["synthetic"]["n"], "kind": row["kind"]}
        control = row["control_share"]
        return figure, None if control is None else {**control, "n": _n_control(figures, row["kind"])}, ""

    return find


def _fine_texture(figures: Mapping[str, Any]) -> _Found:
    row = _commonest(figures["realism"]["spectrum"], figures, measure="power 1/4 to 1/2", view="both")
    if row is None or row["difference"] is None:
        return None, None, "no breast has room for a tile"
    return {**row["difference"], "kind": row["kind"]}, row["control_difference"], ""


def _n_control(figures: Mapping[str, Any], kind: str) -> int:
    settings = figures["realism"]["settings"]
    return int(settings["n_of_kinds"]["control"].get(kind, settings["n_images"]["control"]))


def _of_judge(measure: str) -> Callable[[Mapping[str, Any]], _Found]:
    def find(figures: Mapping[str, Any]) -> _Found:
        adherence = figures["adherence"]
        if adherence is None or "rows" not in adherence:
            return None, None, "" if adherence is None else str(adherence["reason"])
        row = _row(adherence["rows"], measure=measure, network="judge")
        if row is None or row["synthetic"] is None:
            return None, None, "not stated of these images"
        acquired = row["acquired"]
        if figures.get("judge_trained_on"):
            return row["synthetic"], acquired, "the judge was trained on images of the reference"
        if acquired is None:
            return row["synthetic"], None, "not stated of acquired images"
        most = acquired.get("most_frequent")
        if most is not None and acquired["low"] is not None and acquired["low"] <= most:
            return row["synthetic"], acquired, "the judge is not shown to tell it on acquired images"
        return row["synthetic"], acquired, ""

    return find


def _sides(figures: Mapping[str, Any]) -> _Found:
    sides = (figures["adherence"] or {}).get("sides")
    if not sides:
        return None, None, "read of runs alone"
    return share_of(sides["as_requested"], sides["n"]), None, ""


def _of_neighbours(measure: str, family: str) -> Callable[[Mapping[str, Any]], _Found]:
    def find(figures: Mapping[str, Any]) -> _Found:
        row = _row(figures["neighbours"], features=family, measure=measure)
        if row is None or row["synthetic"] is None:
            return None, None, "too few images"
        return row["synthetic"], row["control"], ""

    return find


def _diversity(figures: Mapping[str, Any]) -> _Found:
    """Of the kind of which most images are generated, by the first sort of features."""
    rows = figures["diversity"]
    some = [row for row in rows if row["features"] == rows[0]["features"]]
    n_of = figures["realism"]["settings"]["n_of_kinds"]["synthetic"]
    row = max(some, key=lambda one: n_of.get(one["kind"], 0), default=None)
    if row is None or row["synthetic"]["within"] is None:
        return None, None, "no two images have equal conditions, or these are not stated"
    return {**row["synthetic"]["within"], "kind": row["kind"]}, row["acquired"]["within"], ""


def _cases(figures: Mapping[str, Any]) -> _Found:
    covered = figures["cases"]["covered"]
    if covered["synthetic"] is None:
        return None, None, "conditions are not stated"
    return covered["synthetic"], covered["control"], ""


def _stated(figures: Mapping[str, Any]) -> _Found:
    stated = figures["cases"]["stated"]
    return stated["synthetic"], stated["reference"], ""


def _suspected(figures: Mapping[str, Any]) -> _Found:
    memorisation = figures["memorisation"]
    if "rows" not in memorisation:
        return None, None, str(memorisation["reason"])
    rows = {row["images"]: row for row in memorisation["rows"]}
    copies = rows.get("planted copies")
    ours, theirs = (
        share_of(rows[name]["n_suspected"], rows[name]["n"]) for name in ("synthetic", "acquired, not trained on")
    )
    if copies is None:
        return ours, theirs, "there is no training image at hand to plant copies of"
    if copies["n_suspected"] < _ALL_SIGHTED * copies["n"]:
        return ours, theirs, f"closeness found {copies['n_suspected']} of {copies['n']} planted copies, too few"
    return ours, theirs, ""


def _of_identity(what: str) -> Callable[[Mapping[str, Any]], _Found]:
    def find(figures: Mapping[str, Any]) -> _Found:
        found = figures["identity"]
        return _counted(found[what], found["n"]), None, ""

    return find


def _origin(figures: Mapping[str, Any]) -> _Found:
    found = figures["origin"]
    return _counted(found["n_stated"], found["n"]), None, ""


def _counted(n_such: int, n: int) -> dict[str, Any]:
    """Share that is no estimate: all images were looked at."""
    share = n_such / n
    return {"value": share, "low": share, "high": share, "n": n}


def _of_utility(recipe: str) -> Callable[[Mapping[str, Any]], _Found]:
    def find(figures: Mapping[str, Any]) -> _Found:
        utility = figures.get("utility", {})
        found = utility.get("recipes", {}).get(recipe)
        if found is None:
            return None, None, str(utility.get("reason", NO_TRAINING))
        return {**found["gain"], "n": found["n"]}, None, ""

    return find


def _lowest_subgroup(figures: Mapping[str, Any]) -> _Found:
    """Subgroup whose fine texture lies furthest from acquired images', beside the control in the same subgroup."""
    rows = [row for row in figures["subgroups"]["rows"] if row["texture"]["synthetic"] and row["texture"]["control"]]
    if not rows:
        return None, None, "no subgroup has enough images"
    distances = [difference_of_figures(row["texture"]["synthetic"], row["texture"]["control"])["value"] for row in rows]
    furthest = max(zip(distances, rows, strict=True), key=lambda pair: abs(pair[0] or 0.0))[1]
    return furthest["texture"]["synthetic"], furthest["texture"]["control"], ""


def _judged(name: str, measure: str, title: str) -> Criterion:
    return Criterion(
        name=name,
        title=title,
        heading="constraint",
        question="request",
        beside=_JUDGE,
        judged="ratio",
        good=(0.8, _INFINITY),
        tolerated=(0.6, _INFINITY),
        find=_of_judge(measure),
    )


def _measure(
    heading: str, name: str, measure: str, title: str, good: tuple[float, float], tolerated: tuple[float, float]
) -> Criterion:
    """A measure of single images, whose mean is to be about that of acquired ones."""
    return Criterion(
        name=name,
        title=title,
        heading=heading,
        question="realism",
        beside=_CONTROL,
        judged="ratio",
        good=good,
        tolerated=tolerated,
        find=_of_measure(measure),
    )


def _gain(
    name: str,
    recipe: str,
    title: str,
    good: tuple[float, float],
    tolerated: tuple[float, float],
    *,
    question: str = "",
) -> Criterion:
    """What a recipe of training with generated images gains."""
    return Criterion(
        name=name,
        title=title,
        heading="congruence",
        question=question,
        beside="",
        judged="itself",
        good=good,
        tolerated=tolerated,
        find=_of_utility(recipe),
        n_least=20,
        unit=AREA,
    )


def _share(
    heading: str,
    name: str,
    title: str,
    find: Callable[[Mapping[str, Any]], _Found],
    good: tuple[float, float],
    tolerated: tuple[float, float],
    *,
    question: str = "",
    n_least: int = 1,
) -> Criterion:
    """Share of the generated images, beside which nothing stands."""
    return Criterion(
        name=name,
        title=title,
        heading=heading,
        question=question,
        beside="",
        judged="itself",
        good=good,
        tolerated=tolerated,
        find=find,
        n_least=n_least,
    )


def _classifier(family: str, name: str, words: str, *, sort: str = "") -> Criterion:
    """How well images are told from acquired ones by a sort of features."""
    return Criterion(
        name=f"auc_{name}",
        title=f"how well a classifier tells them from acquired images by {words} (AUC)",
        judged="itself",
        good=(0.0, 0.7),
        tolerated=(0.0, 0.75),
        find=_of_features("auc", family, size="full"),
        **_of_sets(sort or name),
    )


def _distances(family: str, name: str, words: str, *, sort: str = "") -> tuple[Criterion, ...]:
    """The classifier, and how far two sets of features lie apart."""
    common = _of_sets(sort or name)
    return (
        _classifier(family, name, words, sort=sort),
        Criterion(
            name=f"frechet_{name}",
            title=f"Fréchet distance of {words}",
            judged="difference",
            good=(-_INFINITY, 0.25),
            tolerated=(-_INFINITY, 0.25),
            find=_of_features("frechet", family),
            unit="of the variance",
            **common,
        ),
        Criterion(
            name=f"kernel_{name}",
            title=f"unbiased kernel distance of {words}",
            judged="difference",
            good=(-_INFINITY, 0.5),
            tolerated=(-_INFINITY, 0.5),
            find=_of_features("kernel", family),
            **common,
        ),
        Criterion(
            name=f"precision_{name}",
            title=f"generated images among the neighbours of acquired ones by {words}",
            judged="ratio",
            good=(0.8, _INFINITY),
            tolerated=(0.6, _INFINITY),
            find=_of_neighbours("precision", family),
            **common,
        ),
    )


def _of_sets(sort: str) -> dict[str, Any]:
    """What all figures of two sets of features have in common."""
    return {"heading": "congruence", "question": "realism", "beside": _CONTROL, "n_least": 20, "family": sort}


def _coverage(family: str, name: str, words: str) -> Criterion:
    return Criterion(
        name=f"coverage_{name}",
        title=f"acquired images that have a generated one among their neighbours by {words}",
        heading="coverage",
        question="",
        beside=_CONTROL,
        judged="ratio",
        good=(0.8, _INFINITY),
        tolerated=(0.6, _INFINITY),
        find=_of_neighbours("coverage", family),
        n_least=20,
        family=name,
    )


CRITERIA: tuple[Criterion, ...] = (
    *_distances("radiomic", "radiomic", "radiomic features"),
    *_distances("filtered radiomic", "filtered", _FILTERED, sort="radiomic"),
    *_distances("inner layers", "network", "features of a pretrained network"),
    # its leading components place blurred copies among acquired images, so its distances and precision have no light
    _classifier("judge", "judge", "features of the judge"),
    Criterion(
        name="fine_texture",
        title="power of the finest texture, 1/4 to 1/2 cycles a pixel, less that of acquired images",
        heading="congruence",
        question="realism",
        beside=_CONTROL,
        judged="difference",
        good=(-3.0, 3.0),
        tolerated=(-3.0, 3.0),
        find=_fine_texture,
        unit="dB",
    ),
    _measure(
        "congruence",
        "ridge_length",
        "ridge length",
        "length of fibres, as share of acquired images'",
        (0.75, 1.33),
        (0.75, 1.33),
    ),
    _measure(
        "congruence",
        "skin_line",
        "skin-line step",
        "sharpness of the skin line, as share of acquired images'",
        (0.75, 1.33),
        (0.75, 1.33),
    ),
    _measure(
        "congruence",
        "frame_step",
        "frame step",
        "unevenness along the frame that cuts the breast, as share of acquired images'",
        (0.67, 1.5),
        (0.67, 1.5),
    ),
    _gain(
        "utility_gain",
        "better",
        "gain of a training by them, in area under the curve: the better of two recipes, added one to one or "
        "trained on first (interval widened for the choice)",
        (0.0, _INFINITY),
        (0.0, _INFINITY),
        question="help",
    ),
    _gain(
        "utility_beyond_augmentation",
        "beyond_augmentation",
        "gain of a training by them on top of classic augmentation",
        (0.0, _INFINITY),
        (0.0, _INFINITY),
    ),
    _gain(
        "utility_alone",
        "alone",
        "training on them alone, less training on acquired images",
        (-0.02, _INFINITY),
        (-0.05, _INFINITY),
        question="substitution",
    ),
    Criterion(
        name="cases_covered",
        title="acquired images whose kind, view, density and finding occur among the generated",
        heading="coverage",
        question="",
        beside=_CONTROL,
        judged="ratio",
        good=(0.8, _INFINITY),
        tolerated=(0.6, _INFINITY),
        find=_cases,
    ),
    _coverage("radiomic", "radiomic", "radiomic features"),
    _coverage("filtered radiomic", "filtered", _FILTERED),
    _coverage("inner layers", "network", "features of a pretrained network"),
    _coverage("judge", "judge", "features of the judge"),
    Criterion(
        name="diversity",
        title="how far apart two generated images of equal kind, view, density and finding are, by features",
        heading="coverage",
        question="",
        beside="two acquired images of equal conditions",
        judged="ratio",
        good=(0.8, _INFINITY),
        tolerated=(0.6, _INFINITY),
        find=_diversity,
        n_least=20,
    ),
    _measure(
        "constraint",
        "breast_area",
        "breast area",
        "area of the breast, as share of acquired images'",
        (0.8, 1.25),
        (0.8, 1.25),
    ),
    _measure(
        "constraint",
        "solidity",
        "solidity",
        "solidity of the breast, as share of acquired images'",
        (0.95, 1.05),
        (0.95, 1.05),
    ),
    _judged("judge_dice", "Dice", "overlap of the requested lesion and what the judge outlines (Dice)"),
    _judged("judge_box", "box IoU", "overlap of the requested box and that of what the judge outlines (IoU)"),
    _judged("judge_none", "nothing found, no lesion there", "images without a lesion in which the judge finds none"),
    _judged("judge_finding", "finding", "finding that the judge names as requested"),
    _judged("judge_density", "density", "density that the judge names as requested"),
    _judged("judge_view", "view", "view that the judge names as requested"),
    _judged("judge_birads", "birads", "BI-RADS category that the judge names as requested"),
    _share(
        "constraint",
        "side",
        "images whose side, read from the pixels, is the requested one",
        _sides,
        (0.9, 1.0),
        (0.9, 1.0),
        question="request",
        n_least=10,
    ),
    Criterion(
        name="stated",
        title="images of which kind, view, density and finding are stated",
        heading="completeness",
        question="",
        beside="the reference",
        judged="itself",
        good=(0.9, 1.0),
        tolerated=(0.5, 1.0),
        find=_stated,
        n_least=1,
    ),
    Criterion(
        name="suspected_copies",
        title="suspected copies of training images",
        heading="compliance",
        question="copies",
        beside="acquired images that were not trained on",
        judged="difference",
        good=(-_INFINITY, 0.1),
        tolerated=(-_INFINITY, 0.0),
        find=_suspected,
        n_least=20,
    ),
    _share(
        "compliance",
        "identical",
        "images that are pixel for pixel images of the reference",
        _of_identity("n_identical"),
        (0.0, 0.0),
        (0.0, 0.0),
        question="copies",
    ),
    _share(
        "compliance",
        "same_persons",
        "images of persons of whom the reference has images",
        _of_identity("n_of_shared_persons"),
        (0.0, 0.0),
        (0.0, 0.0),
        question="copies",
    ),
    _share(
        "comprehension",
        "origin",
        "images whose generator, weights and request are stated",
        _origin,
        (1.0, 1.0),
        (0.0, 1.0),
    ),
    Criterion(
        name="subgroups",
        title="finest texture in the subgroup where it lies furthest from acquired images'",
        heading="consistency",
        question="",
        beside=f"{_CONTROL} in that subgroup",
        judged="difference",
        good=(-4.5, 4.5),
        tolerated=(-4.5, 4.5),
        find=_lowest_subgroup,
        unit="dB",
    ),
)
"""All criteria, in the order in which a report shows them."""

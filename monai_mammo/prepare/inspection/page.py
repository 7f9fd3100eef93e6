"""The page of a report: one file that asks for nothing else, to be read by people who look at mammograms."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

from monai_mammo.prepare.inspection.counts import picture_counts
from monai_mammo.prepare.inspection.doctor_report import DoctorReport
from monai_mammo.prepare.inspection.inspected_image import InspectedImage
from monai_mammo.prepare.inspection.issue import Issue, IssueKind, Severity
from monai_mammo.prepare.inspection.style import STYLE

__all__ = ["report_page"]

_MOST_CARDS = {Severity.LEAKAGE: 12, Severity.FAULT: 12, Severity.LEFT_OUT: 12, Severity.NOTE: 4}
_MOST_THUMBNAILS = 4
_MOST_NAMES = 400
_SIDES = {"R": "right", "L": "left"}


def report_page(report: DoctorReport) -> str:
    """HTML of a report: self-contained, without scripts, every value escaped.

    Parameters
    ----------
    report : DoctorReport

    Returns
    -------
    str
    """
    pictures = {seen.name: seen for seen in report.pictures}
    parts = [_head(report), _summary(report), _contents(report)]
    for severity in Severity:
        kinds = {kind: issues for kind, issues in report.kinds.items() if kind.severity is severity}
        if kinds:
            parts.append(_severity(severity, kinds, pictures))
    parts += [_label_counts(report), _how_to_read(), "</main></body></html>"]
    return "\n".join(part for part in parts if part)


def _head(report: DoctorReport) -> str:
    title = escape(f"Data set report: {report.name}")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style></head>\n<body>"
        f'<header><p class="kicker">monai-mammo doctor</p><h1>{escape(report.name)}</h1>'
        f"<p>Read as data set of the sort <strong>{escape(report.dataset)}</strong>. "
        "What the pictures show was measured on their pixels and laid beside their labels.</p></header>\n<main>"
    )


def _summary(report: DoctorReport) -> str:
    tiles = [
        (report.count("read"), "images read"),
        (report.n_persons, "persons"),
        (report.n_studies, "studies"),
        (report.count("skipped") + report.count("failed"), "files not read"),
    ]
    drawn = "".join(f'<li><span class="figure">{n:,}</span> {escape(noun)}</li>' for n, noun in tiles)
    tables = [_views(report), _parts("Splits", report.splits), _parts("Published parts", report.published_splits)]
    tables += [_vocabulary(name, counts) for name, counts in picture_counts(report.pictures).items()]
    tables.append(_counted("Not read, by reason", "reason", report.reasons))
    return (
        f'<section aria-labelledby="summary"><h2 id="summary">Summary</h2>{_verdict(report)}'
        f'<ul class="tiles">{drawn}</ul><div class="tables">{"".join(tables)}</div></section>'
    )


def _verdict(report: DoctorReport) -> str:
    n_leaks = sum(issue.severity is Severity.LEAKAGE for issue in report.issues)
    n_faults = sum(issue.severity is Severity.FAULT for issue in report.issues)
    if n_leaks:
        text = f"Leakage: {n_leaks:,} {_plural('issue', n_leaks)}. {Severity.LEAKAGE.meaning}"
        return f'<p class="verdict leakage"><strong>{escape(text)}</strong></p>'
    if n_faults:
        text = f"No leakage was found. {n_faults:,} {_plural('fault', n_faults)} to check."
        return f'<p class="verdict fault"><strong>{escape(text)}</strong></p>'
    return '<p class="verdict good"><strong>Neither leakage nor faults were found.</strong></p>'


def _views(report: DoctorReport) -> str:
    table = report.view_table
    sides = [side for side in ("R", "L", "not known") if any(side in row for row in table.values())]
    if not sides:
        return ""
    head = ["view", *(_SIDES.get(side, side) for side in sides)]
    rows = [[view, *(row.get(side, 0) for side in sides)] for view, row in table.items()]
    return _table("Views and sides", head, rows)


def _parts(title: str, parts: dict[str, dict[str, int]]) -> str:
    return _table(title, ["part", "images", "persons"], [[p, n["images"], n["persons"]] for p, n in parts.items()])


def _vocabulary(name: str, counts: dict[str, int]) -> str:
    titles = {"birads": "BI-RADS", "kind": "Acquisition"}
    if name in ("view", "laterality"):
        return ""
    if name == "categories":
        return _counted("Findings described", "word", counts, of="findings")
    return _counted(titles.get(name, name.capitalize()), "word", counts)


def _counted(title: str, noun: str, counts: dict[str, int], *, of: str = "images") -> str:
    return _table(title, [noun, of], [[word.replace("_", " "), n] for word, n in counts.items()])


def _contents(report: DoctorReport) -> str:
    if not report.issues:
        return ""
    rows = []
    for kind, issues in report.kinds.items():
        n_images = len(_names(issues))
        rows.append(
            f'<tr><td><span class="severity {kind.severity.value}">{escape(kind.severity.heading)}</span></td>'
            f'<td><a href="#{kind.value}">{escape(kind.heading)}</a></td>'
            f'<td class="number">{len(issues):,}</td><td class="number">{n_images:,}</td></tr>'
        )
    return (
        '<section aria-labelledby="found"><h2 id="found">What was found</h2><table class="wide">'
        '<thead><tr><th scope="col">weight</th><th scope="col">what</th><th scope="col" class="number">issues</th>'
        f'<th scope="col" class="number">images</th></tr></thead><tbody>{"".join(rows)}</tbody></table></section>'
    )


def _severity(severity: Severity, kinds: dict[IssueKind, list[Issue]], pictures: dict[str, InspectedImage]) -> str:
    sections = "".join(_kind(kind, issues, pictures) for kind, issues in kinds.items())
    return (
        f'<section class="severity {severity.value}" aria-labelledby="severity-{severity.value}">'
        f'<h2 id="severity-{severity.value}">{escape(severity.heading)}</h2>'
        f"<p>{escape(severity.meaning)}</p>{sections}</section>"
    )


def _kind(kind: IssueKind, issues: list[Issue], pictures: dict[str, InspectedImage]) -> str:
    shown = "".join(_card(issue, pictures) for issue in issues[: _MOST_CARDS[kind.severity]])
    return (
        f'<section aria-labelledby="{kind.value}"><h3 id="{kind.value}">{escape(kind.heading)} '
        f'<span class="count">{len(issues):,}</span></h3>'
        f'<p class="meaning">{escape(kind.meaning)}</p><div class="cards">{shown}</div>{_rest(issues)}</section>'
    )


def _card(issue: Issue, pictures: dict[str, InspectedImage]) -> str:
    seen = [pictures[name] for name in issue.images if name in pictures]
    figures = "".join(_figure(one, issue) for one in seen[:_MOST_THUMBNAILS])
    left = len(issue.images) - _MOST_THUMBNAILS
    more = f'<p class="more">and {left:,} more {_plural("image", left)}</p>' if left > 0 else ""
    reason = f"<code>{escape(issue.reason)}</code> " if issue.reason else ""
    width = min(len(seen), _MOST_THUMBNAILS) if any(one.thumbnail for one in seen) else 1
    return (
        f'<article class="card w{max(1, width)}"><p class="sentence">{reason}{escape(_sentence(issue))}</p>'
        f'<div class="figures">{figures}</div>{more}</article>'
    )


def _figure(seen: InspectedImage, issue: Issue) -> str:
    label = seen.image_id or seen.name
    caption = f'<figcaption title="{escape(seen.name)}">{escape(label + _described(seen))}</figcaption>'
    if not seen.thumbnail:
        return f'<figure class="without">{caption}</figure>'
    data = base64.b64encode(seen.thumbnail).decode()
    alt = escape(f"{label}{_described(seen)}: {issue.sentence}")
    return f'<figure><img src="data:image/jpeg;base64,{data}" alt="{alt}" loading="lazy">{caption}</figure>'


def _described(seen: InspectedImage) -> str:
    """Side, view and part, as far as they are known."""
    known = (seen.conditions.laterality, seen.conditions.view, seen.split or seen.published_split.replace("|", " and "))
    words = [str(word) for word in known if word]
    return f" ({', '.join(words)})" if words else ""


def _rest(issues: Sequence[Issue]) -> str:
    """Names of the issues for which there is no card."""
    rest = issues[_MOST_CARDS[issues[0].severity] :]
    if not rest:
        return ""
    listed = "".join(_line(issue) for issue in rest[:_MOST_NAMES])
    cut = len(rest) - _MOST_NAMES
    more = f"<p>{cut:,} more stand in doctor.json.</p>" if cut > 0 else ""
    return f'<details><summary>{len(rest):,} more</summary><ul class="names">{listed}</ul>{more}</details>'


def _line(issue: Issue) -> str:
    names = ", ".join(issue.images[:6]) + (" …" if len(issue.images) > 6 else "")
    return f"<li><code>{escape(names)}</code> {escape(issue.sentence)}</li>"


def _label_counts(report: DoctorReport) -> str:
    if not report.label_counts:
        return ""
    has_stated = any(count.stated is not None for count in report.label_counts)
    rows = []
    for count in report.label_counts:
        values = [count.found, "–" if count.published is None else count.published]
        values += ["" if count.stated is None else count.stated] if has_stated else []
        style = "" if count.is_equal else ' class="differs"'
        sign = "equal" if count.is_equal else "differs"
        rows.append(
            f'<tr{style}><th scope="row">{escape(count.name)}</th>{"".join(map(_table_data, values))}'
            f"<td>{sign if count.published is not None else ''}</td></tr>"
        )
    stated = '<th scope="col" class="number">in the paper</th>' if has_stated else ""
    n_equal = sum(count.is_equal for count in report.label_counts)
    return (
        '<section aria-labelledby="counts"><h2 id="counts">Label counts beside the published tables</h2>'
        f"<p>{n_equal:,} of {len(report.label_counts):,} counts are equal.</p>"
        '<table class="wide"><thead><tr><th scope="col">count</th><th scope="col" class="number">here</th>'
        f'<th scope="col" class="number">published</th>{stated}<th scope="col"></th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></section>"
    )


def _how_to_read() -> str:
    return (
        '<section aria-labelledby="how"><h2 id="how">How to read this page</h2><ul>'
        "<li><strong>Leakage</strong> makes results look better than they are; the command then ends with exit code 1. "
        "<strong>Faults</strong> need a check of the pictures; the other parts are for information.</li>"
        "<li>Thumbnails show the picture as its file shows it. Masks and boxes are drawn in amber.</li>"
        "<li>Background, chest wall and likeness are measured by simple rules on the pixels and can be wrong, above "
        "all where the breast fills the film; nothing was changed in the data set.</li>"
        "<li>Copies that were cut out of one another, turned, or strongly altered are not found.</li>"
        "<li>The complete list, with a line for each file, is in <code>doctor.json</code> beside this page. Neither "
        "holds names of persons, but file names and thumbnails come from the data set: treat them as you treat it.</li>"
        "</ul></section>"
    )


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return ""
    numbers = [isinstance(value, int) for value in rows[0]]
    heads = "".join(
        f'<th scope="col"{" class=" + chr(34) + "number" + chr(34) if is_number else ""}>{escape(word)}</th>'
        for word, is_number in zip(head, numbers, strict=True)
    )
    body = "".join(
        f'<tr><th scope="row">{escape(str(row[0]))}</th>{"".join(map(_table_data, row[1:]))}</tr>' for row in rows
    )
    return f"<table><caption>{escape(title)}</caption><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _table_data(value: object) -> str:
    text = f"{value:,}" if isinstance(value, int) else escape(str(value))
    return f'<td class="number">{text}</td>'


def _names(issues: Iterable[Issue]) -> set[str]:
    return {name for issue in issues for name in issue.images}


def _sentence(issue: Issue) -> str:
    return issue.sentence[:1].upper() + issue.sentence[1:] + "."


def _plural(noun: str, n: int) -> str:
    return noun if n == 1 else f"{noun}s"

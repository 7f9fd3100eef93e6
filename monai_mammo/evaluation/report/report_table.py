"""The report's first screen as markdown, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_mammo.evaluation.report.coverage_words import coverage_lines
from monai_mammo.evaluation.report.html_parts import NONE, figure_text
from monai_mammo.evaluation.report.uses import how_many_outside

__all__ = ["report_table"]


def report_table(report: Mapping[str, Any]) -> str:
    """Sentence, notes, answers, verdicts and coverage of a report.

    Parameters
    ----------
    report : mapping
        As `evaluate_report` gives it.

    Returns
    -------
    str
        Markdown.
    """
    lines = [report["sentence"], ""]
    lines += [f"- {note}" for note in report["notes"]] + [""] * bool(report["notes"])
    named = [(name, answer) for name, answer in report["answers"].items() if answer["question"] != name]
    for name, answer in named:
        outside = how_many_outside(report["verdicts"], name)
        lines.append(f"- {answer['question']} {answer['light']}" + (f" ({outside})" if outside else ""))
    lines += ["", "| figure | light | value | n | beside |", "| --- | --- | --- | --- | --- |"]
    for row in report["verdicts"]:
        figure, beside = row["figure"], row["beside"]
        light = f"{row['light']} ({row['reason']})" if row["reason"] else row["light"]
        there = figure_text(beside) if beside and "value" in beside else NONE
        lines.append(
            f"| {row['title']} | {light} | {figure_text(figure)} | {figure['n'] if figure else NONE} | {there} |"
        )
    lines += ["", *coverage_lines(report["figures"])]
    if report["baselines"]:
        lines += ["", "| images | n | mean Fréchet distance | outside limits | unclear | within limits |"]
        lines.append("| --- | --- | --- | --- | --- | --- |")
        for row in report["baselines"]:
            distance = NONE if row["mean_frechet"] is None else f"{row['mean_frechet']:.2f}"
            counts = [str(row["lights"][light]) for light in ("outside limits", "unclear", "within limits")]
            lines.append(f"| {row['images']} | {row['n']} | {distance} | {' | '.join(counts)} |")
    return "\n".join(lines) + "\n"

"""Where points and bounds of a plot lie, and that series are told apart by form."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest

from monai_mammo.evaluation.report.html_parts import figure_text, light_html, table_html
from monai_mammo.evaluation.report.svg_plots import interval_plot


def figure(value, low, high):
    return {"mean": value, "low": low, "high": high}


def test_points_lie_on_the_axis_of_the_ticks():
    rows = [("a < b", [figure(0.5, 0.0, 1.0), figure(0.25, 0.25, 0.25)]), ("nothing", [None, None])]
    text = interval_plot("p", "A & B", ["one", "two"], rows, line_at=0)
    svg = ElementTree.fromstring(text)
    assert svg.attrib["role"] == "img" and svg.attrib["aria-labelledby"] == "p-title"
    assert svg.find("title").text == "A & B"
    words = [element.text for element in svg.iter("text")]
    assert "A & B" in words and "a < b" in words and "nothing" not in words
    at = {float(t.text): float(t.attrib["x"]) for t in svg.iter("text") if re.fullmatch(r"[\d.]+", t.text)}
    middle = float(next(c for c in svg.iter("circle") if c.attrib["cy"] != "34.0").attrib["cx"])
    assert middle == pytest.approx((at[0.0] + at[1.0]) / 2, abs=0.1)
    square = [r for r in svg.iter("rect") if r.attrib["y"] != "30.0"]
    assert float(square[0].attrib["x"]) + 4 == pytest.approx(at[0.0] + 0.25 * (at[1.0] - at[0.0]), abs=0.1)
    assert interval_plot("p", "t", ["one"], [("nothing", [None])]) == ""


def test_figures_and_lights_are_words_too():
    assert figure_text({"mean": 0.123, "low": 0.1, "high": 0.2}) == "0.12 (0.10 to 0.20)"
    assert figure_text({"value": 2, "low": -1, "high": 5}, 1, sign="+") == "+2.0 (-1.0 to +5.0)"
    assert figure_text({"value": 2, "low": None, "high": None}) == "2.00 (no interval)"
    assert figure_text(None) == figure_text({"what": "the judge"}) == "–"
    assert len({re.search(">(.)<", light_html(x))[1] for x in ("within limits", "unclear", "outside limits")}) == 3


def test_a_table_has_caption_scopes_and_no_foreign_html():
    text = table_html("<T>", ["a", "b"], [["<script>", "<b>1</b>"]], is_html=[1])
    assert "<caption>&lt;T&gt;</caption>" in text and '<th scope="row">&lt;script&gt;</th><td><b>1</b></td>' in text
    assert text.count('scope="col"') == 2 and 'tabindex="0"' in text

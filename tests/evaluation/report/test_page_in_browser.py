"""The page of a report in headless Chromium: accessible, narrow, zoomed, printed. Left out where there is no Chromium.

axe-core is the one inside the wheel of axe-core-python. Chromium is asked by its command line alone: a copy of the page
gets a script that writes what it found into the page, which is then dumped.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from planted_figures import figure, planted

from monai_mammo.evaluation.report.criteria import verdicts_of
from monai_mammo.evaluation.report.lights import Light
from monai_mammo.evaluation.report.report_page import report_page
from monai_mammo.evaluation.report.shown_images import Panel, Picture
from monai_mammo.evaluation.report.uses import answers_to_questions, sentence_of, uses_of
from monai_mammo.files.png import png_bytes

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")

_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
_FOUND = re.compile(r'<pre id="found">(.*?)</pre>', re.DOTALL)
_SERIOUS = ("serious", "critical")


def pictures(seed: int) -> tuple[Picture, ...]:
    return tuple(
        Picture(
            png=png_bytes(np.full((96, 72), 40 + 60 * seed, dtype=np.uint8)),
            alternative=f"{sort} mammogram, film, CC",
            caption=f"{sort}: film, CC, density B, mass; closest of the reference",
        )
        for sort in ("SYNTHETIC", "acquired", "acquired")
    )


def whole_report() -> dict:
    """A report with every section: trainings, pairs, subgroups, baselines, notes."""
    figures = planted()
    shown, apart = figure(0.7, 0.05), {"synthetic": figure(0, 0.5, 20), "control": figure(0, 0.5, 20)}
    figures["realism"]["settings"]["sizes"] = {"full": [384, 288]}
    figures["realism"]["profile"] = [
        {
            **{"kind": "film", "view": view, "measure": measure, "synthetic": shown, "acquired": shown},
            **{"difference": figure(0.01, 0.02), "control_difference": figure(0, 0.02)},
        }
        for view in ("CC", "MLO", "both")
        for measure in ("breast area", "dense share")
    ]
    figures["pairs"] = [
        {"kind": "film", "measure": name, "figure": {**shown, "mean": 0.9}} for name in ("psnr", "ssim")
    ]
    figures["utility"] = {
        "recipes": figures["utility"]["recipes"],
        "sentence": "No gain is shown.",
        "notes": ["12 images of unknown density were left out."],
        "target": {"name": "density", "classes": ["A or B", "C or D"]},
        "n_comparisons": 2,
        "arms": [
            {
                **{"arm": arm, "title": f"trained on {arm}", "architecture": architecture},
                **{"area": {**shown, "n_readers": 5}, "spearman": shown},
            }
            for arm in ("real", "synthetic", "real_and_synthetic_1", "synthetic_then_real")
            for architecture in ("convolutions", "frozen features")
        ],
        "comparisons": [
            {
                **{"arm": "real", "than": "synthetic", "architecture": "convolutions", "gain": figure(0.01, 0.03)},
                **{"effect": figure(0.1, 0.2), "p_holm": 1.0, "is_shown": False},
                **{"could_see": 0.04, "could_see_holm": 0.05},
            }
        ],
    }
    few = {"n_synthetic": 3, "n_acquired": 4, "n_persons": 2}
    figures["subgroups"] = {
        "rows": [
            {
                **{"subgroup": {"kind": "film"}, "n_synthetic": 60, "n_acquired": 250, "n_persons": 90},
                **{"texture": apart, "ridge": apart, "box": {"synthetic": shown, "acquired": shown}},
                "coverage": {"radiomic": {"synthetic": shown, "control": shown}},
            }
        ],
        **{"crossed": [], "too_few": [{"subgroup": {"age": "70 and over"}, **few}]},
        **{"few_persons": [], "n_least_images": 10, "n_few_persons": 20},
    }
    figures["cases"] |= {
        "rows": [{"kind": "film", "view": "CC", "density": "B", "finding": "mass", **few}],
        "cases_covered": figure(0.9, 0.05, 10),
        **{"missing": ["film, MLO, D, mass"], "few_persons": [{}], "n_few_persons": 20},
    }
    figures["memorisation"]["threshold"] = 0.6
    verdicts = verdicts_of(figures)
    answers = answers_to_questions(verdicts)
    uses = uses_of(answers)
    judged = {row["name"]: {key: row[key] for key in ("figure", "judged", "light")} for row in verdicts}
    lights = {str(light): 3 for light in Light}
    row = {"n": 60, "lights": lights, "mean_frechet": 0.3, "verdicts": judged, "sentence": sentence_of(uses)}
    return {
        **{"sentence": sentence_of(uses), "answers": answers, "uses": uses, "verdicts": verdicts, "figures": figures},
        "notes": ["The reference holds images that the generator was trained on.", "2 images show nothing."],
        "synthetic": {"name": "run", "form": "run", "n_images": 60, "images": "SYNTHETIC", "seed": 11}
        | {"weights": [{"name": "mammo_vae", "version": "0.1.0", "sha256": "a" * 64}]},
        "reference": {
            **{"name": "prepared", "split": "validation", "n_images": 250, "n_persons": 120},
            **{"n_control_images": 60, "n_control_persons": 50},
        },
        "bundles": [
            {"name": "mammo_lesion_segmentation", "version": "0.4.0", "weights": "model.pt", "sha256": "b" * 64}
        ],
        "closeness_to": "fingerprint of mammo_diffusion",
        "baselines": [{"images": name, **row} for name in ("these images", "blurred copies of these")],
    }


@pytest.fixture(scope="module")
def page() -> str:
    shown = [
        Panel(title=title, about="smallest distance", rows=tuple(map(pictures, range(2))), names=("a", "b"))
        for title in ("Most like acquired images", "At random")
    ]
    return report_page(whole_report(), shown)


def chromium(folder: Path, *words: str) -> str:
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=300, check=False)
    return done.stdout


def asked(folder: Path, page: str, script: str) -> object:
    """What a script that is put at the end of a page writes there as JSON."""
    text = page.replace("</body>", f'<pre id="found"></pre><script>{script}</script></body>')
    path = folder / "page.html"
    path.write_text(_POLICY.sub("", text), encoding="utf-8")
    shown = chromium(folder, "--virtual-time-budget=60000", "--dump-dom", path.as_uri())
    found = _FOUND.findall(shown)[-1]
    assert found, "the script wrote nothing"
    return json.loads(html.unescape(found))


def test_the_page_has_all_sections(page):
    for name in ("images", "congruence", "coverage", "consistency", "utility", "baselines", "method"):
        assert f'<section id="{name}"' in page
    for caption in ("Trainings", "What each training gains", "Images beside those that they were made from"):
        assert f"<caption>{caption}</caption>" in page


def serious_violations(folder: Path, page: str) -> set[str]:
    """Rules of axe-core that a page breaks in earnest."""
    script = (resources.files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
    script = script.replace("</script>", "<\\/script>")
    ask = (
        "axe.run().then(r => document.getElementById('found').textContent = JSON.stringify("
        "r.violations.map(v => [v.impact, v.id, v.nodes.length, v.nodes[0].html.slice(0, 200)])))"
    )
    return {rule for impact, rule, *_ in asked(folder, page, f"{script};{ask}") if impact in _SERIOUS}


def test_axe_finds_nothing_serious_and_would_find_a_picture_without_words(page, tmp_path):
    assert serious_violations(tmp_path, page) == set()
    wordless = re.sub(r'(<img[^>]*?) alt="[^"]*"', r"\1", page)
    assert wordless != page and "image-alt" in serious_violations(tmp_path, wordless)


@pytest.mark.parametrize("width", [1280, 640, 320], ids=["wide", "zoomed to 200 %", "narrow"])
def test_nothing_but_tables_scrolls_sideways(page, tmp_path, width):
    """A window of 1280 pixels zoomed to 200 % lays a page out as one of 640 does."""
    inner = json.dumps(_POLICY.sub("", page)).replace("</", "<\\/")
    script = (
        "const f = document.createElement('iframe');"
        f"f.style.width = '{width}px'; f.style.height = '900px'; f.style.border = '0';"
        "f.onload = () => { const d = f.contentDocument; const over = [];"
        f"for (const e of d.querySelectorAll('body *')) {{ if (e.closest('.scroll')) continue;"
        f" if (e.getBoundingClientRect().right > {width} + 1 && !e.matches('.skip'))"
        " over.push(e.outerHTML.slice(0, 80)); }"
        "document.getElementById('found').textContent ="
        " JSON.stringify([d.documentElement.scrollWidth, over.slice(0, 5)]); };"
        f"f.srcdoc = {inner}; document.body.append(f);"
    )
    scroll_width, over = asked(tmp_path, "<html><body></body></html>", script)
    assert scroll_width <= width and over == []


def test_it_can_be_printed(page, tmp_path):
    path, printed = tmp_path / "page.html", tmp_path / "page.pdf"
    path.write_text(page, encoding="utf-8")
    chromium(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={printed}", path.as_uri())
    data = printed.read_bytes()
    n_pages = len(re.findall(rb"/Type\s*/Page\b", data))
    assert 3 <= n_pages <= 40, "every section and no page per row"

"""Reports on the site: pages that stand alone and stay small, and the table that names them."""

from __future__ import annotations

import base64
import importlib.util
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs" / "reports").glob("*.html"))

_spec = importlib.util.spec_from_file_location("report_pages", ROOT / "docs" / "report_pages.py")
report_pages = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(report_pages)


def page_of(*pictures: np.ndarray) -> str:
    figures = ""
    for picture in pictures:
        buffer = BytesIO()
        Image.fromarray(picture).save(buffer, format="PNG")
        figures += f'<img alt="SYNTHETIC" src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">'
    return f"<html><body>{figures}<footer><p>Made by monai_mammo.</p></footer></body></html>"


def smooth(seed: int) -> np.ndarray:
    rows, columns = np.indices((96, 72))
    return (120 + 60 * np.sin(rows / 9 + seed) + 40 * np.cos(columns / 7)).astype(np.uint8)


def test_pictures_of_a_page_become_webp_and_look_the_same():
    page = report_pages.small_page(page_of(smooth(0), smooth(1)))
    assert "image/png" not in page and "Pictures of this copy are WebP of quality 90" in page
    for seed, data in enumerate(re.findall(r"data:image/webp;base64,([A-Za-z0-9+/=]+)", page)):
        shown = np.asarray(Image.open(BytesIO(base64.b64decode(data))).convert("L")).astype(int)
        assert np.abs(shown - smooth(seed)).mean() < 2


def test_a_page_that_is_too_large_is_made_coarser_or_refused():
    grain = np.random.default_rng(0).integers(0, 256, (96, 72), dtype=np.uint8)
    fine = len(report_pages.small_page(page_of(grain)).encode())
    coarser = report_pages.small_page(page_of(grain), most_bytes=fine - 1)
    assert len(coarser.encode()) < fine and "quality 80" in coarser
    with pytest.raises(ValueError, match="100 are allowed"):
        report_pages.small_page(page_of(grain), most_bytes=100)


def test_a_line_of_the_table_is_added_once_and_then_replaced():
    index = "head\n\n<!-- reports -->\n| bundle | images |\n|---|---|\n<!-- /reports -->\nfoot\n"
    light = {"light": "unclear"}
    report = {"sentence": "These images may be used.", "synthetic": {"n_images": 60}}
    report["answers"] = {name: light for name in ("realism", "request", "help", "copies")}
    distances = {"frechet_radiomic": 0.083, "frechet_filtered": 15.491, "frechet_network": None}
    report["verdicts"] = [
        {
            **{"name": name, "question": "realism", "heading": "congruence"},
            "light": "not measured" if value is None else "outside limits" if value > 1 else "unclear",
            **{"figure": None if value is None else {"value": value}, "beside": {"value": 0.05}},
        }
        for name, value in distances.items()
    ]
    once = report_pages.with_line(index, "mine", report_pages.table_line("mine", report))
    other = report_pages.with_line(once, "other", report_pages.table_line("other", report))
    report["synthetic"]["n_images"] = 300
    again = report_pages.with_line(other, "mine", report_pages.table_line("mine", report))
    assert again.count("[mine](reports/mine.html)") == again.count("[other](") == 1
    told = "1 of 2 figures outside limits | 0.08, 15.49, – | 0.05, 0.05, 0.05"
    assert f"| 300 | unclear | unclear | unclear | unclear | {told} | These images may be used. |" in again
    assert again.endswith("<!-- /reports -->\nfoot\n")


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_each_page_of_the_site_is_small_stands_alone_and_is_named(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) <= report_pages.MOST_BYTES
    assert re.findall(r'(?:src|href)="(?!data:|#)', text) == [] and "default-src 'none'" in text
    assert f"[{path.stem}](reports/{path.name})" in (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")

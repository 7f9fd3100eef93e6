"""Puts reports into the site: ``python docs/report_pages.py NAME=REPORT_FOLDER …``.

Each report becomes ``docs/reports/NAME.html``, its pictures as WebP so that a page stays small, and a line of the
table in ``docs/reports.md``. A line of a name that is there already is replaced.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from monai_mammo.evaluation.report.uses import how_many_outside

HERE = Path(__file__).resolve().parent
MOST_BYTES = 1_500_000
_QUALITIES = (90, 80, 70, 60)
_PICTURE = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")
_TABLE = re.compile(r"(<!-- reports -->\n.*?\n\|(?:---\|)+\n)(.*?)(<!-- /reports -->)", re.DOTALL)
_QUESTIONS = ("realism", "request", "help", "copies")
_DISTANCES = ("frechet_radiomic", "frechet_filtered", "frechet_network")


def small_page(html: str, *, most_bytes: int = MOST_BYTES) -> str:
    """The same page with its pictures as WebP, as fine as the size allows.

    Parameters
    ----------
    html : str
        Of ``report.html``.
    most_bytes : int
        That the page may have.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        The page is larger at the lowest quality.
    """
    for quality in _QUALITIES:
        page = _PICTURE.sub(lambda found, quality=quality: _webp(found[1], quality), html)
        words = f"Pictures of this copy are WebP of quality {quality}; those of the report itself are lossless. "
        page = page.replace("<footer><p>", f"<footer><p>{words}", 1)
        if len(page.encode()) <= most_bytes:
            return page
    raise ValueError(f"the page has {len(page.encode())} bytes at quality {quality}, and {most_bytes} are allowed")


def table_line(name: str, report: dict[str, Any]) -> str:
    """Line of the table of reports.

    Parameters
    ----------
    name : str
        Of the page.
    report : dict
        Of ``report.json``.

    Returns
    -------
    str
        Markdown.
    """
    lights = [report["answers"][question]["light"] for question in _QUESTIONS]
    outside = how_many_outside(report["verdicts"], "realism")
    rows = {row["name"]: row for row in report["verdicts"]}
    distances = (
        [_distance(rows[key], "figure") for key in _DISTANCES],
        [_distance(rows[key], "beside") for key in _DISTANCES],
    )
    cells = [f"[{name}](reports/{name}.html)", str(report["synthetic"]["n_images"]), *lights, outside]
    return "| " + " | ".join([*cells, *(", ".join(some) for some in distances), report["sentence"]]) + " |"


def _distance(row: dict[str, Any], side: str) -> str:
    return f"{row[side]['value']:.2f}" if row[side] else "–"


def with_line(page: str, name: str, line: str) -> str:
    """The page of reports with one more line in its table, or one in place of another of the same name.

    Parameters
    ----------
    page : str
        Markdown with a table between ``<!-- reports -->`` and ``<!-- /reports -->``.
    name : str
    line : str
        Of `table_line`.

    Returns
    -------
    str
    """
    found = _TABLE.search(page)
    if found is None:
        raise ValueError("the page has no table between <!-- reports --> and <!-- /reports -->")
    rows = found[2].splitlines()
    is_there = [row.startswith(f"| [{name}](") for row in rows]
    rows = [line if same else row for row, same in zip(rows, is_there, strict=True)]
    rows += [] if any(is_there) else [line]
    text = "".join(f"{row}\n" for row in rows)
    return page[: found.start(2)] + text + page[found.end(2) :]


def _webp(data: str, quality: int) -> str:
    buffer = BytesIO()
    with Image.open(BytesIO(base64.b64decode(data))) as image:
        image.convert("L").save(buffer, format="WEBP", quality=quality, method=6)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def main() -> int:
    """Write the pages that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", nargs="+", metavar="NAME=FOLDER", help="name of the page, and a report's folder")
    for text in parser.parse_args().reports:
        name, _, folder = text.partition("=")
        if not folder or not re.fullmatch(r"[a-z0-9_]+", name):
            parser.error(f"{text!r} is not NAME=FOLDER with a name of small letters, digits and underscores")
        report = json.loads((Path(folder) / "report.json").read_text(encoding="utf-8"))
        page = small_page((Path(folder) / "report.html").read_text(encoding="utf-8"))
        (HERE / "reports").mkdir(exist_ok=True)
        (HERE / "reports" / f"{name}.html").write_text(page, encoding="utf-8")
        index = HERE / "reports.md"
        line = table_line(name, report)
        index.write_text(with_line(index.read_text(encoding="utf-8"), name, line), encoding="utf-8")
        print(f"{name}.html: {len(page.encode()) / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())

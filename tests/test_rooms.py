"""What import-linter cannot see: the rooms that the bundles' configs name, the names of files, and the map of rooms."""

from __future__ import annotations

import configparser
import re
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

import monai_mammo

ROOT = Path(__file__).resolve().parents[1]
BUNDLES = ROOT / "bundles"
CONFIGS = sorted(BUNDLES.glob("*/configs/*.json"))
NAME = re.compile(r"\bmonai_mammo((?:\.[A-Za-z_]\w*)+)")


def names_in(path: Path) -> list[tuple[str, ...]]:
    """Names of this package in a config, without the package: ``("training", "LesionLoss")``."""
    return [tuple(match[1].strip(".").split(".")) for match in NAME.finditer(path.read_text(encoding="utf-8"))]


def test_there_are_configs_of_all_bundles():
    assert len({path.parents[1] for path in CONFIGS}) == 5
    assert len([name for path in CONFIGS for name in names_in(path)]) > 50


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parents[1].name}/{path.name}")
def test_a_training_names_nothing_of_generation(path):
    named = {room for room, *_ in names_in(path)}
    assert "generation" not in named or path.name == "inference.json"
    assert not {"cli", "evaluation"} & named


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parents[1].name}/{path.name}")
def test_what_a_config_names_is_public(path):
    for room, *rest in names_in(path):
        found = import_module(f"monai_mammo.{room}")
        for name in rest:
            assert name in found.__all__, f"{path.name} names {room}.{'.'.join(rest)}, which is not public there"
            found = getattr(found, name)
            if not hasattr(found, "__all__"):
                break


def test_a_file_name_tells_its_room():
    """Who reads ``from … import`` or a traceback knows the file by its last name alone."""
    files = Path(monai_mammo.__file__).parent.rglob("*.py")
    names = Counter(path.name for path in files if path.name not in ("__init__.py", "__main__.py"))
    assert len(names) > 200
    assert not [name for name, count in names.items() if count > 1]


def layers() -> list[list[str]]:
    """Rooms as `setup.cfg` has them, the last one first; those of one line do not import each other."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    return [line.split(" | ") for line in settings["importlinter:contract:rooms"]["layers"].split("\n") if line]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_the_map_shows_the_order_that_is_held(page):
    shown = re.search(r"<!-- rooms -->\n```\n(.*?)```\n<!-- /rooms -->", (ROOT / page).read_text("utf-8"), re.DOTALL)
    assert shown
    rooms = [room for layer in layers() for room in layer]
    words = [word for word in re.findall(r"\w+", shown[1]) if word in rooms]
    places = [next(i for i, layer in enumerate(layers()) if word in layer) for word in words]
    assert sorted(words) == sorted(rooms), "each room once"
    assert places == sorted(places), "from the last room to the first"


def test_each_file_that_the_map_names_is_there():
    """What stands in code quotes, as a path below the package or the repository; NAME stands for any."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("## Where things are")[1].split("## What a change")[0]
    named = [name for name in re.findall(r"`([\w/.]+(?:\.py|/))`", text) if "NAME" not in name]
    assert len(named) > 15
    assert not [name for name in named if not ((ROOT / "monai_mammo" / name).exists() or (ROOT / name).exists())]

"""The package as a whole: what it imports, what it shows, what its wheel carries."""

from __future__ import annotations

import configparser
import importlib
import inspect
import pkgutil
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import monai_mammo

ROOT = Path(monai_mammo.__file__).parents[1]
HEAVY = ("torch", "monai", "ignite", "pydicom", "highdicom", "numpy", "scipy", "skimage", "SimpleITK", "rich")


def public_modules() -> list[str]:
    """The package, its rooms and its nouns: what a user imports from."""
    rooms = [f"monai_mammo.{module.name}" for module in pkgutil.iter_modules(monai_mammo.__path__)]
    return ["monai_mammo", *(room for room in sorted(rooms) if not room.rsplit(".")[-1].startswith("_"))]


def loaded_by(statement: str) -> set[str]:
    """Top-level modules in memory after a statement in a fresh interpreter."""
    code = f"{statement}; import sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_importing_the_package_costs_nothing_heavy():
    assert loaded_by("import monai_mammo").isdisjoint(HEAVY)


@pytest.mark.parametrize("room", ["bundle", "phantom", "dicom", "text", "cli.main"])
def test_what_answers_before_any_computation_does_without_torch(room):
    assert loaded_by(f"import monai_mammo.{room}").isdisjoint({"torch", "monai", "ignite"})


def test_the_path_of_generate_does_without_monai():
    """Every module of it, because names of the rooms resolve on first use only."""
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for room in ("generation", "networks", "sampling", "dicom")
        for path in (ROOT / "monai_mammo" / room).glob("[a-z]*.py")
    ]
    assert len(modules) > 20
    loaded = loaded_by("import " + ", ".join(modules))
    assert "torch" in loaded
    assert loaded.isdisjoint({"monai", "ignite"})


@pytest.mark.parametrize("name", public_modules())
def test_every_public_name_is_there_and_documented(name):
    module = importlib.import_module(name)
    assert module.__doc__
    assert list(module.__all__), "a module says what is public"
    assert len(set(module.__all__)) == len(module.__all__)
    assert set(module.__all__) <= set(dir(module))
    for public in module.__all__:
        thing = getattr(module, public)
        if inspect.isclass(thing) or inspect.isroutine(thing):
            assert inspect.getdoc(thing), f"{name}.{public} has no docstring"


@pytest.mark.parametrize("name", public_modules())
def test_no_lazy_name_is_that_of_a_file_beside_it(name):
    """A submodule becomes an attribute of its package once it is imported, and hides the lazy name."""
    module = importlib.import_module(name)
    files = {found.name for found in pkgutil.iter_modules(getattr(module, "__path__", []))}
    assert files.isdisjoint(getattr(module, "_HOMES", {}))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        monai_mammo.no_such_name  # noqa: B018


HELP = [
    sys.executable,
    "-c",
    "import sys; sys.argv = ['monai-mammo', '--help']; from monai_mammo.cli.main import main; sys.exit(main())",
]


def test_help_takes_under_half_a_second_of_processor_time():
    """Best of three: what is measured is the work, not the disk of a cold start."""

    def cpu_seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(HELP, stdout=subprocess.DEVNULL, check=True, cwd=ROOT)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)

    assert min(cpu_seconds() for _ in range(3)) < 0.5


@pytest.mark.parametrize("command", ["generate", "verify", "reconstruct", "prepare", "train", "doctor", "bundles"])
def test_help_names_every_command(command):
    done = subprocess.run(HELP, capture_output=True, text=True, check=True, cwd=ROOT)
    assert command in done.stdout


@pytest.fixture(scope="module")
def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_setup_cfg_lists_every_package(setup_cfg):
    listed = setup_cfg["options"]["packages"].split()
    found = [".".join(init.parent.relative_to(ROOT).parts) for init in (ROOT / "monai_mammo").rglob("__init__.py")]
    assert sorted(listed) == sorted([*found, "monai_mammo._bundles"])


def test_pinned_versions_lie_in_the_ranges_of_setup_cfg(setup_cfg):
    pins = {canonicalize_name(pin.name): str(pin.specifier)[2:] for pin in requirements(ROOT / "requirements.txt")}
    for requirement in map(Requirement, lines(setup_cfg["options"]["install_requires"])):
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier, str(requirement)


def test_torch_is_pinned_first():
    assert [pin.name for pin in requirements(ROOT / "requirements.txt")][0] == "torch"


def requirements(path: Path) -> list[Requirement]:
    return [Requirement(line) for line in lines(path.read_text(encoding="utf-8"))]


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith(("#", "-r"))]

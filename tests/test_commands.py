"""Every command is one function at the top level of the package, with the same words; all documents say so alike."""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import re
from pathlib import Path

import pytest

import monai_mammo
from monai_mammo.cli import main
from monai_mammo.commands import COMMANDS, markdown_rows
from monai_mammo.evaluation.evaluate_figures import FIGURES, evaluate, figure_function
from monai_mammo.generation import Request

ROOT = Path(__file__).parents[1]
NAMES = [command.name for command in COMMANDS]
FUNCTIONS = {command.name: command.function for command in COMMANDS}
OF_A_PROCESS = {"quiet", "json", "run", "uses_networks", "takes_overrides", "threads", "help", "machine"}
PYTHON_ALONE = {"progress", "announce", "scorers", "request", "settings", "overrides", "limits", "also"}
"""Words that mean nothing on a command line: functions, an object, what stands for single flags, and the second kind,
which `--kind digital+contrast` names."""


def parsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Parsers of the sub-commands, by name."""
    action = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return dict(action.choices)


def words_of(parser: argparse.ArgumentParser) -> set[str]:
    """Names of all options and arguments."""
    return {action.dest for action in parser._actions} - OF_A_PROCESS


def parameters(function) -> set[str]:
    return set(inspect.signature(function).parameters)


def test_the_command_line_has_the_commands_of_the_list_and_their_words():
    found = parsers(main._parser())
    assert list(found) == NAMES
    action = next(a for a in main._parser()._actions if isinstance(a, argparse._SubParsersAction))
    assert [(choice.dest, choice.help) for choice in action._choices_actions] == [(c.name, c.does) for c in COMMANDS]


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_function_of_the_package(name):
    assert FUNCTIONS[name] in monai_mammo.__all__
    assert callable(getattr(monai_mammo, FUNCTIONS[name]))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("train", "evaluate")])
def test_a_command_and_its_function_take_the_same_words(name):
    flags = words_of(parsers(main._parser())[name])
    words = parameters(getattr(monai_mammo, FUNCTIONS[name]))
    if "settings" in words:
        words |= {field.name for field in dataclasses.fields(Request)}
    assert words - PYTHON_ALONE == flags


@pytest.mark.parametrize("figures", FIGURES)
def test_each_of_the_figures_takes_the_same_words(figures):
    flags = words_of(parsers(parsers(main._parser())["evaluate"])[figures]) - {"out"}
    words = parameters(figure_function(figures)) - {"out"} - PYTHON_ALONE
    more = {"n_columns", "n_rows"} if figures == "sheet" else {"split"} if figures == "fingerprint" else set()
    assert words - more == flags


def test_figures_of_another_name_are_refused():
    with pytest.raises(monai_mammo.RequestError, match=r"figures 'nothing' are not one of reconstruction, spots"):
        evaluate("nothing")


@pytest.mark.parametrize(
    "name",
    [
        "generate",
        "verify",
        "reconstruct",
        "insert",
        "remove",
        "evolve",
        "counterfactual",
        "translate",
        "augment",
        "prepare",
        "doctor",
        "deidentify",
    ],
)
def test_work_that_takes_long_tells_how_far_it_is(name):
    assert "progress" in parameters(getattr(monai_mammo, name))


def test_the_diffusion_bundle_has_one_name():
    functions = [monai_mammo.generate, *(figure_function(figures) for figures in FIGURES)]
    assert not {"name", "diffusion", "diffusion_bundle"} & set().union(*map(parameters, functions))
    assert "bundle" in {field.name for field in dataclasses.fields(Request)}


@pytest.mark.parametrize("page", ["README.md", "docs/user_guide.md"])
def test_documents_show_the_list(page):
    """`python -c "from monai_mammo.commands import markdown_rows; print(markdown_rows())"` makes the table anew."""
    text = (ROOT / page).read_text(encoding="utf-8")
    shown = re.search(r"<!-- commands -->\n(.*?)<!-- /commands -->", text, re.DOTALL)
    assert shown and shown[1] == markdown_rows()


def test_a_room_that_is_a_command_is_both():
    assert "source" in parameters(monai_mammo.prepare)
    assert monai_mammo.prepare.load_datalist.__module__ == "monai_mammo.prepare.datalist_items"

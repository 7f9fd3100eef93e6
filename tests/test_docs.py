"""What the documents promise, held against the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import markdown
import pytest

from monai_mammo import terms
from monai_mammo.cli.main import main
from monai_mammo.conditions import Conditions
from monai_mammo.prepare.datasets.table import columns_table

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "user_guide.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("bundles/*/docs/*.md")])


def readme_command(name: str) -> list[str]:
    """Words of the last part of a README command, which is what it is for."""
    block = re.search(rf"<!-- command: {name} -->\n```bash\n(.*?)```", README, re.DOTALL)
    assert block, f"README.md has no command {name}"
    parts = block[1].replace("\\\n", " ").split("&&")
    assert "pip install torch==" in parts[1], "torch is installed first, alone"
    return shlex.split(parts[-1])


def test_first_screen_has_two_commands_and_the_warning():
    head = README.partition("\n## ")[0]
    assert re.findall(r"<!-- command: (\w+) -->", README) == ["generate", "test"]
    assert head.count("```bash") == 2
    assert "not a medical device" in head.partition("```bash")[0]


def test_main_job_is_a_request_that_the_vocabularies_know():
    words = readme_command("generate")
    assert words[:2] == [".venv/bin/monai-mammo", "generate"]
    options = {name.removeprefix("--"): value for name, value in zip(words[2::2], words[3::2], strict=True)}
    known = {name: value for name, value in options.items() if name not in ("count", "seed", "out")}
    assert Conditions.from_dict(known).finding is terms.Finding.MASS


@pytest.mark.parametrize(
    "vocabulary",
    [terms.AcquisitionKind, terms.View, terms.Laterality, terms.Density, terms.Finding, terms.Pathology],
    ids=lambda v: v.noun(),
)
def test_guide_lists_the_allowed_values(vocabulary):
    assert f"| `{vocabulary.noun()}` | {vocabulary.allowed()} |" in GUIDE


def test_guide_lists_the_columns_of_a_table():
    assert columns_table() in GUIDE


def test_guide_lists_every_option_of_generate(capsys):
    with pytest.raises(SystemExit):
        main(["generate", "--help"])
    options = set(re.findall(r"^  (--[a-z-]+)", capsys.readouterr().out, re.MULTILINE)) - {"--help"}
    named = re.findall(r"^\| `(\w+)` \|", GUIDE, re.MULTILINE)
    conditions = {f"--{name.replace('_', '-')}" for name in named}
    mentioned = set(re.findall(r"`(--[a-z-]+)", GUIDE))
    assert len(options) > 15
    assert options <= conditions | mentioned


def test_guide_lists_the_birads_categories():
    assert f"| `birads` | {', '.join(map(str, terms.BIRADS_CATEGORIES))} |" in GUIDE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_within_the_repository_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    anchors = {heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if "://" in path:
            continue
        assert not path or (page.parent / path).exists(), f"{page.name} points to {path}, which is not there"
        if anchor and not path:
            assert anchor in anchors


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.name)
def test_each_step_of_a_numbered_list_is_a_step_of_the_page(path):
    text = path.read_text(encoding="utf-8")
    steps = re.findall(r"^\d+\. ", re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    page = markdown.markdown(text, extensions=["tables", "pymdownx.superfences"])
    lists = re.findall(r"<ol\b.*?</ol>", page, re.DOTALL)
    assert sum(one.count("<li>") for one in lists) == len(steps)


READ_BY_USERS = [
    path
    for pattern in ("*.md", "docs/**/*.md", "bundles/*/docs/*.md", "*/*.py", "monai_mammo/**/*.py", "benchmarks/*.md")
    for path in sorted(ROOT.glob(pattern))
]


def test_nobody_is_told_to_install_the_package_from_an_index():
    """It is on none, and the name is free for anyone: it is installed from a clone or a wheel."""
    install = re.compile(r"pip install(?: -\S+)*[ \"']+monai[-_]mammo\b|monai-mammo\[")
    assert install.search('pip install "monai-mammo[text]"') and install.search("pip install -U monai-mammo")
    assert not install.search('pip install ".[text]"')
    paths = [path for path in READ_BY_USERS if path.parent.name != "tests"]
    assert len(paths) > 400
    assert not [str(path) for path in paths if install.search(path.read_text(encoding="utf-8"))]

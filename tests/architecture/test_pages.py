"""What the pages say is what the tree holds."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer

from napari_fusion.cli.app import app

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "napari_fusion"


FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
PAGES = [ROOT / "README.md", ROOT / "models" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands() -> list[list[str]]:
    """Every command with arguments that the pages tell to type."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in FENCE.findall(text):
            found += re.findall(r"^(?:\$ )?napari-fusion (.+)$", block, re.MULTILINE)
        found += re.findall(r"`napari-fusion ([^`|…]+)`", FENCE.sub("", text))
    told = [shlex.split(one, comments=True) for one in found]
    return [one for one in told if one[1:] and (one[2:] or not one[1].startswith("--"))]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_on_a_page_can_be_typed_as_it_stands(words):
    name, *arguments = words
    command = typer.main.get_command(app).commands[name]
    command.make_context(name, arguments)


def rooms() -> list[str]:
    entries = [p for p in SOURCE.iterdir() if not p.name.startswith("_")]
    return sorted(p.name for p in entries if p.suffix == ".py" or (p / "__init__.py").exists())


@pytest.mark.parametrize("room", rooms())
def test_every_room_is_on_the_architecture_page(room):
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert re.search(rf"^ +{re.escape(room)}/? ", page, re.MULTILINE)


def test_the_floors_on_the_page_are_those_that_are_checked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    floors = project["tool"]["importlinter"]["contracts"][0]["layers"]
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    _, _, shown = page.partition("## 4. Direction\n\n")
    lines = shown.split("\n\n")[0].splitlines()
    assert [line.strip().split("   ")[0] for line in lines] == [f.strip("()") for f in floors]


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda p: p.name)
def test_no_file_is_longer_than_the_house_allows(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("page", ["README.md", "docs/index.md", "src/napari_fusion/export.py"])
def test_the_disclaimer_is_there(page):
    assert "not a medical device" in (ROOT / page).read_text(encoding="utf-8").lower()

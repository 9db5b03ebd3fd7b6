"""What the pages say is what the tree holds."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "napari_fusion"


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
